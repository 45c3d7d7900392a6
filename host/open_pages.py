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
"""How long a page may take to answer; one that changes its graph, from when it begins with that."""
MOST_ASKED = 8
MOST_PAGES = 1000


class _Page(NamedTuple):
    user: str
    looked_at: float


class _Question:
    """One that a page has not answered yet."""

    def __init__(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[Mapping[str, Any]] = loop.create_future()
        self.until = loop.time() + seconds
        self.begun = False

    async def wait(self) -> Mapping[str, Any] | None:
        """The answer, None where it is too late."""
        loop = asyncio.get_running_loop()
        while not self.answered.done() and self.until > loop.time():
            await asyncio.wait({self.answered}, timeout=self.until - loop.time())
        return self.answered.result() if self.answered.done() else None


class OpenPages:
    """Pages say by themselves that they are there; one whose websocket is gone counts no more.

    `server` is ComfyUI's `PromptServer`: `sockets` by client id, and `send_sync`. On its event loop.
    """

    def __init__(self, server: Any, seconds: float = SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._pages: dict[str, _Page] = {}
        self._asked: dict[str, _Question] = {}

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
        asked = self._asked[token] = _Question(self._seconds)
        try:
            self._server.send_sync(EVENT, {**question, 'token': token}, client)
            answer = await asked.wait()
        finally:
            del self._asked[token]
        if answer is None and asked.begun:
            raise RequestError('the page has begun and does not answer: what came of it is seen in the open graph', 504)
        if answer is None:
            raise RequestError(f'the page did not answer within {self._seconds:g} s: is it asleep?', 504)
        return {**answer, 'pages': len(open_ones)}

    def begin(self, token: str) -> None:
        """A page is about to change its graph. Raises RequestError 404 where nobody waits for that any more: whoever
        asked was told that nothing happened."""
        asked = self._waiting(token)
        asked.begun = True
        asked.until = asyncio.get_running_loop().time() + self._seconds

    def answer(self, token: str, answer: Mapping[str, Any]) -> None:
        """A page's answer. Raises RequestError 404 where nobody waits for it (any more)."""
        self._waiting(token).answered.set_result(answer)

    def _waiting(self, token: str) -> _Question:
        asked = self._asked.get(token)
        if asked is None or asked.answered.done():
            raise RequestError('nobody waits for this answer', 404)
        return asked

    def _open(self, user: str) -> dict[str, _Page]:
        return {key: page for key, page in self._pages.items() if page.user == user and key in self._server.sockets}
