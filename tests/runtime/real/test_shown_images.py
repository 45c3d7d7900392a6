"""What a notebook shows of real mode: images of nodes, and the documentation of their functions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from comfy_script.graph import as_schemas
from comfy_script.runtime.real import shown_images
from comfy_script.runtime.real.real_functions import RealNamespace


def test_the_images_that_a_node_saved_are_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / 'temp' / 'a').mkdir(parents=True)
    (tmp_path / 'temp' / 'a' / 'b.png').write_bytes(b'the image')
    shown: list[tuple[str, str]] = []
    folders = SimpleNamespace(get_directory_by_type=lambda kind: {'temp': str(tmp_path / 'temp')}.get(kind))
    monkeypatch.setattr(shown_images, 'folder_paths', lambda: folders)
    monkeypatch.setattr(shown_images, 'show_html', lambda html, plain: shown.append((html, plain)))
    there = {'filename': 'b.png', 'subfolder': 'a', 'type': 'temp'}
    others: list[Any] = [{'filename': 'gone.png', 'type': 'temp'}, {'filename': 'x.png', 'type': 'elsewhere'}, 'odd']
    shown_images.show_images('1', 'PreviewImage', {'images': [there, *others]})
    [(html, plain)] = shown
    assert 'data:image/png;base64,dGhlIGltYWdl' in html
    assert plain == 'PreviewImage: b.png'
    for ui in ({}, {'text': ['a']}, {'images': others}, {'images': None}):
        shown_images.show_images('1', 'PreviewImage', ui)
    assert len(shown) == 1


def test_functions_have_the_documentation_of_their_nodes() -> None:
    width = ['INT', {'default': 64, 'min': 16, 'max': 4096, 'tooltip': 'How wide it is.'}]
    info = {'input': {'required': {'width': width}}, 'output': ['IMAGE'], 'description': 'An image of one color.'}
    session: Any = SimpleNamespace(call=None, emit=None, host=SimpleNamespace(embeddings=()))
    nodes = RealNamespace(as_schemas({'EmptyImage': info}), session, lambda name: object)
    text = str(nodes['EmptyImage'].__doc__)
    for part in ('An image of one color.', 'How wide it is.', '4096'):
        assert part in text
