"""One-liners that once killed, froze or filled the server: each with siblings, all under bounds as on a server."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import Bounds, ScriptDenied, ScriptError, ScriptLimit, run_script
from comfy_script.interpreter.nodes.node_calls import ScriptNodes
from comfy_script.runtime.calls.functions import NodeNamespace

torch = pytest.importorskip('torch')

BOUNDS = Bounds(seconds=1.0, memory=256 << 20)
NODES = {
    'Images': {'input': {'required': {'count': ['INT', {}]}}, 'output': ['IMAGE'], 'name': 'Images'},
    'SaveImage': {
        'input': {
            'required': {'images': ['IMAGE'], 'filename_prefix': ['STRING', {'default': 'ComfyUI'}]},
            'hidden': {'prompt': 'PROMPT', 'extra_pnginfo': 'EXTRA_PNGINFO'},
        },
        'output': [],
        'output_node': True,
        'name': 'SaveImage',
    },
}


def run(text: str, emit: Callable[[Any, Any], Any] = lambda schema, given: None, **options: Any) -> Any:
    nodes = ScriptNodes(NodeNamespace(Schemas.parse(NODES), emit))
    options.setdefault('bounds', BOUNDS)
    return run_script(text.replace('\\n', '\n'), find_node=nodes.find, **options)


# Integer division that ends the process (SIGFPE): the least number by −1

LEAST = {'int64': -(2**63), 'int32': -(2**31)}
DIVIDING = [
    "x.div(-1, rounding_mode='trunc')",
    "x.div(y, rounding_mode='floor')",
    "torch.div(x, y, rounding_mode='trunc')",
    "torch.div(input=x, other=y, rounding_mode='floor')",
    'x // -1',
    'x // y',
    'x % -1',
    'x % y',
    'x.remainder(-1)',
    'torch.remainder(x, y)',
    'x.fmod(y)',
    'torch.fmod(x, -1)',
    'z //= -1',
    'operator.floordiv(x, y)',
    'operator.mod(x, -1)',
]


@pytest.mark.parametrize('dtype', LEAST)
@pytest.mark.parametrize('line', DIVIDING)
def test_the_least_integer_is_not_divided_by_minus_one(line: str, dtype: str) -> None:
    text = f'x = torch.tensor([1, {LEAST[dtype]}], dtype=torch.{dtype})\ny = torch.tensor(-1, dtype=torch.{dtype})'
    with pytest.raises(ScriptError, match='OverflowError'):
        run(f'import torch, operator\n{text}\nz = x.clone()\n{line}')


@pytest.mark.parametrize('dtype', ['uint8', 'int8', 'int16', 'int32', 'int64'])
@pytest.mark.parametrize('line', [line for line in DIVIDING if 'z' not in line])
def test_integers_are_divided_as_ever(line: str, dtype: str) -> None:
    least = 0 if dtype == 'uint8' else LEAST.get(dtype, -128) + 1
    divisor = 1 if dtype == 'uint8' else -1
    text = f'x = torch.tensor([7, {least}], dtype=torch.{dtype})\ny = torch.tensor({divisor}, dtype=torch.{dtype})'
    run(f'import torch, operator\n{text}\n{line.replace("-1", str(divisor))}')
    with pytest.raises(ScriptError):
        run(f'import torch, operator\n{text.replace(f"tensor({divisor}", "tensor(0")}\n{line.replace("-1", "0")}')


# What no bound and no interrupt ended

REFUSED = r"""
x = torch.zeros(50000, dtype=torch.float16).view(1, -1).expand(50000, -1); x @ x
x = torch.zeros(6000, 6000, dtype=torch.float16); x @ x
x = torch.zeros(6000, 6000, dtype=torch.bfloat16); x.matmul(x)
x = torch.zeros(6000, 6000, dtype=torch.int64); x.mm(x)
x = torch.zeros(8, 2000, 2000, dtype=torch.uint8); x.bmm(x)
x = torch.zeros(2000, 2000, dtype=torch.float16); x @ x
x = torch.zeros(2000, 2000, dtype=torch.int64); x.mm(x)
x = torch.zeros(1, 2000, 2000, dtype=torch.uint8); x.bmm(x)
x = torch.zeros(1, 64, 256, 256).half(); torch.nn.functional.conv2d(x, torch.zeros(64, 64, 3, 3).half(), padding=1)
torch.zeros(200000).diff(n=200000)
torch.diff(torch.zeros(200000), 200000)
torch.zeros(300, 300).diff(n=10**9, dim=0)
x = torch.zeros(9, 9); i = torch.zeros(20000, 1, dtype=torch.int64); x[i, i.T] = 1
x = torch.zeros(9, 9); i = torch.zeros(20000, 1, dtype=torch.int64); x[i, i.T]
x = torch.zeros(9, 9, 9, 9); i = torch.zeros(20000, 1, dtype=torch.int64); x[i, :, i.T] = 1
x = torch.zeros(9, 9); i = torch.zeros(1, 20000, dtype=torch.int64); x[i, i.T] += 1
torch.zeros(0, 2**31).sum(0)
torch.zeros(0, 2**31).amax(1)
torch.zeros(2**20, 0).view(2**20, 0, 1).expand(2**20, 0, 2**20).sum(1)
torch.zeros(0, 2**30, dtype=torch.uint8).sort(dim=0)
torch.zeros(2**31, 0).mean(1)
torch.nn.functional.interpolate(torch.zeros(0, 3, 8, 8), size=(10**5, 10**5))
torch.nn.functional.interpolate(torch.zeros(0, 3, 8, 8), scale_factor=10**6)
torch.zeros(20000, 1).masked_select(torch.ones(1, 20000, dtype=torch.bool))
torch.zeros(1, 20000).masked_select(torch.ones(20000, 1, dtype=torch.bool))
torch.zeros(1, 20000).masked_fill(torch.ones(20000, 1, dtype=torch.bool), 1)
x = torch.zeros(1, 64, 512, 512).double(); torch.nn.functional.conv2d(x, torch.zeros(64, 64, 31, 31).double())
torch.nn.functional.conv2d(torch.zeros(4, 8, 256, 256), torch.zeros(8, 8, 63, 63), padding=31)
torch.nn.functional.unfold(torch.zeros(1, 8, 256, 256), 63, padding=31)
torch.zeros(2 * 10**7, 0).tolist()
torch.zeros(1000, 0, 2000).tolist()
torch.zeros(10**6, 2).split(1)
torch.zeros(10**6, 2).chunk(10**6)
torch.zeros(1, 10**6).unbind(1)
x = torch.zeros(1)\nfor _ in range(40): x = x.unsqueeze(0)
x = torch.zeros(1)\nfor _ in range(40): x = x[None]
x = torch.zeros(1).view([1] * 40)
x = torch.zeros(1).expand([1] * 40)
x = torch.zeros(1).reshape([1] * 40)
sum([[]] * 10**6, [0] * 999000)
sum([()] * 10**6, (0,) * 999000)
math.prod([1] * 10**6, start=[0] * 999000)
functools.reduce(operator.add, [[]] * 10**6, [0] * 999000)
list(itertools.accumulate([[0] * 9000] * 10**6))
('\ud800' * 10**7).encode('utf-32', 'xmlcharrefreplace')
('\ud800' * 10**7).encode('utf-16', 'backslashreplace')
(b'\xff' * 10**7).decode('utf-8', 'backslashreplace')
('\u0130\xdf' * 4 * 10**6).swapcase()
('\u0130\xdf' * 4 * 10**6).casefold()
('\u0130\xdf' * 4 * 10**6).translate({0x130: 'x'})
math.gcd(*[2**9999 - 1] * 10**6) or 10**10**9
math.lcm(*[2**9999 - 1] * 10**6) or 10**10**9
sorted([2**9000 + i % 7 for i in range(200000)] * 5) and 10**10**9
f = max\nfor _ in range(60): f = functools.partial(f, *range(50000))\nf()
f, x = len, tuple(range(20000))\nfor _ in range(60): f = functools.partial(f, *x)\nf()
f, x = len, [0] * 12000\nfor _ in range(95): f = functools.partial(f, *x)\nf(x)
f = dict\nfor n in range(60): f = functools.partial(f, **{f'a{n}_{i}': i for i in range(50000)})\nf()
re.compile('(?:(?:(?:(?:){1000}){1000}){1000}){1000}')
re.compile('(?:(?:(?:(?:a?){999}){999}){999}){999}')
re.match('(?:(?:(?:(?:)*?){1000}){1000}){1000}', '')
"""


@pytest.mark.parametrize('line', REFUSED.strip().splitlines())
def test_refused_or_ended(line: str) -> None:
    began = time.process_time()
    with pytest.raises(ScriptLimit):
        run(f'import functools, itertools, math, operator, re, torch\n{line}')
    assert time.process_time() - began < 20 * BOUNDS.seconds


INTERRUPTED = r"""
sum([[]] * 10**6, [0] * 900000)
math.prod([1] * 10**6, start=[0] * 900000)
math.gcd(*[2**9999 - 1] * 10**6)
math.gcd(*[3**6000, 2**9999 - 1] * 500000)
sorted([2**9000 + i % 7 for i in range(100000)])
functools.reduce(lambda a, b: a + b, [[]] * 10**6, [0] * 900000)
x = torch.zeros(3000, 3000)\nfor _ in range(10**6): x @ x
for _ in range(10**6): torch.zeros(10**7).sort()
"""


@pytest.mark.parametrize('line', INTERRUPTED.strip().splitlines())
def test_the_interrupt_is_looked_at(line: str) -> None:
    """At least every second of the processor's time, while it goes on for long."""

    class Interrupted(Exception):
        pass

    began = time.process_time()
    looked = [began]

    def check() -> None:
        looked.append(time.process_time())
        if looked[-1] - began > 1.0:
            raise Interrupted

    # Some may have come to their end by then, or to that of their steps.
    with contextlib.suppress(Interrupted, ScriptLimit):
        run(f'import functools, math, torch\n{line}', check_interrupt=check, bounds=Bounds())
    longest = max(after - before for before, after in itertools.pairwise(looked))
    assert longest < 4.0


