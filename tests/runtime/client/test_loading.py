"""`load()`: which ComfyUI is chosen, and what is said where there is none."""

from __future__ import annotations

import asyncio
import json
import linecache
import re
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.comfyui.checkout import is_comfyui
from comfy_script.runtime import (
    Client,
    ComfyUIArgs,
    LoadError,
    NotLoadedError,
    OfflineError,
    PromptRefusedError,
    ServerError,
    load,
    queue,
    util,
)
from comfy_script.runtime.calls.sites import find_source
from comfy_script.runtime.client import load as loading
from comfy_script.runtime.client.current import default_client, find_client, set_default_client
from comfy_script.tests.runtime.client.fake import OBJECT_INFO, PROMPT, FakeServer


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    before = find_client()
    set_default_client(None)
    yield
    set_default_client(before)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No server on the usual port, and no ComfyUI to start."""
    monkeypatch.setattr(loading, 'DEFAULT_URL', 'http://127.0.0.1:9/')
    monkeypatch.setattr(loading, 'installed_in', lambda: None)
    monkeypatch.delenv('COMFYUI_PATH', raising=False)


def test_nothing_found_lists_what_was_tried(nowhere: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(LoadError) as caught:
        load()
    text = str(caught.value)
    assert 'http://127.0.0.1:9/: no server there' in text
    assert '$COMFYUI_PATH: not set' in text
    assert 'not installed in ComfyUI/custom_nodes' in text
    assert "load('http://host:port/')" in text
    monkeypatch.setenv('COMFYUI_PATH', str(tmp_path / 'missing'))
    with pytest.raises(LoadError, match=r'\$COMFYUI_PATH \(.*missing\): no ComfyUI there'):
        load()
    assert find_client() is None


def test_something_else_on_the_usual_port(nowhere: None, monkeypatch: pytest.MonkeyPatch, fake: FakeServer) -> None:
    monkeypatch.setattr(loading, 'DEFAULT_URL', fake.url + 'other/')
    with pytest.raises(LoadError, match='answers, but not as ComfyUI does'):
        load()


def test_the_usual_port(nowhere: None, monkeypatch: pytest.MonkeyPatch, fake: FakeServer) -> None:
    monkeypatch.setattr(loading, 'DEFAULT_URL', fake.url)
    client = load(stubs=False)
    assert default_client() is client
    assert client.url == fake.url
    assert queue.client is client
    assert client.queue is queue
    client.close()


def test_a_url_and_options(fake: FakeServer) -> None:
    client = load(fake.url, headers={'X-Token': 'abc'}, save_source=False, api_key='key', stubs=False)
    assert fake.requests[-1][2]['X-Token'] == 'abc'
    fake.auto = True
    client.submit(PROMPT, extra_data={'extra_pnginfo': {'mine': 1}}).wait(5)
    sent = fake.prompts[-1]
    assert sent['extra_data'] == {'extra_pnginfo': {'mine': 1}, 'api_key_comfy_org': 'key'}
    client.close()


def test_loading_again_reads_the_lists_again(fake: FakeServer) -> None:
    client = load(fake.url, stubs=False)
    held = client.nodes.EmptyImage
    fake.object_info['Another'] = {**OBJECT_INFO['EmptyImage'], 'name': 'Another'}
    assert load(fake.url, stubs=False) is client
    assert 'Another' in client.schemas
    assert client.nodes.Another is not None
    assert held is client.nodes.EmptyImage
    other = load(fake.url, headers={'X-Token': 'abc'}, stubs=False)
    assert other is not client
    for each in client, other:
        each.close()


def test_the_script_and_the_workflow_go_along(fake: FakeServer) -> None:
    fake.auto = True
    with Client(fake.url) as client:
        client.submit(PROMPT, workflow=lambda: {'nodes': []}).wait(5)
        saved = fake.prompts[-1]['extra_data']['extra_pnginfo']
        assert saved['workflow'] == {'nodes': []}
        assert 'def test_the_script_and_the_workflow_go_along' in saved['ComfyScriptSource']
        asyncio.run(client._submit(PROMPT))
        saved = fake.prompts[-1]['extra_data']['extra_pnginfo']
        assert 'def test_the_script_and_the_workflow_go_along' in saved['ComfyScriptSource']
        assert 'workflow' not in saved
        client.submit(PROMPT, source='mine').wait(5)
        assert fake.prompts[-1]['extra_data']['extra_pnginfo'] == {'ComfyScriptSource': 'mine'}


@pytest.mark.parametrize(
    ('options', 'text', 'saved'),
    [
        ({'api_key': 'comfyui-1'}, "load(api_key='comfyui-1')", "load(api_key='***')"),
        ({'auth_token': 'token-12'}, "TOKEN = 'token-12'", "TOKEN = '***'"),
        ({'auth': ('me', 'abc')}, "auth=('me', 'abc'), text='abcd, me'", "auth=('me', '***'), text='abcd, me'"),
        ({'headers': {'Authorization': 'Bearer secret-1'}}, "'Bearer ' + 'secret-1'", "'Bearer ' + '***'"),
        ({'headers': {'X-Key': 'key\\word'}}, r"'key\\word', r'key\word'", "'***', r'***'"),
        ({'cookies': {'session': '1'}}, 'cookies={"session": "1"}, seed=1', 'cookies={"session": "***"}, seed=1'),
    ],
)
def test_credentials_are_not_saved_in_images(options: Any, text: str, saved: str, fake: FakeServer) -> None:
    fake.auto = True
    with Client(fake.url, **options) as client:
        client.submit(PROMPT, source=text)
    assert fake.prompts[-1]['extra_data']['extra_pnginfo'] == {'ComfyScriptSource': saved}


def test_credentials_in_an_address_are_not_saved_in_images(fake: FakeServer) -> None:
    fake.auto = True
    url = fake.url.replace('//', '//me:word@') + '?token=t0'
    with Client(url) as client:
        client.submit(PROMPT, source=f'load({url!r})')
    told = fake.prompts[-1]['extra_data']['extra_pnginfo']['ComfyScriptSource']
    assert told == f'load({fake.url.replace("//", "//me:***@") + "?token=***"!r})'


def test_source_of_a_caller() -> None:
    source = find_source()
    assert source is not None
    assert 'def test_source_of_a_caller' in source


def test_what_util_runs_is_the_scripts(fake: FakeServer) -> None:
    """An error names the script's line, a saved image has its text and the graph; on the background loop, too."""
    fake.auto = True
    client = load(fake.url, stubs=False)
    image = client.nodes.EmptyImage(8, 8)
    util.save_image(image)
    util.save_image(client.nodes.EmptyImage(8, 9))
    for prompt in fake.prompts:
        saved = prompt['extra_data']['extra_pnginfo']
        assert 'def test_what_util_runs_is_the_scripts' in saved['ComfyScriptSource']
        assert [node['type'] for node in saved['workflow']['nodes']] == ['EmptyImage', 'SaveImage']
    problem = {'type': 'x', 'message': 'Not so', 'details': '', 'extra_info': {}}
    refused = {'class_type': 'SaveImage', 'errors': [problem], 'dependent_outputs': ['2']}
    fake.answer_prompt = 400, {'error': problem, 'node_errors': {'2': refused}}

    async def at_once() -> None:
        await asyncio.gather(util._save_image(image))

    here = sys._getframe().f_lineno
    for call in (lambda: util.save_image(image), lambda: asyncio.run(at_once())):
        with pytest.raises(PromptRefusedError) as caught:
            call()
        (found,) = caught.value.problems
        assert found.origin is not None
        assert Path(found.origin.file) == Path(__file__)
        assert found.origin.line - here in (1, 3)


