"""A `.py` file beside each saved output, for people who want scripts as files.

ComfyUI's `execution.get_output_data` gives what a node shows, which names the files it saved.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from ..comfyui.loaded import folder_paths, loaded

log = logging.getLogger('comfy_script')


def install(take_script: Callable[[str], str | None]) -> bool:
    """Put the hook in; `take_script(node_id)` gives the script that a node was saved with, or None for none wanted.

    False, with one line in the log, where this ComfyUI has no place for it.
    """
    execution = loaded('execution')
    original = getattr(execution, 'get_output_data', None)
    if not inspect.iscoroutinefunction(original) or 'unique_id' not in inspect.signature(original).parameters:
        log.warning('No .py files beside outputs: execution.get_output_data is not as expected.')
        return False
    setattr(execution, 'get_output_data', with_sidecars(original, take_script))  # noqa: B010
    return True


def with_sidecars(original: Callable[..., Any], take_script: Callable[[str], str | None]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @wraps(original)
    async def get_output_data(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        try:
            script = take_script(str(signature.bind(*args, **kwargs).arguments['unique_id']))
            if script is not None:
                for path in saved_files(result):
                    write(path, script)
        except Exception as error:
            log.warning('No .py file beside this output: %s', error)
        return result

    return get_output_data


def saved_files(result: Any) -> list[Path]:
    """The output files that a node's result, `(outputs, ui, …)`, names: `{'images': [{filename, subfolder, type}]}`."""
    ui = result[1] if isinstance(result, tuple) and len(result) > 1 else None
    found = []
    for items in ui.values() if isinstance(ui, Mapping) else ():
        for item in items if isinstance(items, (list, tuple)) else ():
            if isinstance(item, Mapping) and item.get('type') == 'output' and isinstance(item.get('filename'), str):
                found.append(_output_folder() / str(item.get('subfolder') or '') / item['filename'])
    return found


def _output_folder() -> Path:
    return Path(folder_paths().get_output_directory())


def write(output: Path, script: str) -> None:
    """`ComfyUI_00001_.png` → `ComfyUI_00001_.py`, beside it; an existing file is left alone."""
    if not output.is_file():
        return
    place = output.with_suffix('.py')
    try:
        with place.open('x', encoding='utf-8', newline='\n') as file:
            file.write(script)
    except FileExistsError:
        return
    except OSError as error:
        log.warning('No .py file beside %s: %s', output.name, error.strerror or error)
