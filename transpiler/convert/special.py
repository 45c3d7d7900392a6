"""Node types that the web UI itself treats in a way of its own: one entry each.

Two kinds: types of the server that get widgets or inputs from the web UI's own extensions, and types that only the
web UI knows (they are virtual: no prompt has them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..workflow_file import WorkflowNode
from .javascript import truthy
from .model import LiveNode, Widget
from .node_types import SpecialType, VirtualType
from .specs import Spec, read_spec


class ComboOption(Widget):
    """One of CustomCombo's choices: filling the last one adds another (`customWidgets.ts`)."""

    __slots__ = ()

    def set(self, node: LiveNode, value: Any) -> None:
        self.state.value = value
        last = node.widgets[-1]
        if last is self:
            if truthy(value):
                add_combo_option(node)
            return
        if truthy(value) or len(node.widgets) < 2 or node.widgets[-2] is not self or truthy(last.get(node)):
            return
        node.widgets.pop()


class ComboIndex(Widget):
    """The place of CustomCombo's choice among its options."""

    __slots__ = ()

    def get(self, node: LiveNode) -> Any:
        if node.widgets[0] is self:
            return -1
        choice = node.widgets[0].get(node)
        for index, option in enumerate(node.widgets[2:]):
            if option.get(node) == choice:
                return index
        return -1

    def set(self, node: LiveNode, value: Any) -> None:
        pass


def add_combo_option(node: LiveNode) -> None:
    node.add_widget(ComboOption(f'option{len(node.widgets) - 1}', 'string', ''))


def _custom_combo(node: LiveNode) -> None:
    if node.widgets:
        node.widgets[0].options = None
        node.widgets.append(ComboIndex('index', 'hidden'))
        add_combo_option(node)


def _webcam(node: LiveNode) -> None:
    node.add_widget(Widget('waiting for camera...', 'button', 'capture', in_prompt=False))


def _script_inputs(properties: Mapping[str, Any]) -> Iterator[Spec]:
    """ComfyScript's sockets and widgets are its script's, and saved with it (`js/node/sockets.mjs`)."""
    saved = properties.get('comfyscript')
    inputs = saved.get('inputs') if isinstance(saved, Mapping) else None
    for item in inputs if isinstance(inputs, (list, tuple)) else ():
        if not isinstance(item, Mapping) or not isinstance(item.get('name'), str) or item['name'] == 'script':
            continue
        options = item['options'] if isinstance(item.get('options'), Mapping) else {}
        choices = item.get('choices')
        type_ = choices if isinstance(choices, (list, tuple)) else item.get('type')
        yield read_spec(item['name'], type_, options, not item.get('required'))


def _with_kept_values(info: WorkflowNode) -> WorkflowNode:
    """A page that got none of our files saved the script alone; the values lie in properties (`js/node/keep.js`)."""
    values, saved = info.widgets_values, info.properties.get('comfyscript')
    kept = saved.get('values') if isinstance(saved, Mapping) else None
    if not isinstance(values, (list, tuple)) or len(values) != 1 or not isinstance(kept, (list, tuple)):
        return info
    return info._replace(widgets_values=[*values, *kept], named_values=None)


_AUDIO = SpecialType(inputs=(('audioUI', 'AUDIO_UI'),))

SPECIAL_TYPES: dict[str, SpecialType] = {
    'ComfyScript': SpecialType(saved_inputs=_script_inputs, restored=_with_kept_values),
    'CustomCombo': SpecialType(created=_custom_combo),
    'LoadAudio': _AUDIO,
    'SaveAudio': _AUDIO,
    'PreviewAudio': _AUDIO,
    'SaveAudioMP3': _AUDIO,
    'SaveAudioOpus': _AUDIO,
    'SaveAudioAdvanced': _AUDIO,
    'SaveGLB': SpecialType(inputs=(('image', 'PREVIEW_3D'),)),
    'Preview3D': SpecialType(inputs=(('image', 'PREVIEW_3D'),)),
    'Load3DAdvanced': SpecialType(inputs=(('viewport_state', 'LOAD_3D_ADVANCED'),)),
    'WebcamCapture': SpecialType(created=_webcam),
    'GetImageSize': SpecialType(shows=True),
    'ImageCompare': SpecialType(shows=True),
    'PreviewAny': SpecialType(shows=True),
}

VIRTUAL_TYPES: dict[str, VirtualType] = {
    'PrimitiveNode': VirtualType('Primitive'),
    'Reroute': VirtualType('Reroute'),
    'Note': VirtualType('Note'),
    'MarkdownNote': VirtualType('Markdown Note'),
}
"""Types that a prompt never has. A type that the server does know is the server's."""
