"""The names of nodes for functions that were written where no ComfyUI is."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any


def give_names(function: Any, find: Callable[[str], Any]) -> None:
    """Sets the names that a function uses and its module lacks, as far as `find` knows them (AttributeError if not).

    Also of the functions that it calls by name or closes over, where those came with it.
    """
    done: set[int] = set()
    waiting = [function]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, FunctionType) or id(current) in done:
            continue
        done.add(id(current))
        names = current.__globals__
        for name in names_of(current.__code__):
            if name in names:
                waiting.append(names[name])
            elif not hasattr(builtins, name):
                try:
                    names[name] = find(name)
                except AttributeError:
                    continue  # whoever uses it gets Python's own NameError
        waiting += [cell.cell_contents for cell in current.__closure__ or () if _is_set(cell)]
        waiting += [value for value in (current.__defaults__ or ()) if isinstance(value, FunctionType)]


def names_of(code: CodeType) -> Iterator[str]:
    """The global names that a function and those inside it may use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_of(constant)


def _is_set(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
