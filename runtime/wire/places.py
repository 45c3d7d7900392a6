"""Places in scripts as people read them; in a notebook by the number of the cell."""

from __future__ import annotations

import re
from typing import Any

from ...comfyui.loaded import loaded

__all__ = ['cell_number', 'notebook_shell', 'shown_place']

_CELL = re.compile(r'In\s*\[(\d+)\]')


def notebook_shell() -> Any:
    """IPython's shell, where code runs in one (in a notebook, or a terminal), or None."""
    ipython = loaded('IPython')
    return ipython.get_ipython() if ipython is not None else None


def cell_number(file: str) -> int | None:
    """The number of the notebook's cell that has been run as this file (IPython `CachingCompiler`), or None."""
    shell = notebook_shell()
    describe = getattr(getattr(shell, 'compile', None), 'format_code_name', None)
    named = describe(file) if describe is not None else None
    found = _CELL.search(str(named)) if named else None
    return int(found[1]) if found else None


def shown_place(file: str, line: int) -> str:
    """`script.py:12`, or `cell 5, line 1`."""
    cell = cell_number(file)
    return f'{file}:{line}' if cell is None else f'cell {cell}, line {line}'
