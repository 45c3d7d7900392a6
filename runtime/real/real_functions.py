"""Node functions of real mode: those of virtual mode, but a call runs the node."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ...graph import NodeSchema, Schemas
from ..calls.functions import NodeFunction, NodeNamespace, signature_of
from .host import Host
from .plan import Plan
from .value_kinds import Kind


class CallsNodes(Protocol):
    """What calls the nodes of one ComfyUI: a `RealSession`."""

    @property
    def host(self) -> Host: ...
    @property
    def checks_choices(self) -> bool: ...
    def plan(self, class_type: str) -> Plan: ...
    def call(self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None) -> Any: ...
    def call_known(self, plan: Plan, inputs: dict[str, Any], followed: tuple[tuple[str, Kind], ...]) -> Any: ...
    def emit(self, schema: NodeSchema, inputs: dict[str, Any]) -> Any: ...


class RealFunction(NodeFunction):  # pyright: ignore[reportIncompatibleMethodOverride]
    # A node that runs when it is called. Positional and keyword inputs, defaults and enums as in virtual mode;
    # hidden inputs are keywords. (Its docstring is the node's own: a class without one would hide that.)

    __doc__ = NodeFunction.__dict__['__doc__']  # pyright: ignore[reportIncompatibleMethodOverride]
    __slots__ = ('_call', '_plan', '_session')

    def __init__(self, class_type: str, namespace: NodeNamespace, session: CallsNodes) -> None:
        super().__init__(class_type, namespace)
        self._session = session
        self._call = session.call
        self._plan: Plan | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        plan = self._plan
        if plan is None:
            plan = self._plan = self._session.plan(self.class_type)
        session = self._session
        names = plan.names
        if not kwargs:
            followed = plan.plain.get((*map(type, args),))
            if followed is not None:
                inputs = dict(zip(names or (), args))
                if session.checks_choices and plan.choices:
                    plan.check(session.host, inputs)
                return session.call_known(plan, inputs, followed)
            if plan.growing is not None and (found := plan.growing.find(args)) is not None:
                if session.checks_choices and plan.choices:
                    plan.check(session.host, found[0])
                return session.call_known(plan, *found)
        if names is not None and len(args) <= len(names):
            inputs = dict(zip(names, args))
            for name, value in kwargs.items():
                raw = plan.raw_of.get(name)
                if raw is None or raw in inputs:
                    break
                inputs[raw] = value
            else:
                if len(inputs) == len(names) or plan.fill(inputs):
                    if session.checks_choices and plan.choices:
                        plan.check(session.host, inputs)
                    followed = plan.plain.get((*inputs, *map(type, inputs.values())))
                    if followed is not None:
                        return session.call_known(plan, inputs, followed)
                    return self._call(plan, inputs, None)
        inputs, hidden = plan.bind(args, kwargs)
        if session.checks_choices and plan.choices:
            plan.check(session.host, inputs)
        if plan.nesting is not None and not hidden:
            followed = plan.nesting.followed(inputs)
            if followed is not None:
                if plan.growing is not None and not kwargs:
                    plan.growing.remember(args, inputs, followed)
                return session.call_known(plan, inputs, followed)
        return self._call(plan, inputs, hidden)

    @property
    def node_class(self) -> Any:
        """ComfyUI's class of the node."""
        return self._session.host.node_classes[self.class_type]

    def create(self) -> Any:
        """A new object of ComfyUI's class, as in comfy-script 0.6."""
        return self.node_class()

    def _forget(self) -> None:
        super()._forget()
        self._plan = None

    def __getattr__(self, name: str) -> Any:
        if name == '__signature__':
            return _with_hidden(signature_of(self.schema), [item.python_name for item in self.schema.hidden])
        return super().__getattr__(name)


class RealNamespace(NodeNamespace):
    """All nodes of this process's ComfyUI, as functions that run them."""

    mode = 'real'

    def __init__(self, schemas: Schemas, session: CallsNodes, type_of: Callable[[str], Any]) -> None:
        super().__init__(schemas, session.emit, embeddings=session.host.embeddings, type_of=type_of)
        self._session = session

    def __getitem__(self, class_type: str) -> NodeFunction:
        function = self._functions.get(class_type)
        if function is None:
            function = self._functions[class_type] = RealFunction(class_type, self, self._session)
        return function


def _with_hidden(signature: inspect.Signature, names: list[str]) -> inspect.Signature:
    parameters = list(signature.parameters.values())
    taken = set(signature.parameters)
    hidden = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names if name not in taken
    ]
    at = next((i for i, item in enumerate(parameters) if item.kind is inspect.Parameter.VAR_KEYWORD), len(parameters))
    return signature.replace(parameters=[*parameters[:at], *hidden, *parameters[at:]])
