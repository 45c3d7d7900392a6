"""`load()`: find a ComfyUI, or start one, and make it the default."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path, PurePath
from typing import Any

from ...comfyui.checkout import ComfyUIArgs, installed_in, is_comfyui, missing_packs, named_in_environment, only_packs
from ...comfyui.process import find_server_process
from ...graph import Schemas, near_misses
from ..calls import stubs
from ..wire.background import Dispatcher, log, run_async, run_sync
from ..wire.connection import DEFAULT_URL
from ..wire.credentials import shown_url
from ..wire.errors import ConnectError, LoadError, ServerError
from ..wire.notebook_errors import hide_own_frames
from .client import Client
from .current import find_client, set_default_client
from .launch import START_TIMEOUT, LaunchedServer, finish_at_exit, launch

__all__ = ['comfyui_base_url', 'comfyui_started', 'join_comfyui', 'load', 'pin', 'start_comfyui']

PROBE_TIMEOUT = 2.0
_ADDRESS = re.compile(r'(localhost|[\w.-]+:\d+|\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\])(:\d+)?(/.*)?$')

_launched: list[tuple[LaunchedServer, Client]] = []
_pinned: Client | None = None
_pinned_always = False


@dataclass(frozen=True)
class LoadRequest:
    """What `load` is asked for; see there. `client_options`: of the `Client` that is made."""

    comfyui: str | PurePath | Client | None
    args: ComfyUIArgs | None
    vars: MutableMapping[str, Any] | None
    watch: bool | None
    object_info: Schemas | Mapping[str, Any] | str | PurePath | None
    stubs: bool | str | PurePath
    timeout: float
    packs: Sequence[str] | None
    client_options: Mapping[str, Any]


def load(
    comfyui: str | PurePath | Client | None = None,
    args: ComfyUIArgs | None = None,
    vars: MutableMapping[str, Any] | None = None,
    watch: bool | None = None,
    save_script_source: bool = True,
    *,
    object_info: Schemas | Mapping[str, Any] | str | PurePath | None = None,
    save_source: bool | None = None,
    stubs: bool | str | PurePath = True,
    timeout: float = START_TIMEOUT,
    packs: Sequence[str] | None = None,
    **client_options: Any,
) -> Client:
    """Choose the ComfyUI that nodes, workflows and `queue` use; the nodes then are in `comfy_script.runtime.nodes`.

    - `comfyui`: a server's URL, a `Client`, or the path of a ComfyUI folder, which is started with `args`.
      Without it: the server that we run inside; a server at http://127.0.0.1:8188; the ComfyUI in `$COMFYUI_PATH`;
      the ComfyUI that this pack is installed in. A ComfyUI that is started ends with this process, after the
      workflows that are still queued.
    - `object_info`: a saved `/object_info` (file or dict) instead of a server: workflows can be built, not run.
    - `vars`: a dict that gets the nodes, `globals()` for example.
    - `watch`: False shows no progress bars and no images.
    - `save_source`: False keeps the text of the script out of the saved images.
    - `stubs`: False writes no type stubs; a folder writes them there.
    - `timeout`: seconds that ComfyUI may take to start.
    - `packs`: a ComfyUI that is started loads only these packs, by their folders in `custom_nodes`; `[]` for none.
    - Further options are those of `Client`: `headers`, `cookies`, `auth`, `api_key`, ...

    Raises LoadError (with all that was tried), LaunchError, ConnectError, ServerError.
    """
    _check_options(client_options)
    warn_of_old_settings()
    options = {'save_source': save_script_source if save_source is None else save_source, **client_options}
    packs = [packs] if isinstance(packs, str) else packs
    args = _chosen_args(comfyui, object_info, args, packs)
    request = LoadRequest(comfyui, args, vars, watch, object_info, stubs, timeout, packs, options)
    client = _without_waiting(request)
    return _adopt(run_sync(_find(request)) if client is None else client, request)


async def _load(
    comfyui: str | PurePath | Client | None = None,
    args: ComfyUIArgs | None = None,
    vars: MutableMapping[str, Any] | None = None,
    watch: bool | None = None,
    save_script_source: bool = True,
    *,
    object_info: Schemas | Mapping[str, Any] | str | PurePath | None = None,
    save_source: bool | None = None,
    stubs: bool | str | PurePath = True,
    timeout: float = START_TIMEOUT,
    packs: Sequence[str] | None = None,
    **client_options: Any,
) -> Client:
    """`load`, to be awaited."""
    _check_options(client_options)
    warn_of_old_settings()
    options = {'save_source': save_script_source if save_source is None else save_source, **client_options}
    packs = [packs] if isinstance(packs, str) else packs
    args = _chosen_args(comfyui, object_info, args, packs)
    request = LoadRequest(comfyui, args, vars, watch, object_info, stubs, timeout, packs, options)
    client = _without_waiting(request)
    return _adopt(await run_async(_find(request)) if client is None else client, request)


@cache
def warn_of_old_settings() -> None:
    """Says once that settings of comfy-script 0.6 are not read."""
    found = sorted(name for name in os.environ if name.startswith(_OLD_SETTINGS))
    file = Path(__file__).parents[2] / 'settings.toml'
    found += [str(file)] if file.is_file() else []
    if found:
        log.warning(
            "%s: settings of comfy-script 0.6 are not read; ComfyUI's settings, under ComfyScript, have what is saved "
            'with images',
            ', '.join(found),
        )


_OLD_SETTINGS = ('COMFY_SCRIPT_TRANSPILE', 'COMFY_SCRIPT_RUNTIME')


def _check_options(client_options: Mapping[str, Any]) -> None:
    """Raises TypeError for an option that neither `load` nor `Client` has."""
    own, clients = inspect.signature(load).parameters, inspect.signature(Client).parameters
    for name in client_options:
        if name not in clients:
            known = [*own, *clients]
            raise TypeError(f'load() has no option {name!r}{near_misses(name, known)}')


def start_comfyui(
    comfyui: str | PurePath | None = None,
    args: ComfyUIArgs | None = None,
    *,
    no_server: bool = False,
    join_at_exit: bool = True,
    autonomy: bool = False,
) -> None:
    """Start ComfyUI and make it the default server: `load(path, args)` under the name of comfy-script 0.6.

    Raises TypeError for an option that cannot be kept: it says what to use instead.
    """
    if no_server or autonomy:
        name = 'no_server' if no_server else 'autonomy'
        raise TypeError(
            f'start_comfyui({name}=True) is of comfy-script 0.6. ComfyUI in this process, without a server, is real '
            "mode's: from comfy_script.runtime.real import load"
        )
    if not join_at_exit:
        raise TypeError(
            'start_comfyui(join_at_exit=False) is of comfy-script 0.6. Here a script cancels what it does not want to '
            'be finished: queue.cancel_all(), or with Workflow(cancel_on_exit=True)'
        )
    load(comfyui if comfyui is not None else installed_in(), args)


def join_comfyui() -> None:
    """Wait until all tasks have ended: `queue.join()` under the name of comfy-script 0.6."""
    client = find_client()
    if client is not None:
        client.queue.join()


def comfyui_started() -> bool:
    """Whether the default server was started by this process, or is this process."""
    client = find_client()
    return client is not None and (client.in_process or client.launched is not None)


def comfyui_base_url() -> str | None:
    """The address of the default server where this process started it, or is it."""
    client = find_client()
    return client.url if client is not None and comfyui_started() else None


def pin(client: Client | None, *, always: bool = False) -> None:
    """Have `load()` without arguments choose this client: the command line was told which one. `always`: any `load`."""
    global _pinned, _pinned_always
    _pinned, _pinned_always = client, always


def _chosen_args(
    comfyui: object, object_info: object, args: ComfyUIArgs | None, packs: Sequence[str] | None
) -> ComfyUIArgs | None:
    """The arguments for a ComfyUI that is started. Raises LoadError where packs are chosen for one that is not."""
    if args is not None and not isinstance(args, ComfyUIArgs):
        raise TypeError(f"load() takes ComfyUI's arguments as ComfyUIArgs('--cpu', ...), not {args!r}")
    if packs is None:
        return args
    if isinstance(comfyui, Client) or object_info is not None or (comfyui is not None and _is_url(comfyui)):
        raise LoadError(
            'packs= chooses what a ComfyUI loads that is started here, and this one is not: give the path of its folder'
        )
    if comfyui is None and find_server_process() is not None:
        log.warning('packs= has no effect: ComfyUI runs in this process already')
    given = args or ComfyUIArgs()
    return ComfyUIArgs(*given.argv, *only_packs(packs), env=given.env, python=given.python)


def _without_waiting(request: LoadRequest) -> Client | None:
    """The choices that need no request: those work on any thread, ComfyUI's own event loop included."""
    if _pinned is not None and _pinned_always:
        return _pinned
    object_info = request.object_info
    if object_info is not None:
        return Client.of_object_info(object_info, **request.client_options)
    if request.comfyui is None and _pinned is not None:
        return _pinned
    process = find_server_process() if request.comfyui is None else None
    if process is None:
        return None
    current = find_client()
    if current is not None and current.in_process:
        current.refresh()
        return current
    return Client.of_server_process(process, **request.client_options)


