"""No script that is saved says a secret: not in any literal, however it is written, and in no name."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.graph.redaction import redact
from comfy_script.transpiler import write_script

TEXT = ['STRING', {'multiline': True}]
SCHEMAS = Schemas.parse(
    {
        'Text': {'input': {'required': {'text': TEXT}}, 'output': ['STRING'], 'name': 'Text'},
        'Show': {'input': {'required': {'a': ['STRING', {}]}}, 'output': [], 'output_node': True, 'name': 'Show'},
    }
)
SECRETS = {
    'plain': 'sk-abcdef123456',
    'single quotes': "it's my'secret",
    'double quotes': 'a"secret"here',
    'both quotes': """s'e"c'r"e't"s""",
    'three quotes': 'a\'\'\'b"""c-secret',
    'backslashes': 'pass\\word\\9',
    'ends with one': 'ends-with-\\',
    'lines': 'line-one\nline-two',
    'tab': 'tab\tsecret9',
    'long': 'w' * 40 + ' ' + 'x' * 60 + ' ' + 'y' * 50,
    'many words': ' '.join(f'word{number}' for number in range(40)),
    'other letters': 'gehe\u0131m-\u00e9-\u7dd1xyz',
    'invisible': 'sk-ab\u200bcdef9876',
    'braces': '{se|cret}{{9}}',
    'dollar': 'pa$$w0rd$HOME',
    'emoji': 'pass\U0001f600word',
    'percent': '%date:yyyy%secret',
    'uuid': '0f8fad5b-d9cb-469f-a165-70867728950e',
}


def given(value: Any, title: str = '', class_type: str = 'Text') -> dict[str, Any]:
    return {
        '1': {'class_type': class_type, 'inputs': {'text': value}, '_meta': {'title': title}},
        '2': {'class_type': 'Show', 'inputs': {'a': ['1', 0]}},
    }


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    'a value': given,
    'inside of one': lambda secret: given(f'before {secret} after'),
    'broken over lines': lambda secret: given('first line\n' + 'some words ' * 12 + secret + '\nlast'),
    'with an invisible letter': lambda secret: given(f'{secret[:4]}\u200b{secret[4:]}'),
    'in a list': lambda secret: given({'__value__': [1, secret]}),
    'in an object': lambda secret: given({'key': secret}, class_type='Unknown'),
    'quoted': lambda secret: given(f'"{secret}"'),
    'in an address': lambda secret: given(f'url?key={secret}&a=1'),
    'a title': lambda secret: given('x', secret),
    'in a title': lambda secret: given('x', f'My {secret}'),
}


def bare(text: str) -> str:
    return re.sub(r'[\W_]', '', text).lower()


@pytest.mark.parametrize('place', PLACES)
@pytest.mark.parametrize('name', SECRETS)
def test_no_script_says_a_secret(name: str, place: str) -> None:
    secret = SECRETS[name]
    text = redact(write_script(PLACES[place](secret), schemas=SCHEMAS).text, [secret])
    assert secret not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert secret.replace('\u200b', '') not in node.value.replace('\u200b', '')
        elif isinstance(node, ast.Name) and len(bare(secret)) >= 8:
            assert bare(secret)[:60] not in bare(node.id)


@pytest.mark.parametrize('text', ['x = 1', "a = Text('b')  # c\n", 'not a script (', "f'{x}'"])
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert redact(text, ['a-secret-key']) == text
    assert redact(text, [], ['sk-[0-9]+']) == text
