"""Where everything lies. What dev.py makes is under `.cache/` and `.venv/`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / '.cache'
VENV = ROOT / '.venv'
COMFYUI = CACHE / 'ComfyUI'
# A folder for PYTHONPATH: the link `comfy_script` in it is this checkout. The server never sees it.
SITE = CACHE / 'site'
# Options of a Python that must not find modules in the folder it is started in; 3.10 has none for this.
SAFE_PATH = ('-P',) if sys.version_info >= (3, 11) else ()


def venv_python(venv: Path = VENV) -> Path:
    return venv / ('Scripts/python.exe' if sys.platform == 'win32' else 'bin/python')


def comfyui_folder() -> Path:
    """The ComfyUI that tests run against: the lab's, or what COMFYSCRIPT_COMFYUI names."""
    return Path(os.environ.get('COMFYSCRIPT_COMFYUI') or COMFYUI)


def comfyui_python() -> Path:
    """The interpreter that runs it: COMFYSCRIPT_PYTHON, else the lab's, else this one."""
    named = os.environ.get('COMFYSCRIPT_PYTHON')
    if named:
        return Path(named)
    python = venv_python()
    return python if python.exists() else Path(sys.executable)


def corpus_folder() -> Path:
    """Schemas and prompts of many real packs; they lie beside the checkout and are not part of it."""
    return Path(os.environ.get('COMFYSCRIPT_CORPUS') or ROOT.parent / 'shared' / 'corpus')


def needed_corpus(what: str = '') -> Path:
    """The corpus' folder. Ends the program with one sentence where it, or `what` in it, is missing."""
    folder = corpus_folder()
    if not (folder / what).exists():
        sys.exit(
            f'This needs the corpus (object_info-0.33.0.json and prompts/), which is no part of a clone, and {folder} '
            'does not have it: COMFYSCRIPT_CORPUS names its folder; docs/benchmarks.md says how to make one.'
        )
    return folder


def link(target: Path, place: Path) -> None:
    """`place` leads to the folder `target`: a symlink, on Windows a junction (needs no rights)."""
    if place.is_symlink() or place.exists():
        if place.resolve() == target.resolve():
            return
        unlink(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(target, target_is_directory=True)
    except OSError:
        if sys.platform != 'win32':
            raise
        import _winapi

        _winapi.CreateJunction(str(target), str(place))


def unlink(place: Path) -> None:
    """Remove a link made by `link`, never what it leads to."""
    if place.is_symlink():
        place.unlink()
    elif place.is_dir():
        os.rmdir(place)  # a junction; refuses a folder with something in it
