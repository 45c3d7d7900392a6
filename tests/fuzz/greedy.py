"""Scripts for the fuzzer of bounds: large values, and every function of every table with odd arguments."""

# ruff: noqa: E501
from __future__ import annotations

import random
from functools import lru_cache

from comfy_script.tests.interpreter.test_costs import functions

VALUES = {
    'str': ["'ab' * {n}", "' ' * {n}", "'a' * {n} + 'b'", "'x,' * {n}", "'9' * {m}", "'\\u0130\\xdf' * {m}"],
    'bytes': ["b'ab' * {n}"],
    'list': ['[0] * {n}', '[[]] * {n}', "['ab'] * {n}", 'list(range({n}))', '[(1, 2)] * {n}', '[2**9000] * {m}', '[[0] * {m}] * {m}'],
    'tuple': ['(0,) * {n}', 'tuple(range({n}))'],
    'dict': ['dict.fromkeys(range({n}), 0)', '{{str(i): [] for i in range({m})}}'],
    'set': ['set(range({n}))', '{{i * (2**61 - 1) for i in range(200)}}'],
    'frozenset': ['frozenset(range({n}))'],
    'range': ['range({n})', 'range(10**18)'],
    'int': ['2**9000', '-2**63', '{n}', '-1', '0', '2**62', '10**18'],
    'float': ['1e308', "float('nan')", '0.5', '-1.0'],
    'complex': ['1e300j'],
    'Tensor': [
        'torch.zeros({n})', 'torch.rand({m}, {m})', 'torch.zeros(0, 2**31)', 'torch.zeros(1, 1, 1).expand({m}, {m}, {s})',
        'torch.ones({n}, dtype=torch.int64) * -2**63', 'torch.rand({m}, {m}).half()', 'torch.zeros({s}, 3, {m}, {m})',
        'torch.zeros({n}, dtype=torch.bool)', 'torch.arange({n})', 'torch.zeros({n}, 0)', 'torch.tensor(-2**31, dtype=torch.int32)',
        'torch.rand({s}, {s}, {s}, {s}, {s})', "torch.full(({n},), float('nan'))", 'torch.rand({s}, {n})',
    ],
}  # fmt: skip
SIZES = {'n': [1000, 10**5, 10**6, 10**6, 3 * 10**6, 2 * 10**7], 'm': [10, 300, 1000, 2000], 's': [0, 1, 2, 5, 16]}
SMALL = ['0', '1', '-1', '2', '3', '16', '1000', '10**6', '10**9', '2**31', '2**62', '-2**63', '0.5', '1e308', 'None', "''",
         "'a'", '()', '[]', '(1, 1)', '[0, 1]', '(2, 2, 2)', '(10**6, 10**6)', 'True', 'str', 'len', 'lambda *a: 0',
         'lambda x: x', 'itertools.count()', 'iter(x)', 'x', 'x', 'y', 'y', 'z', '*x', '*y', 'torch.int32', 'torch.float16']  # fmt: skip
KEYWORDS = ['n', 'dim', 'repeats', 'key', 'start', 'k', 'size', 'dims', 'kernel_size', 'mode', 'rounding_mode', 'maxsplit',
            'width', 'indent', 'initial', 'weights', 'dtype', 'sections', 'repeat', 'r', 'default', 'reverse', 'keepdim',
            'diagonal', 'shifts', 'stride', 'padding', 'scale_factor', 'align_corners', 'bins', 'ord', 'other']  # fmt: skip
