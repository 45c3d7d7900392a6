"""Impact and Inspire packs: combos that add something to a text, and modes that were switches in old files."""

from __future__ import annotations

from typing import Any

from ..javascript import truthy
from ..model import LiveNode, Widget
from ..node_types import Pack, SpecialType
from .bricks import PictureWidget, constants, reading, swap, with_buttons

_LORA = 'Select the LoRA to add to the text'
_WILDCARD = 'Select the Wildcard to add to the text'
_SELECTS = constants({'Select to add LoRA': (_LORA,), 'Select to add Wildcard': (_WILDCARD,)})


def _as_switch(value: Any) -> bool:
    return value is True or value in ('Populate', 'populate')


def _as_choice(value: Any) -> Any:
    return {True: 'populate', False: 'fixed'}[value] if isinstance(value, bool) else value


def _modes(node: LiveNode) -> None:
    """A mode is a switch in some versions and a choice in others: the description says which (`impact-pack.js`)."""
    _SELECTS(node)
    for name in ('mode', 'wildcard_mode'):
        widget = node.widget(name)
        if widget is not None:
            read = _as_switch if widget.type == 'toggle' else _as_choice
            swap(node, name, lambda old, read=read: reading(old, read))


class _Bridge(Widget):
    """The picture of a bridge by its number; any other is one of a server's last run (`impact-image-util.js`)."""

    __slots__ = ()

    def get(self, node: LiveNode) -> Any:
        value = self.state.value
        return value if isinstance(value, str) and value.startswith('$') else f'${node.id}-0'


def _bridge(node: LiveNode) -> None:
    swap(node, 'image', lambda old: _Bridge(old.name, old.type, old.state.value))


class _ReceivedImage(PictureWidget):
    """A received picture is sent where it is to be saved."""

    __slots__ = ()

    def get(self, node: LiveNode) -> Any:
        saved = node.widget('save_to_workflow')
        return self.state.value if saved is not None and truthy(saved.get(node)) else ''


def _receiver(node: LiveNode) -> None:
    swap(node, 'image_data', lambda old: _ReceivedImage(old.name, old.type, ''))


def _inspire_image(node: LiveNode) -> None:
    swap(node, 'image_data', lambda old: PictureWidget(old.name, old.type))


_WILDCARDS = SpecialType(created=_modes)

IMPACT = Pack(
    source='ltdrdata/ComfyUI-Impact-Pack 7.10.6, js/impact-pack.js, impact-image-util.js, impact-segs-picker.js',
    types={
        **dict.fromkeys(
            (
                *('ImpactWildcardProcessor', 'ImpactWildcardEncode', 'ToDetailerPipe', 'ToDetailerPipeSDXL'),
                *('EditDetailerPipe', 'EditDetailerPipeSDXL', 'BasicPipeToDetailerPipe'),
                'BasicPipeToDetailerPipeSDXL',
            ),
            _WILDCARDS,
        ),
        'PreviewBridge': SpecialType(created=_bridge),
        'PreviewBridgeLatent': SpecialType(created=_bridge),
        'ImageReceiver': SpecialType(created=_receiver),
        'MaskPainter': with_buttons(('Edit mask', None)),
        'ImpactSEGSPicker': with_buttons(('pick', 'image')),
    },
)

INSPIRE = Pack(
    source='ltdrdata/ComfyUI-Inspire-Pack 1.21, js/prompt.js, image_util.js, inspire-backend.js',
    types={
        'LoadImage //Inspire': SpecialType(created=_inspire_image),
        'WildcardEncode //Inspire': _WILDCARDS,
        'MakeBasicPipe //Inspire': _WILDCARDS,
        'PromptBuilder //Inspire': SpecialType(created=constants({'preset': ('#PRESET',)})),
        **dict.fromkeys(
            (
                *('SeedExplorer //Inspire', 'RegionalSeedExplorerMask //Inspire'),
                'RegionalSeedExplorerColorMask //Inspire',
            ),
            with_buttons(('Add to prompt', None)),
        ),
        'ShowCachedInfo //Inspire': with_buttons(
            ('Remove Key', None), ('Save Settings', None), ('Refresh', None), ('Clear', None)
        ),
    },
)
