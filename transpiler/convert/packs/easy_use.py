"""Easy-Use: editors of its own, wires with a name, bookmarks, and titles from its `/i18n` texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..model import LiveNode, Widget
from ..node_types import Pack, SpecialType, VirtualType
from ..specs import Spec
from ..widgets import Constructor
from .bricks import SHOWS, constants, reading, swap, with_buttons

_LORA = 'Select the LoRA to add to the text'
_WILDCARD = 'Select the Wildcard to add to the text'
_NSFW = '🔞Select the nsfw add to the text'
_RESOLUTIONS = {'自定义 x 自定义': 'width x height (custom)'}


def _prompt_choices(node: LiveNode) -> None:
    """Each combo adds its choice to the text and says what it is for again."""
    said = {widget.name: (widget.state.value,) for widget in node.widgets if widget.type == 'combo'}
    constants({**said, **({'nsfw': (_NSFW,)} if 'nsfw' in said else {})})(node)


def _resolution(node: LiveNode) -> None:
    """Old files have the choice of a size of one's own in Chinese (`easyDynamicWidgets.js`)."""
    swap(node, 'resolution', lambda widget: reading(widget, _named_size))


def _named_size(value: Any) -> Any:
    return _RESOLUTIONS.get(value, value) if isinstance(value, str) else value


def _joined(value: Any) -> Any:
    return ','.join(str(item) for item in value) if isinstance(value, (list, tuple)) else value


def _as_json(value: Any) -> Any:
    """A list or an object as its JSON text, as `JSON.stringify` writes it."""
    if isinstance(value, (list, tuple, Mapping)):
        return json.dumps(value, ensure_ascii=False, separators=(',', ':'))
    return value


def _editor(default: Any, read: Any) -> Constructor:
    def build(node: LiveNode, spec: Spec) -> Widget:
        return node.add_widget(reading(Widget(spec.name, 'custom', default), read))

    return build


_TABLE = {
    'mode': 'table',
    'headers': ['列1', '列2', '列3'],
    'rows': [['', '', ''], ['', '', '']],
    'markdown': '| 列1 | 列2 | 列3 |\n| --- | --- | --- |\n|     |     |     |\n|     |     |     |',
}

_TITLES = {
    'easy positive': 'Positive',
    'easy negative': 'Negative',
    'easy wildcards': 'Wildcards',
    'easy wildcardsMatrix': 'Wildcards Matrix',
    'easy prompt': 'Prompt',
    'easy promptList': 'PromptList',
    'easy promptLine': 'PromptLine',
    'easy promptConcat': 'PromptConcat',
    'easy promptReplace': 'PromptReplace',
    'easy stylesSelector': 'Styles Selector',
    'easy portraitMaster': 'Portrait Master',
    'easy multiAngle': 'Multi Angle Prompt',
    'easy string': 'String',
    'easy int': 'Int',
    'easy rangeInt': 'Range(Int)',
    'easy float': 'Float',
    'easy rangeFloat': 'Range(Float)',
    'easy boolean': 'Boolean',
    'easy mathString': 'Math String',
    'easy mathInt': 'Math Int',
    'easy mathFloat': 'Math Float',
    'easy compare': 'Compare',
    'easy imageSwitch': 'Image Switch',
    'easy textSwitch': 'Text Switch',
    'easy imageIndexSwitch': 'Image Index Switch',
    'easy textIndexSwitch': 'Text Index Switch',
    'easy conditioningIndexSwitch': 'Conditioning Index Switch',
    'easy anythingIndexSwitch': 'Any Index Switch',
    'easy ab': 'A or B',
    'easy anythingInversedSwitch': 'Any Inversed Switch',
    'easy blocker': 'Blocker',
    'easy ifElse': 'If else',
    'easy isMaskEmpty': 'Is Mask Empty',
    'easy isNone': 'Is None',
    'easy isSDXL': 'Is SDXL',
    'easy isFileExist': 'Is File Exist',
    'easy outputToList': 'Output to List',
    'easy pixels': 'Pixels W/H Norm',
    'easy xyAny': 'XY Any',
    'easy lengthAnything': 'Length Any',
    'easy indexAnything': 'Index Any',
    'easy batchAnything': 'Batch Any',
    'easy convertAnything': 'Convert Any',
    'easy showAnything': 'Show Any',
    'easy showTensorShape': 'Show Tensor Shape',
    'easy clearCacheKey': 'Clear Cache Key',
    'easy clearCacheAll': 'Clear Cache All',
    'easy cleanGpuUsed': 'Clean VRAM Used',
    'easy saveText': 'Save Text',
    'easy sleep': 'Sleep',
    'easy saveTextLazy': 'SaveTextLazy (🚫Deprecated)',
    'easy showAnythingLazy': 'ShowAnythingLazy (🚫Deprecated)',
}

_WILDCARDS = SpecialType(created=constants({'Select to add LoRA': (_LORA,), 'Select to add Wildcard': (_WILDCARD,)}))

EASY_USE = Pack(
    source='yolain/ComfyUI-Easy-Use 1.3.6, web_version/v2, web_version/v1/js/*.js, locales/en/nodeDefs.json',
    types={
        'easy seed': with_buttons(('🎲 Manual Random Seed', None), in_prompt=False),
        'easy promptLine': with_buttons(('get values from COMBO link', ''), in_prompt=False),
        'easy wildcards': _WILDCARDS,
        'easy wildcardsMatrix': _WILDCARDS,
        'easy prompt': SpecialType(created=_prompt_choices),
        **dict.fromkeys(
            (
                *('easy fullLoader', 'easy a1111Loader', 'easy comfyLoader', 'easy svdLoader', 'easy cascadeLoader'),
                *('easy kolorsLoader', 'easy fluxLoader', 'easy hunyuanDiTLoader', 'easy mochiLoader', 'easy pixels'),
            ),
            SpecialType(created=_resolution),
        ),
        **dict.fromkeys(
            (
                *('easy showAnything', 'easy showAnythingLazy', 'easy showTensorShape', 'easy showSpentTime'),
                *('easy imageInterrogator', 'easy showLoaderSettingsNames'),
            ),
            SHOWS,
        ),
    },
    virtual={
        'easy setNode': VirtualType('Set'),
        'easy getNode': VirtualType('Get', finds='easy setNode'),
        'easy bookmark': VirtualType('🔖'),
    },
    widgets={
        'EASY_PROMPT_STYLES': _editor('', _joined),
        'EASY_COMBO': _editor('', _joined),
        'EASY_PROMPT_AWAIT_BAR': _editor(
            _as_json({'select': 'now', 'unlock': True, 'last_seed': 0, 'seed': 0}), _as_json
        ),
        'EASY_MULTI_ANGLE': _editor(
            _as_json([{'rotate': 0, 'vertical': 0, 'zoom': 5, 'add_angle_prompt': True}]), _as_json
        ),
        'EASY_TABLE_EDITOR': _editor(_as_json(_TABLE), _as_json),
    },
    titles=_TITLES,
)
