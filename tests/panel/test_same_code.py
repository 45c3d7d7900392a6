"""Two scripts say the same if their code does, whatever names it gives, however it is laid out."""

from __future__ import annotations

import pytest

from comfy_script.panel.same_code import say_the_same, statements

SAME = [
    ('a = X(1)\nY(a)\n', '# no = Z()\n\nb = X(1)  # why\nY(b)\n'),
    ('a = X(1)\na = Y(a)\nZ(a)\n', 'a = X(1)\nb = Y(a)\nZ(b)\n'),
    ('a, b = X(1)\nY(b, a)\n', 'b, a = X(1)\nY(a, b)\n'),
    ('X(1)\nY()\n', 'a = X(1)\n# Z(a)\nY()\n'),
    ("X('a # b', name=a)\n", "X('a # b',\n  name=a)\n"),
    ("X('''one\n# two\n''')\nY()\n", "# X(\nX('''one\n# two\n''')\nY()\n"),
    ('for a in range(3):\n    X(a)\n', '# one\nfor a in range(3):\n    # Y(a)\n    X(a)\n'),
]
OTHER = [
    ('a = X(1)\nY(a)\n', 'a = X(2)\nY(a)\n'),
    ('a = X(1)\nb = X(2)\nY(a)\n', 'a = X(1)\na = X(2)\nY(a)\n'),
    ('a = X(1)\nY(a)\n', 'a = X(1)\nY(b)\n'),
    ('a = X(1)\nb = X(2)\nY(a, b)\n', 'a = X(1)\nb = X(2)\nY(b, a)\n'),
    ('X(a=1)\n', 'X(b=1)\n'),
    ("X('a # b')\n", "X('a # c')\n"),
    ('X(1)\n', 'Y(1)\n'),
    ('for a in range(3):\n    X(a)\n', 'for a in range(3):\n    pass\nX(a)\n'),
    ('a = X(1)\nfor i in range(3):\n    Y(a)\n    a = Z()\n', 'b = X(1)\nfor i in range(3):\n    Y(b)\n    b = Z()\n'),
    ('a = X(1)\nY(f"{a}")\n', 'b = X(1)\na = 1\nY(f"{a}")\n'),
    ('X(1)\nY(2)\n', 'X(1)\n'),
    ('X(1)\nY(a)\n', 'a = X(1)\nY(a)\n'),
    ('a, b = X(1)\n', 'a = X(1)\n'),
]


@pytest.mark.parametrize(('one', 'two'), SAME)
def test_same(one: str, two: str) -> None:
    assert say_the_same(one, two, {}, {})
    assert say_the_same(two, one, {}, {})


@pytest.mark.parametrize(('one', 'two'), OTHER)
def test_other(one: str, two: str) -> None:
    assert not say_the_same(one, two, {}, {})
    assert not say_the_same(two, one, {}, {})


def test_nodes_stand_in_the_same_statements() -> None:
    one, two = 'X(1)\nX(1)\n', '# Y\nX(\n  1)\nX(1)\n'
    assert say_the_same(one, two, {'1': (1, 1), '2': (2, 2)}, {'1': (2, 3), '2': (4, 4)})
    assert not say_the_same(one, two, {'1': (1, 1), '2': (2, 2)}, {'1': (4, 4), '2': (2, 3)})


def test_rows_of_statements() -> None:
    found = list(statements("a = X('''one\ntwo''',\n  3)\n\n# no\nfor b in a:\n    Y(b)  # yes\n"))
    assert [(one.first, one.last, one.indent, one.targets) for one in found] == [
        (1, 3, 0, 1),
        (6, 6, 0, 0),
        (7, 7, 4, 0),
    ]
