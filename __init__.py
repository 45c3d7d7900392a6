"""ComfyScript: workflows as Python scripts.

ComfyUI imports this file under a name made from its path, whatever the folder is called. So it registers the folder
once as the package `comfy_script`, and everything else happens in there: one copy of each module in the process,
whoever imports it.
"""

import importlib
import importlib.util
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .transpiler.files import read_script as read_script

__version__ = '0.2.0'

_PACKAGE = 'comfy_script'


def _register() -> ModuleType | None:
    """This folder as `comfy_script`, or the copy that is imported already; None if the name is somebody else's."""
    present = sys.modules.get(_PACKAGE)
    if present is not None:
        folders = [Path(folder) for folder in getattr(present, '__path__', ())]
        return present if any((folder / 'host' / 'startup.py').is_file() for folder in folders) else None
    init = Path(__file__)
    spec = importlib.util.spec_from_file_location(_PACKAGE, init, submodule_search_locations=[str(init.parent)])
    if spec is None or spec.loader is None:
        return None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    return package


def _about_other(package: ModuleType) -> str:
    """Which package has our name, and how to get rid of it: the first implementation comes as a pack, or from pip."""
    file = getattr(package, '__file__', None)
    place = Path(file).parent if file else Path(next(iter(getattr(package, '__path__', ())), '?'))
    pack = next((parent for parent in place.parents if parent.parent.name == 'custom_nodes'), None)
    if pack is not None:
        return f'the pack in {pack} has a package comfy_script, too. Disable or remove that folder, then restart.'
    return (
        f'another package named comfy_script is imported already, from {place}. Remove that one first '
        '(pip uninstall comfy-script, and the folder if it is still there), then restart ComfyUI.'
    )


def _load_pack() -> tuple[dict[str, type], dict[str, str], str | None]:
    """(node classes, their display names, web folder) for ComfyUI. Nothing in here may stop ComfyUI from starting."""
    package = _register()
    if package is None:
        logging.warning('ComfyScript stays off: %s', _about_other(sys.modules[_PACKAGE]))
        return {}, {}, None
    try:
        pack = importlib.import_module(f'{_PACKAGE}.host').load(Path(__file__).parent)
    except ModuleNotFoundError as error:
        if not str(error.name).startswith(_PACKAGE):
            logging.exception('ComfyScript could not load and stays off')
        else:
            folder = Path(__file__).parent
            logging.error('ComfyScript stays off: %s is not complete (%s). Install it again.', folder, error)
        return {}, {}, None
    except Exception:
        logging.exception('ComfyScript could not load and stays off')
        return {}, {}, None
    return pack.node_classes, pack.display_names, pack.web_directory


def write_script(prompt: Any, node_id: str, schemas: Any) -> str:
    """The script of what one node of a prompt needs: real mode saves it with images (runtime/real/saving.py)."""
    writer = importlib.import_module(f'{_PACKAGE}.transpiler.writer')
    return writer.write_script(prompt, schemas=schemas, end_nodes=[node_id]).text


if __name__ != _PACKAGE:
    NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, WEB_DIRECTORY = _load_pack()
    __all__ = ['NODE_CLASS_MAPPINGS', 'NODE_DISPLAY_NAME_MAPPINGS', 'WEB_DIRECTORY']


def __getattr__(name: str) -> object:
    """`from comfy_script import read_script`: loaded when asked for, since ComfyUI's start-up does not need it."""
    if name == 'read_script':
        return importlib.import_module(f'{_PACKAGE}.transpiler.files').read_script
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
