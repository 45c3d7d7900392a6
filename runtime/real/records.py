"""Node calls on record: where their inputs came from, and a hash of all that led to them."""

from __future__ import annotations

import hashlib
import itertools
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple


class Source(NamedTuple):
    """An output of a recorded call."""

    record: Record
    slot: int


class Opaque:
    """A value that no node made, or that is not any more what a node made. It does not hold the value."""

    __slots__ = ('number', 'origin', 'stable', 'what')
    _numbers = itertools.count(1)

    def __init__(self, what: str, stable: bool = False, origin: tuple[Source, int] | None = None) -> None:
        self.what = what
        self.stable = stable
        self.origin = origin
        """The list output and the index in it, for a value that was taken out of a list."""
        self.number = next(self._numbers)

    def __repr__(self) -> str:
        return f'<{self.what}>'

    def key(self) -> bytes | None:
        if self.origin is not None:
            source, index = self.origin
            key = source.record.key()
            return key + b'%d[%d]' % (source.slot, index) if key else None
        return b'opaque %d' % self.number if self.stable else None


class Literal(NamedTuple):
    """A list or dict of the user's, recorded as JSON."""

    json: str


LOST = object()


class Several(NamedTuple):
    """A list of values that the user put together, one per run of the node."""

    items: tuple[Any, ...]


class Record:
    """One node call: its class and where its inputs came from. It holds other records, never a value of weight."""

    __slots__ = ('_key', 'class_type', 'inputs', 'mark', 'number', 'outputs', 'prefix')

    def __init__(self, number: int, class_type: str, inputs: dict[str, Any], prefix: str = '') -> None:
        self.number = number
        self.prefix = prefix
        self.class_type = class_type
        self.inputs = inputs
        self.mark: Any = None
        self.outputs: list[Any] = []
        """What can be had of the outputs without keeping them: weak references, plain values, or LOST."""
        self._key: bytes | None = None

    def __repr__(self) -> str:
        return f'<call {self.number} of {self.class_type}>'

    @property
    def node_id(self) -> str:
        return f'{self.prefix}{self.number}'

    def living_outputs(self) -> list[Any] | None:
        """The outputs, if each of them can still be had."""
        found = []
        for output in self.outputs:
            value = output() if isinstance(output, weakref.ref) else output
            if value is LOST or (value is None and output is not None):
                return None
            found.append(value)
        return found

    def sources(self) -> Iterator[Source]:
        for value in self.inputs.values():
            yield from _sources(value)

    def key(self) -> bytes | None:
        """A hash of all that led to this call's outputs, or None where that cannot be told."""
        if self._key is None:
            for record in self._without_key():
                record._key = record._own_key()
        return self._key or None

    def deny_key(self) -> None:
        """Nothing that rests on this call can be kept: it may give something else the next time."""
        self._key = b''

    def _without_key(self) -> list[Record]:
        """This call and those it rests on that have no key yet, in the order they were made."""
        found: dict[int, Record] = {self.number: self}
        waiting: list[Record] = [self]
        while waiting:
            for source in waiting.pop().sources():
                record = source.record
                if record._key is None and record.number not in found:
                    found[record.number] = record
                    waiting.append(record)
        return [found[number] for number in sorted(found)]

    def ancestry(self) -> list[Record]:
        """This call and all it rests on, in the order they were made."""
        found: dict[int, Record] = {self.number: self}
        waiting: list[Record] = [self]
        while waiting:
            for source in waiting.pop().sources():
                if source.record.number not in found:
                    found[source.record.number] = source.record
                    waiting.append(source.record)
        return [found[number] for number in sorted(found)]

    def _own_key(self) -> bytes:
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f'{self.class_type}\0{self.mark!r}'.encode('utf-8', 'surrogatepass'))
        for name in sorted(self.inputs):
            part = _key_part(self.inputs[name])
            if part is None:
                return b''
            digest.update(b'\0' + name.encode('utf-8', 'surrogatepass') + b'\0' + part)
        return digest.digest()


def _sources(value: Any) -> Iterator[Source]:
    if type(value) is Source:
        yield value
    elif type(value) is Several:
        for item in value.items:
            yield from _sources(item)


def _key_part(value: Any) -> bytes | None:
    kind = type(value)
    if kind is Source:
        key = value.record._key
        return key + b'%d' % value.slot if key else None
    if kind is Opaque:
        return value.key()
    if kind is Several:
        parts = [_key_part(item) for item in value.items]
        return None if None in parts else b'[' + b','.join(part for part in parts if part is not None) + b']'
    if kind is Literal:
        return value.json.encode('utf-8', 'surrogatepass')
    return f'{kind.__name__} {value!r}'.encode('utf-8', 'surrogatepass')
