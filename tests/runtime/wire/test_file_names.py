"""A server's names as names of files here: one rule on every system."""

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_script.runtime.wire.file_names import safe_file_name

NAMES = {
    'ComfyUI_00001_.png': 'ComfyUI_00001_.png',
    'ü 猫.png': 'ü 猫.png',
    '.hidden': '.hidden',
    '../up.png': 'up.png',
    'a\\b\\c.png': 'c.png',
    'D:evil.png': 'D_evil.png',
    'a.png:stream': 'a.png_stream',
    'a:b.png': 'a_b.png',
    'nul.png': '_nul.png',
    'CON': '_CON',
    'com1.tar.gz': '_com1.tar.gz',
    'LPT³': '_LPT³',
    'aux .png': '_aux .png',
    'console.png': 'console.png',
    'what?.png': 'what_.png',
    'a\x00b\n.png': 'a_b_.png',
    'dots. . .': 'dots',
    '..': 'file',
    '': 'file',
    'folder/': 'file',
}


@pytest.mark.parametrize(('name', 'here'), NAMES.items())
def test_names(name, here):
    assert safe_file_name(name) == here


@given(st.text(max_size=400))
def test_any_name_is_a_file_in_its_folder_on_every_system(name):
    here = safe_file_name(name)
    path = PureWindowsPath('C:\\folder', here)

    assert path.parent == PureWindowsPath('C:\\folder')
    assert path.name == here
    assert not PureWindowsPath(here).is_reserved()
    assert 0 < len(here.encode('utf-8', 'surrogatepass')) <= 201
    assert safe_file_name(here) == here


def test_a_long_name_keeps_its_suffix():
    here = safe_file_name('長' * 300 + '.png')
    assert here.endswith('長.png')
    assert len(here.encode()) <= 200
