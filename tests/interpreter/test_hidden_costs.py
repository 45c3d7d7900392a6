"""What costs more than it looks: one step of a script that would hold the server, or memory that no step counts."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import Bounds, ScriptDenied, ScriptError, ScriptFailed, ScriptLimit, run_script
from comfy_script.interpreter.lang.bounds import Meter
from comfy_script.interpreter.lang.costs import COUNTED
from comfy_script.interpreter.lang.looks import REST
from comfy_script.interpreter.lang.machine import Machine
from comfy_script.interpreter.lang.objects import Builtin
from comfy_script.interpreter.lang.resident import READ, Growth
from comfy_script.interpreter.lang.types import lists_dicts_sets
from comfy_script.interpreter.lang.types.lists_dicts_sets import sorted_list
from comfy_script.interpreter.nodes.node_calls import ScriptNodes, own_values
from comfy_script.runtime.calls.functions import NodeNamespace

from .test_escapes import Opaque

TINY = Bounds(steps=20_000, seconds=60.0, text=100_000, items=20_000, memory=3 << 20, tensor_elements=1 << 16)

HELD = r"""
s = set(range(5000))\nx = []\nwhile True: x.append(s - {1})
s = set(range(5000))\nx = []\nwhile True: x.append(set(s))
s = set(range(5000))\nx = []\nwhile True: x.append(s.copy())
s = set(range(5000))\nx = []\nwhile True: x.append(dict.fromkeys(s))
s = [0] * 5000\nx = []\nwhile True:\n    a, *b = s\n    x.append(b)
s = [0] * 5000\nx = []\nwhile True:\n    match s:\n        case [a, *b]: x.append(b)
s = 'xa' * 50_000\nx = []\nwhile True: x.append(s.partition('a'))
s = 'é' * 90_000\nx = []\nwhile True: x.append(s + 'a')
s = chr(0x1f600) * 20_000\nx = []\nwhile True: x.append(s[1:])
d = {str(n): n for n in range(600)}\nf = lambda **k: k\nx = []\nwhile True: x.append(f(**d))
f = lambda *a: a\nx = []\nwhile True: x.append(f(*range(5000)))
x = []\nwhile True: x.append(list(zip(*[[1] * 15] * 1000)))
x = []\nwhile True: x.append((y for y in x))
x = []\nwhile True: x.append([lambda: x for _ in range(1000)])
import itertools; x = []\nwhile True: x.append(list(itertools.islice(itertools.product([1, 2], repeat=1000), 50)))
import itertools; x = []\nwhile True: x.append(list(itertools.islice(itertools.combinations(range(2000), 900), 50)))
import re; q = re.match('(?s)x(.*)', 'x' + 'a' * 90_000)\nx = []\nwhile True: x.append(q.group(1))
import re; q = re.match('(?s)x(.*)', 'x' + 'a' * 90_000)\nx = []\nwhile True: x.append(q.groups())
import re; q = re.match('(?s)x(?P<n>.*)', 'x' + 'a' * 90_000)\nx = []\nwhile True: x.append(q['n'])
import re; x = []\nwhile True: x.append(re.compile('(a|b){300}' + str(len(x))))
n = 2 ** 9999\nx = []\nwhile True: x.append([n + i for i in range(100)])
n = 3 ** 3000\nx = []\nwhile True: x.append([n * 3 for i in range(100)])
import torch; a = torch.zeros(3); x = []\nwhile True: x.append(a[0])
import torch; a = torch.zeros(2000, 0); x = []\nwhile True: x.append(a.unbind())
import torch; a = torch.zeros(2000, 0); x = []\nwhile True: x.append(list(a))
import torch; x = []\nwhile True: x.append(torch.randperm(9000))
"""

TOO_MUCH = r"""
t = ('a',)\nfor _ in range(200): t = (t, t)\n'x'.startswith(t)
t = (str,)\nfor _ in range(200): t = (t, t)\nisinstance(1, t)
x = [1]\nfor _ in range(20): x = [x] * 1000\nKSampler(x)
x = [1]\nfor _ in range(30): x = [x, x]\nKSampler(x)
('a' * 90_000).rfind('ab' + 'a' * 40_000)
('a' * 90_000).rsplit('ab' + 'a' * 40_000)
('a' * 90_000).rpartition('ab' + 'a' * 40_000)
('a' * 90_000).strip('b' * 90_000 + 'a')
b'a'.hex(); ('a' * 90_000).encode().hex()
set([k * (2 ** 61 - 1) for k in range(9000)])
{k * (2 ** 61 - 1): 1 for k in range(9000)}
dict.fromkeys([complex(-1000003 * k, k) for k in range(9000)])
print(*['a' * 90_000] * 1000)
import re; re.match('()' * 600 + '(?:(a)|b)*c', 'a' * 90_000)
import re; re.match('[^' + ''.join(chr(500 + 3 * i) for i in range(600)) + ']*b', 'a' * 90_000 * 1) or [0] * 10 ** 9
import json; json.dumps(chr(1) * 90_000)
import torch; x = 1.0\nfor _ in range(25): x = [x] * 7\ntorch.tensor(x)
import torch; x = [1] * 10_000\nx = [x] * 10_000\ntorch.stack([x] * 100)
import torch; torch.where(torch.ones(2 ** 14, dtype=torch.bool).view(*[1] * 20, 2 ** 14))
import torch; torch.ones(2 ** 14, dtype=torch.bool).view(*[1] * 20, 2 ** 14).nonzero()
import torch; torch.nn.functional.l1_loss(torch.zeros(2 ** 10, 1), torch.zeros(1, 2 ** 10))
import torch; torch.nn.functional.cosine_similarity(torch.ones(64, 1, 512), torch.ones(1, 64, 512), dim=2)
import torch; torch.matmul(torch.zeros(2 ** 5, 1, 1, 2 ** 9), torch.zeros(1, 2 ** 5, 2 ** 9, 1))
import torch; torch.nn.functional.max_pool2d(torch.zeros(1, 1, 8, 8), 2, 1, 2 ** 62)
import torch; torch.zeros(2)[(None,) * 40]
"""


def script(line: str) -> str:
    if 'torch' in line:
        pytest.importorskip('torch')
    return line.replace('\\n', '\n')


def run(text: str, bounds: Bounds = TINY, **options: Any) -> Any:
    schemas = Schemas.parse({'KSampler': {'input': {'required': {'model': ['MODEL']}}, 'output': ['LATENT']}})
    nodes = ScriptNodes(NodeNamespace(schemas, options.pop('emit', lambda schema, given: given['model'])))
    return run_script(text, bounds=bounds, find_node=nodes.find, **options)


@pytest.mark.parametrize('line', HELD.strip().splitlines())
def test_memory_is_counted_whatever_takes_it(line: str) -> None:
    with pytest.raises(ScriptLimit, match='holds more than'):
        run(script(line))


@pytest.mark.parametrize('line', TOO_MUCH.strip().splitlines())
def test_refused_before_it_is_done(line: str) -> None:
    with pytest.raises(ScriptLimit):
        run(script(line))


LOOKED_AT = """
s.isalpha()
s.count('b')
s.find('b')
'b' in s
s == t
s < t
[s] == [t]
l.index(5) if 0 else l.count(5)
5 in l
u <= u
u == v
u - v
sorted([s, t])
isinstance(1, (str,) * 9000)
s.startswith((t,) * 9)
"""


@pytest.mark.parametrize('line', LOOKED_AT.strip().splitlines())
def test_between_two_operations_on_large_values_the_interrupt_is_looked_at(line: str) -> None:
    before = "s, t = 'a' * 2_500_000, 'a' * 2_499_999 + 'b'\nl, u, v = [0] * 9000, {*range(9000)}, {*range(1, 9001)}\n"

    def looks(rounds: int) -> int:
        looked: list[int] = []
        text = f'{before}for _ in range({rounds}): {line}'
        run(text, Bounds(text=3_000_000), check_interrupt=lambda: looked.append(1))
        return len(looked)

    assert looks(6) - looks(1) >= 5


def test_a_pattern_is_interrupted_between_characters_of_one_repetition() -> None:
    class Interrupted(Exception):
        pass

    def check() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Interrupted

    left = 20
    with pytest.raises(Interrupted):
        run("import re\nre.match('[^b]*', 'a' * 90_000)", check_interrupt=check)


def test_slow_steps_are_looked_at_more_often() -> None:
    meter = Meter(Bounds(), None)
    for _ in range(8):
        meter._checked -= 1.0
        meter.check()
    assert meter._next_check - meter.steps == 1
    for _ in range(60):
        meter.check()
    assert meter._next_check - meter.steps == Meter.CHECK_EVERY


def test_after_a_slow_step_others_have_pythons_lock_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, 'sleep', slept.append)
    meter = Meter(Bounds(), None)
    for took in (0.001, 0.1, 3.0):
        meter._checked -= took
        meter.check()
    assert slept == [pytest.approx(0.01, rel=0.1), REST]
    meter.add_outside(3.0)
    meter._started += 3.0
    meter.check()
    assert len(slept) == 2  # what nodes take is not the script's


WITHOUT_COLLECTIONS = r"""
sum([()] * 1000, (0,) * 9000)
sum([[]] * 1000, [0] * 9000)
import functools; functools.reduce(lambda a, b: a + b, [[]] * 400, [0] * 9000)
x = [0] * 9000\nfor _ in range(1000): x = x[:]
x = 'é' * 9000\nfor _ in range(1000): y = [x + 'a']
"""


@pytest.mark.parametrize('line', WITHOUT_COLLECTIONS.strip().splitlines())
def test_no_function_is_followed_by_a_look_at_all_that_the_process_holds(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such looks one after the other kept another client waiting for 7 s."""
    monkeypatch.setattr(Growth, 'COLLECT_EVERY', 1 << 18)
    looked: list[int] = []
    whole: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == 'start':
            looked.append(info['generation'])
            whole.append(len(gc.get_objects(generation=2)) if info['generation'] == 2 else 0)

    kept = [[] for _ in range(20_000)]
    gc.unfreeze()  # tests/conftest.py has set aside what there is
    gc.callbacks.append(note)
    try:
        run(script(line), Bounds(memory=4 << 20))
    finally:
        gc.callbacks.remove(note)
        gc.freeze()
    assert len(looked) > 1
    assert sum(size > len(kept) for size in whole) <= 1


