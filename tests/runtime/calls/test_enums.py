"""Enums of combos."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from typing import Any

import pytest

from comfy_script.runtime.calls.enums import make_enum, member_names
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.running import build


def test_members_are_named_after_files(nodes: NodeNamespace) -> None:
    assert nodes.Checkpoints.v1_5_pruned_emaonly == 'v1-5-pruned-emaonly.ckpt'
    assert nodes.Checkpoints.sd_xl_base == 'sd/xl base.safetensors'
    assert nodes.Checkpoints.测试 == '测试.pt'


def test_files_that_differ_in_the_extension_only(nodes: NodeNamespace) -> None:
    assert nodes.Checkpoints.twin_ckpt == 'twin.ckpt'
    assert nodes.Checkpoints.twin_safetensors == 'twin.safetensors'
    with pytest.raises(AttributeError, match=r"no 'twin' .*'twin_ckpt'"):
        _ = nodes.Checkpoints.twin


def test_names_do_not_depend_on_the_order() -> None:
    values = ['a b', 'a-b', 'x.ckpt', 'x.pt', 'x', 'y z.pt', 'y-z.pt', '1']
    assert member_names(values) == member_names(values[::-1])
    assert 'a_b' not in member_names(values)
    assert member_names(values)['x'] == 'x'


def test_members_are_strings_and_enum_members(nodes: NodeNamespace) -> None:
    euler = nodes.Samplers.euler
    assert isinstance(euler, str)
    assert isinstance(euler, enum.Enum)
    assert isinstance(euler, nodes.Samplers)
    assert (f'{euler}', str(euler), json.dumps(euler), euler.upper()) == ('euler', 'euler', '"euler"', 'EULER')
    assert list(nodes.Samplers) == ['euler', 'euler_ancestral', 'ddim']
    assert nodes.Samplers('ddim') is nodes.Samplers['ddim']
    assert len(nodes.Samplers) == 3
    assert 'ddim' in nodes.Samplers
    assert 'nothing' not in nodes.Samplers


@pytest.mark.parametrize('value', ['euler', 5, 0.5])
def test_members_go_to_other_processes(value: Any) -> None:
    """As the values that they are: an enum of a server's choices may have others there, or none."""
    (member,) = make_enum('x', {'a': value})
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        sent = pickle.loads(pickle.dumps(member, protocol))
        assert (sent, type(sent)) == (value, type(value))
    assert copy.copy(member) is copy.deepcopy(member) is copy.deepcopy([member])[0] is member


def test_an_input_with_the_same_choices_has_the_global_enum(nodes: NodeNamespace) -> None:
    assert nodes.KSamplerAdvanced.sampler_name is nodes.KSampler.sampler_name is nodes.Samplers.enum
    assert nodes.CheckpointLoaderSimple.ckpt_name.v1_5_pruned_emaonly is nodes.Checkpoints.v1_5_pruned_emaonly


def test_embeddings(nodes: NodeNamespace) -> None:
    assert nodes.Embeddings.easynegative == 'embedding:easynegative'
    assert nodes.Embeddings.style_a_b.name() == 'style/a b'
    assert f'{nodes.Embeddings.easynegative}, a dog' == 'embedding:easynegative, a dog'


def test_enums_in_calls(nodes: NodeNamespace) -> None:
    made = nodes.KSamplerAdvanced(None, True, nodes.Samplers.ddim, None)
    inputs = build([made]).prompt['1']['inputs']
    assert json.dumps(inputs) == '{"add_noise": "enable", "sampler_name": "ddim"}'


def test_a_global_enum_without_its_node_is_empty(nodes: NodeNamespace) -> None:
    assert list(nodes.Loras) == []


@pytest.mark.parametrize(
    'values, names',
    [
        (['name', 'value', 'mro', '_x_', '__y__', ''], {'name_', 'value_', 'mro_'}),
        (['a b', 'a-b', 'a_b'], {'a_b'}),
        ([1, 2, 4], {'_1', '_2', '_4'}),
        (['8', '16'], {'_8', '_16'}),
        (['None', 'class', 'True'], {'None_', 'class_', 'True_'}),
        (['center', 'count', 'title'], {'center', 'count', 'title'}),
    ],
)
def test_any_choices_make_an_enum(values: list[Any], names: set[str]) -> None:
    members = member_names(values)
    assert sorted(map(str, members.values())) == sorted(map(str, values))
    made = make_enum('x', members)
    assert [member.value for member in made] == list(members.values())
    assert names <= set(members)
    for name in members:
        assert name.isidentifier()
        assert getattr(made, name) is made[name]
