"""The registries of node types with rules of their own: each entry is used by a workflow of tests/data/workflows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_script.transpiler.convert import workflow_to_prompt
from comfy_script.transpiler.convert.registry import VIRTUAL_TYPES
from comfy_script.transpiler.convert.special import SPECIAL_TYPES


def described(name: str, required: dict[str, Any], output: list[str]) -> dict[str, Any]:
    return {name: {'input': {'required': required}, 'output': output, 'name': name, 'display_name': name}}


PROPERTIES = {
    'ComfyScript': {
        'comfyscript': {
            'inputs': [
                {'name': 'image', 'type': 'IMAGE', 'required': True},
                {'name': 'seed', 'type': 'INT', 'required': False, 'options': {'default': 1}},
                {'name': 'mode', 'type': 'COMBO', 'required': False, 'choices': ['a', 'b']},
            ]
        }
    }
}


def prompt_inputs(object_info: dict[str, Any], type_: str, values: list[Any]) -> dict[str, Any]:
    properties = PROPERTIES.get(type_, {})
    node = {'id': 1, 'type': type_, 'mode': 0, 'inputs': [], 'outputs': [], 'widgets_values': values}
    node['properties'] = properties
    return workflow_to_prompt({'nodes': [node], 'links': [], 'version': 0.4}, object_info)['1']['inputs']


AUDIO = {'audio': ['AUDIO'], 'filename_prefix': ['STRING', {'default': 'x'}]}

# Type → (its description's required inputs, saved values, what the prompt has).
SPECIAL: dict[str, tuple[dict[str, Any], list[Any], dict[str, Any]]] = {
    'CustomCombo': (
        {'choice': ['COMBO', {'options': []}]},
        ['b', 1, 'a', 'b', ''],
        {'choice': 'b', 'index': 1, 'option1': 'a', 'option2': 'b', 'option3': ''},
    ),
    'LoadAudio': (
        {'audio': ['COMBO', {'options': ['a.wav'], 'audio_upload': True}]},
        ['b.wav', None, ''],
        {'audio': 'b.wav'},
    ),
    'SaveAudio': (AUDIO, ['y'], {'filename_prefix': 'y'}),
    'PreviewAudio': (AUDIO, ['y'], {'filename_prefix': 'y'}),
    'SaveAudioMP3': (AUDIO, ['y'], {'filename_prefix': 'y'}),
    'SaveAudioOpus': (AUDIO, ['y'], {'filename_prefix': 'y'}),
    'SaveAudioAdvanced': (AUDIO, ['y'], {'filename_prefix': 'y'}),
    'SaveGLB': (
        {'mesh': ['MESH'], 'filename_prefix': ['STRING', {}]},
        ['m', ''],
        {'filename_prefix': 'm', 'image': ''},
    ),
    'Preview3D': ({'model_file': ['STRING', {}]}, ['m', ''], {'model_file': 'm', 'image': ''}),
    'Load3DAdvanced': ({'model_file': ['STRING', {}]}, ['m', ''], {'model_file': 'm', 'viewport_state': ''}),
    'ComfyScript': (
        {'script': ['STRING', {'multiline': True}]},
        ['out = 1', 7, 'fixed', 'b'],
        {'script': 'out = 1', 'seed': 7, 'mode': 'b'},
    ),
    'GetImageSize': ({'image': ['IMAGE']}, ['width: 5, height: 5'], {}),
    'ImageCompare': ({'view': ['IMAGECOMPARE', {}]}, [{'before': '/api/view'}], {'view': {'__value__': ['', '']}}),
    'PreviewAny': ({'source': ['*']}, ['shown', 'shown', False], {}),
    'WebcamCapture': (
        {'image': ['WEBCAM', {}], 'width': ['INT', {}], 'height': ['INT', {}], 'capture_on_queue': ['BOOLEAN', {}]},
        ['', 10, 20, True, 'capture'],
        {'image': '', 'width': 10, 'height': 20, 'capture_on_queue': True},
    ),
}


@pytest.mark.parametrize('type_', SPECIAL_TYPES)
def test_special_type(type_: str) -> None:
    required, values, expected = SPECIAL[type_]
    assert prompt_inputs(described(type_, required, []), type_, values) == expected


@pytest.mark.parametrize('type_', VIRTUAL_TYPES)
def test_virtual_type_is_in_no_prompt(type_: str) -> None:
    node = {'id': 1, 'type': type_, 'mode': 0, 'inputs': [], 'outputs': [], 'widgets_values': ['x']}
    assert workflow_to_prompt({'nodes': [node], 'links': [], 'version': 0.4}, {}) == {}


def test_every_virtual_type_has_a_workflow_or_nothing_to_pass() -> None:
    folder = Path(__file__).parents[2] / 'data' / 'workflows'
    used = {
        node['type']
        for file in folder.glob('*.json')
        for node in json.loads(file.read_text(encoding='utf-8'))['workflow']['nodes']
    }
    wires = {type_ for type_, virtual in VIRTUAL_TYPES.items() if virtual.finds}
    assert wires | {virtual.finds for virtual in VIRTUAL_TYPES.values() if virtual.finds} <= used
    assert {'Reroute', 'Reroute (rgthree)', 'PrimitiveNode', 'Note', 'MarkdownNote'} <= used


def test_a_type_the_server_knows_is_the_servers() -> None:
    info = described('SetNode', {'value': ['INT', {'default': 2}]}, ['INT'])
    assert prompt_inputs(info, 'SetNode', [5]) == {'value': 5}


LOAD_3D = {
    'model_file': ['COMBO', {'options': ['none']}],
    'image': ['LOAD_3D', {}],
    'width': ['INT', {'default': 1024}],
    'height': ['INT', {'default': 1024}],
}


def test_the_buttons_of_load_3d_are_in_the_prompt() -> None:
    assert prompt_inputs(described('Load3D', LOAD_3D, []), 'Load3D', ['a.glb', 'u', 'e', 'c', '', 10, 20]) == {
        'model_file': 'a.glb',
        'upload 3d model': 'u',
        'upload extra resources': 'e',
        'clear': 'c',
        'image': '',
        'width': 10,
        'height': 20,
    }


def test_values_that_a_page_without_the_packs_files_left_out_are_in_the_nodes_properties():
    description = described('ComfyScript', {'script': ['STRING', {'multiline': True}]}, ['*'])
    saved = {**PROPERTIES['ComfyScript']['comfyscript'], 'values': [7, 'fixed', 'b']}

    def converted(values: list[Any]) -> dict[str, Any]:
        node = {'id': 1, 'type': 'ComfyScript', 'mode': 0, 'inputs': [], 'outputs': [], 'widgets_values': values}
        node['properties'] = {'comfyscript': saved}
        return workflow_to_prompt({'nodes': [node], 'links': [], 'version': 0.4}, description)['1']['inputs']

    assert converted(['out = 1']) == {'script': 'out = 1', 'seed': 7, 'mode': 'b'}
    assert converted(['out = 1', 8, 'fixed', 'a']) == {'script': 'out = 1', 'seed': 8, 'mode': 'a'}
