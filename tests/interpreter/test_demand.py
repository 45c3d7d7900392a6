"""Which calls of a script wait: those whose values nothing but a lazy input can ask for."""

from __future__ import annotations

import ast

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter.nodes.demand import waiting_calls


def _info(inputs: dict, outputs: list[str], **more: object) -> dict:
    return {'input': {'required': inputs}, 'output': outputs, 'output_name': outputs, 'category': '', **more}


LAZY = {'lazy': True}
SCHEMAS = Schemas.parse(
    {
        'Make': _info({}, ['IMAGE']),
        'Load': _info({}, ['MODEL', 'CLIP']),
        'Change': _info({'image': ['IMAGE'], 'by': ['FLOAT', {'default': 1.0}]}, ['IMAGE']),
        'Switch': _info({'no': ['IMAGE', LAZY], 'yes': ['IMAGE', LAZY], 'flag': ['BOOLEAN']}, ['IMAGE']),
        'Save': _info({'images': ['IMAGE']}, [], output_node=True),
        'Show': _info({'images': ['IMAGE']}, ['IMAGE'], output_node=True),
    }
)

WAITING = {
    'into a lazy input': ('a = Make()\nSave(Switch(a, None, True))', {1}),
    'by keyword': ('a = Make()\nSave(Switch(yes=a, flag=True))', {1}),
    'inside the call': ('Save(Switch(None, Change(Make()), True))', {1}),
    'by way of other calls': ('a = Make()\nb = Change(a)\nc = Change(image=b)\nSave(Switch(c, None, True))', {1, 2, 3}),
    'a switch behind a switch': ('a = Make()\nb = Switch(a, None, True)\nSave(Switch(b, None, True))', {1, 2}),
    'a number beside it is needed': ('a = Make()\nSave(Switch(a, None, a.mean() > 1))', set()),
    'a plain input needs it, too': ('a = Make()\nSave(Switch(a, None, True))\nSave(a)', set()),
    'another switch needs it, too': ('a = Make()\nSave(Switch(a, None, True))\nSave(Switch(None, a, True))', {1}),
    'its name is used again': ('a = Make()\nb = Make()\na = Switch(a, b, True)\nSave(a)', {1, 2}),
    'its name was another value': ('a = Make()\nprint(a)\na = Make()\nSave(Switch(a, None, True))', {3}),
    'by another name': ('a = Make()\nb = a\nSave(Switch(b, None, True))', {1}),
    'several outputs': ('m, c = Load()\nSave(Switch(m, None, True))', {1}),
    'several outputs, one is needed': ('m, c = Load()\nSave(Switch(m, None, True))\nprint(c)', set()),
    'outputs in one variable': ('a = Load()\nSave(Switch(a, None, True))', set()),
    'two calls in one statement': ('a, b = Make(), Make()\nSave(Switch(a, None, True))\nSave(b)', {1}),
    'nobody uses it': ('a = Make()\nb = Make()\nSave(Switch(b, None, True))', {2}),
    'nobody uses the switch': ('a = Make()\nb = Switch(a, None, True)', {1}),
    'an output node': ('a = Show(Make())\nSave(Switch(a, None, True))', set()),
    'the result of the script': ('out = Make()\nb = Switch(out, None, True)', set()),
    'a part of it': ('a = Make()\nSave(Switch(a[0], None, True))', set()),
    'in a list': ('a = Make()\nb = [a]\nSave(Switch(a, None, True))', set()),
    'a loop sees it': ('a = Make()\nfor i in range(3):\n    Save(Switch(a, None, True))', set()),
    'made in a loop': ('for i in range(3):\n    a = Make()\nSave(Switch(a, None, True))', set()),
    'made in a condition': ('a = None\nif 1:\n    a = Make()\nSave(Switch(a, None, True))', set()),
    'a condition binds its name': ('a = Make()\nif 1:\n    a = 1\nSave(Switch(a, None, True))', set()),
    'a try sees it': ('a = Make()\ntry:\n    Save(a)\nexcept ValueError:\n    pass\nSave(Switch(a, a, True))', set()),
    'a lambda sees it': ('a = Make()\nf = lambda: a\nSave(Switch(a, None, True))', set()),
    'a lambda before sees it': ('f = lambda: a\na = Make()\nSave(Switch(a, None, True))', set()),
    'a comprehension sees it': ('a = Make()\nx = [a for i in (1, 2)]\nSave(Switch(a, None, True))', set()),
    'a function sees it': ('a = Make()\ndef f():\n    Save(a)\nSave(Switch(a, None, True))', set()),
    'a function binds it': ('def f():\n    global a\n    a = Make()\nf()\nSave(Switch(a, None, True))', set()),
    'the node is another thing': ('Switch = print\na = Make()\nSwitch(a, None, True)', set()),
    'a parameter has the name': ('def f(Switch):\n    a = Make()\n    return Switch(a, None, True)', set()),
    'many inputs at once': ('a = Make()\nSave(Switch(*[a], yes=None, flag=True))', set()),
    'under the header': (
        'from comfy_script.runtime import *\nwith Workflow() as wf:\n    a = Make()\n    Save(Switch(a, None, True))',
        {3},
    ),
    'in a function': ('def f():\n    a = Make()\n    return Switch(a, None, True)\nSave(f())', {2}),
    'in main': ('def main():\n    a = Make()\n    b = Make()\n    return a, Switch(b, None, True)', {3}),
    'a parameter': ('def f(x):\n    return Switch(x, None, True)\na = Make()\nSave(f(a))', {3}),
    'a parameter that one call needs': (
        'def f(x, y):\n    Save(y)\n    return Switch(x, None, True)\na = Make()\nb = Make()\nSave(f(x=a, y=b))',
        {4},
    ),
    'a parameter that is changed first': (
        'def f(x):\n    y = Change(x)\n    return Switch(y, None, 1)\nSave(f(Make()))',
        {2, 4},
    ),
    'a result': ('def f():\n    a = Make()\n    return Change(a)\nb = f()\nSave(Switch(b, None, True))', {2, 3}),
    'one of two results': (
        'def f():\n    a = Make()\n    b = Make()\n    return a, b\na, b = f()\nSave(Switch(a, None, True))\nSave(b)',
        {2},
    ),
    'a result that nobody uses': (
        'def f():\n    a = Make()\n    b = Make()\n    return a, b\na, b = f()\nSave(Switch(a, None, True))',
        {2, 3},
    ),
    'no result is used': ('def f():\n    a = Make()\n    return a\na = f()\nSave(Switch(Make(), None, 1))', {5}),
    'a result that one of the callers needs': (
        'def f():\n    return Make()\na = f()\nb = f()\nSave(Switch(a, None, True))\nSave(b)',
        set(),
    ),
    'results in one variable': ('def f():\n    return Make(), Make()\na = f()\nSave(Switch(a[0], None, True))', set()),
    'the function is a value': (
        'def f():\n    return Make()\na = f()\nSave(Switch(a, None, True))\nx = [g() for g in (f,)]',
        set(),
    ),
    'a function that calls itself': (
        'def f(n, x):\n    if n:\n        f(n - 1, x)\n    return Switch(x, None, True)\na = Make()\nSave(f(2, a))',
        set(),
    ),
    'two ways to return': (
        'def f(n):\n    if n:\n        return 1\n    return Make()\na = f(1)\nSave(Switch(a, None, 1))',
        set(),
    ),
}


@pytest.mark.parametrize('name', WAITING)
def test_calls_wait(name: str) -> None:
    text, lines = WAITING[name]
    assert {call.lineno for call in waiting_calls(ast.parse(text), SCHEMAS)} == lines


def test_nothing_waits_where_no_input_is_lazy() -> None:
    assert not waiting_calls(ast.parse('a = Make()\nb = Change(a)'), SCHEMAS)