async def _find(request: LoadRequest) -> Client:
    comfyui = request.comfyui
    if isinstance(comfyui, Client):
        client = comfyui
    elif comfyui is None:
        client = await _search(request)
    elif _is_url(comfyui):
        client = await _again(Client(comfyui, **request.client_options))
    elif str(comfyui) == 'comfyui':
        raise LoadError(
            'ComfyUI as an installed package is not supported: give the path of a ComfyUI folder, or a URL.'
        )
    else:
        client = await _launch(_folder_of(comfyui), request)
    if not client.lists.are_known:
        try:
            await client.lists.refresh_async()
        except BaseException:
            if client is not comfyui:
                await run_async(client.link.close())
            raise
    return client


def _is_url(comfyui: object) -> bool:
    text = str(comfyui)
    if text.startswith(('http://', 'https://')):
        return True
    return isinstance(comfyui, str) and _ADDRESS.match(text) is not None and not Path(text).exists()


def _folder_of(comfyui: object) -> Path:
    """The folder that is named. Raises LoadError, TypeError."""
    if not isinstance(comfyui, (str, os.PathLike)):
        raise TypeError(f'load() takes the URL of a server, the path of a ComfyUI folder or a Client, not {comfyui!r}')
    text = os.fspath(comfyui)
    folder = Path(text)
    if '://' in text:
        raise LoadError(f'{shown_url(text)} is no address of a ComfyUI server: those begin with http:// or https://')
    if len(folder.parts) == 1 and not folder.exists():
        raise LoadError(f'{text!r} is neither a folder here nor the URL of a server (http://host:port/)')
    return folder


