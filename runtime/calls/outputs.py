"""What node calls give in virtual mode: stand-ins for values that exist on the server once the workflow has run."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ...graph import to_class_name
from ..wire.background import counting_down
from .node_call import CallReference, NodeCall, OutputSocket
from .running import build, build_json, run, run_async, unshown
from .sites import is_made_text, is_script, unpacked_count

if TYPE_CHECKING:
    from ..wire.results import Result
    from ..wire.task import MaybeTask

T = TypeVar('T')

__all__ = ['Handle', 'NodeOutput', 'Outputs', 'UnknownOutputs', 'Value', 'value_type']


_GETTERS = {
    'IMAGE': 'util.get_images',
    'MASK': 'util.get_images',
    'STRING': 'util.get_str',
    'INT': 'util.get_int',
    'FLOAT': 'util.get_float',
    'LATENT': 'util.save_latent',
}
"""Data type → the helper that runs what makes such a value, and gives it."""


class NodeOutput(CallReference):
    """What all results of a node call share: the call, and the ways to run it and get its result.

    `wait()` queues the node with everything that it needs, unless a workflow has queued it already.
    """

    __slots__ = ()

    def __copy__(self: T) -> T:
        return self

    def __deepcopy__(self: T, memo: object) -> T:
        # It stands for one call: a copy would be a second one, of everything above it too.
        return self

    if not TYPE_CHECKING:  # so that type checkers find such uses too

        def __getattr__(self, name: str) -> Any:
            advice = '' if name.startswith('_') else f' before the workflow has run. {self._advice()}'
            raise AttributeError(f'{self!r} has no {name!r}{advice}')

        def __format__(self, spec: str) -> str:
            if is_script(sys._getframe(1)):
                self._refuse_text()
            return repr(self)

        def __str__(self) -> str:
            if is_made_text(sys._getframe(1)):
                self._refuse_text()
            return repr(self)

    def _advice(self) -> str:
        """How a script gets what it wants of this."""
        return 'Its result comes with .wait() or await'

    def _refuse_text(self) -> NoReturn:
        raise TypeError(
            f'{self!r} has no value before the workflow has run on the server, so it cannot become part of a text. '
            f'{self._advice()}. repr(…), or {{…!r}} in an f-string, describes the output itself'
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(f'{self!r} cannot be pickled: wait for it, its result can be')

    @property
    def node_info(self) -> Mapping[str, Any]:
        """What the server says of its node (`/object_info`), as in comfy-script 0.6."""
        return self.node.schema.info

    @property
    def node_prompt(self) -> dict[str, Any]:
        """Class type and inputs of its call, as in comfy-script 0.6: links are outputs."""
        return {'inputs': self.node.inputs, 'class_type': self.node.class_type}

    @property
    def output_slot(self) -> int | None:
        """Its number among the node's outputs; None for all of them."""
        return getattr(self, 'slot', None)

    @property
    def task(self) -> MaybeTask:
        """The task that this was last queued in as an output."""
        return self.node.task

    def api_format(self) -> dict[str, Any]:
        """The API prompt of this node with everything that it needs."""
        return build([self]).prompt

    def api_format_json(self) -> str:
        """`api_format()` as JSON text."""
        return build_json([self])

    def wait(self, timeout: float | None = None) -> Result:
        """The node's result, waited for. Raises what the task ended with, and WaitTimeoutError after `timeout` seconds,
        with the task going on."""
        left = counting_down(timeout)
        task = self.node.task
        if task is None:
            task = run([self], timeout)
        return task.wait_result(self, left())

    wait_result = wait

    async def result(self) -> Result:
        """The node's result, when it is there."""
        task = self.node.task
        if task is None:
            task = await run_async([self])
        return await task.result(self)

    _wait = result

    def __await__(self) -> Generator[Any, None, Result]:
        return self.result().__await__()

    def display(self, *args: Any, **options: Any) -> None:
        """Show the node's result in a notebook, waiting for it."""
        with unshown():
            result = self.wait()
        result.display(*args, **options)

    async def _display(self, *args: Any, **options: Any) -> None:
        with unshown():
            result: Any = await self.result()
        show = getattr(result, '_display', None)
        if show is not None:
            await show(*args, **options)
        else:
            result.display(*args, **options)


