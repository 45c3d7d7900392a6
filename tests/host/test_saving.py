"""Settings of saving, on a real server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.server


def prompt(color: int) -> dict[str, Any]:
    picture = {'width': 16, 'height': 16, 'batch_size': 2, 'color': color}
    return {
        '1': {'class_type': 'EmptyImage', 'inputs': picture},
        '2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'a b/saved'}},
    }


def info(path: Path) -> dict[Any, Any]:
    with Image.open(path) as image:
        image.load()
        return image.info


def settings(server: Any, text: str) -> None:
    (server.base / 'user' / 'comfyscript.toml').write_text(text, encoding='utf-8')


def test_settings_hold_from_the_next_prompt_on(start_server):
    server = start_server()

    settings(server, '[save]\nsidecar = true\nstyle = "keyword"\nlog = true\n')
    paths = server.images(server.queue(prompt(1)))
    assert len(paths) == 2
    for path in paths:
        script = info(path)['ComfyScript']
        assert 'color=1' in script
        assert path.with_suffix('.py').read_text(encoding='utf-8') == script
    assert 'color=1' in server.log()

    settings(server, '[save]\nredact = ["a b/\\\\w+"]\n')
    (path, _) = server.images(server.queue(prompt(2)))
    assert "SaveImage(image, '***')" in info(path)['ComfyScript']
    assert not path.with_suffix('.py').exists()

    settings(server, '[save]\nenabled = false\n')
    (path, _) = server.images(server.queue(prompt(3)))
    assert 'ComfyScript' not in info(path)
    assert 'prompt' in info(path)


def test_disable_metadata_turns_all_off(start_server):
    server = start_server(args=['--disable-metadata'])
    settings(server, '[save]\nsidecar = true\nlog = true\n')

    (path, _) = server.images(server.queue(prompt(1)))

    assert not {'ComfyScript', 'prompt'} & info(path).keys()
    assert not path.with_suffix('.py').exists()
    assert 'EmptyImage(' not in server.log()


def test_prompts_queued_at_once_have_each_their_own_script(start_server):
    server = start_server()
    colors = list(range(10, 18))
    with ThreadPoolExecutor(len(colors)) as pool:
        entries = list(pool.map(lambda color: server.queue(prompt(color)), colors))

    for color, entry in zip(colors, entries):
        for path in server.images(entry):
            assert info(path)['ComfyScript'].startswith(f'image = EmptyImage(16, 16, 2, {color})\n')


def test_with_several_users_each_prompt_is_saved_as_its_user_wants(start_server):
    server = start_server(args=['--multi-user'])
    for color, (name, style) in enumerate((('ada', 'keyword'), ('bob', 'positional'))):
        user = server.post('/users', {'username': name})
        place = server.base / 'user' / user / 'comfy.settings.json'
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps({'ComfyScript.Save.Style': style}), encoding='utf-8')
        server.headers = {'comfy-user': user}
        server.client_id = f'page of {name}'
        (path, _) = server.images(server.queue(prompt(color)))
        assert (f'color={color}' in info(path)['ComfyScript']) == (style == 'keyword')
