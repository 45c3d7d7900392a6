"""The ComfyUI that we are running inside, where we are: its nodes are in memory, its queue a request to ourselves."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .embeddings import embeddings
from .loaded import command_line, loaded, nodes_module, server

if TYPE_CHECKING:
    from ..graph import Schemas

__all__ = ['ServerProcess', 'find_server_process']


def find_server_process(running: bool = True) -> ServerProcess | None:
    """The server of this process, once its event loop runs (or, not `running`, before); None in any other process."""
    here, nodes = server(), nodes_module()
    if here is None or nodes is None:
        return None
    loop = getattr(here, 'loop', None)
    return ServerProcess(here, nodes) if not running or (loop is not None and loop.is_running()) else None


class ServerProcess:
    """ComfyUI's `PromptServer` and `nodes` module."""

    def __init__(self, server: Any, nodes: ModuleType) -> None:
        self.server = server
        self.nodes = nodes

    @property
    def url(self) -> str:
        """Where it listens, or will: some time passes between loading the packs and opening the port."""
        port, listen, tls = getattr(self.server, 'port', None), getattr(self.server, 'address', None), False
        arguments = command_line()
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
        from .loaded_schemas import read_schemas

        return read_schemas(self.nodes)

    def recent_schemas(self, max_age: float | None = None) -> Schemas:
        """What the node classes said of themselves, at most so many seconds ago."""
        from .loaded_schemas import loaded_schemas

        return loaded_schemas(self.nodes)(max_age)

    def embeddings(self) -> tuple[str, ...]:
        """The names of the embeddings, without their file suffix."""
        return embeddings()

    def why_not_wait(self) -> str | None:
        """Why a blocking wait on this thread would never end, or None where it may."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not None and running is self.server.loop:
            return "This thread runs ComfyUI's own event loop, which has to answer: use `await`, not a blocking call."
        executing = getattr(loaded('comfy_execution.utils'), 'get_executing_context', None)
        if executing is not None and executing() is not None:
            return 'A node that is running cannot wait for another workflow: ComfyUI runs one after the other.'
        return None
