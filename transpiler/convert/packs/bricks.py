"""What the rules of several packs are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..model import LiveNode, TextWidget, Widget
from ..node_types import SpecialType
from ..specs import Spec
from ..widgets import Constructor, stated


class ReadWidget(Widget):
    """A widget that makes something of the value it is given."""

    __slots__ = ('read',)

    read: Callable[[Any], Any]

    def set(self, node: LiveNode, value: Any) -> None:
        self.state.value = self.read(value)

    def copy(self) -> ReadWidget:
        other = super().copy()
        assert isinstance(other, ReadWidget)
        other.read = self.read
        return other


class ConstantWidget(Widget):
    """A widget that takes no value: it stands for a choice that is made once, by a click."""

    __slots__ = ()

    def set(self, node: LiveNode, value: Any) -> None:
        pass


class PictureWidget(Widget):
    """Holds a picture as a text, or in its place in the file the words for one that was not saved."""

    __slots__ = ()

    def set(self, node: LiveNode, value: Any) -> None:
        if value != '[IMAGE DATA]':
            self.state.value = value


def reading(widget: Widget, read: Callable[[Any], Any]) -> Widget:
    """The widget as one that reads its values."""
    made = ReadWidget(widget.name, widget.type, in_prompt=widget.in_prompt, in_file=widget.in_file)
    made.options = widget.options
    made.on_change = widget.on_change
    made.read = read
    made.state.value = widget.state.value
    return made


def constant(name: str, type_: str, value: Any) -> Widget:
    return ConstantWidget(name, type_, value)


def swap(node: LiveNode, name: str, make: Callable[[Widget], Widget]) -> None:
    """Puts another widget in the place of the one with this name, where there is one."""
    for index, widget in enumerate(node.widgets):
        if widget.name == name:
            node.widgets[index] = make(widget)


def constants(values: Mapping[str, tuple[Any]]) -> Callable[[LiveNode], None]:
    """Widgets (by name) whose value never changes."""

    def created(node: LiveNode) -> None:
        for name, (value,) in values.items():
            swap(node, name, lambda widget, value=value: constant(widget.name, widget.type, value))

    return created


def buttons(*made: tuple[str, Any], in_prompt: bool = True) -> Callable[[LiveNode], None]:
    """Buttons (name and value) behind the node's own widgets."""

    def created(node: LiveNode) -> None:
        for name, value in made:
            node.add_widget(Widget(name, 'button', value, in_prompt=in_prompt))

    return created


def with_buttons(*made: tuple[str, Any], in_prompt: bool = True) -> SpecialType:
    return SpecialType(created=buttons(*made, in_prompt=in_prompt))


def plain_widget(type_: str, default: Any) -> Constructor:
    """A widget that holds what it is given."""

    def build(node: LiveNode, spec: Spec) -> Widget:
        return node.add_widget(Widget(spec.name, type_, stated(spec, default)))

    return build


def text_widget(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(TextWidget(spec.name, 'customtext', stated(spec, '')))


SHOWS = SpecialType(shows=True)
"""A node that shows what its last run gave it."""
