"""The interpreter and CPython give the same value, the same output or the same type of exception."""

# ruff: noqa: E501
from __future__ import annotations

import contextlib
import io
import os
import re
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from comfy_script.interpreter import Bounds, ScriptDenied, ScriptFailed, ScriptLimit, ScriptSyntaxError, run_script

from .programs import EXPRESSIONS, START, programs

BOUNDS = Bounds(steps=200_000, seconds=10.0, text=100_000, items=20_000, integer_bits=5_000, printed=10**9)
EXAMPLES = int(os.environ.get('COMFYSCRIPT_FUZZ_EXAMPLES', '8'))


def in_python(text: str) -> tuple[Any, str]:
    """What CPython makes of it: (repr of `out`, or the exception's type), and what it printed."""
    printed = io.StringIO()
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            exec(compile(text, '<program>', 'exec'), names)
        except (MemoryError, RecursionError, SystemExit):
            assume(False)
        except Exception as error:
            return type(error).__name__, printed.getvalue()
        return comparable(repr(names['out'])), printed.getvalue()


def in_interpreter(text: str) -> tuple[Any, str]:
    printed: list[Any] = []
    try:
        result = run_script(text, bounds=BOUNDS, prepare=printed.append)
    except ScriptLimit:
        assume(False)
        raise
    except ScriptSyntaxError as error:
        return 'SyntaxError', error.message
    except ScriptFailed as error:
        return type(error.exception).__name__, ''.join(printed[0].printed)
    from comfy_script.interpreter.lang.showing import show_repr

    return comparable(show_repr(printed[0], result.value)), result.printed


def comparable(text: str) -> str:
    """Functions, iterators and types are shown by other names in the interpreter."""
    return re.sub(r'<[^<>]*>', '<…>', text)


def same(text: str) -> None:
    wanted, output = in_python(text)
    try:
        found, printed = in_interpreter(text)
    except ScriptDenied as error:
        if output is not None and wanted.endswith(('Error', 'Iteration')):
            return  # Both refuse; what scripts lack altogether is no exception that they could catch.
        raise AssertionError(f'{text}\n{error}') from None
    assert found == wanted, text
    if wanted != 'SyntaxError':
        assert comparable(printed) == comparable(output), text


SLOW: Any = list(HealthCheck)
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize='COMFYSCRIPT_FUZZ_EXAMPLES' not in os.environ,
    suppress_health_check=SLOW,
)


@SETTINGS
@given(programs())
def test_programs(text: str) -> None:
    assume(compiles(text))
    same(text)


@SETTINGS
@given(st.lists(EXPRESSIONS, min_size=1, max_size=3))
def test_expressions(texts: list[str]) -> None:
    for text in texts:
        if compiles(text):
            same(f'{START}out = {text}')


def compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            compile(text, '<program>', 'exec')
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return False
    return True


