"""Reads and changes arguments of functions that we hook: quickly, since ComfyUI calls them for every node."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class HookedCall:
    """The arguments of one function, by name, wherever its caller puts them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._places = {name: place for place, name in enumerate(inspect.signature(function).parameters)}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def get(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """None where it was not given."""
        place = self._places[name]
        return args[place] if place < len(args) else kwargs.get(name)

    def put(
        self, name: str, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same arguments with another value."""
        place = self._places[name]
        if place < len(args):
            return (*args[:place], value, *args[place + 1 :]), kwargs
        return args, {**kwargs, name: value}