async def _search(request: LoadRequest) -> Client:
    """A running server, else a ComfyUI to start; one error that lists what was tried."""
    tried: list[str] = []
    if request.args is None:
        client = Client(DEFAULT_URL, **{'connect_timeout': PROBE_TIMEOUT, **request.client_options})
        try:
            await client.lists.refresh_async()
            return await _again(client)
        except ServerError as error:
            tried.append(f'{DEFAULT_URL} answers, but not as ComfyUI does: {error}')
        except ConnectError:
            tried.append(f'{DEFAULT_URL}: no server there')
        await run_async(client.link.close())
    for source, folder in (('$COMFYUI_PATH', named_in_environment()), ('the folder around this pack', installed_in())):
        if folder is None:
            reason = 'not set' if source.startswith('$') else 'this pack is not installed in ComfyUI/custom_nodes'
            tried.append(f'{source}: {reason}')
        elif not is_comfyui(folder):
            tried.append(f'{source} ({folder}): no ComfyUI there')
        else:
            return await _launch(folder, request)
    lines = '\n'.join(f'  - {line}' for line in tried)
    raise LoadError(
        f'No ComfyUI was found. Tried:\n{lines}\n'
        "Start ComfyUI, or name one: load('http://host:port/'), load(r'path/to/ComfyUI'), or set COMFYUI_PATH."
    )


async def _again(client: Client) -> Client:
    """The default client, with fresh lists, where it is the same: what a script holds of it stays good."""
    current = find_client()
    if current is None or current.offline or current.in_process or current.settings != client.settings:
        return client
    await run_async(client.link.close())
    await current.lists.refresh_async()
    return current


async def _launch(folder: Path, request: LoadRequest) -> Client:
    """Start a ComfyUI, or take the one that we started there with the same arguments."""
    folder = folder.expanduser().absolute()
    for server, client in _launched:
        if server.folder == folder and server.args == (request.args or ComfyUIArgs()) and server.ended() is None:
            return client
    missing = missing_packs(folder, request.args or ComfyUIArgs(), request.packs or ()) if is_comfyui(folder) else None
    if missing is not None:
        raise LoadError(missing)
    server = await launch(folder, request.args, timeout=request.timeout)
    client = Client(server.url, **request.client_options)
    client.launched = server
    _launched.append((server, client))
    finish_at_exit(server, client)
    return client


def _adopt(client: Client, request: LoadRequest) -> Client:
    """Make it the default client, as the request says."""
    set_default_client(client)
    hide_own_frames()
    if request.watch is not None:
        client.queue.watch_display(request.watch)
    if request.vars is not None:
        namespace = client.nodes
        request.vars.update({name: namespace.find(name) for name in namespace.public_names()})
    client.lists.on_read = None
    if request.stubs is not False and not client.in_process:
        folder = None if request.stubs is True else Path(request.stubs)
        _write_stubs(client, folder)
        client.lists.on_read = partial(_stub_writer.call, _write_stubs, client, folder)
    return client


# Stubs of lists that were read again are written without anybody waiting for them.
_stub_writer = Dispatcher('comfy_script stubs')


def _write_stubs(client: Client, folder: Path | None) -> None:
    """Stubs are a help for editors: that they cannot be written is no reason not to run."""
    if find_client() is not client:
        return
    try:
        stubs.refresh(client.schemas, client.embeddings, folder)
    except Exception as error:
        log.warning('The type stubs could not be written: %s', error)
