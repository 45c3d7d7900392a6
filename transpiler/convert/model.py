"""The live graph that a conversion works on: what the web UI holds in memory after it has loaded a file.

These objects change while a file is loaded (subgraph inputs are added, links move, widgets appear), so they are
plain and mutable; they never leave `convert`. The names follow the web UI's (`LGraph`, `LGraphNode`, `LLink`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .javascript import UNDEFINED

if TYPE_CHECKING:
    from ..workflow_file import WorkflowNode
    from .specs import NodeClass


class State:
    """Where a widget's value lies. Widgets of one node with the same name and type share it (`widgetValueStore`)."""

    __slots__ = ('type', 'value')

    def __init__(self, type: str, value: Any):
        self.type = type
        self.value = value


class Widget:
    """A widget with a plain value.

    `in_prompt`: whether the prompt has it (`options.serialize`). `in_file`: whether it takes a place in
    `widgets_values` (`serialize`).
    """

    __slots__ = ('dynamic_prompts', 'in_file', 'in_prompt', 'name', 'on_change', 'options', 'state')

    def __init__(
        self,
        name: str,
        type: str,
        value: Any = UNDEFINED,
        *,
        in_prompt: bool = True,
        in_file: bool = True,
        options: dict[str, Any] | None = None,
        on_change: Callable[[Widget, Any], Any] | None = None,
    ):
        self.name = name
        self.state = State(type, value)
        self.in_prompt = in_prompt
        self.in_file = in_file
        self.options = options
        self.on_change = on_change
        self.dynamic_prompts = False

    @property
    def type(self) -> str:
        return self.state.type

    def get(self, node: LiveNode) -> Any:
        return self.state.value

    def set(self, node: LiveNode, value: Any) -> None:
        self.state.value = value

    def enter(self, node: LiveNode, value: Any) -> None:
        """Sets the value as a user's edit would: numbers are rounded to the widget's step."""
        self.set(node, self.on_change(self, value) if self.on_change else value)

    def copy(self) -> Widget:
        other = object.__new__(type(self))
        other.name = self.name
        other.state = State(self.state.type, self.state.value)
        other.in_prompt = self.in_prompt
        other.in_file = self.in_file
        other.options = self.options
        other.on_change = self.on_change
        other.dynamic_prompts = self.dynamic_prompts
        return other


class FixedWidget(Widget):
    """A widget whose value the file cannot change: buttons that hold components, previews."""

    __slots__ = ()

    def set(self, node: LiveNode, value: Any) -> None:
        pass


class TextWidget(Widget):
    """A multi-line text. Null is the empty text (`useStringWidget.ts`)."""

    __slots__ = ()

    def get(self, node: LiveNode) -> Any:
        value = self.state.value
        return '' if value is None or value is UNDEFINED else value


class LiveInput:
    """An input socket. `config` is the description of the widget behind it, where the node made it itself."""

    __slots__ = ('boundary', 'config', 'link', 'name', 'promoted', 'type', 'widget')

    def __init__(self, name: str, type: str, link: int | None = None, widget: str | None = None, config: Any = None):
        self.name = name
        self.type = type
        self.link = link
        self.widget = widget
        self.config = config
        self.boundary: Boundary | None = None
        self.promoted: PromotedWidget | None = None


class LiveOutput:
    __slots__ = ('links', 'name', 'type')

    def __init__(self, name: str, type: str, links: list[int] | None = None):
        self.name = name
        self.type = type
        self.links = links or []


class LiveLink:
    __slots__ = ('id', 'origin', 'origin_slot', 'target', 'target_slot', 'type')

    def __init__(self, id: int, origin: str, origin_slot: int, target: str, target_slot: int, type: str):
        self.id = id
        self.origin = origin
        self.origin_slot = origin_slot
        self.target = target
        self.target_slot = target_slot
        self.type = type


class PromotedWidget(Widget):
    """The widget that a subgraph's host shows for one of its inputs. It stands for a widget inside."""

    __slots__ = ()

    def get(self, node: LiveNode) -> Any:
        return UNDEFINED if self.state.value is None else self.state.value


class Boundary:
    """An input or output of a subgraph, seen from inside."""

    __slots__ = ('links', 'name', 'shown', 'type')

    def __init__(self, name: str, type: str, links: list[int]):
        self.name = name
        self.type = type
        self.links = links
        self.shown: Widget | None = None
        """The widget it was last connected to: further ones must agree with it in range and step."""


