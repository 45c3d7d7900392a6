"""comfyscript.toml: the owner's settings for scripts."""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

import pytest

from comfy_script.interpreter import Bounds, ScriptDenied, run_script
from comfy_script.interpreter.lang.modules.extra import extra_modules
from comfy_script.interpreter.nodes.settings import Settings, parse_simple_toml, parse_toml, read_settings

TOML = """\
# a comment
[save]
sidecar = true   # another
style = 'auto'

[script]
seconds = 1_000
steps = 5
extra_modules = [
    "string",  # one
    'textwrap',
]
"""


def test_settings_of_a_file(tmp_path: Path) -> None:
    (tmp_path / 'comfyscript.toml').write_text(TOML, encoding='utf-8')
    settings = read_settings(tmp_path)
    assert settings.bounds == Bounds(seconds=1000.0, steps=5)
    assert settings.extra_modules == ('string', 'textwrap')


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()
    assert Settings().extra_modules == ()


@pytest.mark.parametrize(
    'text', ['[script', '[script]\nsteps = -1', '[script]\nunknown = 1', '[script]\nextra_modules = "os"', '\x00', 'script = 3']
)
def test_a_file_that_cannot_be_read_widens_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / 'comfyscript.toml').write_text(text, encoding='utf-8')
    assert read_settings(tmp_path) == Settings()


def test_the_small_reader_agrees_with_pythons() -> None:
    pytest.importorskip('tomllib')
    assert parse_simple_toml(TOML) == parse_toml(TOML)
    for line in ('a = 1', 'a = "x # y"', 'a = [1, 2.5, "a, b"]', 'a = []', 'a = false', '[x.y]\nb = -3', "a = 'C:\\x'"):
        assert parse_simple_toml(line) == parse_toml(line), line


def test_extra_modules_are_those_that_are_named() -> None:
    modules = extra_modules(['textwrap'])
    text = "import textwrap\nout = textwrap.indent('a', '- ')"
    assert run_script(text, modules=modules).value == '- a'
    for refused in (text, 'import os'):
        with pytest.raises(ScriptDenied):
            run_script(refused, modules=extra_modules(['string']))
    for beyond in ('textwrap.re', 'textwrap.__builtins__', 'textwrap.indent.__globals__'):
        with pytest.raises(Exception, match=r'textwrap|underscore'):
            run_script(f'import textwrap\nout = {beyond}', modules=modules)
