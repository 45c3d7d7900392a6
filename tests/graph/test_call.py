import json
from pathlib import Path

import pytest

from comfy_script.graph import CallError, NodeSchema, bind, bind_unknown, check_branches

DYNAMIC = json.loads((Path(__file__).parents[1] / 'data' / 'dynamic_node.json').read_text(encoding='utf-8'))

SAMPLER = NodeSchema.parse(
    'Sampler',
    {
        'input': {
            'required': {
                'model': ['MODEL'],
                'seed': ['INT', {'default': 0}],
                'steps': ['INT', {'default': 20}],
                'name': [['euler', 'lms']],
                'noise': [['enable', 'disable']],
            },
            'optional': {'mask': ['MASK'], 'strength': ['FLOAT', {'default': 1.0}]},
        }
    },
)


def test_positional_keyword_and_defaults():
    assert bind(SAMPLER, ['m', 5], {'name': 'lms'}) == {
        'model': 'm',
        'seed': 5,
        'steps': 20,
        'name': 'lms',
        'noise': 'enable',
    }


def test_optional_inputs_are_left_to_the_node():
    assert 'strength' not in bind(SAMPLER, ['m'], {})
    assert bind(SAMPLER, ['m'], {'strength': 0.375})['strength'] == 0.375


def test_none_leaves_an_input_out_even_a_required_one():
    bound = bind(SAMPLER, [None, None], {})
    assert 'model' not in bound
    assert 'seed' not in bound


@pytest.mark.parametrize(('value', 'choice'), [(True, 'enable'), (False, 'disable'), ('disable', 'disable')])
def test_true_and_false_switch_an_enable_disable_combo(value, choice):
    assert bind(SAMPLER, ['m'], {'noise': value})['noise'] == choice


@pytest.mark.parametrize(
    ('args', 'kwargs', 'message'),
    [
        ([], {}, "Sampler.*'model'.*MODEL.*missing"),
        ([], {'modle': 'm'}, "'model'.*MODEL.*missing, and there is no input 'modle'"),
        (['m'], {'stpes': 3}, "'stpes'.*did you mean 'steps'"),
        (['m'], {'model': 3}, "'model' was given twice"),
        (['m'] * 8, {}, 'at most 7'),
        (['m'], {'_inputs': 3}, '_inputs'),
    ],
)
def test_wrong_calls_name_node_and_input(args, kwargs, message):
    with pytest.raises(TypeError, match=message):
        bind(SAMPLER, args, kwargs)


def test_raw_inputs_are_passed_as_they_are():
    assert bind(SAMPLER, ['m'], {'_inputs': {'odd key': None}})['odd key'] is None


def test_dynamic_inputs_by_keyword_with_the_defaults_of_their_branch():
    schema = NodeSchema.parse('A', DYNAMIC)
    assert bind(schema, ['i'], {'images': ['a', 'b']}) == {
        'image': 'i',
        'resize': 'size',
        'resize.width': 512,
        'images.image0': 'a',
        'images.image1': 'b',
    }
    bound = bind(schema, ['i', 'match'], {'resize__other': 'o', 'images': {'image3': 'x'}})
    assert bound == {'image': 'i', 'resize': 'match', 'resize.other': 'o', 'images.image3': 'x'}


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'resize': 'match', 'images': []}, "'resize__other'.*missing"),
        ({'resize__other': 1, 'images': []}, "'resize__other'"),
        ({}, "'images'.*missing"),
        ({'images': 'a'}, "'images' takes a list"),
        ({'images': [1] * 5}, 'at most 4'),
    ],
)
def test_wrong_dynamic_calls(kwargs, message):
    with pytest.raises(CallError, match=message):
        bind(NodeSchema.parse('A', DYNAMIC), ['i'], kwargs)


def test_a_node_without_a_schema_takes_keywords():
    assert bind_unknown('X', [], {'a': 1, 'b': None, '_inputs': {'c d': 2}}) == {'a': 1, 'c d': 2}
    with pytest.raises(CallError, match='keyword'):
        bind_unknown('X', [1], {})


def choice_of(*options):
    return ['COMFY_DYNAMICCOMBO_V3', {'options': list(options)}]


def option(key, **inputs):
    return {'key': key, 'inputs': {'required': inputs}}


RESIZE = NodeSchema.parse(
    'Resize',
    {
        'input': {
            'required': {
                'image': ['IMAGE'],
                'kind': choice_of(
                    option('scale dimensions', width=['INT', {'default': 8}]),
                    option('scale by', how=choice_of(option('factor', by=['FLOAT', {'default': 1.0}]), option('max'))),
                ),
            }
        }
    },
)


def test_an_unknown_choice_of_a_dynamic_combo_is_told_before_its_inputs():
    with pytest.raises(CallError, match=r"'kind' is 'scale dimension', .*none of its 2 choices .*'scale dimensions'"):
        bind(RESIZE, ['image', 'scale dimension'], {'kind__width': 3})
    with pytest.raises(CallError, match=r"no input 'kind__widht' \(did you mean 'kind__width'"):
        bind(RESIZE, ['image', 'scale dimensions'], {'kind__widht': 3})


@pytest.mark.parametrize(
    ('args', 'kwargs', 'message'),
    [
        (['scale nope'], {}, "Resize: input 'kind' is 'scale nope', which is none of its 2 choices"),
        (['xyz'], {}, "choices: there are 'scale dimensions', 'scale by'"),
        (['scale by'], {'kind__how': 'factr'}, "'kind__how' is 'factr', .* 'factor'"),
    ],
)
def test_choices_of_dynamic_combos_are_checked_apart(args, kwargs, message):
    inputs = bind(RESIZE, ['image', *args], kwargs)
    with pytest.raises(CallError, match=message):
        check_branches(RESIZE, inputs)


def test_known_choices_and_links_pass():
    for value in ('scale by', 'scale dimensions', None, object()):
        check_branches(RESIZE, bind(RESIZE, ['image', value], {}))
