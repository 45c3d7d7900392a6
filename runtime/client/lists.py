"""A server's lists of nodes and choices: read when first asked for, and again where they may lack what is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...comfyui.process import ServerProcess, find_server_process
from ...graph import ComfyScriptError, Schemas, as_schemas
from ..calls.asking import Asked
from ..calls.functions import NodeNamespace
from ..calls.node_call import Runner
from ..calls.recording import Recorder, locate_call, record_call
from ..wire.background import in_event_loop, log, on_background_thread, run_async, run_sync, spawn
from ..wire.connection import Connection
from ..wire.credentials import shown_url
from ..wire.errors import ServerError

__all__ = ['Renewal', 'ServerLists']

# Seconds that lists which are read again by themselves may take; then the old ones have to do.
RENEW_TIMEOUT = 20.0

# So often at most a name that is not known is looked for in fresh lists, or those are asked for again in vain.
INTERVAL = 2.0


class Renewal:
    """Reads the lists again, on the thread of whoever asks, where they changed or lack what is asked for.

    `read` does it and may take its time, `read_soon` does it while nobody waits; `is_other` tells quickly whether a
    node's own description changed (None: whether the embeddings did); `at_once` says that reading takes no time, so
    that nothing is saved up.
    """

    def __init__(
        self,
        read: Callable[[], Any],
        read_soon: Callable[[], Any],
        is_other: Callable[[str | None], bool],
        at_once: Callable[[], bool],
    ) -> None:
        self._read = read
        self._read_soon = read_soon
        self._is_other = is_other
        self._at_once = at_once
        self._lock = threading.Lock()
        self._changed = False
        self._uploaded = False
        self._reads = 0
        self._tried_at = float('-inf')
        self._rests_until = float('-inf')
        self._looked_at: dict[str | None, float] = {}

    def note_change(self) -> None:
        """The server was restarted, or knows less than we thought: any list may be another one."""
        self._changed = True
        self._rests_until = float('-inf')

    def note_upload(self) -> None:
        """A file was uploaded."""
        self._uploaded = True
        self._rests_until = float('-inf')

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Around each read of the lists: what changes from its start on counts anew.

        What it was for counts on where it fails. For as long as that took, the old lists have to do then: nobody is
        to wait at every turn for a server that is away.
        """
        changed, uploaded, began = self._changed, self._uploaded, time.monotonic()
        self._changed = self._uploaded = False
        try:
            yield
        except BaseException:
            self._changed |= changed
            self._uploaded |= uploaded
            now = time.monotonic()
            self._rests_until = now + max(INTERVAL, now - began)
            raise
        self._reads += 1
        self._rests_until = float('-inf')

    @property
    def changed(self) -> bool:
        """Whether any list is known to have changed, and may be read."""
        return (self._changed or self._uploaded) and time.monotonic() >= self._rests_until

    def renew(self, asked: Asked, class_type: str | None = None) -> bool:
        """Whether the lists were read again. Never raises, and never waits for the thread that it is called on.

        `class_type`: the node that is asked of, or for (by either of its names); None for the embeddings.
        """
        if not self._wanted(asked, class_type) or not self._may_wait():
            return False
        before = self._reads
        with self._lock:
            if self._reads != before and not self._out_of_date(asked):
                return True
            if not self._wanted(asked, class_type):
                return False
            try:
                if not self._is_worth_it(asked, class_type):
                    return False
                self._read_all()
            except ComfyScriptError as error:
                log.debug('The lists could not be read again: %s', error)
                return False
            return True

    def _is_worth_it(self, asked: Asked, class_type: str | None) -> bool:
        """Whether the whole lists are to be waited for: where they changed, or have what is asked for."""
        if self._out_of_date(asked) or self._at_once():
            return True
        if asked is not Asked.NODE:
            self._looked_at[class_type] = time.monotonic()
            return self._is_other(class_type)
        if not in_event_loop() or self._is_other(class_type):
            return True
        # It may have another name, but the caller's loop is not to stand still for that.
        self._tried_at = time.monotonic()
        self._read_soon()
        return False

    def _read_all(self) -> None:
        try:
            self._read()
        finally:
            self._tried_at = time.monotonic()
            self._looked_at.clear()

    def _out_of_date(self, asked: Asked) -> bool:
        return self._changed or (self._uploaded and asked is not Asked.KNOWN)

    def _wanted(self, asked: Asked, class_type: str | None) -> bool:
        if time.monotonic() < self._rests_until:
            return False
        if self._out_of_date(asked):
            return True
        last = max(self._tried_at, self._looked_at.get(class_type, self._tried_at))
        lacking = asked in (Asked.UNKNOWN, Asked.NODE)
        return lacking and (self._at_once() or time.monotonic() - last >= INTERVAL)

    def _may_wait(self) -> bool:
        if self._at_once():
            return True
        if on_background_thread():
            return False
        process = find_server_process()
        return process is None or process.why_not_wait() is None