KNOWN = r"""
out = [f'{x!r:>{w}}' for x, w in zip('ab', (5, 6))]
out = '{:{}} {a[0]} {b.real}'.format('x', 5, a=[1], b=2)
out = '%-5s|%05.1f|%x|%%|%c|%r' % ('a', 2.25, 255, 'z', 'q')
out = '%(a)s %(b)d' % {'a': 1, 'b': 2}
out = '' % [1], 'a' % b'b', '%s' % [1, 2], '%%' % range(3)
out = 'a' % 5
out = [*range(3), *{'a': 1}] + list(zip(*[(1, 2), (3, 4)]))
def f(a, /, b, *c, d=4, **e): return a, b, c, d, e\nout = f(1, 2, 3, d=5, x=6), f(1, b=2)
def f(n): return 1 if n < 2 else n * f(n - 1)\nout = f(20)
def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n        return n\n    return [inner(), inner()]\nout = outer()
fs = [lambda i=i: i for i in range(3)]\nout = [f() for f in fs]
fs = [lambda: i for i in range(3)]\nout = [f() for f in fs]
out = [y := 3, y ** 2]\nout = [last := x for x in range(3)], last
x = [3, 1, 2]\nx.sort(key=lambda v: -v)\nx[1:2] = [7, 8]\ndel x[::2]\nout = x
a = b = []\na += [1]\nout = b
import math\nout = math.sqrt(16), math.comb(5, 2), math.gcd(12, 18), math.isclose(0.1 + 0.2, 0.3), math.prod([2, 3]), math.floor(-1.5)
import itertools\nout = list(itertools.product('ab', repeat=2)), list(itertools.accumulate([1, 2, 3])), list(itertools.islice(itertools.count(5, 2), 3))
import itertools\nout = [(k, list(g)) for k, g in itertools.groupby('aabbc')], list(itertools.chain([1], (2,), 'c')), list(itertools.pairwise([1, 2, 3]))
import functools\nout = functools.reduce(lambda a, b: a * b, [1, 2, 3, 4]), functools.partial(lambda a, b: a - b, 5)(b=2)
import re\nout = re.sub(r'(\w)(\d)', r'\2\1', 'a1 b2'), re.split('[, ]+', 'a, b c'), re.findall(r'(?P<k>\w+)=(\d+)', 'x=1 y=22'), re.search('b+', 'abbb').span()
import json\nout = json.loads('{"a": [1, 2.5, null, true]}'), json.dumps({'b': 1, 'a': [1, None, 'é']}, sort_keys=True, indent=2)
import datetime\nd = datetime.date(2024, 2, 28) + datetime.timedelta(days=2)\nout = d.isoformat(), d.strftime('%d.%m.%Y'), f'{d:%j}'
import colorsys\nout = colorsys.rgb_to_hsv(0.2, 0.4, 0.4)
import random\nrandom.seed(7)\nout = random.random(), random.randint(1, 9), random.choice('abc'), random.sample(range(9), 3), random.uniform(1, 2)
import random\nr = random.Random('x')\nl = [1, 2, 3, 4]\nr.shuffle(l)\nout = l, r.gauss(0, 1)
import operator\nout = sorted([(2, 'a'), (1, 'b')], key=operator.itemgetter(1)), operator.add(1, 2)
try:\n    try:\n        1 / 0\n    finally:\n        out = 1\nexcept ZeroDivisionError as e:\n    out = str(e), repr(e), e.args
try:\n    raise KeyError('k') from ValueError('v')\nexcept LookupError as e:\n    out = str(e), repr(e)
def f():\n    for i in range(3):\n        try:\n            continue\n        finally:\n            if i == 1: return i\nout = f()
try:\n    raise ValueError(1, 2)\nexcept (TypeError, ValueError) as e:\n    out = e.args, str(e)\nelse:\n    out = None
x = 5\nmatch x:\n    case 1 | 2: out = 'low'\n    case int(n) if n > 4: out = n
match {'kind': 'image', 'size': [64, 32], 'more': 1}:\n    case {'kind': 'image', 'size': [w, h], **rest}: out = w, h, rest
match (1, [2, 3, 4]):\n    case (a, [b, *c]): out = a, b, c
out = 'abc'[::-1], [1, 2, 3][-2:], (1, 2, 3)[1], range(10)[2:8:3], b'abc'[0], 'x' in 'xyz'
out = {**{'a': 1}, 'b': 2} | {'c': 3}, {1, 2} & {2, 3}, {1, 2} ^ {2}, frozenset([1]) | {2}
out = sorted({'b': 1, 'a': 2}.items()), max('abc', key=ord), min([], default=0), sum([0.1] * 3), round(2.675, 2), round(1234, -2)
out = int('ff', 16), int('-12'), float('1e3'), str(1.0), hex(255), bin(5), oct(8), chr(97), ord('a'), divmod(7, -2), pow(2, 10, 7)
out = 1 < 2 < 3, 1 == 1.0, [1, 2] < [1, 3], (1, 'a') == (1, 'a'), 'a' < 'b', {1} <= {1, 2}, not [], None is None
out = [i for i in range(5) if i % 2 if i > 1], {k: v for k, v in [('a', 1)]}, list(map(lambda a, b: a + b, [1, 2], [3, 4]))
x = iter([1, 2])\nout = next(x), next(x), next(x, 'end'), [*x]
out = isinstance(True, int), isinstance(1, (str, float)), type(1) is int, type('') == str
out = str(ValueError('x')), repr(TypeError()), str(KeyError('k')), repr(ValueError(1, 'a'))
l = [1]\nl.append(l)\nout = repr(l)
d = {}\nd['d'] = d\nout = str(d)
out = (lambda *a, **k: (a, k))(*[1, 2], **{'x': 3})
def f(x, acc=[]):\n    acc.append(x)\n    return acc\nout = f(1), f(2)
print('a', 1, None, sep='-', end='!\n')\nprint([1, 'b'], {'c': 2.5}, (1,), {3})\nout = 0
out = 0\nfor i in range(10):\n    if i == 3: continue\n    if i == 6: break\n    out += i\nelse:\n    out = -1
out = 0\nwhile out < 5:\n    out += 1\nelse:\n    out *= 2
a, (b, *c), d = 1, (2, 3, 4), 5\nout = a, b, c, d
x: int = 5\ny: 'unknown'\nout = x
out = 'a' 'b' "c", r'\n', b'\x00', '''t'q''', 0x_ff, 1_000, 1e-3, 3j * 2
global_name = 1\ndef f():\n    global global_name\n    global_name += 1\nf()\nout = global_name
out = [[j for j in range(i)] for i in range(3)], [x for x in (y for y in 'ab')]
del out
out = undefined
def f():\n    return x\n    x = 1\nout = f()
def f():\n    y = x\n    x = 1\nf()
out = [1, 2][5]
out = {}['k']
out = int('x')
out = 'a' + 1
out = [1] + (2,)
out = 1 / 0
out = (1, 2, 3).index(9)
a, b = [1]
a, b = 1
f = 5\nf()
out = len(5)
assert 1 == 2, 'message'
out = next(iter([]))
out = 'a'.nothing
raise ValueError
for x in 5: pass
out = {[]: 1}
out = sorted([1, 'a'])
def f(a): pass\nf()
def f(a): pass\nf(1, 2)
def f(a): pass\nf(1, a=2)
def f(a): pass\nf(b=2)
out = ''.translate(3), 'ab'.translate('x' * 97 + 'yz'), chr(1).translate((None, 'q')), chr(1).translate(b'ab')
out = 'a'.translate(3)
out = 'a'.translate({97})
"""


@pytest.mark.parametrize('text', KNOWN.strip().splitlines())
def test_known_programs(text: str) -> None:
    same(text.replace('\\n', '\n') if '\\n' in text else text)


def test_in_place_union_takes_pairs_as_python_does() -> None:
    same("a = {1: 2}\na |= [(3, 4)]\na |= ''\nout = a")
    same('a = {1: 2}\na |= 5\nout = a')
