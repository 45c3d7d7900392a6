"""`RealModeConfig` of comfy-script 0.6, as far as it can be kept."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ['RealModeConfig']


@dataclass(frozen=True)
class RealModeConfig:
    """How nodes are called. All of it on is real mode, all of it off is naked mode (`RealModeConfig.naked()`).

    `track_workflow` alone can be off besides; anything else is refused by `load(config=…)`.
    """

    callable: bool = True
    wrapper: bool = True
    args_to_kwds: bool = True
    map_inputs: bool = True
    use_config_defaults: bool = True
    unpack_single_output: bool = True
    track_workflow: bool = True
    trace_workflow_inject_inputs: bool = True

    @staticmethod
    def naked() -> RealModeConfig:
        """Nodes are ComfyUI's classes themselves."""
        return RealModeConfig(*[False] * len(fields(RealModeConfig)))

    @property
    def is_naked(self) -> bool:
        """Whether all is off. Raises TypeError for what cannot be kept."""
        off = [field.name for field in fields(self) if not getattr(self, field.name)]
        if len(off) == len(fields(self)):
            return True
        kept = {'track_workflow', 'trace_workflow_inject_inputs'}
        refused = [name for name in off if name not in kept]
        if refused:
            raise TypeError(
                f'RealModeConfig({refused[0]}=False) is of comfy-script 0.6: nodes are called as functions, or, with '
                'load(naked=True), are ComfyUI\'s classes; there is nothing between'
            )
        return False
