"""A script's calls behind lazy inputs, as ComfyUI runs the same nodes in a graph: only what is asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.tests.lab.server import Server, ServerError
from comfy_script.tests.nodes.counting import COUNTING
from comfy_script.transpiler import write_script

pytestmark = pytest.mark.server

PACK = (
    COUNTING
    + """
class Failing(Counting):
    def run(self, value):
        super().run(value)
        raise ValueError('unlucky')

class Both(Counting):
    RETURN_TYPES = ('INT', 'INT')
    def run(self, value):
        return (*super().run(value), value)

class Choosing:
    @classmethod
    def INPUT_TYPES(cls):
        lazy = {'lazy': True}
        return {'required': {'on_false': ('INT', lazy), 'on_true': ('INT', lazy), 'flag': ('BOOLEAN', {})}}
    RETURN_TYPES = ('INT',)
    FUNCTION = 'run'
    def check_lazy_status(self, flag, on_false=None, on_true=None):
        needed = 'on_true' if flag else 'on_false'
        return [needed] if (on_true if flag else on_false) is None else []
    def run(self, flag, on_false=None, on_true=None):
        return (on_true if flag else on_false,)

NODE_CLASS_MAPPINGS |= {'Failing': Failing, 'Both': Both, 'Choosing': Choosing}
"""
)


@pytest.fixture(scope='module')
def choosing(start_module_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Server:
    pack = tmp_path_factory.mktemp('choosing')
    (pack / '__init__.py').write_text(PACK, encoding='utf-8')
    return start_module_server(packs={'choosing': pack})


@pytest.fixture
def run(choosing: Server) -> Callable[..., tuple[str, list[int]]]:
    """Runs a script; gives what it printed and the nodes that ran, by what they were given."""
    file = choosing.base / 'output' / 'runs.txt'

    def run(script: str) -> tuple[str, list[int]]:
        file.write_text('', encoding='utf-8')
        outputs = choosing.queue({'1': {'class_type': 'ComfyScript', 'inputs': {'script': script}}})['outputs']
        return outputs['1']['text'][0].strip(), [int(line) for line in file.read_text(encoding='utf-8').split()]

    return run


Run = Callable[[str], 'tuple[str, list[int]]']


def test_only_the_side_that_is_asked_for_runs(run: Run) -> None:
    text = 'a = Counting(1)\nb = Counting(2)\nb = Counting(b)\nprint(Choosing(a, b, {}))'
    assert run(text.format(False)) == ('2', [1])
    assert run(text.format(True)) == ('4', [2, 3])


def test_what_fails_on_the_other_side_does_not_matter(run: Run) -> None:
    text = 'a = Counting(20)\nb = Failing(999)\nprint(Choosing(a, b, {}))'
    assert run(text.format(False)) == ('21', [20])
    with pytest.raises(ServerError, match='line 2, column 5: Failing: ValueError: unlucky'):
        run(text.format(True))


def test_wrong_values_are_refused_on_both_sides(run: Run) -> None:
    with pytest.raises(ServerError, match=r'line 2, column 5: .*bigger than max'):
        run('a = Counting(30)\nb = Counting(5000)\nprint(Choosing(a, b, False))')


def test_through_functions_and_several_outputs(run: Run) -> None:
    text = """
def side(value):
    a, b = Both(value)
    c = Counting(a)
    return c, b

def choose(one, two, flag):
    return Choosing(one, two, flag)

