"""The rules of each pack, one by one, on nodes as its files have them."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.tests.transpiler.schemas import node, socket
from comfy_script.transpiler.convert import convert_workflow
from comfy_script.transpiler.convert.packs import PACKS

SEED = ['INT', {'default': 0}]
TEXT = ['STRING', {'multiline': True}]


def converted(type_: str, info: dict[str, Any], values: Any, **more: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Inputs and warnings of one node."""
    item = {'id': 1, 'type': type_, 'mode': 0, 'inputs': [], 'outputs': [], 'widgets_values': values, **more}
    found = convert_workflow({'nodes': [item], 'links': [], 'version': 0.4}, {type_: info})
    return found.prompt['1']['inputs'], found.warnings


LORA = {'on': True, 'lora': 'a.safetensors', 'strength': 0.5, 'strengthTwo': None}
HEADER = {'type': 'PowerLoraLoaderHeaderWidget'}
FORMATS = {
    'video/h264-mp4': [['pix_fmt', ['yuv420p', 'p10']], ['crf', 'INT', {'default': 19}]],
    'image/gif': [['crf', 'INT', {'default': 3}]],
}
COMBINE = node({'frame_rate': ['FLOAT', {'default': 8}], 'format': [list(FORMATS), {'formats': FORMATS}]})
LOAD_VIDEO = node({'custom_width': SEED, 'custom_height': SEED, 'frame_load_cap': SEED})

