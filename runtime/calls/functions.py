"""Node functions, and the namespace that holds all those of a server. What a call does is its `emit`'s business."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Protocol

from ...graph import (
    EXTRA_INPUTS,
    EXTRA_OUTPUTS,
    GLOBAL_ENUMS,
    MISSING,
    RESERVED,
    CallError,
    InputKind,
    InputSchema,
    NameTable,
    NodeSchema,
    Schemas,
    bind,
    bind_unknown,
    near_misses,
    to_class_name,
)
from ...graph.types import WIDGET_TYPES
from .asking import Asked, Renew, asked_of, never_renew
from .by_name import received_function
from .docs import describe
from .enums import Embeddings, Enums, GlobalEnum, is_private
from .outputs import value_type

__all__ = ['Emit', 'NodeFunction', 'NodeNamespace', 'signature_of']


_DYNAMIC = (InputKind.DYNAMIC_COMBO, InputKind.DYNAMIC_SLOT, InputKind.AUTOGROW)
_NEEDS_BIND = frozenset({bool, type(None)})


class Emit(Protocol):
    """What a node call does: takes the node and its raw inputs, gives the node's outputs."""

    def __call__(self, schema: NodeSchema, inputs: dict[str, Any], /) -> Any: ...


def _in_order(emit: Emit) -> Callable[[NodeSchema, tuple[str, ...], tuple[Any, ...]], Any]:
    """An `emit` that takes names and values apart. One that has a quicker way offers it as `in_order`."""
    return lambda schema, names, values: emit(schema, dict(zip(names, values, strict=False)))


def _unchecked(schema: NodeSchema, inputs: Mapping[str, Any]) -> None:
    """The check of an `emit` that has none: it takes what a graph holds. One that has it offers it as `check`."""


