"""Programs for hypothesis: small, terminating, and of the Python that scripts have."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NUMBERS = st.one_of(
    st.integers(-20, 20).map(str),
    st.sampled_from(['0.5', '-1.5', '2.0', '1e3', 'True', 'False', '7', '10**20', "float('nan')", "float('inf')"]),
).map(lambda text: f'({text})' if text.startswith('-') else text)
TEXTS = st.sampled_from(["''", "'a'", "'ab c'", "'Zz-9'", "'x,y,,z'", "'ß\\n\\t'", "'{} {0}'", "'%s|%d'"])
NAMES = st.sampled_from(['a', 'b', 'c', 'd', 'e'])
ATOMS = st.one_of(NAMES, NAMES, NUMBERS, TEXTS, st.sampled_from(['None', '[]', '()', '{}', 'set()', 'range(5)', '...']))

BINARY = ['+', '-', '*', '/', '//', '%', '&', '|', '^', '<<', '>>']
COMPARE = ['==', '!=', '<', '<=', '>', '>=', 'in', 'not in']
CALLS = [
    'len({})', 'str({})', 'repr({})', 'int({})', 'float({})', 'bool({})', 'list({})', 'tuple({})', 'set({})', 'sum({})',
    'sorted({})', 'min({})', 'max({})', 'abs({})', 'round({})', 'any({})', 'all({})', 'dict({})', 'list(reversed({}))',
    'list(enumerate({}))', 'list(zip({}, {}))', 'list(map(str, {}))', 'list(filter(None, {}))', 'divmod({}, {})',
    'round({}, {})', 'min({}, {})', 'max({}, {}, key=str)', 'isinstance({}, int)', 'isinstance({}, (str, list))',
    'sorted({}, key=lambda x: str(x), reverse=True)', 'list(map(lambda x: (x, {}), {}))', 'frozenset({})', 'chr({})',
    'ord({})', 'hex({})', 'bin({})', 'complex({})', 'ascii({})', 'next(iter({}))', 'next(iter({}), 0)', 'callable({})',
    'format({}, ">5")', 'bytes({})', 'sum({}, [])', 'list(range({}))[:3]', 'list({})[::-1]', 'enumerate({}, 2)',
    't({})', '(t({}) < t({}) <= t({}))', '(t({}) in t({}) != t({}))', 't(t({}) and t({}) or t({}))', '(x := {})',
    '[t({}), *t({}), t({})]', '{{t({}): t({}), **t({})}}', 'args({}, *{}, x={})', 'args(*{}, **{})', '[x := {}, x]',
    '[(x := y) for y in {}]', "'{{:{{}}}}'.format({}, {})", "'%s %r' % ({}, {})", "'%5.1f' % {}",
]  # fmt: skip
METHODS = [
    '{}.upper()', '{}.split()', '{}.split(",")', '{}.strip()', '{}.replace("a", {})', '{}.join({})', '{}.find({})',
    '{}.startswith({})', '{}.center(9, "*")', '{}.zfill(6)', '{}.partition("-")', '{}.title()', '{}.format({}, 1)',
    '{}.count({})', '{}.index({})', '{}.get({})', '{}.get({}, 1)', '{}.keys()', '{}.values()', '{}.items()', '{}.copy()',
    '{}.union({})', '{}.intersection({})', '{}.difference({})', '{}.issubset({})', '{}.bit_length()', '{}.is_integer()',
    '{}.real', '{}.conjugate()', '{}.splitlines()', '{}.encode()', '{}.isdigit()', '{}.rsplit(None, 1)', '{}.expandtabs()',
    '{}.swapcase()', '{}.nothing', '{}.ljust({})', '{}.translate({})', '{}.setdefault({}, 3)',
    '{}.lstrip({})', '{}.rstrip({})', '{}.rfind({})', '{}.rindex({})', '{}.rpartition({})', '{}.rsplit({}, 1)',
    '{}.endswith({})', '{}.startswith(({}, {}))', '{}.removeprefix({})', '{}.casefold()', '{}.capitalize()',
    '{}.isdisjoint({})', '{}.issuperset({})', '{}[{}:{}]', '{}[{}:{}:{}]', '{}[{}]', '{}.symmetric_difference({})',
]  # fmt: skip
CHANGES = [
    '{}.append({})', '{}.extend({})', '{}.pop()', '{}.pop({})', '{}.insert({}, {})', '{}.remove({})', '{}.sort()',
    '{}.reverse()', '{}.clear()', '{}.update({})', '{}.add({})', '{}.discard({})', '{}.sort(key=str)',
    '{}.setdefault({}, [])', '{}.popitem()', '{}.sort(reverse=True)', '{}.difference_update({})',
]  # fmt: skip


def _filled(draw: Any, template: str, inner: Any) -> str:
    return template.format(*(draw(inner) for _ in range(template.count('{}'))))


@st.composite
def _compound(draw: Any, inner: Any) -> str:
    kind = draw(st.integers(0, 18))
    one = lambda: draw(inner)  # noqa: E731
    if kind <= 3:
        return f'({one()} {draw(st.sampled_from(BINARY))} {one()})'
    if kind <= 5:
        return f'({one()} {draw(st.sampled_from(COMPARE))} {one()})'
    if kind == 6:
        return f'({one()} < {one()} <= {one()})'
    if kind <= 9:
        return _filled(draw, draw(st.sampled_from(CALLS)), inner)
    if kind <= 11:
        return _filled(draw, draw(st.sampled_from(METHODS)), inner)
    if kind == 12:
        return f'{one()}[{draw(st.sampled_from(["0", "-1", "1:", ":2", "::2", "::-1", "1:3", "a", "b"]))}]'
    if kind == 13:
        return draw(st.sampled_from(['[{}, {}]', '({}, {})', '{{{}: {}}}', '{{{}, {}}}', '[*{}, {}]', '({},)'])).format(
            one(), one()
        )
    if kind == 14:
        return draw(
            st.sampled_from(
                [
                    '[x for x in {} if x != {}]',
                    '[(x, y) for x in {} for y in {}]',
                    '{{x: {} for x in {}}}',
                    '{{x for x in {} if {}}}',
                    'list(x for x in {} if {})',
                    '[y for x in [{}, {}] for y in x]',
                ]
            )
        ).format(one(), one())
    if kind == 15:
        spec = draw(st.sampled_from(['', '!r', ':>8', ':.2f', ':05d', '!s:*^9', ':x', ':,', ':e', ':+}|{1:', ':_', ':%', ':#x', ':+.3g', ':<6', ':=+8', ':\xe9^7', ':c', ':.1', '!a:.4', ':n', ':08.3f', ': d']))
        return f"f'{{{one().replace(chr(39), chr(34)).replace(chr(92), '')}{spec}}}'"
    if kind == 16:
        return f'({one()} if {one()} else {one()})'
    if kind == 17:
        return f'({draw(st.sampled_from(["not ", "-", "+", "~"]))}{one()})'
    return f'({one()} {draw(st.sampled_from(["and", "or"]))} {one()})'


EXPRESSIONS = st.recursive(ATOMS, lambda inner: _compound(inner), max_leaves=8)


def _indent(lines: list[str]) -> list[str]:
    return ['    ' + line for line in lines or ['pass']]


@st.composite
def statements(draw: Any, depth: int = 0, in_loop: bool = False, in_function: bool = False) -> list[str]:
    found: list[str] = []
    for _ in range(draw(st.integers(1, 3 if depth else 5))):
        kind = draw(st.integers(0, 15 if depth < 2 else 6))
        found += _statement(draw, kind, depth, in_loop, in_function)
    return found


def _statement(draw: Any, kind: int, depth: int, in_loop: bool, in_function: bool) -> list[str]:
    one = lambda: draw(EXPRESSIONS)  # noqa: E731
    name = draw(NAMES)

    def block(**changed: bool) -> list[str]:
        where = {'in_loop': in_loop, 'in_function': in_function, **changed}
        return _indent(draw(statements(depth=depth + 1, **where)))

    if kind <= 2:
        return [f'{name} = {one()}']
    if kind == 3:
        return [f'{name} {draw(st.sampled_from(["+", "-", "*", "|", "%", "//", "&"]))}= {one()}']
    if kind == 4:
        return [draw(st.sampled_from([f'{name}, *b = {one()}', f'a, b = {one()}', f'{name}[{one()}] = {one()}',
                                      f'{name}[0] += {one()}', f'del {name}[0]', f'(a, (b, c)) = {one()}',
                                      f'{name}[1:2] = {one()}', f'{name}[::2] = {one()}', f'del {name}[1:]', f'a = b = {one()}',
                                      f't({name})[t({one()})] += t({one()})', f'[a, *b, {name}] = {one()}', f'{name}[{one()}:] *= {one()}',
                                      f't({name})[t({one()})] = t({one()})']))]  # fmt: skip
    if kind == 5:
        return [_filled(draw, draw(st.sampled_from(CHANGES)), EXPRESSIONS)]
    if kind == 6:
        end = ['break', 'continue'] if in_loop else []
        end += ['return ' + one()] if in_function else []
        return [draw(st.sampled_from([*end, 'pass', f'assert {one()}', 'raise ValueError(1)', f'print({one()})']))]
    if kind <= 8:
        found = [f'if {one()}:', *block()]
        if draw(st.booleans()):
            found += [f'elif {one()}:', *block()]
        return [*found, 'else:', *block()] if draw(st.booleans()) else found
    if kind <= 10:
        found = [f'for {draw(st.sampled_from(["a", "b", "a, b", "(c, *d)"]))} in {one()}:', *block(in_loop=True)]
        return [*found, 'else:', *block()] if draw(st.booleans()) else found
    if kind == 11:
        found = ['n = 0', f'while n < {draw(st.integers(0, 4))}:', '    n += 1', *block(in_loop=True)]
        return [*found, 'else:', *block()] if draw(st.booleans()) else found
    if kind <= 13:
        caught = draw(st.sampled_from(['except Exception as e:', 'except (TypeError, ValueError):', 'except KeyError as e:',
                                       'except:', 'except ArithmeticError:']))  # fmt: skip
        found = ['try:', *block(), caught, *block()]
        if draw(st.booleans()):
            found += ['else:', *block()]
        end = draw(st.sampled_from([[], ['finally:', f'    {name} = {one()}'], ['finally:', *block()]]))
        return [*found, *end]
    if kind == 14 and draw(st.booleans()):
        # Functions in a function: what they bind is the outer one's.
        inner = _indent([f'nonlocal {name}', *draw(statements(depth=depth + 1, in_function=True)), f'return {one()}'])
        body = [f'{name} = {one()}', f'def g({draw(st.sampled_from(["", "p=1", "*p", f"p={one()}"]))}):', *inner]
        last = draw(st.sampled_from([f'return g(), {name}', f'return {name}, g(), g(), {name}', 'return [g() for _ in range(2)]',
                                     f'return (lambda: ({name}, g()))()']))  # fmt: skip
        return ['def f():', *_indent([*body, last]), f'{draw(NAMES)} = f()']
    if kind == 14:
        head = draw(st.sampled_from(['p, q=1', 'p, *rest', 'p, *, q=2', '**named', 'p=3, /, q=4', '']))
        call = draw(st.sampled_from([f'f({one()})', f'f({one()}, q={one()})', f'f(p={one()})', 'f()', f'f(*{one()})']))
        body = _indent(draw(statements(depth=depth + 1, in_loop=False, in_function=True)))
        inner = draw(st.sampled_from([[], ['    global a'], ['    x = a']]))
        return [f'def f({head}):', *inner, *body, f'{name} = {call}']
    case = draw(st.sampled_from(['[x, *y]', '(x, 1)', '1 | 2', "{'k': x}", 'int(x)', 'str()', 'x', '_', 'None', "'a'",
                                 '[]', '{}', '{**x}', '[1, _, *_]']))  # fmt: skip
    guard = draw(st.sampled_from(['', f' if {one()}']))
    return [f'match {one()}:', f'    case {case}{guard}:', *_indent(block()), '    case _:', *_indent(block())]


START = """\
def t(x):
    print(x)
    return x
def args(*given, **named): return given, named
a, b, c, d, e = 3, 'text', [1, 2.5, 'x'], {'k': 1, 2: 'v'}, (1, (2, 3))
"""
END = '\nout = (a, b, c, d, e)\n'


@st.composite
def programs(draw: Any) -> str:
    return START + '\n'.join(draw(statements())) + END