@pytest.mark.parametrize(
    'value', ['2**9000 + i % 7', "'x' * 5000 + str(i % 7)", 'bytes(5000)', '(i % 7,) * 50', '[i % 7] * 50']
)
def test_long_values_are_sorted_step_by_step(value: str) -> None:
    """A comparison takes time by their length: a million integers of 9000 bits held everybody up for seconds."""
    made = f'x = [{value} for i in range(500)]\n'
    sorting = run(made + 'y = sorted(x)', Bounds()).steps - run(made, Bounds()).steps
    assert sorting > 499 + 500 // 4
    assert run('x = [i % 7 for i in range(500)]\ny = sorted(x)', Bounds()).steps < 500 * 4


@pytest.mark.parametrize('backwards', [False, True])
def test_a_long_list_is_sorted_in_pieces(backwards: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists_dicts_sets, 'SORTED_AT_ONCE', 100)
    checked: list[int] = []
    m = Machine(Bounds(), {}, check_interrupt=lambda: checked.append(1))
    values = [(n * 7919) % 1013 // 3 for n in range(1050)]
    places = sorted_list(m, list(range(1050)), Builtin('key', lambda m, n, /: values[n], COUNTED), backwards)
    assert places == sorted(range(1050), key=values.__getitem__, reverse=backwards)
    assert len(checked) > 20


def test_keys_that_are_alike_by_chance_are_no_attack() -> None:
    assert run('out = len({(x, y, z) for x in (-1, -2) for y in (-1, -2) for z in range(500)})').value == 2000
    assert run('d = {}\nfor n in range(2000): d[(-1, n % 7)] = d.get((-2, n % 7), n)\nout = len(d)').value == 7
    assert run('out = {2 ** 61 - 1, 0, 2 ** 64, 7j, 1 + 2j}').value == {2**61 - 1, 0, 2**64, 7j, 1 + 2j}


@pytest.fixture(scope='module')
def nothing_to_collect() -> None:
    """What other tests have left would be walked at every collection in these."""
    gc.collect()
    gc.freeze()


CIRCLES = (
    'x = [text + str(n), KSampler(n)]\n    x.append(x)',
    "x = {'a': text + str(n), 'b': KSampler(n)}\n    x['c'] = x",
    'def f(x):\n        def g(): return x, g\n    f([text + str(n), KSampler(n)])',
)


@pytest.mark.usefixtures('nothing_to_collect')
@pytest.mark.parametrize('circle', CIRCLES)
def test_what_lies_in_circles_is_let_go(circle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Growth, 'COLLECT_EVERY', 1 << 20)
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    counts: list[int] = []

    def emit(schema: Any, given: Any) -> Any:
        alive.add(made := type('Made', (), {})())
        counts.append(len(alive))
        return made

    gc.disable()
    try:
        run(f"text = 'a' * 50_000\nfor n in range(500):\n    {circle}", emit=emit)
    finally:
        gc.enable()
    assert len(counts) == 500
    assert max(counts) < 250


LARGE = Bounds(memory=8 << 20, text=2_000_000)
IN_NO_VARIABLE = """
y = ['a' * 10**6 + str(i) for i in range(400)]
y = {i: 'a' * 10**6 + str(i) for i in range(400)}
y = sorted('a' * 10**6 + str(i) for i in range(400))
y = list(map(lambda i: 'a' * 10**6 + str(i), range(400)))
y = ['1', '2', *('a' * 10**6 + str(i) for i in range(400))]
a, *b = ('a' * 10**6 + str(i) for i in range(400))
print(*('a' * 10**6 + str(i) for i in range(400)))
import torch; y = [torch.ones(60_000) + i for i in range(1600)]
"""
DISPLAY = 'y = [' + "'a' * 10**6, " * 400 + ']'


@pytest.fixture
def looking_closely(nothing_to_collect: None, monkeypatch: pytest.MonkeyPatch) -> None:
    if READ is None:
        pytest.skip('how much memory this process takes is not known here')
    monkeypatch.setattr(Growth, 'LEAST', 1 << 24)


@pytest.mark.usefixtures('looking_closely')
@pytest.mark.parametrize('line', [*IN_NO_VARIABLE.strip().splitlines(), DISPLAY], ids=range(9))
def test_what_is_in_no_variable_yet_is_bounded(line: str) -> None:
    with pytest.raises(ScriptLimit, match='holds more than'):
        run(script(line), LARGE)


@pytest.mark.usefixtures('looking_closely')
def test_what_nodes_make_is_not_the_scripts() -> None:
    def emit(schema: Any, given: Any) -> Any:
        time.sleep(2 * Growth.SHORT)
        return type('Model', (), {'weights': b'a' * 40_000_000})()

    text = 'models = []\nfor n in range(3):\n    models.append(KSampler(n))\n'
    text += "    x = ['a' * 10**6 + str(i) for i in range(3)]"
    run(f'{text}\n    for i in range(20): x = "a" * 10**6 + str(i)', LARGE, emit=emit)


def test_tensors_are_cut_into_as_many_pieces_as_do_not_hold_up_an_interrupt() -> None:
    pytest.importorskip('torch')
    for cut in ('torch.zeros(60_000).unbind()', 'torch.zeros(60_000).split(2)'):
        with pytest.raises(ScriptLimit, match='pieces'):
            run(f'import torch\n{cut}', Bounds())
    text = 'import torch\nout = [row.item() for row in torch.arange(2500)]'
    assert run(text).value == list(range(2500))


# What a value may not do to what is shown or raised


def test_what_a_script_raises_is_shown_without_asking_foreign_values() -> None:
    for text in ('raise ValueError(opaque)', 'raise KeyError(1, [opaque])', 'assert 0, opaque'):
        with pytest.raises(ScriptFailed, match='<Opaque>') as caught:
            run(text, inputs={'opaque': Opaque()})
        assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_an_error_that_holds_more_than_can_be_shown() -> None:
    for text in ('x = [1]\nfor _ in range(64): x = [x, x]\nraise ValueError(x)', "raise ValueError('a' * 90_000)"):
        with pytest.raises(ScriptFailed) as caught:
            run(text)
        assert len(str(caught.value)) < 20_000


@pytest.mark.parametrize('text', ["import json\njson.JSONDecodeError('x', opaque, 0)", 'import re\nre.error(opaque)'])
def test_exceptions_do_not_look_into_foreign_values(text: str) -> None:
    with pytest.raises(ScriptError, match='does not fit here'):
        run(text, inputs={'opaque': Opaque()})


@pytest.mark.parametrize(
    'text',
    ['import statistics\nstatistics.mean([])', "import datetime\ndatetime.datetime.strptime('11', '%d%d')",
     'import datetime\ndatetime.datetime.fromtimestamp(10 ** 17)', 'import random\nrandom.choices([1], weights="a")'],
)  # fmt: skip
def test_what_the_library_raises_can_be_caught(text: str) -> None:
    head, last = text.split('\n')
    assert run(f'{head}\ntry:\n    {last}\nexcept (ValueError, TypeError):\n    out = 1').value == 1
    with pytest.raises(ScriptFailed):
        run(text)


def test_tensors_of_many_dimensions_are_not_written_out() -> None:
    pytest.importorskip('torch')
    assert run('import torch\nout = str(torch.zeros(2 ** 14).view([2] * 14))').value.startswith('<Tensor of shape')
    assert run('import torch\nout = str(torch.zeros(2, 2))').value == 'tensor([[0., 0.],\n        [0., 0.]])'


# What crosses


@pytest.mark.parametrize(
    'value',
    ['{print}', 'frozenset([print])', '{print: 1}', '{(1, print): 1}', "{'a': print}.values()", "{'a': 1}.keys()",
     '[{1: {print}}]', '(lambda: 1,)', '[ValueError()]', '[[iter([])]]'],
)  # fmt: skip
def test_nothing_of_the_interpreter_leaves_inside_a_value(value: str) -> None:
    given: list[Any] = []
    with pytest.raises(ScriptFailed, match='cannot take'):
        run(f'KSampler({value})', emit=lambda schema, inputs: given.append(inputs))
    assert given == []
    assert list(own_values([run(f'out = {value}').value], 1000))


def test_values_cross_with_all_they_hold() -> None:
    assert run("out = KSampler({'a': [1, (2, {3})], (4, 5): b'x'})").value == {'a': [1, (2, {3})], (4, 5): b'x'}


@pytest.mark.parametrize('deep', ['[' * 30 + ']' * 30, "{'a': {'b': 1}}['a']", 'frozenset([(1,)])'])
def test_containers_of_nodes_are_frozen_however_deep(deep: str) -> None:
    value: Any = [1]
    for _ in range(40):
        value = {'inner': value}
    change = 'x = value\nfor _ in range(40): x = x["inner"]\nx.append(2)'
    with pytest.raises(ScriptDenied, match='shared'):
        run(change, inputs={'value': value})


def test_what_only_the_machine_holds_is_let_go() -> None:
    torch = pytest.importorskip('torch')
    if not hasattr(torch._C, '_storage_Use_Count'):
        pytest.skip('this torch (2.4.1, say) does not tell how many tensors share memory: all of them are kept')
    m = Machine(TINY, {})
    kept, gone = {'samples': torch.zeros(3)}, torch.zeros(4)
    view, died = gone[0], weakref.ref(other := torch.zeros(5))
    for value in (kept, {'samples': torch.zeros(3)}, gone, other):
        m.freeze(value)
    del gone, other, value
    m.shared.forget_unshared()
    assert list(m.shared.frozen.values()) == [kept]
    assert not m.shared.is_changeable_tensor(kept['samples'])
    assert not m.shared.is_changeable_tensor(view)
    assert died() is None
    del view, kept
    m.shared.forget_unshared()
    assert not m.shared.frozen and not m.shared.frozen_storages


IN_PLACE = """
torch.nn.functional.relu(image, True)
torch.nn.functional.normalize(other, 2.0, 0, 1e-12, image)
torch.norm(other, 2, None, False, image)
image.view(torch.int32)
image[0] = 1
"""


@pytest.mark.parametrize('line', IN_PLACE.strip().splitlines())
def test_images_of_nodes_are_not_changed_by_position_either(line: str) -> None:
    torch = pytest.importorskip('torch')
    image = torch.full((3,), -1.0)
    with pytest.raises(ScriptDenied):
        run(f'import torch\nother = torch.ones(3)\n{line}', inputs={'image': image})
    assert image.tolist() == [-1.0] * 3


def test_elements_are_looked_up_on_the_cpu_where_a_gpu_would_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip('torch')
    from comfy_script.interpreter.lang.tensors import calls, items

    moved: list[Any] = []
    for module in (calls, items):
        monkeypatch.setattr(module, 'is_away', lambda tensor: bool(moved.append(tensor) or True))
    text = """
x = torch.zeros(3) + image
x[[0, 2]] = 5
out = [x[[2, 0]].tolist(), x.gather(0, torch.tensor([1])).tolist(), x.take(torch.tensor([0])).tolist(), x.tolist()]
"""
    found = run(f'import torch{text}', inputs={'image': torch.arange(3.0)}).value
    assert found == [[5.0, 5.0], [1.0], [5.0], [5.0, 1.0, 5.0]]
    assert moved
    for line in ('x[[9]]', 'x.gather(0, torch.tensor([9]))', 'torch.nn.functional.one_hot(torch.tensor([9]), 3)'):
        with pytest.raises(ScriptFailed, match=r'IndexError|RuntimeError'):
            run(f'import torch\nx = torch.zeros(3)\n{line}')


def test_no_iterator_runs_inside_itself() -> None:
    text = 'import itertools\nf = lambda: next(p)\np = itertools.pairwise(f() if i else i for i in range(9))\nlist(p)'
    for made in ('itertools.pairwise', 'enumerate', 'itertools.accumulate', 'zip'):
        with pytest.raises(ScriptFailed, match='already executing'):
            run(text.replace('itertools.pairwise', made))