class ServerLists:
    """The nodes, choices and embeddings that a server lists.

    `connection`: to the server, made when it is needed. `runner`: what the nodes' calls run on. `given`: a list that
    the server is not asked for. `server_process`: the server that we run inside, which is read from memory.
    """

    def __init__(self, connection: Callable[[], Connection], runner: Runner, given: Schemas | None = None) -> None:
        self.server_process: ServerProcess | None = None
        self.is_offline = False
        # Called when the lists were read again, on whatever thread that was: it must not wait.
        self.on_read: Callable[[], object] | None = None
        self._connection = connection
        self._runner = runner
        self._fixed = given is not None
        self._schemas = given
        self._embeddings: tuple[str, ...] | None = None
        self._nodes: NodeNamespace | None = None
        self._lock = threading.RLock()
        self.renewal = Renewal(
            read=self._read_again,
            read_soon=lambda: spawn(self._refresh_quietly()),
            is_other=self._is_other,
            at_once=lambda: self.server_process is not None,
        )

    @property
    def are_known(self) -> bool:
        """Whether the node list is here already."""
        return self._schemas is not None

    @property
    def schemas(self) -> Schemas:
        """The node list; asked for on first use. Raises ConnectError, ServerError."""
        if self._schemas is None:
            self.refresh()
        assert self._schemas is not None
        return self._schemas

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The names of the embeddings, without their file suffix; asked for on first use."""
        if self._embeddings is None:
            process = self.server_process
            self._embeddings = process.embeddings() if process is not None else run_sync(self._get_embeddings())
        return self._embeddings

    @property
    def nodes(self) -> NodeNamespace:
        """The nodes as functions."""
        # Fetched first: that waits for the background thread, which must not wait for the lock.
        schemas = self.schemas
        with self._lock:
            if self._nodes is None:
                self._nodes = NodeNamespace(
                    schemas,
                    Recorder(record_call, self._runner, locate_call, lambda class_type: self.schemas.find(class_type)),
                    embeddings=lambda: self.embeddings,
                    renew=self.renew,
                )
            return self._nodes

    def give(self, schemas: Schemas, embeddings: tuple[str, ...]) -> None:
        """Have these lists, and ask for none."""
        self._fixed = True
        self._schemas, self._embeddings = schemas, embeddings

    @property
    def given(self) -> tuple[Schemas, tuple[str, ...]] | None:
        """The lists that are had without asking, or None."""
        return (self.schemas, tuple(self._embeddings or ())) if self._fixed else None

    def refresh(self) -> None:
        """Read the lists again. Raises ConnectError, ServerError."""
        if not self.is_offline:
            self._read_again(None)

    async def refresh_async(self) -> None:
        """`refresh`, to be awaited on any loop."""
        if self.server_process is not None or self.is_offline:
            self.refresh()
        else:
            await run_async(self._fetch())

    def renew(self, asked: Asked, class_type: str | None = None, /) -> bool:
        """Read the lists again where they are known to have changed, or lack what is asked for; whether that was done.

        Nodes and enums call it by themselves. A name that is not known is looked for every two seconds at most; one
        of a node that is known (`class_type`) first in that node's description alone, which is a small answer; so is a
        node itself, where waiting for more would keep a loop. It does nothing where waiting could block the server's
        answer, and where the node list was given.
        """
        return self._may_renew and self.renewal.renew(asked, class_type)

    async def renew_changed(self) -> None:
        """Read lists that are known to have changed: later calls then have nothing to wait for. Never raises."""
        if self._may_renew and self.renewal.changed:
            await self._refresh_quietly()

    @property
    def _may_renew(self) -> bool:
        return not self._fixed and self._schemas is not None

    async def _refresh_quietly(self) -> None:
        try:
            await asyncio.wait_for(self.refresh_async(), RENEW_TIMEOUT)
        except (ComfyScriptError, asyncio.TimeoutError) as error:
            log.debug('The lists could not be read again: %s', error)

    def _read_again(self, timeout: float | None = RENEW_TIMEOUT) -> None:
        if self.server_process is not None:
            with self.renewal.reading():
                self._set(self.server_process.schemas(), None)
        else:
            run_sync(self._fetch(), timeout)

    def _is_other(self, class_type: str | None) -> bool:
        """Whether the server describes a node, or lists embeddings, otherwise than the lists that are here."""
        if class_type is None:
            return run_sync(self._get_embeddings(), RENEW_TIMEOUT) != self._embeddings
        known = self.schemas.find(class_type)
        if '/' in class_type:
            return True  # this path would be another one
        try:
            found = run_sync(self._connection().get_json(f'object_info/{class_type}'), RENEW_TIMEOUT)
        except ServerError:
            return True
        return not isinstance(found, dict) or found.get(class_type) != (known.info if known is not None else None)

    async def _fetch(self) -> None:
        with self.renewal.reading():
            schemas, embeddings = await asyncio.gather(self._get_schemas(), self._get_embeddings())
            self._set(schemas, embeddings)

    async def _get_schemas(self) -> Schemas:
        connection = self._connection()
        object_info = await connection.get_json('object_info')
        if not isinstance(object_info, dict):
            url = shown_url(str(connection.url('object_info')))
            raise ServerError(f'{url} did not answer with a list of nodes; is it ComfyUI?')
        return as_schemas(object_info)

    async def _get_embeddings(self) -> tuple[str, ...]:
        if self.is_offline:
            return ()
        try:
            names = await self._connection().get_json('embeddings')
        except ServerError:
            return ()
        return tuple(str(name) for name in names) if isinstance(names, list) else ()

    def _set(self, schemas: Schemas, embeddings: tuple[str, ...] | None) -> None:
        with self._lock:
            self._schemas = schemas
            self._embeddings = embeddings
            if self._nodes is not None:
                self._nodes.refresh(schemas, lambda: self.embeddings)
        if self.on_read is not None:
            self.on_read()