WORDS = ["'trunc'", "'floor'", "'bilinear'", "'nearest'", "'reflect'", "'circular'", "'ij'", "'ascii'"]
PATTERNS = [
    "'(a+)+b'",
    "'(a|a)*c'",
    "'(?:(?:(?:){1000}){1000}){1000}'",
    "'[a-z]*' * 50",
    "'(.*)(.*)(.*)\\\\1\\\\2z'",
    "'(?i)ß+'",
]
LINES = [
    'x = x + x', 'x = [x] * 10**5', 'x = (x, x)', 'y = [x for _ in range(10**6)]', 'z = x == y', 'z = x < y', 'x += y',
    'x[0] = y', 'x[y] = z', 'z = x[y]', 'z = x[:, None]', 'z = x @ y', 'z = x ** y', 'z = x // y', 'z = x % y', 'z = x * y',
    'x = str(x)', "z = f'{x!r:>1000000}'", "z = '%s' % (x,)", 'z = x in y', 'while True: x = [x, x]', 'while True: z = x + y',
    "z = re.findall({p}, 'a' * 5000)", "z = re.sub({p}, 'bb', 'ab' * 50000)", 'z = json.dumps(x)', 'z = sorted(x)',
    'z = functools.reduce(lambda a, b: a + b, x)', 'def f(*a): return f(*a, *a)\nf(x)', 'z = [*x, *y, *x]', 'z = {{**x}}',
    'del x[::2]', 'x[::2] = y', 'x.sort(key=lambda v: [v] * 1000)', 'z = x << 9000', 'z = x >> 1', 'z = ~x', 'z = -x',
    'print(x)', 'z = hash(x)', 'x = iter(x)', 'z = list(zip(x, x, x, y))', "z = x.format(*y)", 'assert x == y, x',
]  # fmt: skip
HEAD = 'import math, random, itertools, functools, re, json, operator, statistics, datetime, torch\nimport torch.nn.functional as F\n'


@lru_cache(maxsize=1)
def names() -> tuple[tuple[str, str], ...]:
    """Every function: what it is written on (a type, or nothing), and its name."""
    found = []
    for name, _ in functions():
        owner, _, rest = name.partition('.')
        if owner in VALUES and rest:
            found.append((owner, rest))
        elif not name.startswith(('time.', 'exit')):
            found.append(('', name))
    return tuple(sorted(set(found)))


def value(source: random.Random, kind: str | None = None) -> str:
    text = source.choice(VALUES[kind or source.choice(['Tensor', 'Tensor', *VALUES])])
    return text.format(**{key: source.choice(sizes) for key, sizes in SIZES.items()})


def call(source: random.Random) -> str:
    owner, name = source.choice(names())
    given = [source.choice(SMALL) for _ in range(source.choice([0, 0, 1, 1, 2, 3]))]
    if source.random() < 0.25:
        given.append(f'{source.choice(KEYWORDS)}={source.choice([*SMALL[:30], *WORDS])}')
    if name.startswith('re.') and given:
        given[0] = source.choice(PATTERNS)
    if not owner:
        if not given or source.random() < 0.5:
            given.insert(0, 'x')
        return f'{name}({", ".join(given)})'
    target = source.choice('xy') if source.random() < 0.5 else f'({value(source, owner)})'
    return f'{target}.{name}({", ".join(given)})'


def statement(source: random.Random) -> str:
    if source.random() < 0.35:
        return source.choice(LINES).replace('{p}', source.choice(PATTERNS)).replace('{{', '{').replace('}}', '}')
    text = f'{source.choice("xyz")} = {call(source)}'
    if source.random() < 0.15:
        return f'while True: {text}'
    if source.random() < 0.15:
        return f'for i in range({source.choice([10, 10**4, 10**6])}): {text}'
    return text


def greedy(source: random.Random) -> str:
    """Values, then statements with them; a failing one is passed over."""
    lines = [HEAD, 'x = y = z = 0']
    kind = source.choice([None, None, *VALUES])
    made = [f'{name} = {value(source, kind if name == "x" else None)}' for name in 'xyz']
    for text in [*made, *(statement(source) for _ in range(source.randint(1, 4)))]:
        body = '\n'.join(f'    {line}' for line in text.split('\n'))
        lines.append(f'try:\n{body}\nexcept Exception as e: pass')
    return '\n'.join(lines)
