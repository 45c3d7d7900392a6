"""What the node classes say of themselves, for the child: told when it asks, and again when that has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ...graph import NodeSchema, SchemaError, Schemas
from .frames import FrameKind, PipeFrame


class Told:
    """The server's side: what the child has been told."""

    def __init__(self) -> None:
        self._schemas: Schemas | None = None
        self._classes = b''
        self._told: dict[str, bytes] = {}

    def news(self, schemas: Schemas) -> Iterator[PipeFrame]:
        """What it has to know before its next question: nothing, where the schemas are those of the last one.

        They are read anew every few seconds for their lists of models: of what the child knows, only what became
        another is told, so that it keeps all that it made of the rest.
        """
        if schemas is self._schemas:
            return
        classes = _encode(schemas.outputs_by_class())
        if classes != self._classes:
            self._classes, self._told = classes, {}
            yield PipeFrame(FrameKind.CLASSES, classes)
        changed = {}
        for class_type, before in self._told.items():
            now = _describe(schemas, class_type)
            if now != before:
                changed[class_type] = now
        self._schemas = schemas
        self._told |= changed
        if changed:
            yield PipeFrame(FrameKind.DESCRIPTIONS, _of_all(changed))

    def description(self, class_type: str) -> PipeFrame:
        """What it asks for."""
        assert self._schemas is not None
        self._told[class_type] = _describe(self._schemas, class_type)
        return PipeFrame(FrameKind.DESCRIPTIONS, _of_all({class_type: self._told[class_type]}))


def _describe(schemas: Schemas, class_type: str) -> bytes:
    schema = schemas.find(class_type)
    return b'null' if schema is None else _encode(schema.info)


def _of_all(descriptions: dict[str, bytes]) -> bytes:
    """They are JSON already."""
    return b'{' + b','.join(_encode(key) + b':' + info for key, info in descriptions.items()) + b'}'


def _encode(data: Any) -> bytes:
    return json.dumps(data, separators=(',', ':'), default=str).encode()


class Known:
    """The child's side: the schemas as far as it has been told."""

    def __init__(self, ask: Callable[[str], PipeFrame]) -> None:
        self._ask = ask
        self._classes: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        self.schemas = Schemas.parse({})

    def hear(self, frame: PipeFrame) -> None:
        """Takes in what is told beforehand."""
        told = json.loads(frame.data)
        if frame.kind is FrameKind.CLASSES:
            self._classes = {class_type: {'output': types} for class_type, types in told.items()}
            self._known = {}
        else:
            self._known |= told
        # Whoever kept something that was made of the schemas sees by the object that they are others.
        self.schemas = Schemas(self._classes, self._describe)

    def _describe(self, class_type: str) -> NodeSchema:
        if class_type not in self._known:
            self._known |= json.loads(self._ask(class_type).data)
        info = self._known[class_type]
        if info is None:
            raise SchemaError(f'the description of {class_type} cannot be read')
        return NodeSchema.parse(class_type, info)