c, b = side(40)
d, e = side(50)
print(choose(c, d, {}))
"""
    assert run(text.format(False)) == ('42', [40, 41])
    assert run(text.format(True)) == ('52', [50, 51])


def test_results_are_kept_and_only_what_is_asked_for_later_runs(run: Run) -> None:
    text = 'a = Counting(61)\nb = Counting(66)\nc = Counting(Choosing(a, b, {}))\nprint(c)'
    assert run(text.format(False)) == ('63', [61, 62])
    assert run(text.format(False) + '\nprint(1)') == ('63\n1', [])
    assert run(text.format(True)) == ('68', [66, 67])
    assert run(text.format(False)) == ('63', [62])
    assert run(text.format(True)) == ('68', [67])


def test_long_chains_wait(run: Run) -> None:
    calls = '\n'.join(f'a{n + 1} = Counting(a{n})' for n in range(700))
    text = f'a0 = Counting(-500)\n{calls}\nprint(Choosing(1, a700, {{}}))'
    assert run(text.format(True)) == ('201', list(range(-500, 201)))
    assert run(text.format(False)) == ('1', [])


def test_a_saved_image_tells_of_both_sides(choosing: Server) -> None:
    from PIL import Image

    text = """
one = EmptyImage(8, 8, 1, Counting(70))
two = EmptyImage(8, 8, 1, Counting(71))
number = Choosing(Counting(72), Counting(73), True)
SaveImage(ImageScale(one, 'nearest-exact', number, 8, 'disabled'), 'both')
"""
    prompt = {'1': {'class_type': 'ComfyScript', 'inputs': {'script': text}}}
    saved = choosing.queue(prompt, {'nodes': []})['outputs']['1']['images']
    with Image.open(choosing.base / 'output' / saved[0]['filename']) as image:
        script = json.dumps(image.text)  # pyright: ignore[reportAttributeAccessIssue]
        assert image.size == (74, 8)
    assert 'Counting(72)' in script
    assert 'Counting(73)' in script


def test_as_in_a_graph(choosing: Server) -> None:
    """Random graphs: the nodes that run, and what comes out, are those of the same graph in ComfyUI's executor."""
    file = choosing.base / 'output' / 'runs.txt'

    def outcome(prompt: dict[str, Any]) -> tuple[list[str], list[int]]:
        file.write_text('', encoding='utf-8')
        outputs = choosing.queue(prompt)['outputs']
        shown = next(output['text'] for output in outputs.values())
        return [line for text in shown for line in text.split()], sorted(map(int, file.read_text('utf-8').split()))

    schemas = Schemas.parse(choosing.get('/object_info'))
    rest = 0
    for seed in range(40):
        prompt = _random_graph(random.Random(seed), first=-900 + 40 * seed)
        by_graph = outcome(prompt)
        script = write_script(prompt, schemas=schemas).text
        assert outcome({'1': {'class_type': 'ComfyScript', 'inputs': {'script': script}}}) == by_graph, script
        rest += len(prompt) - len(by_graph[1])
    assert rest > 150


def _random_graph(random: random.Random, first: int) -> dict[str, Any]:
    """A prompt whose every node leads to the one that is shown at its end."""
    nodes: dict[str, Any] = {}
    values: list[Any] = []

    def value() -> Any:
        return random.choice(values) if values and random.random() < 0.8 else first + len(nodes)

    for number in range(random.randint(4, 14)):
        kind = random.choice(['Counting', 'Both', 'Choosing', 'Choosing'])
        inputs = {'value': value()}
        if kind == 'Choosing':
            inputs = {'on_false': value(), 'on_true': value(), 'flag': random.random() < 0.5}
        nodes[str(number)] = {'class_type': kind, 'inputs': inputs}
        values += [[str(number), slot] for slot in range(2 if kind == 'Both' else 1)]
    # What nobody takes is taken at the end.
    taken = {value[0] for node in nodes.values() for value in node['inputs'].values() if isinstance(value, list)}
    loose = [[key, 0] for key in nodes if key not in taken]
    while len(loose) > 1:
        key = str(len(nodes))
        flag = random.random() < 0.5
        inputs = {'on_false': loose.pop(0), 'on_true': loose.pop(0), 'flag': flag}
        nodes[key] = {'class_type': 'Choosing', 'inputs': inputs}
        loose.append([key, 0])
    nodes['shown'] = {'class_type': 'PreviewAny', 'inputs': {'source': loose[0]}}
    return nodes

