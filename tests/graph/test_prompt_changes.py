"""Inputs of a prompt set by name."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import PromptError, Schemas
from comfy_script.graph.prompt_changes import changed_prompt

PROMPT = {
    '3': {'class_type': 'KSampler', 'inputs': {'seed': 1}, '_meta': {'title': 'First'}},
    '4': {'class_type': 'KSampler', 'inputs': {'seed': 2}, '_meta': {'title': 'v1.5'}},
    '5:1': {'class_type': 'Batch', 'inputs': {'images.image0': ['3', 0]}},
}
SCHEMAS = Schemas.parse(
    {
        'KSampler': {
            'input': {'required': {'seed': ['INT', {}], 'steps': ['INT', {'default': 20}]}},
            'output': [],
            'name': 'KSampler',
            'display_name': 'Sampler',
        }
    }
)


@pytest.mark.parametrize(
    ('place', 'node', 'name'),
    [
        ('3.seed', '3', 'seed'),
        ('First.seed', '3', 'seed'),
        ('v1.5.seed', '4', 'seed'),
        ('Own title.seed', '4', 'seed'),
        ('5:1.images.image0', '5:1', 'images.image0'),
        ('Batch.images.image0', '5:1', 'images.image0'),
        ('3.steps', '3', 'steps'),
    ],
)
def test_a_place_is_named_by_id_title_or_class(place: str, node: str, name: str) -> None:
    titles = {'4': 'Own title'} if place.startswith('Own') else {}
    result = changed_prompt(PROMPT, {place: 7}, titles, SCHEMAS)
    assert result[node]['inputs'][name] == 7
    assert {key for key in PROMPT if result[key] != PROMPT[key]} == {node}


@pytest.mark.parametrize(
    ('place', 'said'),
    [
        ('9.seed', 'names no input of the prompt: it is "NODE.INPUT", of a node among 3, 4'),
        ('seed', 'names no input of the prompt'),
        ('Firts.seed', "did you mean 'First'?"),
        ('KSampler.seed', "names several nodes: 3, 4 are 'KSampler'; name one by its id, as '3.seed'"),
        ('Sampler.seed', 'names several nodes: 3, 4'),
        ('3.sead', "KSampler (node 3) has no input 'sead' (did you mean 'seed'?); it has seed, steps"),
    ],
)
def test_a_place_that_is_not_there_is_refused(place: str, said: str) -> None:
    with pytest.raises(PromptError) as raised:
        changed_prompt(PROMPT, {place: 7}, None, SCHEMAS)
    assert said in str(raised.value)


def test_the_prompt_that_was_given_stays_as_it_is() -> None:
    before: Any = {'1': {'class_type': 'A', 'inputs': {'x': 1}}}
    assert changed_prompt(before, {'1.x': 2})['1']['inputs'] == {'x': 2}
    assert before['1']['inputs'] == {'x': 1}