# Rule → (type, description, saved values, more of the node, what the prompt has).
RULES: dict[str, tuple[str, dict[str, Any], Any, dict[str, Any], dict[str, Any]]] = {
    'rgthree: loras': (
        'Power Lora Loader (rgthree)',
        node(),
        [{}, HEADER, LORA, {**LORA, 'lora': 'b'}, {}, ''],
        {},
        {
            'PowerLoraLoaderHeaderWidget': HEADER,
            'lora_1': {'on': True, 'lora': 'a.safetensors', 'strength': 0.5},
            'lora_2': {'on': True, 'lora': 'b', 'strength': 0.5},
            '➕ Add Lora': '',
        },
    ),
    'rgthree: loras with two strengths': (
        'Power Lora Loader (rgthree)',
        node(),
        [LORA],
        {'properties': {'Show Strengths': 'Separate Model & Clip'}},
        {'PowerLoraLoaderHeaderWidget': HEADER, 'lora_1': {**LORA, 'strengthTwo': 1}, '➕ Add Lora': ''},
    ),
    'rgthree: a loader without loras': (
        'Power Lora Loader (rgthree)',
        node(),
        None,
        {},
        {'PowerLoraLoaderHeaderWidget': HEADER, '➕ Add Lora': ''},
    ),
    'rgthree: primitive': (
        'Power Primitive (rgthree)',
        node(),
        ['BOOL', 'False'],
        {},
        {'type': 'BOOLEAN', 'value': False},
    ),
    'rgthree: puter': (
        'Power Puter (rgthree)',
        node(),
        ['BOOL', 'a + 1'],
        {},
        {'outputs': {'outputs': ['BOOLEAN']}, 'code': 'a + 1'},
    ),
    "Easy-Use: a size of one's own in Chinese": (
        'easy a1111Loader',
        node({'resolution': [['512 x 512', 'width x height (custom)']]}),
        ['自定义 x 自定义'],
        {},
        {'resolution': 'width x height (custom)'},
    ),
    'Easy-Use: what adds to a text': (
        'easy wildcards',
        node({'text': TEXT, 'Select to add LoRA': [['a', 'b']], 'Select to add Wildcard': [['c']]}),
        ['__cat__', 'b', 'c'],
        {},
        {
            'text': '__cat__',
            'Select to add LoRA': 'Select the LoRA to add to the text',
            'Select to add Wildcard': 'Select the Wildcard to add to the text',
        },
    ),
    'Impact: a bridge whose picture is gone': (
        'PreviewBridge',
        node({'images': socket('IMAGE'), 'image': ['STRING', {'default': ''}]}),
        [{'filename': 'clipspace-mask.png', 'type': 'input'}],
        {},
        {'image': '$1-0'},
    ),
    'Impact: a bridge with its picture': (
        'PreviewBridge',
        node({'images': socket('IMAGE'), 'image': ['STRING', {'default': ''}]}),
        ['$1-3'],
        {},
        {'image': '$1-3'},
    ),
    'Impact: a received picture that was not saved': (
        'ImageReceiver',
        node({'save_to_workflow': ['BOOLEAN', {'default': False}], 'image_data': ['STRING', {}]}),
        [True, '[IMAGE DATA]'],
        {},
        {'save_to_workflow': True, 'image_data': ''},
    ),
    'Impact: a received picture that was saved': (
        'ImageReceiver',
        node({'save_to_workflow': ['BOOLEAN', {'default': False}], 'image_data': ['STRING', {}]}),
        [True, 'data:image/png;base64,AA'],
        {},
        {'save_to_workflow': True, 'image_data': 'data:image/png;base64,AA'},
    ),
    'Inspire: a picture that was not saved': (
        'LoadImage //Inspire',
        node({'image': [['a.png', '#DATA']], 'image_data': ['STRING', {}]}),
        ['a.png', '[IMAGE DATA]'],
        {},
        {'image': 'a.png'},
    ),
    'mtb: an animation that was not run': (
        'Animation Builder (mtb)',
        node({'total_frames': SEED}),
        [12, 'frame: 0 / 8', 'Done', 'reset', 'queue'],
        {},
        {
            'total_frames': 12,
            'value_preview': '',
            'loop_preview': '',
            'Reset': 'reset',
            'Queue': 'queue',
            'Cancel': 'cancel',
        },
    ),
    'rgthree: comparer': (
        'Image Comparer (rgthree)',
        node(),
        [['/view?a']],
        {},
        {'rgthree_comparer': {'images': [{'url': '/view?a', 'name': 'A', 'selected': True}]}},
    ),
    'rgthree: seed': ('Seed (rgthree)', node({'seed': SEED}), [7, '', '', 'okay'], {}, {'seed': 7}),
    'rgthree: prompt': (
        'Power Prompt (rgthree)',
        node({'prompt': TEXT}, '', {'insert_lora': [['C', 'DISABLE LORAS', 'x']], 'insert_saved': [['C']]}),
        ['hello', 'C'],
        {},
        {'prompt': 'hello', 'insert_lora': 'C'},
    ),
    'VHS: the widgets of a format': (
        'VHS_VideoCombine',
        COMBINE,
        {'frame_rate': 12, 'format': 'video/h264-mp4', 'crf': 11, 'videopreview': {'hidden': False}},
        {},
        {'frame_rate': 12, 'format': 'video/h264-mp4', 'pix_fmt': 'yuv420p', 'crf': 11},
    ),
    'VHS: the same name in another format': (
        'VHS_VideoCombine',
        COMBINE,
        {'frame_rate': 12, 'format': 'image/gif'},
        {},
        {'frame_rate': 12, 'format': 'image/gif', 'crf': 3},
    ),
    'VHS: sizes of old files': (
        'VHS_LoadVideo',
        LOAD_VIDEO,
        {'force_size': '640x?', 'frame_load_cap': 5},
        {},
        {'custom_width': 640, 'custom_height': 0, 'frame_load_cap': 5},
    ),
    'VHS: lists of old files': (
        'VHS_LoadVideo',
        node({**LOAD_VIDEO['input']['required'], **dict.fromkeys(('video', 'force_rate'), SEED)}),
        ['a.mp4', 8, 'Disabled', 9, None, None],
        {},
        {'custom_width': 0, 'custom_height': 0, 'frame_load_cap': 9, 'video': 'a.mp4', 'force_rate': 8},
    ),
    'VHS: batches': ('VHS_BatchManager', node({'frames_per_batch': SEED}), {}, {}, {'frames_per_batch': 0, 'count': 0}),
    'VHS: timestamps': (
        'VHS_LoadAudio',
        node({'start': ['FLOAT', {'widgetType': 'VHSTIMESTAMP'}], 'name': TEXT}),
        {'start': 2, 'name': 'x'},
        {},
        {'start': 2, 'name': 'x'},
    ),
    'KJ: buttons': (
        'ImageBatchMulti',
        node({'inputcount': SEED}),
        [3, None],
        {},
        {'inputcount': 3, 'Update inputs': None},
    ),
    'KJ: editors': ('PointsEditor', node({'points': TEXT}), ['p', '', ''], {}, {'points': 'p'}),
    'Efficiency: the button behind a seed': (
        'KSampler (Efficient)',
        node({'seed': SEED, 'steps': SEED}),
        [-1, None, 20],
        {},
        {'seed': -1, 'steps': 20},
    ),
    'Impact: switches of old files': (
        'ImpactWildcardEncode',
        node(
            {'text': TEXT, 'mode': ['BOOLEAN', {}], 'Select to add LoRA': [['Select the LoRA to add to the text', 'x']]}
        ),
        ['t', 'Populate', 'x'],
        {},
        {'text': 't', 'mode': True, 'Select to add LoRA': 'Select the LoRA to add to the text'},
    ),
    'Impact: modes by name': (
        'ImpactWildcardEncode',
        node({'mode': [['populate', 'fixed'], {}]}),
        [False],
        {},
        {'mode': 'fixed'},
    ),
    'Inspire: presets': (
        'PromptBuilder //Inspire',
        node({'preset': [['#PRESET', 'x'], {}], 'text': TEXT}),
        ['x', 't'],
        {},
        {'preset': '#PRESET', 'text': 't'},
    ),
    'mtb: colours': (
        'Transform Image (mtb)',
        node({'colour': ['COLOR', {'default': '#000000', 'widgetType': 'MTB_COLOR'}], 'size': SEED}),
        ['#ff0000', 4],
        {},
        {'colour': '#ff0000', 'size': 4},
    ),
    'Easy-Use: styles': (
        'easy stylesSelector',
        node({'styles': [['a'], {}], 'select_styles': ['EASY_PROMPT_STYLES', {}]}),
        ['a', ['x', 'y']],
        {},
        {'styles': 'a', 'select_styles': 'x,y'},
    ),
    'Easy-Use: choices that go into the text': (
        'easy prompt',
        node({'text': TEXT, 'prefix': [['Select', 'Photo'], {}]}),
        ['t', 'Photo'],
        {},
        {'text': 't', 'prefix': 'Select'},
    ),
    'LoRA Manager: lists': (
        'Lora Loader (LoraManager)',
        node({'text': ['AUTOCOMPLETE_TEXT_LORAS', {}], 'loras': ['LORAS', {}]}),
        ['<lora:a:1>', [{'name': 'a'}]],
        {},
        {'text': '<lora:a:1>', 'loras': {'__value__': [{'name': 'a'}]}},
    ),
    'LoRA Manager: trigger words': (
        'TriggerWord Toggle (LoraManager)',
        node({'group_mode': ['BOOLEAN', {}]}),
        [True, [{'text': 'w', 'active': True}], 'w'],
        {},
        {
            'group_mode': True,
            'toggle_trigger_words': {'__value__': [{'text': 'w', 'active': True}]},
            'orinalMessage': 'w',
        },
    ),
    'what a node shows is not its own': ('ShowText|pysssss', node({'text': socket('IMAGE')}), ['shown'], {}, {}),
}


