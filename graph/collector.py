"""Python's garbage collector, which holds Python's lock while it looks at every list and dict of the process."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_holders = 0


@contextmanager
def collector_paused() -> Iterator[None]:
    """No collection of cycles inside. In a file of 100 000 nodes they would take two thirds of the time.

    Also across threads: collection goes on when the last of them leaves, and only if it went on before.
    """
    global _holders
    with _lock:
        mine = _holders > 0 or gc.isenabled()
        if mine:
            _holders += 1
            gc.disable()
    try:
        yield
    finally:
        if mine:
            with _lock:
                _holders -= 1
                if _holders == 0:
                    gc.enable()


class NewGarbage:
    """Looks for circles among what was made since it last looked, and passes over what has stayed until then.

    A look at all that a server holds takes half a second, and twenty of them in a row would stop every client. What
    stayed is looked at again by `collect_all`, and by everybody after `put_back`.
    """

    def __init__(self) -> None:
        self._aside = False

    def collect(self) -> None:
        """Frees circles that were made lately."""
        gc.collect(1)
        # Not where somebody else has set objects aside, whose they stay.
        if self._aside or gc.get_freeze_count() == 0:
            gc.freeze()
            self._aside = True

    def collect_all(self) -> None:
        self.put_back()
        gc.collect()

    def put_back(self) -> None:
        """What was set aside is again looked at by Python's own collections."""
        if self._aside:
            self._aside = False
            gc.unfreeze()
