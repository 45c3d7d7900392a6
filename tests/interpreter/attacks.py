"""Programs for hypothesis that try to get out, to hang or to crash: fragments of escapes, put together at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .escapes import attempts
from .programs import ATOMS, BINARY, CALLS, CHANGES, METHODS

NAMES = (
    'opaque frozen nested print len int str type list dict map filter sorted iter next range slice isinstance load '
    'Workflow node KSampler Checkpoints EmptyLatentImage math random itertools functools re json datetime operator '
    'torch tensor statistics time colorsys Exception ValueError StopIteration f g e x y _ __import__ eval exec open '
    'getattr object super globals vars memoryview bytearray property __builtins__ __loader__'
)
ATTRIBUTES = (
    '__class__ __bases__ __subclasses__ __globals__ __code__ __self__ __dict__ __init__ __getattribute__ mro gi_frame '
    'f_back f_globals tb_frame __traceback__ args with_traceback append format format_map join items real shape dtype '
    'device data storage numpy apply_ map_ share_memory_ secret schema node_class _namespace _call members attribute '
    'invoke implementation variables closure m state meter globals names modules partial reduce chain from_iterable '
    'compile sub groups group Random seed shuffle now strptime strftime loads dumps fromkeys maketrans from_bytes '
    'euler sampler_name value name load save hub ops clone to cpu expand repeat view item tolist zeros cat where'
)
HUGE = st.sampled_from(['10**9', '10**18', '-10**9', '2**62', '1e308', "float('nan')", "float('inf')", '10**400', '0'])
HEAD = (
    'import math, random, itertools, functools, re, json, datetime, operator, statistics, time, colorsys, torch\n'
    'tensor = torch.ones(2, 3)\n'
    'def f(*a, **k): return a[0] if a else k\n'
    'g = lambda x=1, *y: f(x)\n'
    'x, y, e = [1, "a", (2,)], {"a": 1}, ValueError("v")\n'
)

names = st.sampled_from(NAMES.split())
atoms = st.one_of(names, names, ATOMS, HUGE)


@st.composite
def _compound(draw: Any, inner: Any) -> str:
    one = lambda: draw(inner)  # noqa: E731
    kind = draw(st.integers(0, 11))
    if kind <= 2:
        return f'{one()}.{draw(st.sampled_from(ATTRIBUTES.split()))}'
    if kind <= 4:
        given = draw(st.lists(st.one_of(inner, HUGE), max_size=3))
        star = draw(st.sampled_from(['', '', '', '*', '**']))
        return f'{one()}({", ".join([*given[:-1], *(star + text for text in given[-1:])])})'
    if kind == 5:
        return f'{one()}[{draw(st.one_of(inner, st.sampled_from(["0", ":", "::-1", "..., 0", "None"])))}]'
    if kind == 6:
        return f'({one()} {draw(st.sampled_from([*BINARY, "**", "@"]))} {draw(st.one_of(inner, HUGE))})'
    if kind == 7:
        template = draw(st.sampled_from([*CALLS, *METHODS, *CHANGES]))
        return template.format(*(one() for _ in range(template.count('{}'))))
    if kind == 8:
        return f"'{{0.{draw(st.sampled_from(ATTRIBUTES.split()))}}}'.format({one()})"
    if kind == 9:
        return f'(lambda *a, **k: {one()})({one()})'
    if kind == 10:
        return f'[{one()} for x in {one()}]'
    return f'sorted({one()}, key={one()})'


expressions = st.recursive(atoms, lambda inner: _compound(inner), max_leaves=6)

TEMPLATES = [
    '{}',
    'x = {}\ny = x\n{}',
    'for x in {}:\n    {}',
    'while {}:\n    {}',
    'try:\n    {}\nexcept Exception as e:\n    {}\nfinally:\n    {}',
    'def f(a={}):\n    return {}\nf()',
    'def f(n):\n    return f({})\nf(1)',
    'x = [x, {}]\nx.append(x)\nprint(x, {})',
    'x = {}\nx[{}] = {}',
    'match {}:\n    case [x, *y]: {}\n    case _: {}',
    'x = ({},)\nfor _ in range(60):\n    x = (x, x)\nprint({})',
    'with Workflow():\n    {}',
    'del x[{}]',
    'raise {}',
    'assert {}, {}',
    'import {}',
    'x = "{}"\nx %= {}',
]


@st.composite
def attacks(draw: Any) -> str:
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(st.sampled_from(attempts()))
    if kind == 1:
        known = draw(st.sampled_from(attempts()))
        return known.replace(draw(st.sampled_from(['1', 'x', '()', "''", 'print', 'KSampler'])), draw(expressions))
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        template = draw(st.sampled_from(TEMPLATES))
        lines.append(template.format(*(draw(expressions) for _ in range(template.count('{}')))))
    return HEAD + '\n'.join(lines)
