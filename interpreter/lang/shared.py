"""Containers and tensors that nodes or ComfyUI's caches hold as well: a script does not change them."""

from __future__ import annotations

import sys
from typing import Any

from .errors import ScriptDenied
from .kinds import SCALARS, is_tensor, loaded_torch

FORGET_EVERY = 256

FORGET_SIZE = 1 << 28


CONTAINERS = (list, dict, set, frozenset, tuple)


class SharedValues:
    """What has crossed between the script and nodes, as long as somebody else may hold it."""

    def __init__(self) -> None:
        self.frozen: dict[int, Any] = {}
        self.frozen_storages: dict[int, Any] = {}
        self._frozen_size = 0
        self._frozen_count = FORGET_EVERY

    def changeable(self, value: Any) -> None:
        """Raises ScriptDenied for a container that nodes or ComfyUI's caches hold as well."""
        if self.frozen and id(value) in self.frozen:
            copy = {list: 'list(x)', dict: 'dict(x)', set: 'set(x)'}.get(type(value), 'a copy')
            raise ScriptDenied(
                f'this {type(value).__name__} came from a node or was given to one, and is shared with it: '
                f'change {copy} instead'
            )

    def freeze(self, value: Any) -> int:
        """Marks the containers and tensors in a value that crosses between script and nodes; the bytes that are new."""
        if type(value) in SCALARS:
            return 0
        new = 0
        stack = [value]
        while stack:
            value = stack.pop()
            if type(value) in SCALARS:
                continue
            if issubclass(type(value), CONTAINERS):
                if id(value) not in self.frozen:
                    self.frozen[id(value)] = value
                    new += sys.getsizeof(value, 64)
                    stack += [*value.keys(), *value.values()] if issubclass(type(value), dict) else value
            elif is_tensor(value):
                storage = storage_of(value)
                if storage is not None and storage not in self.frozen_storages:
                    self.frozen_storages[storage] = value
                    new += value.untyped_storage().nbytes()
        self._frozen_size += new
        if self._frozen_size > FORGET_SIZE or len(self.frozen) + len(self.frozen_storages) > self._frozen_count:
            self.forget_unshared()
        return new

    def forget_unshared(self) -> None:
        """Lets go of what nobody but this machine holds any more: a loop over many images is not to keep them all."""
        for key in list(self.frozen):
            if _references(self.frozen, key) <= _ALONE:
                del self.frozen[key]
        for key in list(self.frozen_storages):
            if _references(self.frozen_storages, key) <= _ALONE and _is_only_user(self.frozen_storages[key]):
                del self.frozen_storages[key]
        self._frozen_size = 0
        self._frozen_count = 2 * (len(self.frozen) + len(self.frozen_storages)) + FORGET_EVERY

    def is_changeable_tensor(self, value: Any) -> bool:
        storage = storage_of(value)
        return storage not in self.frozen_storages if storage is not None else not value.numel()


def storage_of(tensor: Any) -> int | None:
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
    count = getattr(loaded_torch()._C, '_storage_Use_Count', None)
    if count is None:
        return False
    storage = tensor.untyped_storage()
    return count(storage._cdata) <= 2