class LiveGraph:
    """The root, or the inside of a subgraph definition (shared by all its instances)."""

    def __init__(self, definition: str | None = None, name: str = ''):
        self.definition = definition
        self.name = name
        self.nodes: list[LiveNode] = []
        self.by_id: dict[str, LiveNode] = {}
        self.links: dict[int, LiveLink] = {}
        self.inputs: list[Boundary] = []
        self.outputs: list[Boundary] = []
        self.hosts: list[LiveNode] = []
        """The nodes elsewhere that are instances of this graph."""
        self.last_link = 0

    def new_link(self) -> int:
        self.last_link += 1
        while self.last_link in self.links:
            self.last_link += 1
        return self.last_link


class LiveNode:
    __slots__ = (
        'autogrow',
        'by_name',
        'graph',
        'host_states',
        'id',
        'info',
        'inner',
        'inputs',
        'matches',
        'mode',
        'node_class',
        'outputs',
        'properties',
        'title',
        'type',
        'unplaced',
        'virtual',
        'widgets',
    )

    def __init__(self, type: str, graph: LiveGraph):
        self.type = type
        self.graph = graph
        self.id = ''
        self.title: str | None = None
        self.mode = 0
        self.inputs: list[LiveInput] = []
        self.outputs: list[LiveOutput] = []
        self.widgets: list[Widget] = []
        self.virtual = False
        self.node_class: NodeClass | None = None
        self.inner: LiveGraph | None = None
        """For an instance of a subgraph: the definition."""
        self.by_name: dict[str, Widget] | None = None
        self.host_states: dict[str, State] | None = None
        self.autogrow: dict[str, Any] | None = None
        self.matches: dict[str, dict[str, str]] | None = None
        self.properties: dict[str, Any] = {}
        self.info: WorkflowNode | None = None
        self.unplaced: list[tuple[str | None, Any]] = []
        """Saved values that no widget took, with their names where the file has them."""

    @property
    def class_type(self) -> str | None:
        """What a prompt calls it; the page queues group nodes of its own as they are, where it cannot open them."""
        if self.node_class is not None:
            return self.node_class.type
        told = self.info.open if self.info is not None else None
        return told.class_type if told is not None else None

    def widget(self, name: str | None) -> Widget | None:
        """The first widget of this name, promoted ones included."""
        if name is None:
            return None
        if self.inner is not None:
            for slot in self.inputs:
                if slot.promoted is not None and slot.promoted.name == name:
                    return slot.promoted
        if self.node_class is None and len(self.widgets) > 50:
            return self._widgets_by_name().get(name)
        for widget in self.widgets:
            if widget.name == name:
                return widget
        return None

    def _widgets_by_name(self) -> dict[str, Widget]:
        """For nodes of unknown types, which may have any number of widgets: these do not change."""
        if self.by_name is None or len(self.by_name) != len(self.widgets):
            self.by_name = {widget.name: widget for widget in reversed(self.widgets)}
        return self.by_name

    def all_widgets(self) -> list[Widget]:
        if self.inner is None:
            return self.widgets
        return [slot.promoted for slot in self.inputs if slot.promoted is not None] + self.widgets

    def widget_of(self, slot: LiveInput) -> Widget | None:
        """`getWidgetFromSlot`."""
        if slot.promoted is not None:
            return slot.promoted
        return self.widget(slot.widget) if slot.widget is not None else None

    def slot_of(self, widget: Widget) -> LiveInput | None:
        """`getSlotFromWidget`."""
        for slot in self.inputs:
            if slot.promoted is widget:
                return slot
        for slot in self.inputs:
            if slot.widget is not None and slot.widget == widget.name:
                return slot
        return None

    def add_widget(self, widget: Widget) -> Widget:
        """Appends it; its value is shared with an earlier widget of the same name and type."""
        for other in self.widgets:
            if other.name == widget.name and other.state.type == widget.state.type:
                widget.state = other.state
                break
        self.widgets.append(widget)
        return widget


def reachable(root: LiveGraph) -> Iterator[LiveGraph]:
    """The graphs that instances lead to, inner ones before the one that holds them, the root last."""
    done: list[LiveGraph] = []
    seen = {id(root)}
    stack: list[tuple[LiveGraph, Iterator[LiveNode]]] = [(root, iter(root.nodes))]
    while stack:
        graph, nodes = stack[-1]
        for node in nodes:
            if node.inner is not None and id(node.inner) not in seen:
                seen.add(id(node.inner))
                stack.append((node.inner, iter(node.inner.nodes)))
                break
        else:
            stack.pop()
            done.append(graph)
    return iter(done)
