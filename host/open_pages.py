"""The pages that ComfyUI is open in, and what an agent asks of the one that a person looked at last."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..panel.errors import RequestError

EVENT = 'comfyscript.agent'
"""The message to the page, over ComfyUI's own websocket (server.py `PromptServer.send_sync`)."""
SECONDS = 30.0
"""How long a page may take to answer."""
MOST_ASKED = 8
MOST_PAGES = 1000


class _Page(NamedTuple):
    user: str
    looked_at: float


class OpenPages:
    """Pages say by themselves that they are there; one whose websocket is gone counts no more.

    `server` is ComfyUI's `PromptServer`: `sockets` by client id, and `send_sync`. On its event loop.
    """

    def __init__(self, server: Any, seconds: float = SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._pages: dict[str, _Page] = {}
        self._asked: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    def announce(self, client: str, user: str, age: float) -> None:
        """A page is open, and was looked at so many seconds ago."""
        self._pages[client] = _Page(user, time.monotonic() - max(age, 0.0))
        if len(self._pages) > MOST_PAGES:
            self._pages = {key: page for key, page in self._pages.items() if key in self._server.sockets}

    async def ask(self, user: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """What the page of this user that was looked at last answers, and how many are open.

        Raises RequestError: 409 where none is open, 503 where too much is asked at once, 504 where it takes too long.
        """
        open_ones = self._open(user)
        if not open_ones:
            raise RequestError('ComfyUI is open in no browser: open its page, with the ComfyScript pack installed', 409)
        if len(self._asked) >= MOST_ASKED:
            raise RequestError('too much is asked of the page at once; try again in a moment', 503)
        client = max(open_ones, key=lambda key: open_ones[key].looked_at)
        token = secrets.token_urlsafe(24)
        answered = self._asked[token] = asyncio.get_running_loop().create_future()
        try:
            self._server.send_sync(EVENT, {**question, 'token': token}, client)
            answer = await asyncio.wait_for(answered, self._seconds)
        except asyncio.TimeoutError as error:
            raise RequestError(f'the page did not answer within {self._seconds:g} s: is it asleep?', 504) from error
        finally:
            del self._asked[token]
        return {**answer, 'pages': len(open_ones)}

    def answer(self, token: str, answer: Mapping[str, Any]) -> None:
        """A page's answer. Raises RequestError 404 where nobody waits for it (any more)."""
        waiting = self._asked.get(token)
        if waiting is None or waiting.done():
            raise RequestError('nobody waits for this answer', 404)
        waiting.set_result(answer)

    def _open(self, user: str) -> dict[str, _Page]:
        return {key: page for key, page in self._pages.items() if page.user == user and key in self._server.sockets}
