"""ComfyUI as a folder on this machine: where it is, which Python runs it, and its command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..graph import near_misses

_MARKS = ('main.py', 'execution.py', 'folder_paths.py', 'comfy')
"""What makes a folder ComfyUI's: its own top-level modules."""


class ComfyUIArgs:
    """Command line arguments for ComfyUI: `ComfyUIArgs('--cpu', '--preview-method', 'auto')`.

    `env`: more environment variables; `python`: the interpreter to run it with.
    """

    def __init__(
        self, *argv: str, env: dict[str, str] | None = None, python: str | Path | None = None, **_: Any
    ) -> None:
        for argument in argv:
            if not isinstance(argument, (str, Path)):
                raise TypeError(f'ComfyUIArgs takes strings, not {argument!r}')
        self.argv = [str(argument) for argument in argv]
        self.env = dict(env or {})
        self.python = python

    def to_argv(self) -> list[str]:
        """The arguments as a list."""
        return list(self.argv)

    def value_of(self, option: str) -> str | None:
        """The value of an option, or None where it is not given."""
        for index, argument in enumerate(self.argv):
            if argument == option:
                return self.argv[index + 1] if index + 1 < len(self.argv) else ''
            if argument.startswith(option + '='):
                return argument.partition('=')[2]
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComfyUIArgs) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(self.argv))

    def __repr__(self) -> str:
        return f'ComfyUIArgs({", ".join(map(repr, self.argv))})'


def only_packs(packs: Iterable[str]) -> list[str]:
    """Arguments with which ComfyUI loads these packs and no others (`nodes.py: init_external_custom_nodes`)."""
    names = [str(name) for name in packs]
    return ['--disable-all-custom-nodes', *(['--whitelist-custom-nodes', *names] if names else [])]


def missing_packs(folder: Path, arguments: ComfyUIArgs, packs: Iterable[str]) -> str | None:
    """What to say where a ComfyUI has not all of these packs: folders or files in its `custom_nodes`. None for nothing.

    Nothing is said of a ComfyUI that is told of more folders (`extra_model_paths.yaml`).
    """
    if '--extra-model-paths-config' in arguments.argv or (folder / 'extra_model_paths.yaml').exists():
        return None
    base = Path(arguments.value_of('--base-directory') or folder) / 'custom_nodes'
    # As they are written, on systems too where `impact-pack` opens `Impact-Pack`: ComfyUI compares the names
    # (nodes.py: init_external_custom_nodes).
    named = sorted(place.name for place in base.iterdir()) if base.is_dir() else []
    there = [name for name in named if name[0] not in '._']
    for name in packs:
        if name not in named:
            hint = near_misses(name, there) or (f': there are {", ".join(there[:10])}' if there else '')
            return f'{base} has no pack {name!r}{hint}'
    return None


def is_comfyui(folder: Path) -> bool:
    """Whether a folder is a ComfyUI checkout."""
    return all((folder / mark).exists() for mark in _MARKS)


def why_no_comfyui(folder: Path) -> str:
    """What a folder lacks to be ComfyUI's, and the ComfyUI near it."""
    if not folder.exists():
        return 'it does not exist'
    lacks = ', '.join(mark for mark in _MARKS if not (folder / mark).exists())
    near = next((place for place in (folder / 'ComfyUI', *folder.parents) if is_comfyui(place)), None)
    return f'it has no {lacks}{f"; did you mean {near}?" if near is not None else ""}'


def installed_in() -> Path | None:
    """The ComfyUI that this pack is installed in (`ComfyUI/custom_nodes/<this folder>`), or None."""
    package = Path(__file__).parents[1]
    for folder in (package, package.resolve()):
        if folder.parent.name == 'custom_nodes' and is_comfyui(folder.parent.parent):
            return folder.parent.parent
    return None


def named_in_environment() -> Path | None:
    """The folder that `$COMFYUI_PATH` names, or None."""
    value = os.environ.get('COMFYUI_PATH')
    return Path(value).expanduser().absolute() if value else None


def find_python(folder: Path, given: str | Path | None = None) -> str:
    """The Python that runs a ComfyUI: the given one, its own environment's, the portable build's, or ours."""
    if given is not None:
        return str(given)
    from_environment = os.environ.get('COMFYUI_PYTHON')
    if from_environment:
        return from_environment
    inner = Path('Scripts', 'python.exe') if sys.platform == 'win32' else Path('bin', 'python')
    candidates = [folder / name / inner for name in ('.venv', 'venv')]
    candidates.append(folder.parent / 'python_embeded' / 'python.exe')
    return next((str(path) for path in candidates if path.exists()), sys.executable)
