"""A prompt that differs from the last one in numbers has the script that the transpiler writes of it, without that."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.host.script_patterns import ScriptPatterns
from comfy_script.transpiler import Style, write_script

SCHEMAS = Schemas.parse({
    'Load': {'input': {'required': {'name': ('STRING', {})}}, 'output': ['MODEL']},
    'Sample': {
        'input': {
            'required': {
                'model': ('MODEL',),
                'seed': ('INT', {'default': 0}),
                'steps': ('INT', {'default': 20}),
                'cfg': ('FLOAT', {'default': 8.0}),
                'on': ('BOOLEAN', {'default': True}),
                'text': ('STRING', {'default': ''}),
            }
        },
        'output': ['IMAGE'],
    },
    'Save': {
        'input': {'required': {'image': ('IMAGE',), 'name': ('STRING', {})}}, 'output': [], 'output_node': True,
    },
})  # fmt: skip
PROMPT: dict[str, Any] = {
    '1': {'class_type': 'Load', 'inputs': {'name': 'm'}},
    '2': {
        'class_type': 'Sample',
        'inputs': {'model': ['1', 0], 'seed': 5, 'steps': 30, 'cfg': 7.5, 'on': True, 'text': 'a'},
    },
    '3': {'class_type': 'Save', 'inputs': {'image': ['2', 0], 'name': 'x'}},
}
WORKFLOW = {
    'nodes': [{'id': 2, 'type': 'Sample', 'title': 'Draw', 'widgets_values': [5, 30]}],
    'links': [],
    'groups': [],
    'extra': {'ds': {'scale': 1}},
}


class Writer:
    """The transpiler, and how often it was asked."""

    def __init__(self, style: str = 'positional') -> None:
        self.calls = 0
        self.style = style
        self.patterns = ScriptPatterns()
        self.workflow: dict[str, Any] | None = None

    def fresh(self, nodes: Mapping[str, Any]) -> str:
        style = Style(args=self.style)  # type: ignore[arg-type]
        return write_script(nodes, end_nodes=['3'], schemas=SCHEMAS, workflow=self.workflow, style=style).text

    def __call__(self, nodes: Mapping[str, Any]) -> str:
        def write(some: Mapping[str, Any]) -> str:
            self.calls += 1
            return self.fresh(some)

        return self.patterns.write('3', nodes, self.workflow, self.style, SCHEMAS, write)


def prompt(**values: Any) -> dict[str, Any]:
    found = copy.deepcopy(PROMPT)
    found['2']['inputs'] |= values
    return found


@pytest.mark.parametrize('style', ['positional', 'auto', 'keyword'])
def test_every_script_is_what_the_transpiler_writes(style: str) -> None:
    writer, chance = Writer(style), random.Random(5)
    choices = {
        'seed': [0, 1, -7, 2**53, 2**64 - 1, 10**21],
        'steps': [20, 3, 400],
        'cfg': [8.0, 1.25, 1e300, 1 / 3, 7],
        'on': [True, False],
        'text': ['a', '', 'a long text, ' * 8],
    }
    for _ in range(300):
        names = chance.sample(sorted(choices), chance.choice([1, 1, 1, 2]))
        nodes = prompt(**{name: chance.choice(choices[name]) for name in names})
        assert writer(nodes) == writer.fresh(nodes)


def test_of_many_seeds_two_are_written() -> None:
    writer = Writer()
    writer.workflow = WORKFLOW
    texts = set()
    for seed in range(1, 30):
        # Each request brings a workflow of its own, as it looked just then.
        writer.workflow = copy.deepcopy(WORKFLOW)
        writer.workflow['nodes'][0]['widgets_values'][0] = seed
        writer.workflow['extra']['ds']['scale'] = seed
        nodes = prompt(seed=seed)
        texts.add(writer(nodes))
        assert writer(nodes) == writer.fresh(nodes)
    assert len(texts) == 29
    assert writer.calls == 3  # the first, the second, and the pattern


def test_another_title_is_another_script() -> None:
    writer = Writer()
    for title in ('Draw', 'Draw', 'Draw', 'Paint', 'Paint'):
        writer.workflow = copy.deepcopy(WORKFLOW)
        writer.workflow['nodes'][0]['title'] = title
        nodes = prompt(seed=len(title))
        assert writer(nodes) == writer.fresh(nodes)


def test_a_prompt_that_is_changed_afterwards_is_still_told_apart() -> None:
    """ComfyUI casts values of a prompt in place."""
    writer = Writer()
    nodes = prompt()
    writer(nodes)
    nodes['2']['inputs']['seed'] = 77
    assert writer(nodes) == writer.fresh(nodes)
    nodes['2']['inputs']['text'] = 'b'
    assert writer(nodes) == writer.fresh(nodes)
