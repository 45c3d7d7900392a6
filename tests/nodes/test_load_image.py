"""`LoadImageFromPath` opens images in ComfyUI's folders and nothing else."""

# ruff: noqa: E501
from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from comfy_script.nodes.load_image import PathRefused, resolve_image


@pytest.fixture
def folders(tmp_path: Path) -> SimpleNamespace:
    for name in ('input', 'output', 'temp', 'input/sub', 'inputs'):
        (tmp_path / name).mkdir()
    for name in ('input/a.png', 'input/sub/b.PNG', 'output/c.webp', 'temp/d.jpg', 'secret.png', 'inputs/e.png', 'input/f.txt'):
        (tmp_path / name).write_bytes(b'x')
    return SimpleNamespace(get_directory_by_type=lambda kind: str(tmp_path / kind), root=tmp_path)


@pytest.mark.parametrize('text', ['a.png', 'sub/b.PNG', 'c.webp [output]', 'd.jpg [temp]', ' a.png [input] ', 'sub/../a.png'])
def test_images_inside(text: str, folders: SimpleNamespace) -> None:
    assert resolve_image(text, folders).is_file()


def test_a_windows_path_and_an_absolute_one_inside(folders: SimpleNamespace) -> None:
    assert resolve_image('sub\\b.PNG', folders).name == 'b.PNG'
    assert resolve_image(str(folders.root / 'input' / 'a.png'), folders).name == 'a.png'


@pytest.mark.parametrize(
    'text',
    ['../secret.png', '..\\secret.png', '/etc/passwd', '../inputs/e.png', 'sub/../../secret.png', 'f.txt', '', 'sub', 'no.png',
     'a.png [user]', '../secret.png [output]', 'a.png\0', '~/x.png', '../input/../secret.png [temp]', '.', '..', 'ABSOLUTE'],
)  # fmt: skip
def test_everything_else_is_refused(text: str, folders: SimpleNamespace) -> None:
    text = str(folders.root / 'secret.png') if text == 'ABSOLUTE' else text
    with pytest.raises(PathRefused):
        resolve_image(text, folders)


def test_links_out_of_the_folder_are_refused(folders: SimpleNamespace) -> None:
    try:
        os.symlink(folders.root / 'secret.png', folders.root / 'input' / 'link.png')
    except OSError:
        pytest.skip('no symbolic links here')
    with pytest.raises(PathRefused):
        resolve_image('link.png', folders)
