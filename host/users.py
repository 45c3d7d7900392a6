"""Whose prompt it is, where ComfyUI serves several users (`--multi-user`).

A prompt's handlers and its nodes are not told. The request's own task is, and a page's client id is the same in the
request and in the `extra_data` of the prompt's nodes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

DEFAULT = 'default'
"""ComfyUI's id of everybody who has none (`app/user_manager.py`)."""
MOST_CLIENTS = 1000

_current: ContextVar[str] = ContextVar('comfy_script_user', default=DEFAULT)


def current_user() -> str:
    """The user of the request that is being answered."""
    return _current.get()


class PromptUsers:
    """Remembers which client belongs to which user, from the prompts that they queue."""

    def __init__(self) -> None:
        self._of_client: OrderedDict[str, str] = OrderedDict()

    def current(self) -> str:
        """The user of the request that is being answered."""
        return current_user()

    def queued(self, data: Any) -> None:
        """A prompt has come, with its client's id."""
        client, user = _client(data), _current.get()
        if client is None or (user == DEFAULT and client not in self._of_client):
            return
        self._of_client[client] = user
        self._of_client.move_to_end(client)
        while len(self._of_client) > MOST_CLIENTS:
            self._of_client.popitem(last=False)

    def of(self, extra_data: Mapping[str, Any]) -> str:
        """The user whose prompt a node belongs to."""
        client = _client(extra_data)
        return DEFAULT if client is None else self._of_client.get(client, DEFAULT)


def _client(data: Any) -> str | None:
    client = data.get('client_id') if isinstance(data, Mapping) else None
    return client if isinstance(client, str) else None


def middleware(get_user: Callable[[Any], str]) -> Any:
    """An aiohttp middleware that knows each request's user, as ComfyUI's `UserManager.get_request_user_id` tells."""
    from aiohttp import web

    @web.middleware
    async def with_user(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if request.method == 'POST':
            try:
                _current.set(get_user(request))
            except Exception:  # ComfyUI answers it
                _current.set(DEFAULT)
        return await handler(request)

    return with_user
