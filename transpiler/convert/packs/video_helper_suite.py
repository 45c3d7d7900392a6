"""VideoHelperSuite: values are saved by name, and VideoCombine's format brings widgets of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...workflow_file import WorkflowNode
from ..javascript import UNDEFINED
from ..model import LiveInput, LiveNode, Widget
from ..node_types import Pack, SpecialType
from ..specs import read_spec
from ..widgets import WIDGETS
from .bricks import plain_widget

_OLD_LISTS: Mapping[str, Sequence[str | None]] = {
    'VHS_LoadImages': ('directory', None, 'image_load_cap', 'skip_first_images', 'select_every_nth'),
    'VHS_LoadImagesPath': ('directory', 'image_load_cap', 'skip_first_images', 'select_every_nth'),
    'VHS_VideoCombine': ('frame_rate', 'loop_count', 'filename_prefix', 'format', 'pingpong', 'save_image'),
    'VHS_LoadVideo': ('video', 'force_rate', 'force_size', 'frame_load_cap', 'skip_first_frames', 'select_every_nth'),
    'VHS_LoadVideoPath': (
        *('video', 'force_rate', 'force_size', 'frame_load_cap', 'skip_first_frames', 'select_every_nth'),
    ),
}
"""The names of the values where an old file has them as a list (`convDict`)."""

_OLD_NAMES = {'save_output': 'save_image'}
_SHOWN = ('videopreview', 'audiopreview', 'choose video to upload', 'choose folder to upload', 'choose audio to upload')
"""Previews and upload buttons: no prompt has them."""


class FormatWidget(Widget):
    """VideoCombine's format. Setting it replaces the widgets that the last one brought (`addFormatWidgets`)."""

    __slots__ = ('brought', 'formats')

    formats: Mapping[str, Any]
    brought: tuple[Widget, ...]

    def set(self, node: LiveNode, value: Any) -> None:
        self.state.value = value
        if self not in node.widgets:
            return
        old = {widget.name for widget in self.brought}
        node.widgets[:] = [widget for widget in node.widgets if widget not in self.brought]
        described = self.formats.get(value) if isinstance(value, str) else None
        made = [widget for item in described or () if (widget := _format_widget(node, item)) is not None]
        place = node.widgets.index(self) + 1
        node.widgets[place:place] = made
        self.brought = tuple(made)
        new = {widget.name for widget in made}
        node.inputs = [slot for slot in node.inputs if slot.name not in old - new or slot.link is not None]
        have = {slot.name for slot in node.inputs}
        for widget in made:
            if widget.name not in have:
                node.inputs.append(LiveInput(widget.name, _slot_type(widget), None, widget.name))

    def copy(self) -> FormatWidget:
        other = super().copy()
        assert isinstance(other, FormatWidget)
        other.formats = self.formats
        other.brought = ()
        return other


def _slot_type(widget: Widget) -> str:
    return {'number': 'FLOAT,INT', 'toggle': 'BOOLEAN', 'combo': 'COMBO'}.get(widget.type, 'STRING')


def _format_widget(node: LiveNode, item: Any) -> Widget | None:
    """One widget of a format: `[name, type or choices, options?, …]`."""
    if not isinstance(item, (list, tuple)) or len(item) < 2 or not isinstance(item[0], str):
        return None
    options = item[2] if len(item) > 2 and isinstance(item[2], Mapping) else {}
    spec = read_spec(item[0], item[1], options, False)
    make = WIDGETS.get(spec.widget_type)
    if make is None:
        return Widget(spec.name, 'text', options.get('default', UNDEFINED))
    own = LiveNode(node.type, node.graph)
    make(own, spec)
    return own.widgets[0]


def _combine(node: LiveNode) -> None:
    declared = node.node_class.declared if node.node_class is not None else []
    formats = next((spec.options.get('formats') for spec in declared if spec.name == 'format'), None)
    for index, widget in enumerate(node.widgets):
        if widget.name == 'format' and isinstance(formats, Mapping):
            made = FormatWidget('format', widget.type, widget.state.value, options=widget.options)
            made.formats, made.brought = formats, ()
            node.widgets[index] = made


def _count(node: LiveNode) -> None:
    node.add_widget(Widget('count', 'dummy', 0))


def _take(node: LiveNode, info: WorkflowNode) -> None:
    """Values by name; a name that is missing leaves the default (`useKVState`)."""
    saved = info.widgets_values
    if not isinstance(saved, Mapping):
        names = _OLD_LISTS.get(node.type)
        if saved is None or names is None or len(saved) < len(names):
            _take_in_order(node, saved or ())
            return
        saved = {name: value for name, value in zip(names, saved) if name is not None}
    values = _with_sizes(dict(saved))
    placed = set()
    index = 0
    while index < len(node.widgets):
        widget = node.widgets[index]
        index += 1
        name = widget.name if widget.name in values else _OLD_NAMES.get(widget.name, '')
        if name in values and widget.type != 'button':
            placed.add(name)
            widget.set(node, values[name])
    hidden = {'force_size', 'timestamp_directory', *_SHOWN}
    node.unplaced = [(name, value) for name, value in values.items() if name not in placed | hidden]


def _take_in_order(node: LiveNode, values: Sequence[Any]) -> None:
    for widget, value in zip([widget for widget in node.widgets if widget.in_file], values):
        widget.set(node, value)


def _with_sizes(values: dict[str, Any]) -> dict[str, Any]:
    """`force_size` of old files: `640x?`, `Disabled`, `Custom Width`, `Custom Height`."""
    size = values.get('force_size')
    if not isinstance(size, str):
        return values
    if 'x' in size:
        for key, part in zip(('custom_width', 'custom_height'), size.split('x')):
            values[key] = int(part) if part.isascii() and part.isdigit() else 0
        return values
    if size in ('Disabled', 'Custom Height'):
        values['custom_width'] = 0
    if size in ('Disabled', 'Custom Width'):
        values['custom_height'] = 0
    return values


_BY_NAME = SpecialType(take=_take)
_TYPES = (
    *('LoadVideo', 'LoadVideoPath', 'LoadVideoFFmpeg', 'LoadVideoFFmpegPath', 'LoadImagePath', 'LoadImages'),
    *('LoadImagesPath', 'LoadAudio', 'LoadAudioUpload', 'AudioToVHSAudio', 'VHSAudioToAudio', 'PruneOutputs'),
    *('VideoInfo', 'VideoInfoSource', 'VideoInfoLoaded', 'SelectFilename', 'VAEEncodeBatched', 'VAEDecodeBatched'),
    *('SplitLatents', 'SplitImages', 'SplitMasks', 'MergeLatents', 'MergeImages', 'MergeMasks', 'GetLatentCount'),
    *('GetImageCount', 'GetMaskCount', 'DuplicateLatents', 'DuplicateImages', 'DuplicateMasks'),
    *('SelectEveryNthLatent', 'SelectEveryNthImage', 'SelectEveryNthMask', 'SelectLatents', 'SelectImages'),
    *('SelectMasks', 'Unbatch'),
)

VIDEO_HELPER_SUITE = Pack(
    source='Kosinkadink/ComfyUI-VideoHelperSuite 1.7.9, web/js/VHS.core.js',
    types={
        **{f'VHS_{name}': _BY_NAME for name in _TYPES},
        'VHS_VideoCombine': SpecialType(created=_combine, take=_take),
        'VHS_BatchManager': SpecialType(created=_count, take=_take),
        'VHS_SelectLatest': SpecialType(take=_take, virtual=True),
    },
    widgets={'VHSTIMESTAMP': plain_widget('VHSTIMESTAMP', 0)},
)
