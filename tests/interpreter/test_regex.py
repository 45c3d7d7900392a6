"""`re` in scripts means what it means in Python, and no pattern takes long to read."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from comfy_script.interpreter import ScriptLimit

from .conftest import value_of

LETTERS = (
    'kK\u212asS\u017f\xdf\u1e9e\u03c3\u03c2\u03a3iI\u0130\u0131'
    '\xe5\xc5\u212b\u01c4\u01c5\u01c6\xb5\u03bc\u039c\xff\u0178\ufb05\ufb06\U00010400\U00010428aZ1_'
)
FORMS = ['{}', '[{}]', '[^{}]', '[{}-{}]', '[\\d{}]', '({})\\1']


@pytest.mark.parametrize('flags', ['re.I', 're.I | re.A', '0'])
@pytest.mark.parametrize('form', FORMS)
def test_letters_of_either_case_are_those_that_python_means(form: str, flags: str) -> None:
    # Python's own sets do otherwise beyond 16 bits: `[\\d\U00010400]` does not match that letter.
    letters = [letter for letter in LETTERS if letter < '\U00010000' or '[' not in form]
    patterns = [form.replace('{}', letter) for letter in letters]
    texts = [*letters, *map(''.join, itertools.product(letters, repeat=2))] if '1' in form else letters
    given: dict[str, Any] = {'patterns': patterns, 'texts': texts}
    found = value_of(
        f'import re\nout = [[re.fullmatch(p, t, {flags}) is not None for t in texts] for p in patterns]', inputs=given
    )
    wanted = [[re.fullmatch(p, t, eval(flags)) is not None for t in texts] for p in patterns]
    assert found == wanted


@pytest.mark.parametrize('wide', ['[\\x00-\\uffff]', '[a-z\\U00010000-\\U0001ffff]'])
def test_ranges_of_letters_of_either_case(wide: str) -> None:
    given: dict[str, Any] = {'p': wide, 'texts': list(LETTERS)}
    found = value_of('import re\nout = [re.match(p, t, re.I) is not None for t in texts]', inputs=given)
    assert found == [re.match(wide, t, re.I) is not None for t in LETTERS]


@pytest.mark.parametrize(
    'pattern',
    [
        '(?:(?:(?:(?:){1000}){1000}){1000}){1000}',
        '(?:(?:(?:(?:){0,1000}){0,1000}){0,1000}){0,1000}',
        '(?:(?:(?:(?=){1000}){1000}){1000})*',
        '(?:(?:(?:(?:){900}){900}?){900}){900}a',
        '(?<=(?:(?:(?:){1000}){1000}){1000})',
        '((a{1000}){1000}){1000}',
        '(?:(?:(?:(?:ab|){500}){500}){500})',
    ],
)
def test_repetitions_of_nothing_are_counted(pattern: str) -> None:
    with pytest.raises(ScriptLimit):
        value_of('import re\nre.compile(p)', inputs={'p': pattern})
