"""What happens when ComfyUI loads the pack, and when all packs have loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as metadata_version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ..comfyui.loaded import command_line, loaded, user_folder
from ..comfyui.process import ServerProcess, find_server_process

log = logging.getLogger('comfy_script')

PACKAGE = (__package__ or 'comfy_script.host').rpartition('.')[0]


class PackContents(NamedTuple):
    """What ComfyUI asks of a pack."""

    node_classes: dict[str, type]
    display_names: dict[str, str]
    web_directory: str | None


PRELOAD_AFTER = 1.0
"""Seconds: ComfyUI opens its port and answers the first page first."""

EMPTY = PackContents({}, {}, None)

_loaded_from: Path | None = None


def load(folder: Path) -> PackContents:
    """Hook the pack in `folder` into the ComfyUI of this process; its nodes and web folder.

    Nothing where there is no ComfyUI, and for a second copy of the pack. A part that fails is left out with one line
    in the log; the rest works.
    """
    global _loaded_from
    host = find_server_process(running=False)
    if host is None:
        return EMPTY
    if _loaded_from is not None:
        if _loaded_from.resolve() != folder.resolve():
            log.warning('ComfyScript is loaded from %s already; the copy in %s is left out', _loaded_from, folder)
        return EMPTY
    _loaded_from = folder
    _guarded('The panel', lambda: _add_routes(host))
    _guarded('The open graph for agents', lambda: _add_page_routes(host))
    node_classes, display_names = _guarded('The ComfyScript nodes', _node_classes) or ({}, {})
    _guarded('Settings of several users', lambda: _tell_users_apart(host))
    host.server.app.on_startup.append(lambda _app: _bind(host, folder))
    return PackContents(node_classes, display_names, _guarded('The panel', lambda: _web_directory(host, folder)))


def _add_routes(host: ServerProcess) -> None:
    # Late, as all parts are: a missing or broken one is found here and not when this file is imported.
    from .routes import register

    register(host.server.routes, lambda: host.recent_schemas(max_age=10))


def _add_page_routes(host: ServerProcess) -> None:
    from .open_pages import OpenPages
    from .page_routes import register_pages

    register_pages(host.server.routes, OpenPages(host.server))


def _tell_users_apart(host: ServerProcess) -> None:
    if getattr(command_line(), 'multi_user', False):
        from .users import middleware

        host.server.app.middlewares.append(middleware(host.server.user_manager.get_request_user_id))


def _web_directory(host: ServerProcess, folder: Path) -> str | None:
    """What ComfyUI is to serve: the one beside the __init__.py that it loads, also when `comfy_script` is another copy.

    ComfyUI serves it under the folder's name, and aiohttp finds no static folder whose name is written otherwise in a
    URL (`ComfyScript (1)`). Such a one is entered under our own name instead.
    """
    js = folder / 'js'
    if not js.is_dir():
        return None
    fits = quote(folder.name) == folder.name
    name = folder.name if fits else 'ComfyScript'
    _guarded("The panel's files as one version", lambda: _add_files(host, name, js))
    if fits:
        return './js'
    host.nodes.EXTENSION_WEB_DIRS[name] = str(js)
    return None


def _add_files(host: ServerProcess, name: str, js: Path) -> None:
    from .web import WebFolder, add_routes

    add_routes(host.server.routes, name, WebFolder.read(js))


def _node_classes() -> tuple[dict[str, type], dict[str, str]]:
    from ..nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

    return dict(NODE_CLASS_MAPPINGS), dict(NODE_DISPLAY_NAME_MAPPINGS)


async def _bind(host: ServerProcess, folder: Path) -> None:
    """All packs have loaded and the port is not open yet."""
    _guarded('The script in saved images', lambda: _save_scripts(host))
    _guarded('What is imported ahead', _preload)
    _guarded('The look for comfy-script', lambda: _warn_of_namesake(folder))
    version = getattr(loaded(PACKAGE), '__version__', '')
    log.info('ComfyScript %s is ready: %d nodes', version, len(host.nodes.NODE_CLASS_MAPPINGS))


def _warn_of_namesake(folder: Path) -> None:
    """comfy-script has our import name: installed by pip it comes first in other processes; as a pack it fails here."""
    for other in sorted(folder.parent.glob('*/src/comfy_script')):
        log.warning('The pack in %s is comfy-script, which does not run beside this one: remove one.', other.parents[1])
    with suppress(PackageNotFoundError):
        log.warning(
            'comfy-script %s is installed, too: Python scripts get that one as comfy_script. '
            'Run "pip uninstall comfy-script", then install ComfyScript (again).',
            metadata_version('comfy-script'),
        )


def _preload() -> None:
    from .preload import start

    start(PRELOAD_AFTER)


def _save_scripts(host: ServerProcess) -> None:
    from .preferences import Preferences
    from .save import install

    preferences = Preferences(user_folder() or Path('user'))
    install(host.recent_schemas, preferences, getattr(host.server, 'add_on_prompt_handler', None))


def _guarded(what: str, part: Callable[[], Any]) -> Any:
    """The result of `part`; where it fails, one line in the log and None."""
    try:
        return part()
    except Exception as error:
        log.warning('%s: off, because of %s: %s', what, type(error).__name__, error)
        log.debug('%s', what, exc_info=True)
        return None
