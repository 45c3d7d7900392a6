"""The few values of ours that a user can meet in real mode; everything else is what the node returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, overload

if TYPE_CHECKING:
    from .records import Source

T = TypeVar('T')


class ValueList(list[T]):
    """What a list output holds: one value per entry, and a node that is given it runs once per entry.

    A plain `list` is one value, as a conditioning is. A slice, a copy and a sum of these are still these.
    The rule is ComfyUI's (`execution.py: _async_map_node_over_list`).
    """

    __slots__ = ('__weakref__',)

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> T: ...
    @overload
    def __getitem__(self, index: slice, /) -> ValueList[T]: ...
    def __getitem__(self, index: Any, /) -> Any:
        found = super().__getitem__(index)
        return ValueList(found) if isinstance(index, slice) else found

    def __add__(self, other: list[Any], /) -> ValueList[Any]:
        return ValueList(super().__add__(other))

    def copy(self) -> ValueList[T]:
        return ValueList(self)


class Lazy:
    """A value for a lazy input that is only made if the node asks for it: `Lazy(lambda: VAEDecode(latent, vae))`.

    `mark` is a text that stands for all that the value depends on; without one, a cache keeps nothing of the call.
    """

    __slots__ = ('_made', '_make', '_value', 'mark')

    def __init__(self, make: Callable[[], Any], mark: str | None = None) -> None:
        self._make = make
        self.mark = mark
        self._value: Any = None
        self._made = False

    @property
    def made(self) -> bool:
        return self._made

    @property
    def source(self) -> Source | None:
        """The call and slot that it will come from, where that is on record already."""
        return None

    def get(self) -> Any:
        if not self._made:
            self._value = self._make()
            self._made = True
        return self._value


class Token(str):
    """A string output of a type that is no text (`FLOW_CONTROL`): equal to its text, but with an identity to follow."""

    __slots__ = ('__weakref__',)
