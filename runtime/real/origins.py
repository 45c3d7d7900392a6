"""Where real values came from, kept beside them: by identity, weakly, and without a trace in the values.

A value that has an identity (a tensor, a model) is known by it as long as it lives. A container (a latent's
dict, a conditioning's list) cannot be referenced weakly: it is known by its identity and by what it holds, as
long as something inside it lives. Numbers and texts have no identity: they are recorded as what they are.

What has changed since a node returned it is no longer that node's output: a tensor by its version counter
(which PyTorch does not keep for tensors made in inference mode: those changes go unseen), a container by what
it holds. Such values, and those the user made, are opaque: a prompt leaves them out, a script says so.
"""

from __future__ import annotations

import itertools
import json
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from .records import LOST, Literal, Opaque, Record, Several, Source
from .value_kinds import Kind, Kinds
from .value_list import ValueList

MAX_LEAVES = 256
"""Containers are compared by their first leaves only."""
MAX_LOOSE = 1024
"""Containers of plain values only, which nothing tells when they are gone, are remembered up to this many."""
MAX_LITERAL = 64 * 1024
"""A plain list or dict of a user's is recorded as it is up to this many characters of JSON."""
MAX_ADOPTED_DEPTH = 4
"""Of a container that comes from outside, values this deep have keys of their own."""

_NONE, _TENSOR, _CONTAINER, _OBJECT, _VALUE_LIST = Kind.NONE, Kind.TENSOR, Kind.CONTAINER, Kind.OBJECT, Kind.VALUE_LIST

_new_source = tuple.__new__
"""A named tuple's own constructor takes twice the time."""


class _Ref(weakref.ref[Any]):
    """A weak reference that knows the table's key of what it stands for.

    The key is set from outside: a constructor of ours would double the time that making one takes.
    """

    __slots__ = ('key',)
    key: int


class _Held(NamedTuple):
    """What a container held when it was seen, as steps that tell quickly whether it still does.

    The containers in it are numbered (it is 0); all that is in them is named by a container's number and a key.
    """

    root: tuple[type, int, Any]
    inner: tuple[tuple[int, Any, type, int, Any], ...]
    """Further containers: where, type, length, and what makes a plain dict or list of one of an odd type."""
    living: tuple[tuple[int, Any, weakref.ref[Any], int], ...]
    """Tensors and objects: where, a reference, and a tensor's version (-1: none)."""
    plain: tuple[tuple[int, Any, Any, bool], ...]
    """Numbers and texts, or the identity of what cannot be referenced: where, which, and whether it is one."""

    def is_in(self, value: Any) -> bool:
        type_, count, plainly = self.root
        if type(value) is not type_ or len(value) != count:
            return False
        holders = [value if plainly is None else plainly(value)]
        try:
            for holder, key, type_, count, plainly in self.inner:
                item = holders[holder][key]
                if type(item) is not type_ or len(item) != count:
                    return False
                holders.append(item if plainly is None else plainly(item))
            for holder, key, ref, version in self.living:
                item = holders[holder][key]
                if ref() is not item or (version >= 0 and item._version != version):
                    return False
            for holder, key, known, by_identity in self.plain:
                item = holders[holder][key]
                if id(item) != known if by_identity else item is not known and item != known:
                    return False
        except LookupError:
            return False
        return True

    def still_lives(self) -> bool:
        return all(ref() is not None for _, _, ref, _ in self.living)


class _Entry:
    """What is known of one living value: its source, and how to tell that it is still the same."""

    __slots__ = ('held', 'ref', 'source', 'version')

    def __init__(self, source: Source | Opaque, ref: _Ref | None, version: int, held: _Held | None = None) -> None:
        self.source = source
        self.ref = ref
        self.version = version
        self.held = held