def test_masks_of_different_images(fake: FakeServer) -> None:
    """Each has a name of its own. For an image that is not there the server would answer as if all was well."""
    pytest.importorskip('PIL')
    from PIL import Image

    white, black = Image.new('L', (8, 8), 255), Image.new('L', (8, 8), 0)
    fake.files['b.png'] = b'file b'
    with Client(fake.url) as client:
        names = [client.upload_mask(mask, name) for mask in (white, black) for name in ('a.png', 'b.png')]
        assert len(set(names)) == 4
        assert client.upload_mask(white, 'a.png') == names[0]
        assert client.upload_mask(white, 'a.png', 'mine.png') == 'mine.png'
        with pytest.raises(ServerError, match=r"no image 'missing\.png' .* upload it first"):
            client.upload_mask(white, 'missing.png')


@pytest.mark.parametrize(
    ('name', 'filename', 'is_script'),
    [
        ('loop', '/home/me/site-packages/tornado/loop.py', False),
        ('asyncio.loop', 'asyncio/loop.py', False),
        ('asyncio.loop', str(Path(__file__).with_name('loop.py')), True),
        ('__main__', 'loop.py', True),
    ],
)
def test_what_runs_the_loop_is_no_script(name: str, filename: str, is_script: bool, fake: FakeServer) -> None:
    """Tornado, say, in a notebook's kernel: above what a loop calls back there is no script, or it runs the loop."""
    fake.auto = True
    client = load(fake.url, stubs=False)
    output = client.nodes.PreviewImage(client.nodes.EmptyImage(8, 8))

    async def main() -> None:
        await asyncio.gather(output)

    text = 'asyncio.run(main())'
    linecache.cache[filename] = (len(text), None, [text], filename)
    code = compile(text, filename, 'exec')
    run = types.FunctionType(code, {'asyncio': asyncio, 'main': main, '__name__': name})
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    del linecache.cache[filename]
    saved = fake.prompts[-1]['extra_data']['extra_pnginfo']['ComfyScriptSource']
    # Else it is the text of the script that made the nodes.
    assert saved == (text if is_script else Path(__file__).read_text(encoding='utf-8'))


