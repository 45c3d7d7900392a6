"""The node types of a server as the web UI registers them."""

from __future__ import annotations

from ...graph import Schemas
from .build import Prototypes
from .registry import TITLES, extend
from .specs import NodeClass, read_class
from .titles import title_of


class ClassTable:
    """The node types of a server, each read when it is first met."""

    def __init__(self, schemas: Schemas):
        self._schemas = schemas
        self._read: dict[str, NodeClass | None] = {}
        self.prototypes = Prototypes()

    def find(self, class_type: str) -> NodeClass | None:
        if class_type not in self._read:
            self._read[class_type] = self._load(class_type)
        return self._read[class_type]

    def _load(self, class_type: str) -> NodeClass | None:
        schema = self._schemas.find(class_type)
        if schema is None:
            return None
        return read_class(class_type, schema.info, TITLES.get(class_type) or title_of(class_type, schema.info), extend)
