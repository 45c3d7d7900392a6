"""The ComfyUI that we are running inside, where we are: its nodes are in memory, its queue a request to ourselves."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from functools import lru_cache
from types import ModuleType
from typing import Any

from ..graph import Schemas

__all__ = ['InProcess', 'LoadedSchemas', 'find_server_process', 'loaded_schemas']


def find_server_process() -> InProcess | None:
    """The server of this process, once its event loop runs; None in any other process.

    Only modules that somebody else imported are looked at: `server` and `nodes` are common names.
    """
    server = getattr(getattr(sys.modules.get('server'), 'PromptServer', None), 'instance', None)
    nodes = sys.modules.get('nodes')
    loop = getattr(server, 'loop', None)
    if server is None or nodes is None or not hasattr(nodes, 'NODE_CLASS_MAPPINGS') or loop is None:
        return None
    return InProcess(server, nodes) if loop.is_running() else None


class InProcess:
    """ComfyUI's `PromptServer` and `nodes` module."""

    def __init__(self, server: Any, nodes: ModuleType) -> None:
        self._server = server
        self._nodes = nodes

    @property
    def url(self) -> str:
        """Where it listens, or will: some time passes between loading the packs and opening the port."""
        port, listen, tls = getattr(self._server, 'port', None), getattr(self._server, 'address', None), False
        arguments = getattr(sys.modules.get('comfy.cli_args'), 'args', None)
        if arguments is not None:
            port = port or getattr(arguments, 'port', None)
            listen = listen or str(getattr(arguments, 'listen', '')).split(',')[0]
            tls = bool(getattr(arguments, 'tls_keyfile', None) and getattr(arguments, 'tls_certfile', None))
        host = {'': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '[::1]'}.get(listen or '', listen)
        if host and ':' in host and not host.startswith('['):
            host = f'[{host}]'
        return f'http{"s" if tls else ""}://{host}:{port or 8188}/'

    def schemas(self) -> Schemas:
        """What the node classes say of themselves now."""
        return _read(self._nodes)

    def embeddings(self) -> tuple[str, ...]:
        """The names of the embeddings, without their file suffix (ComfyUI server.py `get_embeddings`)."""
        folder_paths = sys.modules.get('folder_paths')
        if folder_paths is None:
            return ()
        return tuple(str(name).rpartition('.')[0] or str(name) for name in folder_paths.get_filename_list('embeddings'))

    def why_not_wait(self) -> str | None:
        """Why a blocking wait on this thread would never end, or None where it may."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not None and running is self._server.loop:
            return "This thread runs ComfyUI's own event loop, which has to answer: use `await`, not a blocking call."
        executing = getattr(sys.modules.get('comfy_execution.utils'), 'get_executing_context', None)
        if executing is not None and executing() is not None:
            return 'A node that is running cannot wait for another workflow: ComfyUI runs one after the other.'
        return None


class LoadedSchemas:
    """What the loaded node classes say of themselves, each read when first asked for, and all anew when there are more.

    Model lists in it are as old as that, so whoever needs them fresh gives the greatest age in seconds.
    """

    def __init__(self, nodes: ModuleType) -> None:
        self._nodes = nodes
        self._known: tuple[float, int, Schemas] | None = None
        self._lock = threading.Lock()

    def __call__(self, max_age: float | None = None) -> Schemas:
        count = len(self._nodes.NODE_CLASS_MAPPINGS)
        with self._lock:
            now = time.monotonic()
            if self._known is not None:
                made, known_count, schemas = self._known
                if known_count == count and (max_age is None or now - made <= max_age):
                    return schemas
            schemas = _read(self._nodes)
            self._known = now, count, schemas
            return schemas


@lru_cache(maxsize=1)
def loaded_schemas(nodes: ModuleType) -> LoadedSchemas:
    """The one of ComfyUI's `nodes` module, for everybody in this process."""
    return LoadedSchemas(nodes)


def _read(nodes: ModuleType) -> Schemas:
    return Schemas.of_classes(nodes.NODE_CLASS_MAPPINGS, getattr(nodes, 'NODE_DISPLAY_NAME_MAPPINGS', {}))
