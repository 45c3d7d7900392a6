"""Widgets for notebooks: `import comfy_script.ui as ui`, as scripts for comfy-script 0.6 have it.

`ui.ipy` is made with ipywidgets; `ui.solara` is its `MetadataViewer` under the name that 0.6 had it by. What they need
is imported when a widget is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import ipy, solara

__all__ = ['ipy', 'solara']


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f'.{name}', __name__)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
