"""What is done once a node has saved its files: the script into those that have room for it, or beside them.

ComfyUI's `execution.get_output_data` gives what a node shows, which names the files it saved.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from ..comfyui.loaded import folder_paths, loaded
from .hooked_calls import HookedCall
from .png_text import add_texts

log = logging.getLogger('comfy_script')

MOST_NODES = 256
"""Nodes that are at work at once; those that never end are forgotten."""
TICK = 2.0
"""Seconds that file systems round a file's time by (FAT)."""


@dataclass(frozen=True)
class AfterSaving:
    """What a node's files get: `texts` go into PNG files, `sidecar` beside any."""

    texts: Mapping[str, str] = field(default_factory=dict)
    sidecar: str | None = None
    since: float = field(default_factory=time.time)
    """When the node began: what is older was saved by somebody else."""


class SavedFiles:
    """Nodes that are about to save → what their files get then."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, AfterSaving] = OrderedDict()

    def expect(self, node_id: str, wanted: AfterSaving) -> None:
        self._waiting[node_id] = wanted
        self._waiting.move_to_end(node_id)
        while len(self._waiting) > MOST_NODES:
            self._waiting.popitem(last=False)

    @property
    def are_expected(self) -> bool:
        return bool(self._waiting)

    def saved(self, node_id: str, result: Any) -> None:
        """A node is done, with what `get_output_data` gave. A file that cannot be changed costs one line in the log."""
        wanted = self._waiting.get(node_id)
        files = saved_files(result) if wanted is not None else []
        if wanted is None or not files:
            return
        del self._waiting[node_id]
        for path in files:
            try:
                if path.stat().st_mtime >= wanted.since - TICK:
                    _finish(path, wanted)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                log.warning('No script with %s: %s', path.name, getattr(error, 'strerror', None) or error)


def _finish(path: Path, wanted: AfterSaving) -> None:
    if wanted.texts:
        add_texts(path, wanted.texts)
    if wanted.sidecar is not None:
        write_sidecar(path, wanted.sidecar)


def install(files: SavedFiles) -> bool:
    """Put the hook in. False, with one line in the log, where this ComfyUI has no place for it."""
    execution = loaded('execution')
    original = getattr(execution, 'get_output_data', None)
    if not inspect.iscoroutinefunction(original) or 'unique_id' not in inspect.signature(original).parameters:
        log.warning('No script in and beside outputs of other packs: execution.get_output_data is not as expected.')
        return False
    setattr(execution, 'get_output_data', with_saved_files(original, files))  # noqa: B010
    return True


def with_saved_files(original: Callable[..., Any], files: SavedFiles) -> Callable[..., Any]:
    call = HookedCall(original)

    @wraps(original)
    async def get_output_data(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        try:
            if files.are_expected:
                files.saved(str(call.get('unique_id', args, kwargs)), result)
        except Exception as error:
            log.warning('No script with this output: %s', error)
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


def write_sidecar(output: Path, script: str) -> None:
    """`ComfyUI_00001_.png` → `ComfyUI_00001_.py`, beside it; an existing file is left alone. Raises OSError."""
    content = script.encode('utf-8', 'backslashreplace')
    try:
        with output.with_suffix('.py').open('xb') as file:
            file.write(content)
    except FileExistsError:
        return