@pytest.mark.parametrize('rule', RULES)
def test_rule(rule: str) -> None:
    type_, info, values, more, expected = RULES[rule]
    assert converted(type_, info, values, **more) == (expected, ())


def test_a_value_without_a_widget_is_a_warning() -> None:
    info = node({'size': ['INT', {}]})
    for values in ([4, 'lost'], {'size': 4, 'more': 'lost'}):
        inputs, warnings = converted('Resize', info, values, title='My node')
        assert inputs == {'size': 4}
        assert len(warnings) == 1
        assert all(part in warnings[0] for part in ('node 1', 'Resize', 'My node', "'lost'"))
    assert converted('Resize', info, [4, None, ''])[1] == ()


def test_names_of_values_say_where_a_list_is_longer_than_ours() -> None:
    info = node({'a': ['INT', {}], 'b': ['INT', {}]})
    names = {'a': 1, 'new': 9, 'b': 2}
    inputs, warnings = converted('Newer', info, [1, 9, 2], widgets_values_named=names)
    assert inputs == {'a': 1, 'b': 2}
    assert 'new=9' in warnings[0]


def test_a_list_with_names_is_not_one_of_an_old_version() -> None:
    info = node({'text': ['STRING', {'forceInput': True}], 'seed': SEED})
    names = {'seed': 5, 'control_after_generate': 'randomize'}
    assert converted('Line', info, [5, 'randomize'], widgets_values_named=names)[0] == {'seed': 5}


@pytest.mark.parametrize('pack', PACKS, ids=lambda pack: pack.source.partition(' ')[0])
def test_every_pack_names_its_source(pack: Any) -> None:
    assert '/' in pack.source
    assert pack.types or pack.virtual or pack.widgets or pack.links


def broadcasting(sends: dict[str, Any], extra: dict[str, Any], **target: Any) -> dict[str, Any]:
    loader = {'id': 1, 'type': 'Load', 'mode': 0, 'outputs': [{'name': 'VAE', 'type': 'VAE', 'links': [1]}]}
    sender = {
        'id': 2,
        'type': 'Anything Everywhere',
        'mode': 0,
        'inputs': [{'name': 'anything', 'type': 'VAE', 'link': 1}],
        'properties': {'ue_properties': {'version': '7.8', **sends}},
    }
    decode = {'id': 3, 'type': 'Decode', 'mode': 0, 'inputs': [{'name': 'vae', 'type': 'VAE', 'link': None}], **target}
    workflow = {
        'nodes': [loader, sender, decode],
        'links': [[1, 1, 0, 2, 0, 'VAE']],
        'groups': [{'title': 'Group', 'bounding': [0, 0, 100, 100]}],
        'extra': extra,
        'version': 0.4,
    }
    for item in workflow['nodes']:
        item.setdefault('pos', [10, 10])
    info = {
        'Load': node({}, 'VAE'),
        'Anything Everywhere': node({}, '', {'anything': socket('*')}),
        'Decode': node({'vae': socket('VAE')}),
    }
    return convert_workflow(workflow, info).prompt['3']['inputs']


