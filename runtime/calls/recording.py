"""Node calls of virtual mode are recorded here, each in the innermost block that is open. No network."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

from ...graph import NodeSchema, bind, check_branches
from .input_values import check_linked, input_value, linked_inputs, refusal
from .node_call import PLAIN, NodeCall, OutputSocket, Runner
from .outputs import Handle, Outputs, UnknownOutputs, Value, value_type
from .pictures import PictureError, files_of, is_picture
from .running import BuildError, Built, Unrun, build
from .sites import Locate, RawSite, call_site

__all__ = ['Block', 'PromptBuilder', 'Recorder', 'close_block', 'locate_call', 'open_block', 'record_call']


_numbers = itertools.count(1)


@dataclass(eq=False)
class Block:
    """The node calls that a `with Workflow()` collects, and the function of the script that it stands in."""

    number: int = field(default_factory=_numbers.__next__)
    opened: int = 0
    calls: list[NodeCall] = field(default_factory=list)
    home: CodeType | None = None


_open_blocks: ContextVar[tuple[Block, ...]] = ContextVar('comfy_script_blocks', default=())


_open_anywhere: dict[int, Block] = {}
_lock = threading.Lock()


def open_block(block: Block) -> None:
    """Makes it the innermost block of this thread or asyncio task."""
    with _lock:
        block.opened += 1
        _open_anywhere[block.number] = block
    _open_blocks.set((*_open_blocks.get(), block))


def close_block(block: Block) -> None:
    """Undoes the last `open_block` of it here, if there was one."""
    with _lock:
        block.opened -= 1
        if block.opened <= 0:
            _open_anywhere.pop(block.number, None)
    stack = list(_open_blocks.get())
    for index in range(len(stack) - 1, -1, -1):
        if stack[index] is block:
            del stack[index]
            break
    _open_blocks.set(tuple(stack))


def record_call(node: NodeCall) -> None:
    """Puts a node call into the innermost block that this thread or asyncio task is in, if any.

    A thread of a pool is in none: there a call belongs to the block of what it is linked to, while that is open.
    """
    stack = _open_blocks.get()
    block = stack[-1] if stack else _linked_block(node) if _open_anywhere else None
    if block is not None:
        node.block = block.number
        block.calls.append(node)
    elif node.schema.output_node:
        node.unrun = Unrun(node)


def _linked_block(node: NodeCall) -> Block | None:
    """The open block that one of a call's inputs was made in."""
    for value in node._values:
        if isinstance(value, OutputSocket) and value.node.block is not None:
            block = _open_anywhere.get(value.node.block)
            if block is not None:
                return block
    return None


def locate_call() -> RawSite | None:
    """Where in the script a node call is made, as far up as the function of its block."""
    stack = _open_blocks.get()
    return call_site(stack[-1].home if stack else None)


_MOST_ORDERS = 64
"""Of a node's inputs, as its calls give them: those of dynamic ones are without end."""


class _Known(NamedTuple):
    """What calls of a node need to know of it. `linked`: the inputs that take outputs alone, with their types; `slots`:
    where they stand among the names of a call."""

    schema: NodeSchema
    types: tuple[type[Value], ...]
    linked: Mapping[str, str]
    slots: dict[tuple[str, ...], tuple[int, ...]]

    @staticmethod
    def of(schema: NodeSchema) -> _Known:
        types = tuple(value_type(item.type) for item in schema.outputs)
        return _Known(schema, types, dict(linked_inputs(schema.inputs)), {})

    def slots_in(self, names: tuple[str, ...]) -> tuple[int, ...]:
        found = self.slots.get(names)
        if found is None:
            found = tuple(slot for slot, name in enumerate(names) if name in self.linked)
            if len(self.slots) < _MOST_ORDERS:
                self.slots[names] = found
        return found


