"""How a value is followed, by its type."""

from __future__ import annotations

from enum import Enum, IntEnum

from .value_list import Lazy, Token, ValueList


class Kind(IntEnum):
    """How a value is followed."""

    SCALAR = 0
    BOOL = 1
    NONE = 2
    ENUM = 3
    TENSOR = 4
    CONTAINER = 5
    OBJECT = 6
    UNTRACKABLE = 7
    VALUE_LIST = 8
    LAZY = 9
    BLOCKER = 10


class Kinds(dict[type, Kind]):
    """The kind of each type of value, found once per type."""

    def __init__(self, blocker: type | None = None) -> None:
        super().__init__()
        self._blocker = blocker
        self.update({int: Kind.SCALAR, float: Kind.SCALAR, str: Kind.SCALAR, bool: Kind.BOOL, type(None): Kind.NONE})
        self.update({dict: Kind.CONTAINER, list: Kind.CONTAINER, tuple: Kind.CONTAINER})
        self.update({ValueList: Kind.VALUE_LIST, Token: Kind.OBJECT})

    def __missing__(self, type_: type) -> Kind:
        kind = self[type_] = self._classify(type_)
        return kind

    def _classify(self, type_: type) -> Kind:
        if self._blocker is not None and issubclass(type_, self._blocker):
            return Kind.BLOCKER
        if issubclass(type_, Enum):
            return Kind.ENUM
        if issubclass(type_, Lazy):
            return Kind.LAZY
        if issubclass(type_, ValueList):
            return Kind.VALUE_LIST
        if issubclass(type_, (int, float, str)):
            return Kind.SCALAR
        if hasattr(type_, '_version') and hasattr(type_, 'is_inference'):
            return Kind.TENSOR
        if issubclass(type_, (dict, list, tuple)):
            return Kind.CONTAINER
        return Kind.OBJECT if type_.__weakrefoffset__ else Kind.UNTRACKABLE
