"""The modules a script can import: each is a table of what it has, made when it is first imported.

`torch` is there when ComfyUI has it loaded. What an owner adds in comfyscript.toml comes from `extra`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..machine import Machine
from ..objects import ModuleRef

Maker = Callable[[Machine], ModuleRef]


def _lazy(module: str, name: str) -> Maker:
    def make(m: Machine) -> ModuleRef:
        loaded = m.state.get(f'module {name}')
        if loaded is None:
            import importlib

            source = importlib.import_module(f'.{module}', __package__)
            loaded = m.state[f'module {name}'] = source.make(m, name)
        return loaded

    return make


MODULES: Mapping[str, Maker] = {
    name: _lazy(module, name)
    for name, module in {
        'math': 'numeric',
        'colorsys': 'numeric',
        'statistics': 'numeric',
        'random': 'chance',
        'itertools': 'iteration',
        'functools': 'iteration',
        'operator': 'iteration',
        're': 'patterns',
        'json': 'data',
        'datetime': 'clock',
        'time': 'clock',
        'torch': 'torch_functions',
        'torch.nn': 'torch_functions',
        'torch.nn.functional': 'torch_functions',
    }.items()
}
