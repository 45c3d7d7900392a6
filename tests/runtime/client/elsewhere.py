"""What other processes do for tests: functions that they can import."""

from __future__ import annotations

from typing import Any


def raise_it(error: BaseException) -> None:
    raise error


def give_back(value: Any) -> Any:
    return value


def look(value: Any, *names: str) -> list[str]:
    """The `repr` of a value there, and of its attributes."""
    return [repr(value), *(repr(getattr(value, name)) for name in names)]


def use(function: Any) -> Any:
    return function(64, 64)
