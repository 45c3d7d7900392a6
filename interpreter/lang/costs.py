"""What a call of a function takes: a table of functions has one of these beside each, and none is without.

Functions of torch have a `TensorCost` (`tensors/tensor_costs.py`), told before the call is made; all others have one of
these. tests/interpreter/test_costs.py walks the tables and holds each function to what is declared here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from .tensors.tensor_costs import TensorCost


class Work(Enum):
    CONSTANT = 'takes no more, and makes nothing larger, for large values than for small ones'
    COUNTED = 'goes through what it is given: what that takes is counted in steps, what it makes is charged'
    OWNERS = "a function that the server's owner has allowed: it takes what it takes"


CONSTANT = Work.CONSTANT
COUNTED = Work.COUNTED
OWNERS = Work.OWNERS
Cost = Work | TensorCost


class Function(NamedTuple):
    """An entry of a table: `implementation(machine, …)`, for a method with the value second."""

    implementation: Callable[..., Any]
    cost: Cost


def constant(functions: dict[str, Callable[..., Any]]) -> dict[str, Function]:
    return {name: Function(function, CONSTANT) for name, function in functions.items()}


def counted(functions: dict[str, Callable[..., Any]]) -> dict[str, Function]:
    return {name: Function(function, COUNTED) for name, function in functions.items()}
