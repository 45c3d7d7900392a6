from __future__ import annotations

from datetime import datetime
from random import Random

import pytest

from comfy_script.transpiler.queue_time import fill_placeholders, format_date, pick_dynamic_prompt, rewrite_prompt

INFO = {
    'Encode': {'input': {'required': {'text': ['STRING', {'dynamicPrompts': True}], 'raw': ['STRING', {}]}}},
}


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('a cat', 'a cat'),
        ('a {red} cat', 'a red cat'),
        ('a cat // sleeping\non a mat', 'a cat \non a mat'),
        ('a /* big\n black */ cat', 'a  cat'),
        (r'a \{literal\|brace\}', 'a {literal|brace}'),
        ('{a {b}}', 'a b'),
        ('open {a', 'open a'),
        ('}', '}'),
        ('{}', ''),
        ('', ''),
    ],
)
def test_texts_without_a_choice(text: str, expected: str) -> None:
    assert pick_dynamic_prompt(text, Random(1)) == expected


def test_a_seed_makes_the_choice_again() -> None:
    text = '{a|b|c} {d|e {f|g}|h}'
    picked = {pick_dynamic_prompt(text, Random(seed)) for seed in range(100)}
    assert picked == {f'{one} {two}' for one in 'abc' for two in ('d', 'e f', 'e g', 'h')}
    assert pick_dynamic_prompt(text, Random(5)) == pick_dynamic_prompt(text, Random(5))


def test_deep_nesting_ends() -> None:
    assert len(pick_dynamic_prompt('{' * 5000 + 'x' + '}' * 5000, Random(0))) < 20_000


def test_dates() -> None:
    now = datetime(2026, 3, 4, 5, 6, 7)
    assert format_date('yyyy-MM-dd hh:mm:ss yy M d', now) == '2026-03-04 05:06:07 26 3 4'


def test_placeholders_name_nodes_by_type_or_title() -> None:
    prompt = {
        '1': {'class_type': 'KSampler', 'inputs': {'seed': 5, 'name': 'a/b', 'link': ['2', 0]}},
        '2': {'class_type': 'Other', 'inputs': {'x': True}, '_meta': {'title': 'Mine'}},
    }
    text = '%KSampler.seed%_%KSampler.name%_%Mine.x%_%None.x%_%KSampler.link%_%date:yyyy%_%width%'
    expected = '5_a_b_true_%None.x%_%KSampler.link%_2026_%width%'
    assert fill_placeholders(text, prompt, datetime(2026, 1, 1)) == expected


def test_only_what_the_web_ui_rewrites_is_rewritten() -> None:
    prompt = {
        '1': {'class_type': 'Encode', 'inputs': {'text': '{a}', 'raw': '{a}'}},
        '2:1': {'class_type': 'Encode', 'inputs': {'text': '{a}', 'raw': ['1', 0]}},
        '3': {'class_type': 'SaveImage', 'inputs': {'filename_prefix': '%date:yyyy%'}},
        '4': {'class_type': 'Other', 'inputs': {'filename_prefix': '%date:yyyy%', 'text': '{a}'}},
    }
    rewritten = rewrite_prompt(prompt, INFO, now=datetime(2026, 1, 1), promoted={('2:1', 'text')})
    assert rewritten['1']['inputs'] == {'text': 'a', 'raw': '{a}'}
    assert rewritten['2:1']['inputs'] == {'text': '{a}', 'raw': ['1', 0]}
    assert rewritten['3']['inputs'] == {'filename_prefix': '2026'}
    assert rewritten['4'] == prompt['4']
    assert prompt['1']['inputs']['text'] == '{a}'
