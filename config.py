"""The settings of comfy-script 0.6 are not read: what is saved with images is chosen in ComfyUI's own settings."""

from __future__ import annotations

from typing import NoReturn


def __getattr__(name: str) -> NoReturn:
    if name == 'settings':
        raise ImportError(
            'comfy_script.config.settings, settings.toml and COMFY_SCRIPT_… are of comfy-script 0.6 and are not read: '
            "choose in ComfyUI's settings, under ComfyScript, what is saved with images (docs/saving.md)"
        )
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
