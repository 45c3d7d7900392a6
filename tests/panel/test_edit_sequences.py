"""Any edit of a script, applied: the graph is what the script says, and applying it again changes nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from comfy_script.graph import Link, Prompt, PromptNode, Schemas, decode_value, difference
from comfy_script.panel.edits import Comparison, Edit, compare
from comfy_script.panel.match import find_origins
from comfy_script.panel.reading import ReadScript, ScriptRefused, read_script
from comfy_script.tests.panel.test_match import NODES
from comfy_script.transpiler import Style, write_script

SCHEMAS = Schemas.parse(NODES)
START = """\
model, clip = Load('m')
cat = Text('cat', clip)
none = Text('', clip)
image = Sample(model, cat, none, 20)
Save(image, 'x')
image2 = Sample(model, cat, none, 20)
image2 = Blur(image2, 2)
Save(image2, 'x')
image3 = Sample(model, none, cat, 20, extra=none)
Save(image3, 'x')
"""
SEQUENCES, STEPS = 50, 6


def applied(graph: Prompt, edits: list[Edit], fresh: int) -> tuple[Prompt, dict[str, str]]:
    """What the page makes of the edits, and the ids that it gave to added nodes."""
    nodes = dict(graph.nodes)
    ids: dict[str, str] = {}
    for edit in sorted(edits, key=lambda edit: ['add', 'disconnect', 'set', 'connect', 'remove'].index(edit.op)):
        if edit.op == 'add':
            ids[edit.node] = str(fresh + len(ids))
            nodes[ids[edit.node]] = PromptNode(edit.class_type)
            continue
        key = ids.get(edit.node, edit.node)
        if edit.op == 'remove':
            del nodes[key]
            continue
        inputs = dict(nodes[key].inputs)
        if edit.op == 'disconnect':
            assert type(inputs.pop(edit.input or '')) is Link
        elif edit.source is not None:
            inputs[edit.input or ''] = Link(ids.get(edit.source[0], edit.source[0]), edit.source[1])
        else:
            inputs[edit.input or ''] = decode_value(edit.value)
        nodes[key] = replace(nodes[key], inputs=inputs)
    for key, node in nodes.items():
        kept = {name: value for name, value in node.inputs.items() if type(value) is not Link or value.node in nodes}
        nodes[key] = replace(node, inputs=kept)
    return Prompt(nodes), ids


def mutated(text: str, chance: random.Random) -> str:
    """As a person edits: a value, a link, a line more, less or elsewhere, a loop."""
    lines = text.splitlines()
    at = chance.randrange(len(lines))
    line = lines[at]
    names = ['cat', 'none', 'image', 'image2', 'image3', 'positive', 'conditioning', 'conditioning2']
    kind = chance.choice(['value', 'value', 'link', 'link', 'delete', 'copy', 'swap', 'loop', 'blur'])
    if kind == 'value':
        lines[at] = line.replace(*chance.choice([
            ("'x'", "'y'"), ("'y'", "'x'"), ("'cat'", "''"), ("''", "'dog'"), ('20', '21'), ('21', '20'), ('2)', '3)'),
        ]))  # fmt: skip
    elif kind == 'link':
        lines[at] = line.replace(chance.choice(names), chance.choice(names))
    elif kind == 'delete':
        del lines[at]
    elif kind == 'copy':
        lines.insert(chance.randrange(len(lines) + 1), line)
    elif kind == 'swap':
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], line
    elif kind == 'loop' and not line.startswith(' '):
        lines[at : at + 1] = [f'for _ in range({chance.choice([1, 2, 3])}):', f'    {line}']
    elif kind == 'blur' and line.startswith('Save('):
        lines.insert(at, f'{chance.choice(names)} = Blur({chance.choice(names)}, {chance.choice([2, 3])})')
    return '\n'.join(lines) + '\n'


def read(text: str) -> ReadScript | None:
    try:
        return read_script(text, SCHEMAS)
    except ScriptRefused:
        return None


def compared(graph: Prompt, wanted: ReadScript, known: dict[str, str] | None = None) -> Comparison:
    """As the route does: the graph's own script, read back."""
    script = write_script(graph, schemas=SCHEMAS, style=Style())
    written = read_script(script.text, SCHEMAS)
    assert difference(written.prompt, graph) is None
    return compare(graph, written, wanted, find_origins(graph, written), known)


@pytest.mark.parametrize('seed', range(SEQUENCES))
def test_applied_the_graph_is_the_script_and_nothing_is_left_to_apply(seed: int) -> None:
    chance = random.Random(seed)
    text = START
    start = read_script(START, SCHEMAS).prompt
    graph = Prompt({f'{50 + int(key)}': _renamed(node) for key, node in start.nodes.items()})
    steps = 0
    while steps < STEPS:
        changed = mutated(text, chance)
        wanted = read(changed)
        if wanted is None or not wanted.prompt.nodes:
            continue
        steps, text = steps + 1, changed
        plan = compared(graph, wanted)
        graph, ids = applied(graph, plan.edits, 1000 * (steps + 1))
        assert difference(graph, wanted.prompt) is None, text
        assert compared(graph, wanted).edits == [], text
        known: dict[str, Any] = {key: ids.get(name, name) for key, name in plan.names.items()}
        assert compared(graph, wanted, known).edits == [], text


def _renamed(node: PromptNode) -> PromptNode:
    links = {name: Link(f'{50 + int(link.node)}', link.slot) for name, link in node.links()}
    return replace(node, inputs={**node.inputs, **links})