LINK = {'downstream': 3, 'downstream_slot': 0, 'upstream': 1, 'upstream_slot': 0}
SENT = {'vae': ['1', 0]}


@pytest.mark.parametrize(
    ('properties', 'extra', 'target', 'expected'),
    [
        ({}, {'ue_links': [LINK]}, {}, SENT),
        ({}, {}, {}, SENT),
        ({'input_regex': 'v.e'}, {}, {}, SENT),
        ({'input_regex': 'clip'}, {}, {}, {}),
        ({'input_regex': 'clip', 'input_regex_invert': True}, {}, {}, SENT),
        ({'title_regex': 'My'}, {}, {'title': 'My decoder'}, SENT),
        ({'title_regex': 'My'}, {}, {}, {}),
        ({'input_regex': '(a+)+$'}, {}, {}, {}),
        ({'group_restricted': 1}, {}, {}, SENT),
        ({'group_restricted': 1}, {}, {'pos': [500, 500]}, {}),
        ({'group_restricted': 2}, {}, {'pos': [500, 500]}, SENT),
        ({'color_restricted': 1}, {}, {'color': '#111111'}, {}),
        ({'group_regex': 'Gro'}, {}, {}, SENT),
        ({}, {}, {'properties': {'rejects_ue_links': True}}, {}),
        ({}, {}, {'properties': {'ue_properties': {'input_ue_unconnectable': {'vae': True}}}}, {}),
        ({}, {'ue_links': [{'downstream': 'x'}, None, 3]}, {}, {}),
    ],
)
def test_use_everywhere(
    properties: dict[str, Any], extra: dict[str, Any], target: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert broadcasting(properties, extra, **target) == expected


@pytest.mark.parametrize(('mode', 'copies'), [('create', 2), ('reuse', 0)])
def test_a_repeater_with_several_outputs(mode: str, copies: int) -> None:
    repeater = {
        'id': 2,
        'type': 'Repeater|pysssss',
        'inputs': [{'name': 'source', 'type': '*', 'link': 1}],
        'outputs': [{'name': '*', 'type': '*', 'links': [2]}, {'name': 'x', 'type': '*', 'links': [3]}],
        'widgets_values': [2, 'multi', mode],
    }
    workflow = {
        'nodes': [
            {'id': 1, 'type': 'Make', 'outputs': [{'name': 'IMAGE', 'type': 'IMAGE', 'links': [1]}]},
            repeater,
            *(
                {'id': id, 'type': 'Show', 'inputs': [{'name': 'image', 'type': 'IMAGE', 'link': link}]}
                for id, link in ((3, 2), (4, 3))
            ),
        ],
        'links': [[1, 1, 0, 2, 0, 'IMAGE'], [2, 2, 0, 3, 0, '*'], [3, 2, 1, 4, 0, '*']],
        'version': 0.4,
    }
    choices = {'output': [['single', 'multi'], {}], 'node_mode': [['reuse', 'create'], {}]}
    info = {
        'Make': node({}, 'IMAGE'),
        'Show': node({'image': socket('IMAGE')}),
        'Repeater|pysssss': node({'source': socket('*'), 'repeats': ['INT', {'default': 2}], **choices}, '*'),
    }
    prompt = convert_workflow(workflow, info).prompt
    assert len(prompt) == 4 + copies
    sources = [prompt[id]['inputs']['image'] for id in ('3', '4')]
    assert all(source[1] == 0 and prompt[source[0]]['class_type'] == 'Repeater|pysssss' for source in sources)
    assert len({source[0] for source in sources}) == (2 if copies else 1)


def test_a_primitive_node_feeds_a_widget_that_only_its_pack_knows() -> None:
    combine = {
        'id': 1,
        'type': 'VHS_VideoCombine',
        'mode': 0,
        'inputs': [{'name': 'crf', 'type': 'INT', 'link': 3, 'widget': {'name': 'crf'}}],
        'outputs': [],
        'widgets_values': {'frame_rate': 8, 'format': 'video/h264-mp4', 'pix_fmt': 'p10', 'crf': 60},
    }
    output = {'name': 'INT', 'type': 'INT', 'links': [3], 'widget': {'name': 'crf'}}
    primitive = {'id': 2, 'type': 'PrimitiveNode', 'mode': 0, 'outputs': [output], 'widgets_values': [9, 'fixed']}
    workflow = {'nodes': [combine, primitive], 'links': [[3, 2, 0, 1, 0, 'INT']], 'version': 0.4}
    assert convert_workflow(workflow, {'VHS_VideoCombine': COMBINE}).prompt['1']['inputs']['crf'] == 9
