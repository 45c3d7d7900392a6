"""The client that `load()` set: its nodes by raw name (`node['KSampler (Efficient)']`), and its queue."""

from __future__ import annotations

import copyreg
from operator import attrgetter
from typing import Any

from ...comfyui.process import find_server_process
from ..calls.by_name import offer_nodes
from ..calls.functions import NodeFunction, NodeNamespace
from ..wire.errors import NotLoadedError
from ..wire.results import set_default_download
from .client import Client
from .queue import TaskQueue
from .workflow import set_default_runner

__all__ = ['NodeLookup', 'default_client', 'find_client', 'node', 'queue', 'set_default_client']

_default: Client | None = None


def find_client() -> Client | None:
    """The client that `load()` set; inside ComfyUI's process, without a `load()`, that of the server; or None."""
    if _default is None:
        process = find_server_process()
        if process is not None:
            set_default_client(Client.of_server_process(process))
    return _default


def default_client() -> Client:
    """`find_client`. Raises NotLoadedError where there is none."""
    client = find_client()
    if client is None:
        raise NotLoadedError('No ComfyUI is loaded: call load() first (from comfy_script.runtime import *).')
    return client


def set_default_client(client: Client | None) -> None:
    """Make a client the one that `nodes`, `Workflow()` and `queue` use."""
    global _default
    _default = client
    set_default_runner(client)
    set_default_download(None if client is None else lambda file: client.tracker.download(file))
    queue._attach(client)


class NodeLookup:
    """The nodes of the default client by class type; `from comfy_script.runtime.nodes import *` has them by name."""

    def __getitem__(self, class_type: str) -> NodeFunction:
        """The node's function, also of a class type that the server does not list: that one takes keywords only."""
        return self.nodes[class_type]

    def get(self, class_type: str, default: Any = None) -> Any:
        """The node's function, or `default` where the server does not list the class type."""
        return self.nodes.get(class_type, default)

    def __contains__(self, class_type: object) -> bool:
        return class_type in self.nodes

    def __reduce__(self) -> str:
        return 'node'

    @property
    def nodes(self) -> NodeNamespace:
        """All nodes of the default client. Raises NotLoadedError."""
        return default_client().nodes


node = NodeLookup()
queue = TaskQueue(find_client=default_client)


def _nodes_here() -> NodeNamespace | None:
    client = find_client()
    return None if client is None else client.nodes


def _queue_here() -> TaskQueue:
    return queue


def _sent_queue(sent: TaskQueue) -> tuple[Any, ...]:
    """In another process it is the queue there, or that of the client that goes along."""
    return (_queue_here, ()) if sent is queue else (attrgetter('queue'), (sent.client,))


offer_nodes('virtual', _nodes_here)
copyreg.pickle(TaskQueue, _sent_queue)  # type: ignore[arg-type]
