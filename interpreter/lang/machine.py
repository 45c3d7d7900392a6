"""One run of a script: calling, attributes, iteration, comparison, and the bounds on all of them."""

from __future__ import annotations

import itertools
import operator
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from ...graph import near_misses
from .bounds import Bounds, Meter
from .errors import NodeFailed, ScriptDenied, ScriptError, ScriptLimit, Span
from .objects import (
    NUMBERS,
    SCALARS,
    SEQUENCES,
    SETS,
    SIZED,
    TEXTS,
    TIMES,
    DictItems,
    DictKeys,
    DictValues,
    Frame,
    Method,
    Property,
    ScriptCallable,
    ScriptFunction,
    ScriptObject,
    Stream,
    type_name,
)

CATCHABLE = frozenset(
    {
        ArithmeticError,
        AssertionError,
        AttributeError,
        Exception,
        FloatingPointError,
        IndexError,
        KeyError,
        LookupError,
        NameError,
        NotImplementedError,
        OverflowError,
        RuntimeError,
        StopIteration,
        TypeError,
        UnboundLocalError,
        UnicodeDecodeError,
        UnicodeEncodeError,
        UnicodeError,
        ValueError,
        ZeroDivisionError,
    }
)
"""Exceptions that a script can raise and catch, by exact type. Bounds, interrupts and the rest pass through."""

MAX_HASH_DEPTH = 50
MAX_ALIKE = 256
"""Keys of one hash."""
MAX_HASHES = 50_000
MAX_ROWS = 100_000
ROWS_AT_ONCE = 1000
TENSOR_SIZE = 700
"""Bytes of a tensor without its elements."""
ELEMENT_SIZE = 96
"""About what one new small value takes beside its place in a container."""
FORGET_EVERY = 256
FORGET_SIZE = 1 << 28
SMALL = frozenset({int, float, bool, type(None)})
SMALL_SIZE = 28
LARGEST_SMALL = 36
"""Bytes of an integer of up to 90 bits."""
SEEN_SIZE = 80
"""What looking at one more value takes while all are counted."""
SAFE_HASH = 2**61 - 1
"""Integers nearer to zero hash to themselves, so no two of them alike."""

Attributes = dict[str, 'Property | Callable[..., Any]']


