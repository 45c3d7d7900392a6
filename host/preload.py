"""Everything that may be used later is imported soon after the start.

A pack is updated, disabled or removed on disk under the running server (ComfyUI-Manager, git). A module that was
imported only then would be of another version than the rest, or not there.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
import time
from collections.abc import Iterator

log = logging.getLogger('comfy_script')

PACKAGE = (__package__ or 'comfy_script.host').rpartition('.')[0]
FLOORS = ('graph', 'comfyui', 'transpiler', 'interpreter', 'panel', 'nodes', 'runtime', 'host')
PAUSE = 0.01
"""Seconds between two modules, so that ComfyUI's own threads come first."""


def start(delay: float) -> threading.Thread:
    """Imports from `delay` seconds on, in a thread that ends with the process."""
    thread = threading.Timer(delay, import_all)
    thread.name = 'comfy_script preload'
    thread.daemon = True
    thread.start()
    return thread


def import_all() -> None:
    """Never raises; what cannot be imported is said once."""
    try:
        for name in module_names():
            importlib.import_module(name)
            time.sleep(PAUSE)
        log.debug('ComfyScript is imported completely')
    except Exception as error:
        log.warning(
            'ComfyScript is not complete (%s: %s). If it was updated or moved just now, restart ComfyUI.',
            type(error).__name__,
            error,
        )
        log.debug('preload', exc_info=True)


def module_names() -> Iterator[str]:
    """Every module of the floors that a server uses, each folder after the one that it lies in."""
    for floor in FLOORS:
        package = importlib.import_module(f'{PACKAGE}.{floor}')
        yield package.__name__
        yield from (found.name for found in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'))
