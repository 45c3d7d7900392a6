"""`comfy_script.client` of comfy-script 0.6: the client class, and what the server says of its nodes.

`client` is the client that `load()` set: read only here, `load(Client(…))` sets another.
"""

from __future__ import annotations

from typing import Any

from ..runtime.client.client import Client
from ..runtime.client.current import find_client
from ..runtime.wire.background import run_async

__all__ = ['Client', '_get_embeddings', '_get_nodes_info', 'get_embeddings', 'get_nodes_info']


def _client() -> Client:
    """The client that `load()` set, else one of the server at the default address."""
    return find_client() or Client()


def get_nodes_info() -> dict[str, Any]:
    """What `/object_info` says, by class type. Raises ConnectError, ServerError."""
    return {schema.class_type: schema.info for schema in _client().schemas.readable()}


async def _get_nodes_info() -> dict[str, Any]:
    client = _client()
    if not client.lists.are_known:
        await run_async(client.lists.refresh_async())
    return {schema.class_type: schema.info for schema in client.schemas.readable()}


def get_embeddings() -> list[str]:
    """The names of the embeddings. Raises ConnectError, ServerError."""
    return list(_client().embeddings)


async def _get_embeddings() -> list[str]:
    client = _client()
    if not client.lists.are_known:
        await run_async(client.lists.refresh_async())
    return list(client.embeddings)


def __getattr__(name: str) -> Any:
    if name == 'client':
        return _client()
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
