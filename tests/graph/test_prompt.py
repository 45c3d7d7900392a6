import pytest

from comfy_script.graph import Link, Prompt, PromptError, difference, same_prompt


def chain(count):
    nodes = {'0': {'class_type': 'Load', 'inputs': {}}}
    for index in range(1, count):
        nodes[str(index)] = {'class_type': 'Step', 'inputs': {'x': [str(index - 1), 0]}}
    return nodes


def test_links_and_wrapped_lists_are_told_apart_and_come_back():
    data = {
        '1': {'inputs': {'a': ['2', 0], 'b': {'__value__': ['2', 0]}, 'c': {'x': 1}}, 'class_type': 'A'},
        '2': {'inputs': {}, 'class_type': 'B', '_meta': {'title': 'T'}},
    }
    prompt = Prompt.parse(data)
    assert prompt.nodes['1'].inputs == {'a': Link('2', 0), 'b': ['2', 0], 'c': {'x': 1}}
    assert type(prompt.nodes['1'].inputs['b']) is list
    assert prompt.to_json() == data
    assert prompt.order() == ['2', '1']


def test_upstream_is_just_what_a_node_needs():
    data = chain(4) | {'other': {'class_type': 'Load', 'inputs': {}}}
    assert list(Prompt.parse(data).upstream(['2']).nodes) == ['0', '1', '2']


def test_long_chains_need_no_recursion():
    data = dict(reversed(chain(20_000).items()))
    assert Prompt.parse(data).order()[0] == '0'


def test_a_circle_is_an_error_that_names_a_node():
    data = {'a': {'class_type': 'A', 'inputs': {'x': ['b', 0]}}, 'b': {'class_type': 'B', 'inputs': {'x': ['a', 0]}}}
    with pytest.raises(PromptError, match=r"'a'|'b'"):
        Prompt.parse(data).order()


@pytest.mark.parametrize('data', [[], {'1': 5}, {'1': {'inputs': []}, '2': 'x'}, {'1': {'class_type': 4}}])
def test_what_is_no_prompt_is_a_prompt_error(data):
    with pytest.raises(PromptError):
        Prompt.parse(data)


def test_equal_up_to_ids_and_number_spelling():
    left = {'1': {'class_type': 'A', 'inputs': {'n': 8}}, '2': {'class_type': 'B', 'inputs': {'x': ['1', 0]}}}
    right = {'y': {'class_type': 'B', 'inputs': {'x': ['z', 0]}}, 'z': {'class_type': 'A', 'inputs': {'n': 8.0}}}
    assert same_prompt(left, right)
    right['z']['inputs']['n'] = True
    assert "'1'" in (difference(left, right) or '')


def test_sharing_a_node_is_not_the_same_as_repeating_it():
    load = {'class_type': 'A', 'inputs': {}}
    use = {'class_type': 'B', 'inputs': {'x': ['a1', 0]}}
    other = {'class_type': 'C', 'inputs': {'x': ['a2', 0]}}
    apart = {'a1': load, 'a2': load, 'b': use, 'c': other}
    shared = {'a1': load, 'a2': load, 'b': use, 'c': {'class_type': 'C', 'inputs': {'x': ['a1', 0]}}}
    assert not same_prompt(apart, shared)
    assert same_prompt(apart, apart)


def test_another_slot_or_another_input_is_a_difference():
    def graph(name, slot):
        nodes = {'a': {'class_type': 'A', 'inputs': {}}}
        return nodes | {'b': {'class_type': 'B', 'inputs': {name: ['a', slot]}}}

    assert same_prompt(graph('x', 0), graph('x', 0))
    assert not same_prompt(graph('x', 0), graph('x', 1))
    assert not same_prompt(graph('x', 0), graph('y', 0))
