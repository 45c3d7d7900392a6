"""Looks while a text is read: whoever asked for it may have it ended between any two pieces.

Reading goes through a tree many times, and a long text takes seconds. Only Python's parser is one piece; how much it is
given is bounded (`source.py: MAX_TOKENS`).
"""

from __future__ import annotations

import ast
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

EVERY = 500
"""Nodes of a tree between two looks: about a millisecond."""

SLOW = 0.02
"""Seconds of one piece that are many."""
REST = 0.01

_look: ContextVar[Callable[[], object] | None] = ContextVar('look', default=None)


@contextmanager
def looking(look: Callable[[], object] | None) -> Iterator[None]:
    """Calls `look` again and again while texts are read inside; what it raises ends the reading."""
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


def look() -> None:
    """Between two pieces."""
    found = _look.get()
    if found is not None:
        found()


def rest(took: float) -> None:
    """After a piece that held Python's lock for so long: others have it for a moment, a tenth of that at most.

    An answer to a client takes several turns with the lock. Each would wait for another piece as long.
    """
    if took > SLOW:
        time.sleep(min(took / 10, REST))


def walk(tree: ast.AST) -> Iterator[ast.AST]:
    """`ast.walk`, with looks."""
    waiting = deque([tree])
    seen = 0
    while waiting:
        node = waiting.popleft()
        seen += 1
        if seen % EVERY == 0:
            look()
        waiting.extend(ast.iter_child_nodes(node))
        yield node
