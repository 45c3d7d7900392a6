"""What the node classes of this process say of themselves."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from types import ModuleType
from typing import Any

from ..graph import Schemas
from .loaded import loaded


class LoadedSchemas:
    """What the loaded node classes say of themselves, each read when first asked for, and all anew when there are more.

    Model lists in it are as old as that, so whoever needs them fresh gives the greatest age in seconds.
    """

    def __init__(self, nodes: ModuleType) -> None:
        self._nodes = nodes
        self._known: tuple[float, int, Schemas] | None = None
        self._lock = threading.Lock()

    def __call__(self, max_age: float | None = None) -> Schemas:
        count = len(self._nodes.NODE_CLASS_MAPPINGS)
        with self._lock:
            now = time.monotonic()
            if self._known is not None:
                made, known_count, schemas = self._known
                if known_count == count and (max_age is None or now - made < max_age):
                    return schemas
            schemas = read_schemas(self._nodes)
            self._known = now, count, schemas
            return schemas


@lru_cache(maxsize=1)
def loaded_schemas(nodes: ModuleType) -> LoadedSchemas:
    """The one of ComfyUI's `nodes` module, for everybody in this process."""
    return LoadedSchemas(nodes)


def read_schemas(nodes: ModuleType) -> Schemas:
    """What the node classes of ComfyUI's `nodes` module say of themselves now."""
    return Schemas.of_classes(nodes.NODE_CLASS_MAPPINGS, getattr(nodes, 'NODE_DISPLAY_NAME_MAPPINGS', {}))


def fits(given: Any, wanted: str) -> bool:
    """Whether an output of type `given` may go into an input of type `wanted`, as far as ComfyUI can be asked."""
    check = getattr(loaded('comfy_execution.validation'), 'validate_node_input', None)
    return check is None or bool(check(given, wanted))