# What nodes give counts


def test_images_that_nodes_give_are_held_by_the_script() -> None:
    def emit(schema: Any, given: Any) -> Any:
        return torch.zeros(given['count'] << 20, 1)

    text = 'x = []\nfor n in range(40): x.append(Images(8))'
    with pytest.raises(ScriptLimit, match='holds more than'):
        run(text, emit)
    with pytest.raises(ScriptLimit, match='holds more than'):
        run('x = {}\nfor n in range(40): x[n] = [{"samples": Images(8)}]', emit)
    run('for n in range(40): x = Images(8)', emit, bounds=replace(BOUNDS, seconds=60.0))


# Hidden inputs are ComfyUI's to give


@pytest.mark.parametrize(
    'line',
    [
        "SaveImage(1, 'x', extra_pnginfo={'workflow': {}})",
        "SaveImage(1, 'x', prompt={})",
        "SaveImage(1, 'x', _inputs={'extra_pnginfo': {}})",
        "SaveImage(1, 'x', **{'extra_pnginfo': None})",
        "node['SaveImage'](1, 'x', prompt={})",
    ],
)
def test_hidden_inputs_cannot_be_given(line: str) -> None:
    given: list[Any] = []
    with pytest.raises(ScriptDenied, match='hidden'):
        run(line, lambda schema, inputs: given.append(inputs))
    assert given == []