class Origins:
    """All that is known of living values. One per session."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self._entries: dict[int, _Entry] = {}
        self._loose: OrderedDict[int, None] = OrderedDict()
        self._numbers = itertools.count(1)
        self.next_number = self._numbers.__next__

    def __len__(self) -> int:
        return len(self._entries)

    # Inputs: what a value is

    def describe(self, value: Any, kind: Kind) -> Any:
        """What to record for an input that is not a plain scalar: Source, Opaque, Literal, Several or a scalar."""
        entry = self._entries.get(id(value))
        if entry is not None:
            if kind is _CONTAINER:
                if entry.held is not None and entry.held.is_in(value):
                    return entry.source
            elif entry.ref is not None and entry.ref() is value:
                if kind is not _TENSOR or entry.version < 0 or entry.version == value._version:
                    return entry.source
                return self._opaque(value, kind, _changed(value, entry.source))
        return self._describe_new(value, kind, entry)

    def _describe_new(self, value: Any, kind: Kind, entry: _Entry | None) -> Any:
        if kind is Kind.CONTAINER:
            literal = _literal(value)
            if literal is not None:
                return literal
            changed = entry is not None and entry.held is not None and entry.held.still_lives()
            what = _changed(value, entry.source) if changed and entry is not None else _what(value)
            return self._opaque(value, kind, what)
        if kind is Kind.VALUE_LIST:
            return Several(tuple(self._describe_item(item) for item in value))
        if kind is Kind.UNTRACKABLE or kind is Kind.BLOCKER or kind is Kind.LAZY:
            return Opaque(_what(value))
        return self._opaque(value, kind, _what(value))

    def _describe_item(self, value: Any) -> Any:
        kind = self.kinds[type(value)]
        return value if kind <= Kind.NONE else self.describe(value, kind)

    def _opaque(self, value: Any, kind: Kind, what: str) -> Opaque:
        version = _version(value) if kind is Kind.TENSOR else -1
        opaque = Opaque(what, stable=version >= 0)
        self._put(value, kind, opaque)
        return opaque

    def adopt(self, value: Any, name: Callable[[Any], bytes | None], depth: int = 0) -> None:
        """Gives a value that no call made, and what it holds, a key that holds beyond this session.

        `name` gives the same bytes for what it takes for the same value, in whatever session, or None.
        """
        kind = self.kinds[type(value)]
        if kind not in (Kind.TENSOR, Kind.CONTAINER, Kind.OBJECT):
            return
        known = self.describe(value, kind)
        if type(known) is not Opaque or known.origin is not None:
            return
        if kind is Kind.CONTAINER and depth < MAX_ADOPTED_DEPTH:
            for item in value.values() if isinstance(value, dict) else value:
                self.adopt(item, name, depth + 1)
        key = name(value)
        if key is not None:
            record = Record(self.next_number(), 'value', {})
            record._key = key
            self._put(value, kind, Opaque(known.what, origin=(Source(record, 0), 0)))

    # Outputs: where a value came from

    def put(self, value: Any, record: Record, slot: int, passes: bool = False) -> None:
        """Notes that a call gave this value. `passes`: what is known already passed through, and stays what it was."""
        kind = self.kinds[type(value)]
        if passes and self._knows(value, kind):
            record.outputs.append(LOST if kind is _CONTAINER else weakref.ref(value))
        elif kind is _TENSOR or kind is _OBJECT or kind is _CONTAINER:
            ref = self._put(value, kind, _new_source(Source, (record, slot)))
            record.outputs.append(LOST if kind is _CONTAINER else ref)
        elif kind is _VALUE_LIST:
            record.outputs.append(self._put_list(value, record, slot, passes))
        else:
            record.outputs.append(value if kind <= _NONE else LOST)

    def _knows(self, value: Any, kind: Kind) -> bool:
        entry = self._entries.get(id(value))
        if entry is None:
            return False
        if kind is _CONTAINER:
            return entry.held is not None and entry.held.is_in(value)
        return entry.ref is not None and entry.ref() is value

    def _put_list(self, values: ValueList[Any], record: Record, slot: int, passes: bool) -> _Ref:
        """A list as a whole is the slot; its entries, taken out, cannot be named in a prompt."""
        source = Source(record, slot)
        ref = self._refer(values, id(values))
        self._entries[id(values)] = _Entry(source, ref, -1)
        for index, item in enumerate(values):
            kind = self.kinds[type(item)]
            if passes and self._knows(item, kind):
                continue
            if kind is Kind.TENSOR or kind is Kind.OBJECT or kind is Kind.CONTAINER:
                what = f'value {index} of the list that {record.class_type} returned'
                self._put(item, kind, Opaque(what, origin=(source, index)))
        return ref

    def _put(self, value: Any, kind: Kind, source: Source | Opaque) -> _Ref | None:
        key = id(value)
        if kind is _CONTAINER:
            held = _held(value, self.kinds)
            ref = None
            for _, _, leaf, _ in held.living:
                ref = self._refer(leaf(), key)
                break
            else:
                self._put_loose(key)
            self._entries[key] = _Entry(source, ref, -1, held)
            return ref
        ref = self._refer(value, key)
        self._entries[key] = _Entry(source, ref, _version(value) if kind is _TENSOR else -1)
        return ref

    def _refer(self, value: Any, key: int) -> _Ref:
        ref = _Ref(value, self._forget)
        ref.key = key
        return ref

    def _put_loose(self, key: int) -> None:
        self._loose[key] = None
        self._loose.move_to_end(key)
        if len(self._loose) > MAX_LOOSE:
            self._entries.pop(self._loose.popitem(last=False)[0], None)

    def _forget(self, ref: _Ref) -> None:
        entry = self._entries.get(ref.key)
        if entry is not None and entry.ref is ref:
            del self._entries[ref.key]


def _version(tensor: Any) -> int:
    """The count of changes in place, or -1: tensors made in inference mode have none."""
    return -1 if tensor.is_inference() else tensor._version


def _held(value: Any, kinds: Kinds) -> _Held:
    """What a container holds. Beyond `MAX_LEAVES`, containers in it count by their length only."""
    inner: list[tuple[int, Any, type, int, Any]] = []
    living: list[tuple[int, Any, weakref.ref[Any], int]] = []
    plain: list[tuple[int, Any, Any, bool]] = []
    waiting: list[Any] = [value]
    seen = 0
    for holder, container in enumerate(waiting):
        if seen > MAX_LEAVES:
            continue
        seen += len(container)
        for key, item in container.items() if isinstance(container, dict) else enumerate(container):
            kind = kinds[type(item)]
            if kind is _TENSOR:
                living.append((holder, key, weakref.ref(item), _version(item)))
            elif kind is _CONTAINER or kind is _VALUE_LIST:
                inner.append((holder, key, type(item), len(item), _plainly(item)))
                waiting.append(item)
            elif kind <= _NONE:
                plain.append((holder, key, item, False))
            elif kind is _OBJECT:
                living.append((holder, key, weakref.ref(item), -1))
            else:
                plain.append((holder, key, id(item), True))
    return _Held((type(value), len(value), _plainly(value)), tuple(inner), tuple(living), tuple(plain))


def _plainly(container: Any) -> type | None:
    """What makes a plain container of one of an odd type, whose own look-up could do anything (`defaultdict`)."""
    if type(container) in (dict, list, tuple):
        return None
    return dict if isinstance(container, dict) else list


def _literal(value: Any) -> Literal | None:
    """A list or dict of plain values as JSON, if it is one and not huge."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None
    return Literal(text) if len(text) <= MAX_LITERAL else None


def _what(value: Any) -> str:
    """A value in a few words: its type, and the shape of a tensor."""
    name = type(value).__name__
    shape = getattr(value, 'shape', None)
    if isinstance(shape, tuple):
        return f'a {name} of shape {list(shape)}'
    return f'a {name}'


def _changed(value: Any, source: Source | Opaque) -> str:
    if isinstance(source, Opaque):
        return source.what
    return f'{_what(value)} from {source.record.class_type}, changed since'
