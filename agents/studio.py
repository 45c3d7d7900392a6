"""What an agent works with: one server, what it may do there, and the files that it may give to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..graph import Schemas
from ..runtime.client.client import Client
from ..runtime.wire.background import run_sync
from ..runtime.wire.connection import TOO_LARGE, Connection
from ..runtime.wire.errors import ServerError
from .errors import AgentError

T = TypeVar('T')

_MOST_OWN = 1_000

CANCEL_SETTING = 'ComfyScript.Agents.CancelOthers'
"""Declared in js/comfyscript.js."""

LARGEST = 256 << 20
"""Bytes of a file that is read: what the panel's routes take."""

SCHEMAS_AGE = 60.0
"""Seconds after which the server's nodes and models are asked for again."""


@dataclass(frozen=True)
class Permissions:
    """What the person who started the server allows.

    - `may_cancel_others`: cancel what others have queued.
    - `may_apply`: change the graph that is open in the browser.
    - `upload_from`: the folders whose files may be uploaded.
    """

    may_cancel_others: bool = True
    may_apply: bool = True
    upload_from: tuple[Path, ...] = ()


@dataclass(frozen=True)
class CallingAgent:
    """The agent that calls: its name, and what tells it from others of that name."""

    name: str
    session: str = ''

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.session


@dataclass(frozen=True)
class SeenGraph:
    """What a caller has last seen of the open graph: the page's number for it, and its script."""

    number: str = ''
    script: str = ''


class Studio:
    """One ComfyUI server for agents. Its methods block: they are called on worker threads."""

    def __init__(self, client: Client, permissions: Permissions | None = None) -> None:
        self.client = client
        self.permissions = permissions or Permissions()
        self.own: dict[str, float] = {}
        """Prompts that were queued from here, and when."""
        self._seen: dict[tuple[str, str], SeenGraph] = {}
        self._read_at = time.monotonic()
        self._lock = threading.Lock()

    def schemas(self) -> Schemas:
        """The server's nodes, not much older than a minute. Raises ConnectError, ServerError."""
        with self._lock:
            if not self.client.lists.are_known:
                self._read_at = time.monotonic()
            elif time.monotonic() - self._read_at > SCHEMAS_AGE:
                self.client.refresh()
                self._read_at = time.monotonic()
            return self.client.schemas

    def refresh(self) -> Schemas:
        """The server's nodes and models as they are now."""
        with self._lock:
            self.client.refresh()
            self._read_at = time.monotonic()
            return self.client.schemas

    def seen(self, caller: CallingAgent) -> SeenGraph:
        """What the caller has last seen of the open graph; an empty one where it has not, or not whole."""
        return self._seen.get(caller.key, SeenGraph())

    def has_seen(self, caller: CallingAgent, graph: SeenGraph) -> None:
        self._seen[caller.key] = graph

    def note(self, prompt_id: str) -> None:
        """A prompt was queued from here."""
        self.own[prompt_id] = time.monotonic()
        while len(self.own) > _MOST_OWN:
            del self.own[next(iter(self.own))]

    @property
    def connection(self) -> Connection:
        """For requests on the background loop. Raises AgentError where there is no server."""
        if self.client.offline:
            raise AgentError('there is no server: nodes come from a file here, and nothing can run')
        return self.client.tracker.connection

    def may_cancel_others(self) -> bool:
        """Whether whoever started this server allows it, and the settings page of ComfyUI."""
        if not self.permissions.may_cancel_others:
            return False
        return self.get(f'settings/{CANCEL_SETTING}') is not False

    def ask(self, request: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """What a request gives. Raises ConnectError, ServerError."""
        return run_sync(request(self.connection))

    def get(self, path: str, **params: Any) -> Any:
        """A route's JSON. Raises ConnectError, ServerError."""
        return self.ask(lambda connection: connection.get_json(path, params=params or None))

    def find(self, path: str, missing: str, params: Mapping[str, str] | None = None, most: int = LARGEST) -> bytes:
        """A route's bytes, at most so many. Raises AgentError, with `missing` where there is no such thing."""
        try:
            return self.ask(lambda connection: connection.request('GET', path, params=params, most=most))
        except ServerError as error:
            if error.status == TOO_LARGE:
                raise AgentError(f'it has more than {most >> 20} MB: get it from the server itself') from error
            if error.status in (400, 403, 404):
                raise AgentError(missing) from error
            raise