class NodeFunction:
    """A node as a function: `KSampler(model, 123, …)`. Its combos' enums are its attributes.

    It reads its schema when it is first used, from the namespace, so it follows a refresh of the server's lists.
    """

    __slots__ = ('__weakref__', '_names', '_namespace', '_schema', 'class_type')

    def __init__(self, class_type: str, namespace: NodeNamespace):
        self.class_type = class_type
        self._namespace = namespace
        self._schema: NodeSchema | None = None
        self._names: tuple[str, ...] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        schema = self._schema or self.schema
        names = self._names
        # The plain case, every input given by position, needs none of what `bind` does.
        if names is not None and not kwargs and len(args) == len(names):
            for value in args:
                if type(value) in _NEEDS_BIND:
                    break
            else:
                return self._namespace._emit_in_order(schema, names, args)
        if EXTRA_OUTPUTS in kwargs:
            schema = schema.with_outputs(kwargs.pop(EXTRA_OUTPUTS))
        if schema.info:
            return self._namespace._emit(*self._bind(schema, args, kwargs))
        if self._namespace._renew(Asked.KNOWN) and self.schema.info:
            return self(*args, **kwargs)
        return self._namespace._emit(schema, self._bind_unknown(args, kwargs))

    def _bind(
        self, schema: NodeSchema, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[NodeSchema, dict[str, Any]]:
        check = self._namespace._check
        try:
            inputs = bind(schema, args, kwargs)
            if self._names is None:
                check(schema, inputs)
            return schema, inputs
        except CallError:
            # An updated server may have the input.
            if not self._namespace._renew(Asked.KNOWN) or not self.schema.info:
                raise
            inputs = bind(self.schema, args, kwargs)
            check(self.schema, inputs)
            return self.schema, inputs

    def _bind_unknown(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if args:
            close = near_misses(self.class_type, self._namespace.schemas)
            raise CallError(f'{self.class_type} is not a node of the server{close}: give its inputs by keyword')
        return bind_unknown(self.class_type, args, kwargs)

    @property
    def schema(self) -> NodeSchema:
        """Raises SchemaError where the server's description of the node is broken."""
        if self._schema is None:
            schema = self._namespace._schema_of(self.class_type)
            plain = schema.info and not any(item.kind in _DYNAMIC for item in schema.inputs)
            self._names = tuple(item.name for item in schema.inputs) if plain else None
            self._schema = schema
        return self._schema

    def _forget(self) -> None:
        self._schema = self._names = None

    @property
    def info(self) -> Mapping[str, Any]:
        """The node's entry in the server's `/object_info`."""
        return self.schema.info

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return describe(self.schema)

    def __get__(self, instance: object, owner: type | None = None) -> NodeFunction:
        # Being a (non-data) descriptor is what makes `help()` show it as a function.
        return self

    def __getattr__(self, name: str) -> Any:
        if name == '__signature__':
            return signature_of(self.schema)
        if name in ('__name__', '__qualname__'):
            return self._namespace.name_of(self.class_type)
        if name.startswith('__') and name.endswith('__'):
            raise AttributeError(name)
        item = self._input(name)
        self._namespace._renew(Asked.UNKNOWN if item is None else asked_of(item), self.class_type)
        item = self._input(name)
        if item is None:
            known = [other.python_name for other in self.schema.inputs if other.choices is not None]
            raise AttributeError(f'{self.class_type} has no input {name!r}{near_misses(name, known)}')
        if item.choices is None:
            raise AttributeError(f'{self.class_type}.{name}: this input has no list of choices')
        return self._namespace._enums.of_input(self.schema, item)

    def _input(self, name: str) -> InputSchema | None:
        return self.schema.input_of(name) or self.schema.input(name)

    def __dir__(self) -> list[str]:
        enums = [item.python_name for item in self.schema.inputs if item.choices is not None]
        return [*object.__dir__(self), *enums]

    def __repr__(self) -> str:
        return f'<Node {self.class_type}>'

    def __reduce__(self) -> tuple[Any, ...]:
        return received_function, (self.class_type, self._namespace.mode)


class NodeNamespace(Mapping[str, NodeFunction]):
    """All nodes of a server: attributes by Python name, `[...]` and `get` by class type, and the global enums.

    As a mapping it is class type → function and holds what the server has; `[...]` also gives a function for a
    class type that the server doesn't have, `get` gives None for it.
    """

    mode = 'virtual'

    def __init__(
        self,
        schemas: Schemas,
        emit: Emit,
        *,
        embeddings: Embeddings = (),
        type_of: Callable[[str], Any] = value_type,
        renew: Renew | None = None,
    ) -> None:
        self._emit = emit
        self._emit_in_order = getattr(emit, 'in_order', None) or _in_order(emit)
        self._check = getattr(emit, 'check', None) or _unchecked
        self._schemas = schemas
        self._type_of = type_of
        self._functions: dict[str, NodeFunction] = {}
        self._types: NameTable | None = None
        self._renew = renew or never_renew
        self._enums = Enums(schemas, embeddings, look_again=self._look_again)
        self._global_enums = {name: GlobalEnum(name, self._global_enum) for name in sorted(GLOBAL_ENUMS)}

    @property
    def schemas(self) -> Schemas:
        return self._schemas

    @property
    def emit(self) -> Emit:
        return self._emit

    def refresh(self, schemas: Schemas, embeddings: Embeddings = ()) -> None:
        """Takes over a server's new lists. Functions and global enums that a script holds follow."""
        self._schemas = schemas
        self._types = None
        self._enums = Enums(schemas, embeddings, look_again=self._look_again, before=self._enums)
        for function in list(self._functions.values()):
            function._forget()

    def _look_again(self, renew: bool, class_type: str | None = None) -> Enums | None:
        """The enums of the current lists, or of fresh ones, for a member that an enum (of a node) lacks."""
        asked = Asked.UNKNOWN if class_type is None or class_type in self._schemas else Asked.NODE
        return self._enums if not renew or self._renew(asked, class_type) else None

    def _global_enum(self, name: str) -> type[Enum]:
        """A global enum of the current list."""
        self._renew(Asked.KNOWN)
        return self._enums.of_global(name)

    # -- by class type

    def __getitem__(self, class_type: str) -> NodeFunction:
        function = self._functions.get(class_type)
        if function is None:
            function = self._functions[class_type] = NodeFunction(class_type, self)
        return function

    def get(self, class_type: str, default: Any = None) -> Any:
        """The function of a class type, or `default` where the server doesn't have it."""
        if class_type in self:
            return self[class_type]
        return default

    def __contains__(self, class_type: object) -> bool:
        if class_type in self._schemas:
            return True
        return isinstance(class_type, str) and self._renew(Asked.NODE, class_type) and class_type in self._schemas

    def __iter__(self) -> Iterator[str]:
        return iter(self._schemas)

    def __len__(self) -> int:
        return len(self._schemas)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def _schema_of(self, class_type: str) -> NodeSchema:
        if class_type in self:
            return self._schemas[class_type]
        return unknown_schema(class_type)

    # -- by Python name

    def name_of(self, class_type: str) -> str:
        """The Python name of a node."""
        if class_type in self._schemas:
            return self._schemas.names.name_of(class_type)
        return to_class_name(class_type)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name in _OWN_FIELDS:
            raise AttributeError(name)
        found = self.find(name)
        if found is None and not is_private(name) and self._renew(Asked.NODE, name):
            found = self.find(name)
        if found is None:
            names = self._schemas.names.names()
            raise AttributeError(f'the server has no node {name!r}{near_misses(name, names)}')
        return found

    def find(self, name: str) -> Any:
        """The node function, global enum or data type with this Python name, or None."""
        enum = self._global_enums.get(name)
        if enum is not None:
            return enum
        class_type = self._schemas.names.class_type_of(name)
        if class_type is not None:
            return self[class_type]
        raw_type = self.data_types.class_type_of(name)
        return None if raw_type is None else self._type_of(raw_type)

    @property
    def data_types(self) -> NameTable:
        """The names of all data types that outputs have; a node or global enum of the same name goes first."""
        if self._types is None:
            self._types = data_type_table(self._schemas)
        return self._types

    def node_names(self) -> list[str]:
        """The Python names of all nodes."""
        return list(self._schemas.names.names())

    def public_names(self) -> list[str]:
        """Everything that `from … import *` brings: nodes, global enums, data types."""
        return [*self.node_names(), *self._global_enums, *self.data_types.names()]

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self.public_names()]

    def __repr__(self) -> str:
        return f'<{len(self)} nodes>'


_OWN_FIELDS = frozenset(
    {'_emit', '_emit_in_order', '_schemas', '_type_of', '_functions', '_types', '_enums', '_global_enums', '_renew'}
)


def unknown_schema(class_type: str) -> NodeSchema:
    """The schema of a class type that the server did not describe: `info` is empty."""
    return NodeSchema(
        class_type=class_type,
        display_name=class_type,
        description='The server did not describe this node.',
        category='',
        module='',
        inputs=(),
        hidden=(),
        outputs=(),
        output_node=False,
        is_input_list=False,
        deprecated=False,
        experimental=False,
        api_node=False,
        info={},
    )


def data_type_table(schemas: Schemas) -> NameTable:
    """Python names of the data types of all outputs; nodes and global enums keep theirs."""
    raw_types = [raw for raw in schemas.output_types() if is_nominal(raw)]
    return NameTable(raw_types, RESERVED | frozenset(schemas.names.names()))


def is_nominal(raw_type: str) -> bool:
    """Whether a data type is one type: not `*`, a union, or one that depends on the inputs."""
    return raw_type not in ('*', '', 'COMBO', 'COMFY_MATCHTYPE_V3') and ',' not in raw_type


def signature_of(schema: NodeSchema) -> inspect.Signature:
    """A node's exact signature: its inputs by position or keyword, what lies inside dynamic ones by keyword only.

    A required input may follow one with a default, as in ComfyUI, so the order is not checked.
    """
    if not schema.info:
        return inspect.Signature([inspect.Parameter('inputs', inspect.Parameter.VAR_KEYWORD)])
    parameters = [_parameter(item, inspect.Parameter.POSITIONAL_OR_KEYWORD) for item in schema.inputs]
    taken = {item.python_name for item in schema.inputs}
    for item in inner_inputs(schema):
        if item.python_name not in taken:
            taken.add(item.python_name)
            parameters.append(_parameter(item, inspect.Parameter.KEYWORD_ONLY))
    if any(item.kind is InputKind.AUTOGROW for item in schema.inputs) or EXTRA_INPUTS not in taken:
        parameters.append(inspect.Parameter(EXTRA_INPUTS, inspect.Parameter.KEYWORD_ONLY, default=None))
    return inspect.Signature(parameters, __validate_parameters__=False)


def inner_inputs(schema: NodeSchema) -> Iterator[InputSchema]:
    """What lies inside a node's dynamic inputs, in any of their branches, depth first."""
    pending = [inner for item in reversed(schema.inputs) for inner in _inside(item)]
    while pending:
        item = pending.pop()
        yield item
        pending.extend(_inside(item))


def _inside(item: InputSchema) -> list[InputSchema]:
    return [inner for branch in reversed(item.branches) for inner in reversed(branch.inputs)]


def _parameter(item: InputSchema, kind: Any) -> inspect.Parameter:
    default = item.default if item.required else None
    if default is MISSING or (item.kind is InputKind.AUTOGROW and item.required):
        default = inspect.Parameter.empty
    if kind is inspect.Parameter.KEYWORD_ONLY and default is inspect.Parameter.empty:
        default = None
    annotation: Any = WIDGET_TYPES.get(item.type)
    if annotation is None and is_nominal(item.type) and item.kind is InputKind.PLAIN:
        annotation = to_class_name(item.type)
    empty = inspect.Parameter.empty
    return inspect.Parameter(item.python_name, kind, default=default, annotation=annotation or empty)
