"""rgthree-comfy: nodes whose widgets are in no description, and nodes that the web UI keeps to itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from ...workflow_file import WorkflowNode
from ..javascript import as_number, truthy
from ..model import LiveNode, TextWidget, Widget
from ..node_types import Pack, SpecialType, VirtualType
from ..widgets import CONTROL
from .bricks import constant, reading

_SEPARATE = 'Separate Model & Clip'
_DISABLE = re.compile(r'disable\s[a-z]', re.IGNORECASE)


class _Lora(Widget):
    """One row of a Power Lora Loader; its second strength is sent where the node shows two (`serializeValue`)."""

    __slots__ = ()

    def get(self, node: LiveNode) -> Any:
        value = dict(self.state.value)
        if node.properties.get('Show Strengths') == _SEPARATE:
            second = value.get('strengthTwo')
            value['strengthTwo'] = 1 if second is None else second
        else:
            value.pop('strengthTwo', None)
        return value


def _take_loras(node: LiveNode, info: WorkflowNode) -> None:
    """A row for each saved value that names a LoRA, between a header and a button (`power_lora_loader.ts`)."""
    saved = info.widgets_values
    values = saved.values() if isinstance(saved, Mapping) else saved or ()
    rows = [value for value in values if isinstance(value, Mapping) and 'lora' in value]
    node.widgets[:] = [
        Widget('divider', 'custom', {}, in_prompt=False),
        constant('PowerLoraLoaderHeaderWidget', 'custom', {'type': 'PowerLoraLoaderHeaderWidget'}),
        *(_Lora(f'lora_{number}', 'custom', row) for number, row in enumerate(rows, 1)),
        constant('➕ Add Lora', 'custom', ''),
    ]


def _power_loras(node: LiveNode) -> None:
    _take_loras(node, WorkflowNode('', node.type))


def _power_primitive(node: LiveNode) -> None:
    node.widgets[:] = [
        reading(Widget('type', 'combo', 'STRING'), lambda value: 'BOOLEAN' if value == 'BOOL' else value),
        _PrimitiveValue('value', 'custom', ''),
    ]


class _PrimitiveValue(Widget):
    """The value of a Power Primitive, as the widget of its type reads it (`power_primitive.ts: setTypedData`)."""

    __slots__ = ()

    def get(self, node: LiveNode) -> Any:
        value, kind = self.state.value, node.widgets[0].get(node)
        if kind in ('INT', 'FLOAT'):
            number = as_number(value)
            return 0 if math.isnan(number) else number
        if kind == 'BOOLEAN':
            if isinstance(value, str):
                return value.lower() not in ('false', 'null', 'none', '', '0')
            return truthy(value)
        return value


def _power_puter(node: LiveNode) -> None:
    outputs = reading(Widget('outputs', 'custom', {'outputs': ['STRING']}), _puter_outputs)
    node.widgets[:] = [outputs, TextWidget('code', 'customtext', '')]


def _puter_outputs(value: Any) -> Any:
    if isinstance(value, str):
        value = {'outputs': [value]}
    listed = value.get('outputs') if isinstance(value, Mapping) else None
    if not isinstance(listed, (list, tuple)):
        return {'outputs': ['STRING']}
    return {'outputs': ['BOOLEAN' if item == 'BOOL' else item for item in listed]}


def _image_comparer(node: LiveNode) -> None:
    node.add_widget(reading(Widget('rgthree_comparer', 'custom', {'images': []}), _compared))


def _compared(value: Any) -> Any:
    """The pictures of the last run: two, of which each is selected (`image_comparer.ts`)."""
    listed = value if isinstance(value, (list, tuple)) else None
    if isinstance(value, Mapping):
        listed = value.get('images')
    if not isinstance(listed, (list, tuple)):
        return {'images': []}
    images = []
    for index, item in enumerate(listed):
        if isinstance(item, Mapping):
            images.append({key: part for key, part in item.items() if key != 'img'})
        else:
            images.append({'url': item, 'name': 'B' if index else 'A', 'selected': True})
    return {'images': images}


def _seed(node: LiveNode) -> None:
    node.widgets[:] = [widget for widget in node.widgets if widget.name != CONTROL]
    for widget in node.widgets:
        widget.set(node, -1)
    for name, value in (('🎲 Randomize Each Time', ''), ('🎲 New Fixed Random', ''), ('USE_LAST_SEED', 'okay')):
        node.add_widget(Widget(name, 'button', value, in_prompt=False))


def _power_prompt(node: LiveNode) -> None:
    """Combos that insert something into the text are there if there is something to insert (`refreshCombos`)."""
    kept = [widget for widget in node.widgets if not widget.name.startswith(('insert_', 'target_', 'crop_', 'values_'))]
    declared = node.node_class.declared if node.node_class is not None else []
    for spec in declared:
        choices = spec.choices
        if not spec.optional or not spec.name.startswith('insert') or not choices:
            continue
        if len(choices) > 2 or (len(choices) > 1 and not _DISABLE.match(str(choices[1]))):
            kept.append(Widget(spec.name, 'combo', choices[0], options={'values': choices}))
    node.widgets[:] = kept


def _display(node: LiveNode) -> None:
    node.add_widget(constant('output', 'customtext', ''))


_PROMPT = SpecialType(created=_power_prompt)
_SHOWN = SpecialType(created=_display, shows=True)

RGTHREE = Pack(
    source='rgthree/rgthree-comfy 1.0.2608210019, src_web/comfyui/*.ts',
    types={
        'Power Lora Loader (rgthree)': SpecialType(created=_power_loras, take=_take_loras),
        'Power Primitive (rgthree)': SpecialType(created=_power_primitive),
        'Power Puter (rgthree)': SpecialType(created=_power_puter),
        'Image Comparer (rgthree)': SpecialType(created=_image_comparer, shows=True),
        'Seed (rgthree)': SpecialType(created=_seed),
        'Display Any (rgthree)': _SHOWN,
        'Display Int (rgthree)': _SHOWN,
        'Power Prompt (rgthree)': _PROMPT,
        'Power Prompt - Simple (rgthree)': _PROMPT,
        'SDXL Power Prompt - Positive (rgthree)': _PROMPT,
        'SDXL Power Prompt - Simple / Negative (rgthree)': _PROMPT,
    },
    virtual={
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
        'Node Combiner (rgthree)': VirtualType(),
        'Power Conductor (rgthree)': VirtualType(),
    },
)
