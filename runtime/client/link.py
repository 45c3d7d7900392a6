"""A client's connection to its server: made when it is first needed, and by each process for itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from ..wire.connection import Connection, ConnectionOptions
from ..wire.errors import OfflineError
from ..wire.tracker import Tracker

__all__ = ['ServerLink']

# The trackers of the process that this one is a fork of.
_inherited: list[Tracker] = []


class ServerLink:
    """Makes the tracker of a client. `set_up` is called with each new one."""

    def __init__(self, options: ConnectionOptions, set_up: Callable[[Tracker], object]) -> None:
        self.is_offline = False
        self._options = options
        self._set_up = set_up
        self._tracker: Tracker | None = None
        self._lock = threading.Lock()

    @property
    def existing(self) -> Tracker | None:
        """The tracker, where anything was asked of the server."""
        return self._tracker

    @property
    def tracker(self) -> Tracker:
        """The tracker. Raises OfflineError where there is no server."""
        if self.is_offline:
            raise OfflineError(
                'There is no server: the node list came from a file. Workflow(queue=False) and wf.api_format() work; '
                'to run workflows call load() with a server.'
            )
        with self._lock:
            if self._tracker is not None and self._tracker.process != os.getpid():
                # Kept for ever: closing what a forked process shares would close it for its parent, too.
                _inherited.append(self._tracker)
                self._tracker = None
            if self._tracker is None:
                tracker = Tracker(self._options)
                self._set_up(tracker)
                self._tracker = tracker
            return self._tracker

    def connection(self) -> Connection:
        """The tracker's connection. Raises OfflineError."""
        return self.tracker.connection

    async def close(self) -> None:
        """Close the connection, on the background loop; the next use makes a new one."""
        with self._lock:
            tracker, self._tracker = self._tracker, None
        if tracker is not None:
            await tracker.close()
