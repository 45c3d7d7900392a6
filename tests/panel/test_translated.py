"""What is said of scripts has words in other languages too: patterns of the English ones, in `locales/*/main.json`."""

from __future__ import annotations

import json
import re

import pytest

from comfy_script.graph import Schemas
from comfy_script.panel.service import answer
from comfy_script.tests.conftest import ROOT
from comfy_script.tests.panel.test_remarks import NODES

SCHEMAS = Schemas.parse(NODES)
LOAD = "image = Load('a.png')\n"
WRONG = [
    'x = = 1', 'x = (1', 'if 1:\nx=1', 'x = "a', 'x = """a', '  x=1', 'def f():\n    x=1\n  y=2', 'x = 1)', 'x = (1]',
    'if x\n  y=1', 'x = [1 2]', 'f(a=1, 2)', '1 = x', 'x = 09', 'import os', 'Blurr(1)', 'x = unheard_of', 'Blur()',
    f'{LOAD}Blur(image, radus=3)', f"{LOAD}Blur(image, 1, 'box', '', 5, 6)", f'{LOAD}image.foo',
    f'{LOAD}Blur(image, image=image)', 'class A: pass', 'x = eval("1")', 'open("a")', '1/0', '[1][5]', '{}["a"]',
    'len(1)', 'None.x', 'def f(a): return a\nf()', 'def f(a): return a\nf(1,2)', 'x, y = 1', 'for i in 5: pass',
    'def f(): return f()\nf()', 'a.b=1', 'with x: pass', 'async def f(): pass', 'yield 1', 'return 1', 'break',
]  # fmt: skip
REFUSED = [
    'radius takes a number, not None', 'radius takes INT, not IMAGE', 'radius is 9 at most', 'radius is 0 at least',
    "kind has no choice 'bax' (did you mean 'box'?)", "kind has no choice 'q'",
]  # fmt: skip


def words(language: str) -> dict[str, str]:
    text = (ROOT / 'locales' / language / 'main.json').read_text(encoding='utf-8')
    return json.loads(text)['comfyscript']['said']


def patterns(language: str) -> dict[str, re.Pattern[str]]:
    """As js/panel/text.mjs makes them."""
    return {english: _pattern(english) for english in words(language)}


def _pattern(english: str) -> re.Pattern[str]:
    pieces = re.split(r'\{(\w+)\}', english)
    return re.compile(''.join(f'(?P<{one}>.+?)' if index % 2 else re.escape(one) for index, one in enumerate(pieces)))


@pytest.fixture(scope='module')
def messages() -> set[str]:
    return {answer('prompt', {'script': text}, SCHEMAS)['errors'][0]['message'] for text in WRONG} | set(REFUSED)


def test_what_is_commonly_wrong_is_said_in_chinese(messages: set[str]) -> None:
    known = patterns('zh').values()
    assert {message for message in messages if not any(one.fullmatch(message) for one in known)} == set()


def test_no_pattern_is_of_something_that_is_never_said(messages: set[str]) -> None:
    rare = 'the script itself ran for more than 10 s (the time of nodes is not counted)'
    whole = {*messages, rare, "TypeError: Blur has no input 'zzz'; its inputs: []"}
    unused = [english for english, one in patterns('zh').items() if not any(map(one.fullmatch, whole))]
    assert unused == []


def test_words_keep_the_values() -> None:
    for english, own in words('zh').items():
        assert set(re.findall(r'\{\w+\}', own)) <= set(re.findall(r'\{\w+\}', english)), english
