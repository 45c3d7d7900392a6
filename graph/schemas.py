"""All node classes of a server: what it says of them is parsed when it is first asked for."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from .errors import SchemaError
from .names import NameTable
from .schema import NodeSchema, plain_text


class Schemas(Mapping[str, NodeSchema]):
    """All node classes of a server, by class type; each is parsed when it is first asked for.

    `get` and `[]` raise SchemaError for a class whose description is broken; `readable` skips those.
    """

    def __init__(self, class_types: Mapping[str, Any], reader: Callable[[str], NodeSchema]):
        self._class_types = class_types
        self._reader = reader
        self._parsed: dict[str, NodeSchema] = {}

    @staticmethod
    def parse(object_info: Mapping[str, Any]) -> Schemas:
        """From the answer to `GET /object_info`."""
        if not isinstance(object_info, Mapping):
            raise SchemaError('object_info must be an object of class type → description')
        return Schemas(object_info, lambda class_type: NodeSchema.parse(class_type, object_info[class_type]))

    @staticmethod
    def of_classes(node_classes: Mapping[str, Any], display_names: Mapping[str, str] | None = None) -> Schemas:
        """From ComfyUI's `nodes.NODE_CLASS_MAPPINGS`, inside its process. Model lists are read when asked for."""
        titles = display_names or {}
        return Schemas(
            node_classes,
            lambda class_type: NodeSchema.of_class(class_type, node_classes[class_type], titles.get(class_type)),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process they are read from the descriptions; those of classes as they are now."""
        sources = {
            class_type: source if isinstance(source, Mapping) else getattr(self.find(class_type), 'info', None)
            for class_type, source in self._class_types.items()
        }
        return Schemas.parse, ({class_type: source for class_type, source in sources.items() if source},)

    def __getitem__(self, class_type: str) -> NodeSchema:
        schema = self._parsed.get(class_type)
        if schema is None:
            if class_type not in self._class_types:
                raise KeyError(class_type)
            schema = self._parsed[class_type] = self._reader(class_type)
        return schema

    def __iter__(self) -> Iterator[str]:
        return iter(self._class_types)

    def __len__(self) -> int:
        return len(self._class_types)

    def __contains__(self, class_type: object) -> bool:
        return class_type in self._class_types

    @cached_property
    def names(self) -> NameTable:
        return NameTable(self._class_types)

    def readable(self) -> Iterator[NodeSchema]:
        """Every schema that can be read."""
        for class_type in self._class_types:
            try:
                yield self[class_type]
            except SchemaError:
                continue

    def find(self, class_type: str | None) -> NodeSchema | None:
        """The schema, or None where the class is unknown or its description broken."""
        try:
            return self[class_type] if class_type is not None and class_type in self._class_types else None
        except SchemaError:
            return None

    def outputs_by_class(self) -> dict[str, list[str]]:
        """The data types of each class's outputs, without reading the descriptions in full."""
        found: dict[str, list[str]] = {}
        for class_type, source in self._class_types.items():
            try:
                types = source.get('output') if isinstance(source, Mapping) else source.RETURN_TYPES
                types = (types,) if isinstance(types, str) else tuple(types or ())
            except Exception:  # a node class that cannot even be asked
                types = ()
            found[class_type] = [plain_text(type_) for type_ in types if isinstance(type_, str)]
        return found

    def output_types(self) -> tuple[str, ...]:
        """Every data type that an output has, each once."""
        return tuple(dict.fromkeys(type_ for types in self.outputs_by_class().values() for type_ in types))

    def fingerprint(self, extra: tuple[str, ...] = ()) -> str | None:
        """A digest of the descriptions as the server sent them, and of `extra`; None for classes."""
        try:
            data = marshal.dumps((dict(self._class_types), extra), 2)
        except ValueError:
            return None
        return hashlib.sha256(data).hexdigest()

    def problems(self) -> dict[str, SchemaError]:
        """The classes whose description is broken, and why."""
        found = {}
        for class_type in self._class_types:
            try:
                self[class_type]
            except SchemaError as error:
                found[class_type] = error
        return found


def is_object_info(data: object) -> bool:
    """Whether a JSON value can be the answer to `GET /object_info`: any entry of it describes a node."""
    if not isinstance(data, Mapping):
        return False
    return any(isinstance(entry, Mapping) and 'input' in entry and 'output' in entry for entry in data.values())


def as_schemas(source: Schemas | Mapping[str, Any] | None) -> Schemas:
    """Schemas from what callers have: parsed ones, an `/object_info` dict, or nothing."""
    if isinstance(source, Schemas):
        return source
    return Schemas.parse(source or {})
