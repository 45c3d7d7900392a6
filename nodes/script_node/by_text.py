"""What was made of texts, kept for the last of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

T = TypeVar('T')


class ByText(OrderedDict[str, T]):
    """Of the last texts that have at most so many characters in all; at least of one."""

    def __init__(self, most_characters: int) -> None:
        super().__init__()
        self._most_characters = most_characters

    def keep(self, text: str, made: T) -> T:
        self[text] = made
        while len(self) > 1 and sum(map(len, self)) > self._most_characters:
            self.popitem(last=False)
        return made
