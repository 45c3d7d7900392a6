"""The state of one run of a script: what compiled code and built-ins get as their first argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .bounds import Bounds, Meter
from .errors import NodeFailed, OnlyInNodeDenied, Span
from .shared import SharedValues

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


class Machine:
    """The variables of a script that runs, what it has used of its bounds, and where it is."""

    def __init__(
        self,
        bounds: Bounds,
        names: Mapping[str, Any],
        find_node: Callable[[str], Any] | None = None,
        check_interrupt: Callable[[], object] | None = None,
        modules: Mapping[str, Any] | None = None,
        attributes: Mapping[type, Any] | None = None,
    ):
        self.bounds = bounds
        self.meter = Meter(bounds, check_interrupt)
        self.tick = self.meter.tick
        self.charge = self.meter.charge
        self.shared = SharedValues()
        self.changeable = self.shared.changeable
        self.freeze = self.shared.freeze
        self.at: Span | None = None
        """The operation in progress: what a failure is blamed on."""
        self.calls: list[Any] = []
        """The frames of the script's functions that are running."""
        self.globals: dict[str, Any] = {}
        self.names = dict(names)
        self.modules = modules or {}
        self.find_node = find_node
        self.attributes = attributes or {}
        """What a value of each type offers after a dot."""
        self.handling: list[BaseException] = []
        self.printed: list[str] = []
        self.printed_lines: list[int] = []
        """Of each, the line of the script."""
        self.printed_size = 0
        self.hashes: dict[int, list[Any]] = {}
        """Keys whose hash a script can choose, by that hash."""
        self.unknown_type: type | None = None
        """What a node gives where no node runs."""
        self.more_catchable: set[type] = set()
        """Exceptions of the modules that the script has imported."""
        self.state: dict[str, Any] = {}
        """What modules keep for the run: the random generator."""

    def whole(self, value: int) -> int:
        """An int, if it is within the bound."""
        if -(1 << 64) < value < (1 << 64):
            return value
        self.meter.bit_count(value.bit_length())
        return value

    def known(self, value: Any) -> None:
        """Raises OnlyInNodeDenied for what a node would give, where no node runs."""
        if self.unknown_type is not None and isinstance(value, self.unknown_type):
            raise OnlyInNodeDenied(
                'what a node gives is known only when the script runs in a ComfyScript node: '
                'here it can only be given to other nodes'
            )

    def catchable(self, error: BaseException) -> bool:
        return type(error) in CATCHABLE or isinstance(error, NodeFailed) or type(error) in self.more_catchable

    def write(self, text: str) -> None:
        """Adds to what the script printed, up to the bound."""
        room = self.bounds.printed - self.printed_size
        if room <= 0:
            return
        self.printed.append(text if len(text) <= room else text[:room] + '\n… (more was printed)\n')
        self.printed_lines.append(self.at.line if self.at else 1)
        self.printed_size += len(text)
