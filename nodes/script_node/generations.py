"""The outputs of a script's inner nodes, kept from one execution to the next and no longer.

ComfyUI keeps the outputs of the nodes that the last prompt used. So does this: what a script's last run did not use is
dropped. It lies in the node object, which ComfyUI drops with the node, and with "free memory".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...runtime.real.cache import Cache, KeptOutputs, total_memory


class Generations(Cache):
    """A cache that forgets what one whole run has not asked for."""

    def __init__(self, max_bytes: int | None = None) -> None:
        super().__init__(max_bytes or total_memory() // 4)
        self._used: set[Any] = set()

    def get(self, key: Any) -> KeptOutputs | None:
        found = super().get(key)
        if found is not None:
            self._used.add(key)
        return found

    def put(self, key: Any, outputs: Any, ui: Mapping[str, Any] | None = None) -> None:
        super().put(key, outputs, ui)
        self._used.add(key)

    def note(self, key: Any) -> None:
        # As in ComfyUI, where the nodes of the last prompt keep their outputs, whether it asked for them or not.
        self._used.add(key)

    def begin(self) -> None:
        self._used = set()

    def end(self) -> None:
        """The run came to its end: what it did not use goes. After an error everything stays for the next try."""
        with self._lock:
            for key in [key for key in self._entries if key not in self._used]:
                self._drop(key)