class Recorder:
    """Makes the record and the outputs of node calls: `emit` of a virtual `NodeNamespace`.

    `record` takes each call (a workflow's list, or nothing); `locate` finds where in the script it was made;
    `find_schema` gives the nodes that load the pictures which a script gives to others directly.
    """

    def __init__(
        self,
        record: Callable[[NodeCall], object] | None = None,
        runner: Runner | None = None,
        locate: Locate = call_site,
        find_schema: Callable[[str], NodeSchema | None] = lambda class_type: None,
    ) -> None:
        self._record = record
        self._runner = runner
        self._locate = locate
        self._find_schema = find_schema
        self._types: dict[int, _Known] = {}

    def __call__(self, schema: NodeSchema, inputs: dict[str, Any]) -> Any:
        return self.in_order(schema, tuple(inputs), tuple(inputs.values()))

    def check(self, schema: NodeSchema, inputs: Mapping[str, Any]) -> None:
        """Raises CallError where the choice of a dynamic combo is none, for what a server is to run."""
        if self._runner is not None:
            check_branches(schema, inputs)

    def in_order(self, schema: NodeSchema, names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
        """The same for inputs as two tuples."""
        node = NodeCall(schema, names, values, self._locate(), self._runner)
        known = self._types.get(id(schema))
        if known is None:
            known = self._types[id(schema)] = _Known.of(schema)
        # Without a server scripts of graphs are read, whatever these hold.
        linked = known.linked if self._runner is not None else None
        for slot in known.slots_in(names) if linked else ():
            if type(values[slot]) is str:
                check_linked(node, known.linked, names, values)
        for value in values:
            if type(value) not in PLAIN and not isinstance(value, OutputSocket):
                if linked:
                    check_linked(node, linked, names, values)
                node._values = self._prepared(node, names, values)
                break
        types = known.types
        given: Any
        if schema.any_inputs:
            given = UnknownOutputs(node, 0)
        elif len(types) == 1:
            given = types[0](node, 0)
        elif types:
            given = Outputs(node, [kind(node, slot) for slot, kind in enumerate(types)])
        else:
            given = Handle(node) if schema.info else UnknownOutputs(node, 0)
        if self._record is not None:
            self._record(node)
        return given

    def _prepared(self, node: NodeCall, names: tuple[str, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The values of a call's inputs as a prompt has them; nodes load its pictures. Raises BuildError."""
        given = dict(zip(names, values, strict=False))
        pictures = [name for name, value in given.items() if is_picture(value)]
        types = {item.name: item.type for item in node.schema.expand(given)} if pictures else {}
        for name in pictures:
            given[name] = self._loaded(node, name, given[name], types.get(name, '*'))
        return tuple([given[name] if name in pictures else input_value(node, name, given[name]) for name in given])

    def _loaded(self, node: NodeCall, name: str, picture: Any, raw_type: str) -> Any:
        """The output of a node that loads a picture, where an input takes pictures."""
        taken = raw_type.split(',')
        if 'IMAGE' not in taken and 'MASK' not in taken:
            return input_value(node, name, picture)
        mask = 'IMAGE' not in taken
        try:
            files = files_of(picture, mask)
        except PictureError as error:
            raise BuildError(refusal(node, name, picture, f'is no picture: {error}')) from None
        images = [self._call(node, name, 'LoadImage', file)[0] for file in files]
        image = images[0]
        for other in images[1:]:
            image = self._call(node, name, 'ImageBatch', image, other)
        return self._call(node, name, 'ImageToMask', image, 'red') if mask else image

    def _call(self, node: NodeCall, name: str, class_type: str, *args: Any) -> Any:
        """A call of a node that loads a picture for the input of another."""
        schema = self._find_schema(class_type)
        if schema is None:
            raise BuildError(refusal(node, name, '', f'a picture needs the node {class_type}, which the server lacks'))
        return self(schema, bind(schema, args, {}))


class PromptBuilder:
    """Collects the node calls of one workflow; `emit` records them, `build()` makes the prompt."""

    def __init__(self, runner: Runner | None = None, locate: Locate = call_site) -> None:
        self.nodes: list[NodeCall] = []
        self.emit = Recorder(self.nodes.append, runner, locate)

    def build(self, outputs: Iterable[Any] = ()) -> Built:
        """The prompt of everything recorded, and of `outputs`, whatever else they need included."""
        return build(outputs, self.nodes)
