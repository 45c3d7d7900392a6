"""What stands on the left of an assignment."""

from __future__ import annotations

import ast
from typing import Any

from .. import subscripts
from ..elements import collect, iterate
from ..kinds import SEQUENCES
from ..objects import ScriptObject, type_name
from ..script_functions import Frame
from ..source import span_of
from .compiler import Compiler, Store


def attribute_name(c: Compiler, node: ast.Attribute) -> str:
    if node.attr.startswith('_'):
        c.refuse(node, f'attributes that begin with an underscore, such as {node.attr}, are not available in scripts')
    return node.attr


def target(c: Compiler, node: ast.expr) -> Store:
    """How a value is stored into the left side of an assignment."""
    if isinstance(node, ast.Name):
        return c.store(node, node.id)
    if isinstance(node, (ast.Tuple, ast.List)):
        return _unpack(c, node)
    if isinstance(node, ast.Subscript):
        return _store_item(c, node)
    if isinstance(node, ast.Attribute):
        attribute_name(c, node)
        c.refuse(node, 'attributes cannot be set in scripts: keep the value in a variable or a dict')
    c.unknown(node)


def _store_item(c: Compiler, node: ast.Subscript) -> Store:
    owner, key = c.expression(node.value), c.expression(node.slice)
    span = span_of(node)

    def store(frame: Frame, value: Any) -> None:
        container = owner(frame)
        index = key(frame)
        frame.m.at = span
        subscripts.set_item(frame.m, container, index, value)

    return store


def _unpack(c: Compiler, node: ast.Tuple | ast.List) -> Store:
    stars = [index for index, item in enumerate(node.elts) if isinstance(item, ast.Starred)]
    if len(stars) > 1:
        c.refuse(node, 'multiple starred expressions in assignment')
    stores = [target(c, item.value if isinstance(item, ast.Starred) else item) for item in node.elts]
    span = span_of(node)
    star = stars[0] if stars else None

    def store(frame: Frame, value: Any) -> None:
        frame.m.at = span
        for inner, part in zip(stores, unpacked(frame, value, len(stores), star), strict=True):
            inner(frame, part)

    return store


def unpacked(frame: Frame, value: Any, count: int, star: int | None) -> list:
    """The parts of a value for `count` targets, the one at `star` taking a list. Raises ValueError."""
    m = frame.m
    if type(value) in SEQUENCES:
        parts = value
    elif isinstance(value, ScriptObject) and (made := value.unpacked(count if star is None else count - 1)) is not None:
        parts = made
    else:
        try:
            iterator = iterate(m, value)
        except TypeError:
            raise TypeError(f'cannot unpack non-iterable {type_name(value)} object') from None
        if star is None:
            parts = []
            for part in iterator:
                m.meter.tick()
                parts.append(part)
                if len(parts) > count:
                    break
        else:
            parts = collect(m, value)
    if star is None:
        if len(parts) > count:
            raise ValueError(f'too many values to unpack (expected {count})')
        if len(parts) < count:
            raise ValueError(f'not enough values to unpack (expected {count}, got {len(parts)})')
        return list(parts)
    if len(parts) < count - 1:
        raise ValueError(f'not enough values to unpack (expected at least {count - 1}, got {len(parts)})')
    after = count - star - 1
    end = len(parts) - after
    m.charge(56 + 8 * len(parts))
    return [*parts[:star], list(parts[star:end]), *parts[end:]]
