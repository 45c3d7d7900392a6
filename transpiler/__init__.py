"""Workflows and prompts as scripts: readers of every format, web UI → API conversion, the script writer.

`transpile` does it all. `files` reads what ComfyUI writes, `workflow` is a web UI file as data, `convert` turns it into
an API prompt, `script` writes that prompt as Python, `cli` is the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import TranspileError

if TYPE_CHECKING:
    from .api import transpile, transpile_script
    from .convert import Conversion, SubgraphInstance, convert_workflow, with_new_values, workflow_to_prompt
    from .files import Metadata, read_metadata, read_script
    from .workflow_file import WorkflowFile
    from .writer import PromptWriter, Script, Style, write_script

__all__ = [
    'Conversion',
    'Metadata',
    'PromptWriter',
    'Script',
    'Style',
    'SubgraphInstance',
    'TranspileError',
    'WorkflowFile',
    'convert_workflow',
    'read_metadata',
    'read_script',
    'transpile',
    'transpile_script',
    'with_new_values',
    'workflow_to_prompt',
    'write_script',
]

_HOMES = {
    'Conversion': 'convert',
    'Metadata': 'files',
    'Script': 'writer',
    'PromptWriter': 'writer',
    'Style': 'writer',
    'SubgraphInstance': 'convert',
    'WorkflowFile': 'workflow_file',
    'convert_workflow': 'convert',
    'read_metadata': 'files',
    'read_script': 'files',
    'transpile': 'api',
    'transpile_script': 'api',
    'with_new_values': 'convert',
    'workflow_to_prompt': 'convert',
    'write_script': 'writer',
}


def __getattr__(name: str) -> Any:
    """Loads what is asked for: inside ComfyUI's start-up nothing of this is needed yet."""
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from importlib import import_module

    value = getattr(import_module(f'.{_HOMES[name]}', __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