class Machine:
    """The state of one run. Compiled code and built-ins get it as their first argument."""

    def __init__(
        self,
        bounds: Bounds,
        names: Mapping[str, Any],
        find_node: Callable[[str], Any] | None = None,
        check_interrupt: Callable[[], object] | None = None,
        modules: Mapping[str, Any] | None = None,
        attributes: Mapping[type, Attributes] | None = None,
    ):
        self.bounds = bounds
        self.meter = Meter(bounds, check_interrupt)
        self.meter.live_size = self.live_size
        self.tick = self.meter.tick
        self.charge = self.meter.charge
        self.at: Span | None = None
        """The operation in progress: what a failure is blamed on."""
        self.calls: list[Frame] = []
        """The script functions that are running."""
        self.globals: dict[str, Any] = {}
        self.names = dict(names)
        self.modules = modules or {}
        self.find_node = find_node
        self.attributes = attributes or {}
        self.handling: list[BaseException] = []
        self.printed: list[str] = []
        self.printed_size = 0
        self.frozen: dict[int, Any] = {}
        """Containers that a node gave or was given: shared with ComfyUI's caches, so never changed in place."""
        self.hashes: dict[int, list[Any]] = {}
        """Keys whose hash a script can choose, by that hash."""
        self.frozen_storages: dict[int, Any] = {}
        self._frozen_size = 0
        self._frozen_count = FORGET_EVERY
        self.unknown_type: type | None = None
        self.state: dict[str, Any] = {}
        """What modules keep for the run: the random generator."""

    # Names

    def global_or_builtin(self, name: str) -> Any:
        try:
            return self.globals[name]
        except KeyError:
            pass
        try:
            return self.names[name]
        except KeyError:
            pass
        node = self.find_node(name) if self.find_node else None
        if node is None:
            node_names: Any = getattr(getattr(self.find_node, '__self__', None), 'known_names', list)
            known = [*self.globals, *self.names, *node_names()]
            raise NameError(f"name '{name}' is not defined{near_misses(name, known)}")
        self.names[name] = node
        return node

    # Calls

    def call(self, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
        self.meter.tick()
        if isinstance(function, ScriptCallable):
            return function.invoke(self, args, kwargs)
        raise self._not_callable(function)

    def defer(self, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
        """A call of a node that waits until a lazy input asks for what it gives."""
        self.meter.tick()
        if isinstance(function, ScriptCallable):
            return function.defer(self, args, kwargs)
        raise self._not_callable(function)

    def _not_callable(self, function: Any) -> Exception:
        if type(function) in SCALARS or type(function) in SIZED or isinstance(function, ScriptObject):
            return TypeError(f"'{type_name(function)}' object is not callable")
        return ScriptDenied(f'a {type_name(function)} cannot be called in scripts: only functions and nodes can')

    def call_method(self, value: Any, name: str, args: list, kwargs: dict[str, Any]) -> Any:
        return self.call(self.get_attribute(value, name), args, kwargs)

    def method_of(self, value: Any, name: str) -> Callable[..., Any] | None:
        """The implementation of a plain value's method, where it has one: the short way of calling it."""
        table = self.attributes.get(type(value))
        entry = table.get(name) if table is not None else None
        return None if type(entry) is Property else entry  # type: ignore[return-value]

    def run_function(self, function: ScriptFunction, args: list, kwargs: dict[str, Any]) -> Any:
        if len(self.calls) >= self.bounds.recursion:
            raise ScriptLimit(f'functions call each other more than {self.bounds.recursion} deep')
        parameters = function.parameters
        if (
            not kwargs
            and len(args) == len(parameters.names)
            and parameters.rest is None
            and not (parameters.keyword_only or parameters.keywords)
        ):
            variables = dict(zip(parameters.names, args, strict=True))
        else:
            variables = _bind(function, args, kwargs)
        frame = Frame(self, function.closure, variables)
        frame.function = function
        frame.called_at = self.at
        self.calls.append(frame)
        try:
            function.body(frame)
        finally:
            self.calls.pop()
        return frame.value

    def as_native(self, function: Any) -> Callable[..., Any]:
        """A script's function for use inside a built-in: each call is a step."""
        if not isinstance(function, ScriptCallable):
            raise self._not_callable(function)
        return lambda *args: self.call(function, list(args), {})

    # Attributes

    def get_attribute(self, value: Any, name: str) -> Any:
        table = self.attributes.get(type(value))
        if table is None:
            if isinstance(value, ScriptObject):
                return value.attribute(self, name)
            table = self._foreign_table(value)
        entry = table.get(name) if table else None
        if entry is None:
            raise self._no_attribute(value, name, table)
        return entry.read(self, value) if isinstance(entry, Property) else Method(name, entry, value)

    def _foreign_table(self, value: Any) -> Attributes | None:
        if type(value) in CATCHABLE or isinstance(value, NodeFailed):
            return self.attributes.get(Exception)
        torch = sys.modules.get('torch')
        if torch is not None and isinstance(value, torch.Tensor):
            return self.attributes.get(torch.Tensor)
        return None

    def _no_attribute(self, value: Any, name: str, table: Attributes | None) -> Exception:
        self.known(value)
        if table is None:
            return ScriptDenied(f'a {type_name(value)} has no attributes in scripts: it can only be given to nodes')
        if hasattr(type(value), name):
            return ScriptDenied(f'{type_name(value)}.{name} is not available in scripts{near_misses(name, table)}')
        return AttributeError(f"'{type_name(value)}' object has no attribute '{name}'{near_misses(name, table)}")

    # Iteration

    def iterate(self, value: Any) -> Iterator[Any]:
        """An iterator for a loop that counts its rounds itself."""
        kind = type(value)
        if kind in SIZED or kind is range:
            return iter(value)
        if kind is Stream:
            return value
        if isinstance(value, ScriptObject):
            elements = value.elements(self)
            if elements is not None:
                return iter(elements)
        elif self.is_tensor(value):
            if value.dim() == 0:
                raise TypeError('iteration over a 0-d tensor')
            if value.shape[0] > MAX_ROWS:
                raise ScriptLimit(f'a loop over more than {MAX_ROWS} rows of a tensor: use tolist(), or its operators')
            self.charge(TENSOR_SIZE * value.shape[0])
            return _rows(value)
        self.known(value)
        raise TypeError(f"'{type_name(value)}' object is not iterable")

    def metered(self, value: Any) -> Iterable[Any]:
        """An iterable that may be given to code which does not count: it counts by itself."""
        if type(value) in SIZED:
            self.meter.ticks(len(value) >> 4)
            return value
        iterator = self.iterate(value)
        return iterator if type(iterator) is Stream else Stream(self, iterator, value)

    def stream(self, iterator: Iterator[Any], *sources: Any, weight: int = 0) -> Stream:
        return Stream(self, iterator, *sources, weight=weight)

    def collect(self, value: Any) -> list:
        """All elements as a new list, within the bound on elements."""
        kind = type(value)
        if kind in SIZED or kind is range:
            self.meter.item_count(len(value))
            self.meter.ticks(len(value) >> 4)
            found = list(value)
            new = 0 if kind in (list, tuple, set, frozenset, DictKeys, DictValues) else ELEMENT_SIZE
        else:
            limit = self.bounds.items
            found = list(itertools.islice(self.metered(value), limit + 1))
            self.meter.item_count(len(found))
            new = ELEMENT_SIZE
        self.charge(56 + (8 + new) * len(found))
        return found

    def length(self, value: Any) -> int:
        kind = type(value)
        if kind in SIZED or kind is range:
            return len(value)
        if isinstance(value, ScriptObject):
            elements = value.elements(self)
            if elements is not None:
                return len(elements)
        elif self.is_tensor(value):
            return len(value)
        raise TypeError(f"object of type '{type_name(value)}' has no len()")

    # Truth, equality, order, hash

    def truth(self, value: Any) -> bool:
        kind = type(value)
        if kind is bool:
            return value
        if kind in SCALARS or kind in SIZED or kind is range or kind in TIMES:
            return bool(value)
        if isinstance(value, ScriptObject):
            return True
        if self.is_tensor(value):
            return bool(value)
        self.known(value)
        return True

    def equals(self, left: Any, right: Any) -> bool:
        """`==` of two values as a bool, element by element, each of them a step."""
        kind, other = type(left), type(right)
        if kind in SCALARS and other in SCALARS:
            if kind is other and kind in TEXTS and len(left) == len(right):
                self.meter.passed_over(len(left))
            return left == right
        if kind is other and kind in SEQUENCES:
            return self._sequences_equal(left, right)
        if kind is other and kind is dict:
            return self._dicts_equal(left, right)
        if kind in SETS and other in SETS:
            self.meter.ticks(len(left) >> 3)
            return left == right
        if kind is other and (kind is range or kind is slice or kind in TIMES):
            return left == right
        if kind in TIMES and other in TIMES:
            return left == right
        if left is right:
            return True
        self.known(left)
        self.known(right)
        if self.is_tensor(left) or self.is_tensor(right):
            raise RuntimeError('Boolean value of Tensor with more than one value is ambiguous: compare their elements')
        torch = sys.modules.get('torch')
        if torch is not None and kind is other and kind in (torch.dtype, torch.device):
            return left == right
        return False

    def _sequences_equal(self, left: Any, right: Any) -> bool:
        if len(left) != len(right):
            return False
        for a, b in zip(left, right, strict=False):
            self.meter.tick()
            if a is not b and not self.equals(a, b):
                return False
        return True

    def _dicts_equal(self, left: dict, right: dict) -> bool:
        if len(left) != len(right):
            return False
        for key, value in left.items():
            self.meter.tick()
            if key not in right:
                return False
            other = right[key]
            if value is not other and not self.equals(value, other):
                return False
        return True

    def less(self, left: Any, right: Any) -> bool:
        return self.in_order(operator.lt, '<', left, right)

    def in_order(self, operate: Callable[[Any, Any], bool], symbol: str, left: Any, right: Any) -> bool:
        """`left < right` and its kin, for values of Python's own ordered types. Raises TypeError."""
        kind, other = type(left), type(right)
        if kind in SCALARS and other in SCALARS:
            if kind is other and kind in TEXTS:
                self.meter.passed_over(min(len(left), len(right)))
            return operate(left, right)
        if kind is other and kind in SEQUENCES:
            for a, b in zip(left, right, strict=False):
                self.meter.tick()
                if a is not b and not self.equals(a, b):
                    return self.in_order(operate, symbol, a, b)
            return operate(len(left), len(right))
        if kind in SETS and other in SETS:
            self.meter.ticks(len(left) >> 3)
            return operate(left, right)
        if kind in TIMES and other in TIMES:
            return operate(left, right)
        raise TypeError(f"'{symbol}' not supported between instances of '{type_name(left)}' and '{type_name(right)}'")

    def hashable(self, value: Any, depth: int = 0) -> Any:
        """The value, if it may be a dict key or a set's element. Raises TypeError."""
        kind = type(value)
        if kind in SCALARS:
            if (kind is int and not -SAFE_HASH < value < SAFE_HASH) or kind is complex:
                self._count_alike(value)
            return value
        if kind is tuple or kind is frozenset:
            if depth > MAX_HASH_DEPTH:
                raise ScriptLimit(f'a dict key of tuples more than {MAX_HASH_DEPTH} deep')
            for item in value:
                self.meter.tick()
                self.hashable(item, depth + 1)
            if not depth:
                self._count_alike(value)
            return value
        if kind is range or kind in TIMES:
            self._count_alike(value)
            return value
        if isinstance(value, ScriptObject):
            return value
        raise TypeError(f"unhashable type: '{type_name(value)}'")

    def _count_alike(self, value: Any) -> None:
        """Bounds how many keys have one hash: Python's dicts and sets compare a new one with each of them.

        Hashes of texts are salted. Those of numbers and tuples are not, so that a script could choose a million keys of
        one hash, and hold the server for hours in one step.
        """
        alike = self.hashes.setdefault(hash(value), [])
        if value in alike:
            return
        alike.append(value)
        if len(alike) > MAX_ALIKE:
            raise ScriptLimit(f'more than {MAX_ALIKE} dict keys or elements of sets with the same hash')
        if len(self.hashes) > MAX_HASHES:
            self.hashes = {key: values for key, values in self.hashes.items() if len(values) > 4}
            if len(self.hashes) > MAX_HASHES // 2:
                raise ScriptLimit('too many dict keys or elements of sets with the same hashes')

    def sort_keys(self, keys: list) -> list:
        """The keys themselves where Python may compare them, else each in a shell that compares by our rules."""
        if all(type(key) in SCALARS and (type(key) not in TEXTS or len(key) < 1000) for key in keys):
            return keys
        return [_Ordered(self, key) for key in keys]

    def index_of(self, values: Iterable[Any], wanted: Any, start: int = 0, stop: int | None = None) -> int:
        """Where `wanted` first is among the values, or -1."""
        for index, value in enumerate(itertools.islice(values, start, stop), start):
            if index & 15 == 0:
                self.meter.tick()
            if value is wanted or self.equals(value, wanted):
                return index
        return -1

    def contains(self, container: Any, wanted: Any) -> bool:
        kind = type(container)
        if kind in (dict, set, frozenset, DictKeys):
            return self.hashable(wanted) in container
        if kind is str or kind is bytes:
            if type(wanted) not in SCALARS:
                raise TypeError(f"'in <string>' requires string as left operand, not {type_name(wanted)}")
            self.meter.passed_over(len(container))
            return wanted in container
        if kind in (list, tuple, DictValues, DictItems):
            return self.index_of(container, wanted) >= 0
        if kind is range:
            if type(wanted) in (int, bool):
                return wanted in container
            return self.index_of(self.metered(container), wanted) >= 0
        return self.index_of(self.metered(container), wanted) >= 0

    # Numbers

    def whole(self, value: int) -> int:
        """An int, if it is within the bound."""
        if -(1 << 64) < value < (1 << 64):
            return value
        self.meter.bit_count(value.bit_length())
        return value

    def index(self, value: Any) -> int:
        """An int for a place where Python calls `__index__`. Raises TypeError."""
        if type(value) is int or type(value) is bool:
            return value
        if self.is_tensor(value) and value.numel() == 1 and not value.is_floating_point():
            return int(value)
        raise TypeError(f"'{type_name(value)}' object cannot be interpreted as an integer")

    # Changing in place

    def changeable(self, value: Any) -> None:
        """Raises ScriptDenied for a container that nodes or ComfyUI's caches hold as well."""
        if self.frozen and id(value) in self.frozen:
            copy = {list: 'list(x)', dict: 'dict(x)', set: 'set(x)'}.get(type(value), 'a copy')
            raise ScriptDenied(
                f'this {type_name(value)} came from a node or was given to one, and is shared with it: '
                f'change {copy} instead'
            )

    def freeze(self, value: Any) -> None:
        """Marks the containers and tensors in a value that crosses between script and nodes."""
        stack = [value]
        while stack:
            value = stack.pop()
            if type(value) in SCALARS:
                continue
            if isinstance(value, (list, dict, set, frozenset, tuple)):
                if id(value) not in self.frozen:
                    self.frozen[id(value)] = value
                    self._frozen_size += sys.getsizeof(value, 64)
                    stack += [*value.keys(), *value.values()] if isinstance(value, dict) else value
            elif self.is_tensor(value):
                storage = _storage(value)
                if storage is not None and storage not in self.frozen_storages:
                    self.frozen_storages[storage] = value
                    self._frozen_size += value.untyped_storage().nbytes()
        if self._frozen_size > FORGET_SIZE or len(self.frozen) + len(self.frozen_storages) > self._frozen_count:
            self._forget_unshared()

    def _forget_unshared(self) -> None:
        """Lets go of what nobody but this machine holds any more: a loop over many images is not to keep them all."""
        for key in list(self.frozen):
            if _references(self.frozen, key) <= _ALONE:
                del self.frozen[key]
        for key in list(self.frozen_storages):
            if _references(self.frozen_storages, key) <= _ALONE and _is_only_user(self.frozen_storages[key]):
                del self.frozen_storages[key]
        self._frozen_size = 0
        self._frozen_count = 2 * (len(self.frozen) + len(self.frozen_storages)) + FORGET_EVERY

    def tensor_changeable(self, value: Any) -> bool:
        storage = _storage(value)
        return storage not in self.frozen_storages if storage is not None else not value.numel()

    # Tensors

    def is_tensor(self, value: Any) -> bool:
        torch = sys.modules.get('torch')
        return torch is not None and isinstance(value, torch.Tensor)

    def known(self, value: Any) -> None:
        """Raises ScriptDenied for what a node would give, where no node runs."""
        if self.unknown_type is not None and isinstance(value, self.unknown_type):
            raise ScriptDenied(
                'what a node gives is known only when the script runs in a ComfyScript node: '
                'here it can only be given to other nodes'
            )

    # Exceptions

    def catchable(self, error: BaseException) -> bool:
        return type(error) in CATCHABLE or isinstance(error, NodeFailed) or type(error) in self.extra_catchable()

    def extra_catchable(self) -> frozenset[type]:
        return self.state.get('catchable', frozenset())

    def error_text(self, error: BaseException) -> str:
        """What an exception says, as the script would show it: foreign values in it are not asked."""
        if isinstance(error, ScriptError):
            return error.message
        from .formatting import show_briefly

        name = type(error).__name__
        text = show_briefly(self, error)
        return f'{name}: {text}' if text else name

    # Printing

    def write(self, text: str) -> None:
        """Adds to what the script printed, up to the bound."""
        room = self.bounds.printed - self.printed_size
        if room <= 0:
            return
        self.printed.append(text if len(text) <= room else text[:room] + '\n… (more was printed)\n')
        self.printed_size += len(text)

    # Size of everything held

    def live_size(self) -> int:
        """About how many bytes the script's variables hold, each object counted once; or some that are too many."""
        self._forget_unshared()
        seen: set[int] = set()
        total = 0
        stack: list[Any] = [self.globals, self.hashes, self.state]
        stack += self.calls
        while stack:
            value = stack.pop()
            kind = type(value)
            if id(value) in seen:
                continue
            seen.add(id(value))
            if len(seen) & 1023 == 0:
                self.meter.check()
                if total + SEEN_SIZE * len(seen) > self.bounds.memory // 2:
                    break
            if kind in SCALARS or kind in SIZED:
                total += sys.getsizeof(value, 64)
            elif self.is_tensor(value):
                total += TENSOR_SIZE
                storage = _storage(value)
                if storage is not None and storage not in seen:
                    seen.add(storage)
                    total += value.untyped_storage().nbytes()
            else:
                total += value.size if isinstance(value, ScriptObject) else ScriptObject.size
            parts = _parts(value)
            if parts:
                if len(parts) > 100_000:
                    self.meter.check()
                # Numbers are not looked at one by one: to remember each would take more memory than they do.
                if SMALL.issuperset(map(type, parts)) and max(map(sys.getsizeof, parts)) <= LARGEST_SMALL:
                    total += SMALL_SIZE * len(parts)
                else:
                    stack += parts
        return total + SEEN_SIZE * len(seen)


class _Ordered:
    __slots__ = ('m', 'value')

    def __init__(self, m: Machine, value: Any):
        self.m = m
        self.value = value

    def __lt__(self, other: _Ordered) -> bool:
        self.m.meter.tick()
        return self.m.less(self.value, other.value)

    def __gt__(self, other: _Ordered) -> bool:
        return other < self


def _parts(value: Any) -> Collection[Any]:
    kind = type(value)
    if kind is dict:
        return [*value.keys(), *value.values()]
    if kind in (list, tuple, set, frozenset):
        return value
    if isinstance(value, BaseException):
        return value.args
    if kind is Stream:
        return value.sources
    if kind is Frame:
        return [value.variables, value.value, value.parent]
    if kind is ScriptFunction:
        return [value.closure, value.defaults]
    if kind is Method:
        return [value.owner]
    return getattr(value, 'held', ()) if isinstance(value, ScriptObject) else ()


def _rows(tensor: Any) -> Iterator[Any]:
    """A tensor's rows, some at a time: torch is not interrupted while it makes them all."""
    for start in range(0, tensor.shape[0], ROWS_AT_ONCE):
        yield from tensor[start : start + ROWS_AT_ONCE].unbind(0)


def _storage(tensor: Any) -> int | None:
    try:
        return tensor.untyped_storage().data_ptr() or None
    except (RuntimeError, NotImplementedError):
        return None


def _references(kept: dict[int, Any], key: int) -> int:
    value = kept[key]
    return sys.getrefcount(value)


_ALONE = _references({0: []}, 0)
"""What that is for a value that nothing but the dict holds."""


def _is_only_user(tensor: Any) -> bool:
    """Whether no other tensor, in Python or not, shares this one's memory. Not known: it may be shared."""
    count = getattr(sys.modules['torch']._C, '_storage_Use_Count', None)
    if count is None:
        return False
    storage = tensor.untyped_storage()
    return count(storage._cdata) <= 2


def _bind(function: ScriptFunction, args: list, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments to variables, by Python's rules and with its messages. Raises TypeError."""
    parameters = function.parameters
    names = parameters.names
    variables = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        if parameters.rest is None:
            raise TypeError(f'{function.name}() takes {len(names)} positional arguments but {len(args)} were given')
        variables[parameters.rest] = tuple(args[len(names) :])
        function.closure.m.charge(8 * len(args))
    elif parameters.rest is not None:
        variables[parameters.rest] = ()
    extra: dict[str, Any] = {}
    by_keyword = frozenset(names[parameters.positional_only :]) | frozenset(parameters.keyword_only)
    for name, value in kwargs.items():
        if name in by_keyword:
            if name in variables:
                raise TypeError(f"{function.name}() got multiple values for argument '{name}'")
            variables[name] = value
        elif parameters.keywords is not None:
            extra[name] = value
        else:
            near = near_misses(name, by_keyword)
            raise TypeError(f"{function.name}() got an unexpected keyword argument '{name}'{near}")
    for name in (*names, *parameters.keyword_only):
        if name not in variables:
            if name not in function.defaults:
                raise TypeError(f"{function.name}() missing required argument: '{name}'")
            variables[name] = function.defaults[name]
    if parameters.keywords is not None:
        variables[parameters.keywords] = extra
        function.closure.m.charge(64 + 64 * len(extra))
    return variables


__all__ = ['CATCHABLE', 'NUMBERS', 'Attributes', 'Machine']
