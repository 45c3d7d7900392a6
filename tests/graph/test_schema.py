import json
from pathlib import Path

import pytest

from comfy_script.graph import MISSING, InputKind, NodeSchema, SchemaError, Schemas

DYNAMIC = json.loads((Path(__file__).parents[1] / 'data' / 'dynamic_node.json').read_text(encoding='utf-8'))


def names(inputs):
    return [item.name for item in inputs]


def test_v1_and_v3_combos_read_alike():
    v1 = NodeSchema.parse('A', {'input': {'required': {'mode': [['a', 'b'], {'default': 'b'}]}}})
    v3 = NodeSchema.parse('A', {'input': {'required': {'mode': ['COMBO', {'options': ['a', 'b'], 'default': 'b'}]}}})
    for schema in (v1, v3):
        (mode,) = schema.inputs
        assert (mode.type, mode.kind, mode.choices, mode.default) == ('COMBO', InputKind.COMBO, ('a', 'b'), 'b')


def test_required_come_before_optional_and_hidden_are_apart():
    schema = NodeSchema.parse(
        'A',
        {
            'input': {
                'hidden': {'prompt': 'PROMPT'},
                'optional': {'mask': ['MASK']},
                'required': {'image': ['IMAGE'], 'n': ['INT']},
            }
        },
    )
    assert names(schema.inputs) == ['image', 'n', 'mask']
    assert names(schema.hidden) == ['prompt']
    assert schema.inputs[1].default is MISSING


def test_input_order_restores_what_sorted_keys_lost():
    info = {'input': {'required': {'a': ['INT'], 'b': ['INT']}}, 'input_order': {'required': ['b', 'a']}}
    assert names(NodeSchema.parse('A', info).inputs) == ['b', 'a']


def test_expand_follows_the_chosen_branch_and_the_keys_in_use():
    schema = NodeSchema.parse('A', DYNAMIC)
    assert names(schema.expand({})) == ['image', 'resize', 'resize.width', 'images.image0']
    opened = schema.expand({'resize': 'match', 'images.image2': 1})
    assert names(opened) == ['image', 'resize', 'resize.other', 'images.image0', 'images.image2']
    assert [item.required for item in opened[-2:]] == [True, False]
    assert opened[2].python_name == 'resize__other'


def test_one_broken_node_does_not_hide_the_others():
    schemas = Schemas.parse({'Bad': {'input': {'required': {'x': 7}}}, 'Good': {'input': {}, 'output': ['INT']}})
    assert schemas['Good'].outputs[0].type == 'INT'
    with pytest.raises(SchemaError, match=r"'Bad'.*'x'|input 'x'"):
        schemas['Bad']
    assert list(schemas.problems()) == ['Bad']
    assert [schema.class_type for schema in schemas.readable()] == ['Good']


def test_a_class_is_read_like_the_server_describes_it():
    class AnyType(str):
        def __eq__(self, other):
            return True

        __hash__ = str.__hash__

    class Node:
        RETURN_TYPES = ('IMAGE', ['a', 'b'])
        OUTPUT_IS_LIST = (True, False)
        OUTPUT_NODE = True
        CATEGORY = 'image'

        @classmethod
        def INPUT_TYPES(cls):
            return {'required': {'any': (AnyType('*'),), 'text': ('STRING', {'default': ''})}}

    schema = Schemas.of_classes({'Node': Node}, {'Node': 'A node'})['Node']
    assert schema.display_name == 'A node'
    assert [item.type for item in schema.inputs] == ['*', 'STRING']
    assert type(schema.inputs[0].type) is str
    assert [(out.type, out.is_list) for out in schema.outputs] == [('IMAGE', True), ('COMBO', False)]
    assert schema.output_node


def test_a_class_that_raises_is_a_schema_error_naming_it():
    class Node:
        @classmethod
        def INPUT_TYPES(cls):
            raise RuntimeError('no models')

    with pytest.raises(SchemaError, match=r'Odd.*no models'):
        Schemas.of_classes({'Odd': Node})['Odd']


class _Anything(dict):  # type: ignore[type-arg]
    """A section that answers for every key, as packs have it."""

    def __getitem__(self, key: str) -> tuple[str]:
        return ('*',)

    def __contains__(self, key: object) -> bool:
        return True


class _Choices(list):  # type: ignore[type-arg]
    """A type that is equal to every other."""

    def __ne__(self, other: object) -> bool:
        return False


class _OddNode:
    RETURN_TYPES = ('*',)
    FUNCTION = 'run'
    CATEGORY = 'test'

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, object]:
        return {
            'required': {'many': (_Choices(map(str, range(10_000))),), 'any': ('*', {'default': lambda: 1})},
            'optional': _Anything(),
            'hidden': {'plot': [{'steps': {'min': 1}}], 'table': {'a': 1}, 'none': None, 'empty': [], 'names': [['a']]},
        }


def test_shapes_that_packs_descriptions_have() -> None:
    schema = NodeSchema.of_class('Odd', _OddNode)
    assert [item.name for item in schema.inputs] == ['many', 'any']
    assert len(schema.inputs[0].choices or ()) == 10_000
    assert [(item.name, item.type) for item in schema.hidden] == [
        *(('plot', '*'), ('table', '*'), ('none', '*'), ('empty', '*')),
        ('names', '*'),
    ]