def test_a_server_that_runs_has_loaded_its_packs_already(fake: FakeServer, tmp_path: Path) -> None:
    for given in (fake.url, Client(fake.url)):
        with pytest.raises(LoadError, match='packs= chooses what a ComfyUI loads that is started here'):
            load(given, packs=['mine'], stubs=False)
    for name in ('main.py', 'execution.py', 'folder_paths.py', 'comfy'):
        (tmp_path / name).touch()
    with pytest.raises(LoadError, match="custom_nodes has no pack 'mine'"):
        load(tmp_path, packs=['mine'], stubs=False)


def test_async_load_and_a_client_object(fake: FakeServer) -> None:
    client = Client(fake.url)
    assert asyncio.run(loading._load(client, stubs=False)) is client
    assert find_client() is client
    client.close()


def test_offline(tmp_path: Path) -> None:
    file = tmp_path / 'object_info.json'
    file.write_text(json.dumps(OBJECT_INFO), encoding='utf-8')
    client = load(object_info=file, stubs=False)
    assert list(client.schemas) == list(OBJECT_INFO)
    assert client.embeddings == ()
    with pytest.raises(OfflineError, match='call load'):
        client.submit(PROMPT)
    with pytest.raises(OfflineError):
        queue.cancel_all()
    assert repr(client) == '<Client offline>'
    file.write_text('[]', encoding='utf-8')
    with pytest.raises(LoadError, match=r'object_info.json is no saved /object_info'):
        load(object_info=file)


def test_before_load() -> None:
    for call in (default_client, queue.cancel_all, lambda: queue.put([])):
        with pytest.raises(NotLoadedError, match=r'call load\(\)'):
            call()
    assert queue.tasks == []
    assert queue.queue_remaining == 0


@pytest.mark.parametrize(
    ('text', 'is_url'),
    [
        ('http://host/', True),
        ('localhost', True),
        ('localhost:8188', True),
        ('127.0.0.1:8188', True),
        ('my.host:8188/prefix', True),
        ('[::1]:8188', True),
        ('ComfyUI', False),
        ('C:\\ComfyUI', False),
        ('/home/me/ComfyUI', False),
        (Path('a:1'), False),
    ],
)
def test_urls_and_paths(text: Any, is_url: bool) -> None:
    assert loading._is_url(text) is is_url


def test_a_folder_that_is_no_comfyui(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r'is no ComfyUI folder: it has no main.py'):
        load(tmp_path)
    with pytest.raises(LoadError, match='it does not exist'):
        load(str(tmp_path / 'missing'))
    assert not is_comfyui(tmp_path)
    for name in ('main.py', 'execution.py', 'folder_paths.py'):
        (tmp_path / 'ComfyUI/custom_nodes').mkdir(parents=True, exist_ok=True)
        (tmp_path / 'ComfyUI' / name).touch()
    (tmp_path / 'ComfyUI/comfy').mkdir()
    for inside in (tmp_path, tmp_path / 'ComfyUI/custom_nodes'):
        with pytest.raises(LoadError, match=re.escape(f'did you mean {tmp_path / "ComfyUI"}?')):
            load(inside)


@pytest.mark.parametrize(
    ('comfyui', 'error', 'message'),
    [
        ('ws://host:8188/', LoadError, 'begin with http:// or https://'),
        ('no-such-host', LoadError, "'no-such-host' is neither a folder here nor the URL of a server"),
        (8188, TypeError, r'load\(\) takes the URL of a server, .* not 8188'),
    ],
)
def test_what_is_neither_a_server_nor_a_folder(comfyui: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load(comfyui)


def test_arguments_of_another_kind_are_told_how_they_are_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"ComfyUIArgs\('--cpu'"):
        load(tmp_path, '--cpu')  # pyright: ignore[reportArgumentType]


def test_arguments() -> None:
    args = ComfyUIArgs('--cpu', '--port', '1234', '--listen=0.0.0.0')
    assert args.to_argv() == ['--cpu', '--port', '1234', '--listen=0.0.0.0']
    assert args.value_of('--port') == '1234'
    assert args.value_of('--listen') == '0.0.0.0'
    assert args.value_of('--cpu') == '--port'
    assert args.value_of('--missing') is None
    assert args == ComfyUIArgs('--cpu', '--port', '1234', '--listen=0.0.0.0')
    with pytest.raises(TypeError):
        ComfyUIArgs(['--cpu'])  # type: ignore[arg-type]
