"""Outputs of earlier calls, kept by what led to them: least recently used first out, within a limit of bytes."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_DEPTH = 8


class KeptOutputs(NamedTuple):
    """The outputs of one call, as the caller had them, and its UI results."""

    outputs: Any
    ui: Mapping[str, Any] | None
    versions: tuple[tuple[Any, int], ...] = ()


class Cache:
    """A cache of node outputs for `Workflow(cache=...)`, to be shared between workflows as one likes.

    `max_bytes` bounds what the kept tensors, arrays and models take, each counted once however many calls
    returned it. An entry larger than the limit is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes <= 0:
            raise ValueError(f'a cache of {max_bytes} bytes cannot hold anything: give a positive number')
        self.max_bytes = max_bytes
        self.size = 0
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[Any, tuple[KeptOutputs, dict[int, int]]] = OrderedDict()
        self._users: dict[int, int] = {}
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Any) -> KeptOutputs | None:
        with self._lock:
            found = self._entries.get(key)
            if found is not None and any(_changes(value) != version for value, version in found[0].versions):
                self._drop(key)
                found = None
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: Any, outputs: Any, ui: Mapping[str, Any] | None = None) -> None:
        parts: dict[int, tuple[Any, int]] = {}
        _weigh((outputs, ui), parts, 0)
        sizes = {identity: size for identity, (_, size) in parts.items()}
        if sum(sizes.values()) > self.max_bytes:
            return
        watched = ((value, _changes(value)) for value, _ in parts.values())
        versions = tuple((value, version) for value, version in watched if version >= 0)
        with self._lock:
            if key in self._entries:
                self._drop(key)
            self._entries[key] = (KeptOutputs(outputs, ui, versions), sizes)
            for identity, size in sizes.items():
                users = self._users.get(identity, 0)
                self._users[identity] = users + 1
                if not users:
                    self.size += size
            while self.size > self.max_bytes:
                self._drop(next(iter(self._entries)))

    def note(self, key: Any) -> None:
        """A call may still be made, or may not: what is kept of it may be wanted."""

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._users.clear()
            self.size = 0

    def _drop(self, key: Any) -> None:
        _, sizes = self._entries.pop(key)
        for identity, size in sizes.items():
            users = self._users[identity] - 1
            if users:
                self._users[identity] = users
            else:
                del self._users[identity]
                self.size -= size


def _changes(value: Any) -> int:
    """A tensor's count of changes in place, or -1 where it has none."""
    is_inference = getattr(value, 'is_inference', None)
    return -1 if is_inference is None or is_inference() else value._version


def _weigh(value: Any, parts: dict[int, tuple[Any, int]], depth: int) -> None:
    """Notes the parts of a value that take memory: identity → (part, bytes)."""
    if isinstance(value, (str, bytes)):
        parts[id(value)] = (value, sys.getsizeof(value))
    elif isinstance(value, (int, float, type(None))):
        return
    elif isinstance(value, Mapping):
        parts[id(value)] = (value, 64)
        if depth < MAX_DEPTH:
            for item in value.values():
                _weigh(item, parts, depth + 1)
    elif isinstance(value, (list, tuple)):
        parts[id(value)] = (value, 64)
        if depth < MAX_DEPTH:
            for item in value:
                _weigh(item, parts, depth + 1)
    else:
        _weigh_object(value, parts)


def _weigh_object(value: Any, parts: dict[int, tuple[Any, int]]) -> None:
    nbytes = getattr(value, 'nbytes', None)
    if isinstance(nbytes, int):
        parts[id(value)] = (value, nbytes)
        return
    parts[id(value)] = (value, 64)
    for patcher in (value, getattr(value, 'patcher', None)):
        model, model_size = getattr(patcher, 'model', None), getattr(patcher, 'model_size', None)
        if model is not None and callable(model_size):
            size = model_size()
            parts[id(model)] = (model, size if isinstance(size, int) else 0)


def total_memory() -> int:
    """The machine's memory in bytes, or 8 GiB where that cannot be told."""
    try:
        import psutil
    except ImportError:
        return 8 * 2**30
    return int(psutil.virtual_memory().total)