# What was refused though it is right, or meant something else


@pytest.mark.parametrize(
    'line',
    [
        'torch.nn.functional.max_pool2d(torch.zeros(1, 3, 64, 64), 2, return_indices=True)[1].shape[2] == 32',
        '(torch.zeros(2000, 2000) @ torch.zeros(2000, 2000)).shape == (2000, 2000)',
        'torch.nn.functional.conv2d(torch.zeros(1, 8, 64, 64), torch.zeros(8, 8, 3, 3)).shape[2] == 62',
        'len(torch.zeros(30000).split(64)) == 469',
        'len(torch.zeros(64, 30000).split(64, dim=1)) == 469',
        'len(torch.zeros(30000).split([10000, 20000])) == 2',
        'len(torch.zeros(30000).chunk(64)) == 64',
        'torch.zeros(2, 3).max(dim=1)[1].shape == (2,)',
        'torch.zeros(24, 1024, 1024, 3).mean(dim=(1, 2)).shape == (24, 3)',
        'len(random.choices([1, 2], k=torch.tensor(3))) == 3',
        'len(random.sample([1, 2, 3], k=torch.tensor(2))) == 2',
    ],
)
def test_what_is_right_is_done(line: str) -> None:
    assert run(f'import random, torch\nout = {line}', bounds=Bounds()).value is True


@pytest.mark.parametrize(
    'line',
    [
        'random.choices([1], k=torch.tensor(3))',
        'random.sample([1, 2, 3], k=torch.tensor(2))',
        'list(itertools.repeat(1, torch.tensor(3)))',
        '[1, 2].insert(torch.tensor(0), 1)',
        "'a'.center(torch.tensor(9))",
        "'a b'.split(maxsplit=torch.tensor(1))",
    ],
)
def test_a_tensor_is_no_step_counter(line: str) -> None:
    assert type(run(f'import itertools, random, torch\n{line}', bounds=Bounds()).steps) is int


class Foreign:
    """Says that it is a list, and is asked nothing."""

    asked = 0

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        Foreign.asked += 1
        return list


def test_foreign_objects_are_not_asked_what_they_are() -> None:
    Foreign.asked = 0
    run('x = Images(1)\ny = [x]\nImages(y)\nImages({1: x})', lambda schema, given: Foreign())
    assert Foreign.asked == 0