class Value(OutputSocket, NodeOutput):
    """One output of a node call. Passing it to another node links the two."""

    __slots__ = ()
    raw_type: str = '*'

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self.slot} of {self.node!r}>'

    def _ipython_display_(self) -> None:
        if self.node.schema.output_node:
            self.display()
        else:
            print(repr(self))

    def _no_value(self, *_: Any) -> NoReturn:
        raise TypeError(
            f'{self!r} has no value before the workflow has run on the server, so Python cannot compute with it. '
            f'{self._advice()}'
        )

    def _advice(self) -> str:
        if self.node.is_output:
            return super()._advice()
        getter = _GETTERS.get(self.raw_type)
        found = f'{getter}(…)' if getter else 'util.get_images, get_str, get_int or get_float'
        return f'Get it with {found}, use nodes instead, or use real mode'

    if not TYPE_CHECKING:  # so that type checkers find such uses too

        def __iter__(self) -> Iterator[Any]:
            raise TypeError(
                f'{self!r} is one value: it cannot be unpacked or looped over before it is there. {self._advice()}'
            )

        __bool__ = __len__ = __int__ = __float__ = __index__ = _no_value
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _no_value
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _no_value
        __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __abs__ = __invert__ = __getitem__ = __contains__ = _no_value


class Handle(NodeOutput):
    """What a call of a node without outputs gives: something to wait on."""

    __slots__ = ('__weakref__', 'node')

    def __init__(self, node: NodeCall):
        self.node = node

    def __repr__(self) -> str:
        return f'<no output of {self.node!r}>'

    def _needs_wait(self, *_: object) -> NoReturn:
        raise TypeError(f'{self!r} has not run. {self._advice()}')

    if not TYPE_CHECKING:  # so that type checkers find such uses too

        __getitem__ = __len__ = __iter__ = _needs_wait

        def __bool__(self) -> bool:
            return True

    def _ipython_display_(self) -> None:
        if self.node.schema.output_node:
            self.display()
        else:
            print(repr(self))


class Outputs(tuple, NodeOutput):
    """The outputs of a node call that has several: a tuple that can also be waited on."""

    node: NodeCall

    def __new__(cls, node: NodeCall, values: Any) -> Outputs:
        self = super().__new__(cls, values)
        self.node = node
        return self

    if not TYPE_CHECKING:
        __repr__ = tuple.__repr__
        __str__, __format__ = NodeOutput.__str__, NodeOutput.__format__


class UnknownOutputs(Value):
    """What a call of a node that the server did not describe gives: taken as one value, indexed or unpacked."""

    __slots__ = ()

    def unpack(self, count: int) -> tuple[Value, ...]:
        """The first `count` outputs."""
        return tuple(Value(self.node, slot) for slot in range(count))

    def __getitem__(self, slot: int) -> Value:
        if not isinstance(slot, int) or slot < 0:
            raise TypeError(f'the outputs of {self.node.class_type} are numbered from 0, not {slot!r}')
        return Value(self.node, slot)

    def __iter__(self) -> Iterator[Value]:
        # How many outputs the node has is not known, but how many variables wait for them is.
        count = unpacked_count(sys._getframe(1))
        if count is None:
            raise TypeError(f'how many outputs {self.node.class_type} has is not known: index or unpack them')
        return iter(self.unpack(count))


@cache
def value_type(raw_type: str) -> type[Value]:
    """The class of the values of a data type: `'CONTROL_NET'` → `ControlNet`, a subclass of `Value`."""
    name = to_class_name(raw_type) if raw_type != '*' else 'Value'
    return type(name, (Value,), {'__slots__': (), 'raw_type': raw_type, '__doc__': f'A value of type {raw_type}.'})
