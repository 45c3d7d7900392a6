"""`container[key]`: reading, setting and deleting."""

from __future__ import annotations

from typing import Any

from .comparison import hashable
from .elements import collect
from .errors import ScriptDenied
from .kinds import SEQUENCES, is_tensor
from .machine import Machine
from .objects import ScriptObject, as_index, charged_value, is_opaque, type_name
from .tensors.items import get_tensor_item, set_tensor_item


def get_item(m: Machine, container: Any, key: Any) -> Any:
    kind = type(container)
    if kind is dict:
        return container[hashable(m, key)]
    if kind in SEQUENCES or kind is str or kind is bytes or kind is range:
        if type(key) is slice:
            return charged_value(m, container[key])
        if type(key) is not int and type(key) is not bool and not is_tensor(key):
            raise TypeError(f'{kind.__name__} indices must be integers or slices, not {type_name(key)}')
        return container[as_index(key)]
    if isinstance(container, ScriptObject):
        return container.item(m, key)
    elif is_tensor(container):
        return get_tensor_item(m, container, key)
    elif is_opaque(container):
        m.known(container)
        raise ScriptDenied(f'a {type_name(container)} cannot be indexed in scripts: it can only be given to nodes')
    raise TypeError(f"'{type_name(container)}' object is not subscriptable")


def set_item(m: Machine, container: Any, key: Any, value: Any) -> None:
    kind = type(container)
    if kind is dict:
        m.changeable(container)
        container[hashable(m, key)] = value
        m.meter.item_count(len(container))
        m.charge(64)
    elif kind is list:
        m.changeable(container)
        if type(key) is slice:
            items = collect(m, value)
            m.meter.item_count(len(container) + len(items))
            container[key] = items
        elif type(key) is int or type(key) is bool:
            container[key] = value
        else:
            raise TypeError(f'list indices must be integers or slices, not {type_name(key)}')
    elif is_tensor(container):
        set_tensor_item(m, container, key, value)
    else:
        raise TypeError(f"'{type_name(container)}' object does not support item assignment")


def delete_item(m: Machine, container: Any, key: Any) -> None:
    kind = type(container)
    if kind is dict:
        m.changeable(container)
        del container[hashable(m, key)]
    elif kind is list:
        m.changeable(container)
        if type(key) not in (int, bool, slice):
            raise TypeError(f'list indices must be integers or slices, not {type_name(key)}')
        del container[key]
    else:
        raise TypeError(f"'{type_name(container)}' object doesn't support item deletion")
