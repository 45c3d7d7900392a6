"""Node types that the web UI, or the pack they come from, treats in a way of its own: one entry each.

Three kinds: types of the server that get widgets or inputs from the web UI's own extensions, types that only the
web UI knows, and types that well-known packs add to the web UI alone (they are virtual: no prompt has them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .javascript import truthy
from .model import LiveNode, Widget
from .specs import Spec, read_spec


@dataclass(frozen=True)
class SpecialType:
    """A server's node type that the web UI extends.

    `inputs` go behind the required ones of the description (`beforeRegisterNodeDef`); `created` runs on the new node;
    `saved_inputs` gives the inputs that a saved node's properties describe: the node gets them before its links and
    values are read.
    """

    inputs: tuple[tuple[str, str], ...] = ()
    created: Callable[[LiveNode], None] | None = None
    saved_inputs: Callable[[Mapping[str, Any]], Iterator[Spec]] | None = None


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


_AUDIO = SpecialType(inputs=(('audioUI', 'AUDIO_UI'),))

SPECIAL_TYPES: dict[str, SpecialType] = {
    'ComfyScript': SpecialType(saved_inputs=_script_inputs),
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
}

_UPLOADS = ('image_upload', 'video_upload', 'animated_image_upload')


def extend(class_type: str, required: list[Spec]) -> None:
    """Adds the inputs that the web UI's extensions add to a type: upload buttons, players, 3D views."""
    special = SPECIAL_TYPES.get(class_type)
    for name, type_ in special.inputs if special else ():
        _put(required, Spec(name, type_, False, {}))
    if any(spec.name == 'audio' and spec.options.get('audio_upload') is True for spec in required):
        _put(required, Spec('upload', 'AUDIOUPLOAD', False, {}))
    for spec in required:
        if spec.type == 'COMBO' and any(spec.options.get(key) is True for key in _UPLOADS):
            _put(required, Spec('upload', 'IMAGEUPLOAD', False, {**spec.options, 'imageInputName': spec.name}))
            break


def _put(required: list[Spec], spec: Spec) -> None:
    for index, other in enumerate(required):
        if other.name == spec.name:
            required[index] = spec
            return
    required.append(spec)


@dataclass(frozen=True)
class VirtualType:
    """A node type that exists in the web UI only: it is in no prompt, links pass through it or end there.

    `passes`: a link that reaches it goes on from its input at the same index (a reroute).
    `finds`: the node is the far end of a named wire; the value is the type of the near end (Get → Set).
    `title`: what an untitled one is called.
    """

    title: str = ''
    finds: str | None = None


VIRTUAL_TYPES: dict[str, VirtualType] = {
    # The web UI's own.
    'PrimitiveNode': VirtualType('Primitive'),
    'Reroute': VirtualType('Reroute'),
    'Note': VirtualType('Note'),
    'MarkdownNote': VirtualType('Markdown Note'),
    # KJNodes, Easy-Use: a wire with a name.
    'SetNode': VirtualType('Set'),
    'GetNode': VirtualType('Get', finds='SetNode'),
    'easy setNode': VirtualType('Set'),
    'easy getNode': VirtualType('Get', finds='easy setNode'),
    # rgthree.
    'Reroute (rgthree)': VirtualType('Reroute'),
    'Label (rgthree)': VirtualType(),
    'Bookmark (rgthree)': VirtualType(),
    'Fast Muter (rgthree)': VirtualType(),
    'Fast Bypasser (rgthree)': VirtualType(),
    'Fast Groups Muter (rgthree)': VirtualType(),
    'Fast Groups Bypasser (rgthree)': VirtualType(),
    'Fast Actions Button (rgthree)': VirtualType(),
    'Mute / Bypass Relay (rgthree)': VirtualType(),
    'Mute / Bypass Repeater (rgthree)': VirtualType(),
    'Random Unmuter (rgthree)': VirtualType(),
    'Node Collector (rgthree)': VirtualType(),
}
"""Types that a prompt never has. A type that the server does know is the server's."""
