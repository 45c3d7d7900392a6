"""What wrong uses of clients and results say: what is wrong, and what to do."""

from __future__ import annotations

import concurrent.futures
import linecache
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import comfy_script
from comfy_script.graph import ComfyScriptError
from comfy_script.runtime import Client, LoadError, ServerError, Workflow, load, util
from comfy_script.runtime.calls.running import WorkflowError
from comfy_script.runtime.client.current import find_client, set_default_client
from comfy_script.runtime.wire import notebook_errors, places
from comfy_script.runtime.wire.connection import server_error
from comfy_script.runtime.wire.results import make_result
from comfy_script.tests.runtime.client.fake import IMAGES, FakeServer


@pytest.mark.parametrize('index', [3, 1, -2])
def test_an_index_beyond_a_batch(index: int) -> None:
    async def download(file: Any) -> bytes:
        raise AssertionError(file)

    batch: Any = make_result(IMAGES, download)
    for read in (lambda: batch[index], lambda: batch.read(index)):
        with pytest.raises(IndexError, match=rf'ImageBatchResult has no \[{index}\]: of files it has one, \[0\]'):
            read()


def test_no_image_at_all_is_said_to_be_that() -> None:
    with pytest.raises(ComfyScriptError, match='given no path'):
        util.load_image_from_paths([])


def test_an_option_that_load_does_not_have(fake: FakeServer) -> None:
    with pytest.raises(TypeError, match=r"load\(\) has no option 'header' \(did you mean 'headers'\?\)"):
        load(fake.url, header={'X': '1'})
    assert fake.requests == []


@pytest.mark.parametrize('tail', ['', '/', '//', '///'])
def test_slashes_at_the_end_of_an_address(tail: str, fake: FakeServer) -> None:
    with Client(fake.url.rstrip('/') + tail) as client:
        assert 'EmptyImage' in client.schemas
        assert client.url == fake.url


@pytest.mark.parametrize('url', ['http://', 'http:///', 'https://?token=1', ''])
def test_an_address_without_a_host(url: str) -> None:
    with pytest.raises(LoadError, match='names no server'):
        Client(url)


def test_what_is_too_large_names_the_option() -> None:
    error: ServerError = server_error('POST', 'http://host/upload/image', 413, b'')
    assert '--max-upload-size' in str(error)


def test_a_file_that_is_not_here(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.png' is no file here .*LoadImage\('name\.png'\)"):
        client.upload(tmp_path / 'missing.png')


SETTINGS: dict[str, Any] = {'api_key': 'comfyui-1', 'headers': {'X': 'secret'}, 'save_source': False, 'verify': False}


@pytest.mark.parametrize('name', SETTINGS)
def test_two_clients_of_one_server_in_a_workflow(
    name: str, fake: FakeServer, make_client: Callable[..., Client]
) -> None:
    one, other = make_client(), make_client(**{name: SETTINGS[name]})
    workflow = Workflow(outputs=other.nodes.PreviewImage(one.nodes.EmptyImage(8, 8)))
    with pytest.raises(WorkflowError, match=rf'differ in {name}\. Make one Client') as raised:
        workflow.queue()
    assert 'secret' not in str(raised.value)
    assert 'comfyui-1' not in str(raised.value)


def test_two_equal_clients_in_a_workflow(fake: FakeServer, make_client: Callable[..., Client]) -> None:
    fake.auto = True
    one, other = make_client(), make_client()
    assert Workflow(outputs=other.nodes.PreviewImage(one.nodes.EmptyImage(8, 8))).queue(wait=True) is not None


# Sources


@pytest.fixture
def cell() -> Any:
    """Runs a text as a notebook's kernel does: known to `linecache` under a name that is no file."""
    names = []

    def run(text: str, **names_: Any) -> dict[str, Any]:
        filename = f'/tmp/ipykernel_1/{len(names)}.py'
        names.append(filename)
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        module = {'__name__': '__main__', **names_}
        types.FunctionType(compile(text, filename, 'exec'), module)()
        return module

    yield run
    for name in names:
        linecache.cache.pop(name)


def shown_by_ipython(output: Any) -> None:
    """As a notebook shows the value of a cell's last line: `IPython.core.formatters` calls it."""
    text = 'def show(output): output._ipython_display_()'
    module: dict[str, Any] = {'__name__': 'IPython.core.formatters'}
    filename = '/site-packages/IPython/core/formatters.py'
    linecache.cache[filename] = (len(text), None, [text], filename)
    types.FunctionType(compile(text, filename, 'exec'), module)()
    module['show'](output)
    linecache.cache.pop(filename)


def from_a_pool(output: Any) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(output.wait).result()


def by_util_from_a_pool(output: Any) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(util.save_image, output.node.inputs['images']).result()


WAYS = [shown_by_ipython, from_a_pool, by_util_from_a_pool]


@pytest.mark.parametrize('way', WAYS)
def test_images_carry_the_cell_that_made_the_nodes(
    way: Callable[[Any], None], fake: FakeServer, client: Client, cell: Any
) -> None:
    before = find_client()
    fake.auto = True
    text = "output = PreviewImage(EmptyImage(8, 8))  # the cell's own text\n"
    made = cell(text, EmptyImage=client.nodes.EmptyImage, PreviewImage=client.nodes.PreviewImage)
    try:
        # Nothing of this test is on the way: the pool's thread, or IPython's, is all there is.
        import threading

        thread = threading.Thread(target=way, args=(made['output'],))
        way.__globals__['__name__'], name = 'IPython.tests', way.__globals__['__name__']
        try:
            thread.start()
            thread.join()
        finally:
            way.__globals__['__name__'] = name
    finally:
        set_default_client(before)
    saved = fake.prompts[-1]['extra_data']['extra_pnginfo']
    assert saved['ComfyScriptSource'] == text


# Notebooks


class Compiler:
    def format_code_name(self, name: str) -> tuple[str, str] | None:
        """As `IPython.core.compilerop.CachingCompiler`."""
        return ('Cell', 'In[5]') if name == '/tmp/ipykernel_1/0.py' else None


def test_places_in_notebooks_are_cells(
    client: Client, cell: Any, monkeypatch: pytest.MonkeyPatch, fake: FakeServer
) -> None:
    monkeypatch.setattr(places, 'notebook_shell', lambda: types.SimpleNamespace(compile=Compiler()))
    made = cell('\noutput = PreviewImage(None)', PreviewImage=client.nodes.PreviewImage)
    assert repr(made['output'].node) == '<PreviewImage call at cell 5, line 2>'
    problem = {'type': 'x', 'message': 'Not so', 'details': '', 'extra_info': {}}
    entry = {'class_type': 'PreviewImage', 'errors': [problem], 'dependent_outputs': ['1']}
    fake.answer_prompt = 400, {'error': problem, 'node_errors': {'1': entry}}
    with pytest.raises(ComfyScriptError, match=r'PreviewImage \(node 1, cell 5, line 2\)'):
        made['output'].wait()


def test_errors_in_notebooks_hide_our_own_frames() -> None:
    step = None
    own: dict[str, Any] = {'__name__': 'comfy_script.runtime.x', 'Error': ComfyScriptError}
    types.FunctionType(compile('def fail(): raise Error("no")', 'own.py', 'exec'), own)()
    try:
        types.FunctionType(compile('fail()', 'cell.py', 'exec'), {'__name__': '__main__', 'fail': own['fail']})()
    except ComfyScriptError as error:
        step = notebook_errors.without_own_frames(error.__traceback__)
    files = []
    while step is not None:
        files.append(step.tb_frame.f_code.co_filename)
        step = step.tb_next
    assert files[-1] == 'cell.py'
    assert 'own.py' not in files


# Over an installed comfy-script


@pytest.mark.parametrize('left_over', ['runtime/util/__init__.py', 'astutil.py'])
def test_two_packages_in_one_folder(left_over: str, tmp_path: Path) -> None:
    root = Path(comfy_script.__file__).parent
    package = tmp_path / 'comfy_script'
    (package / 'runtime').mkdir(parents=True)
    for name in ('__init__.py', 'runtime/__init__.py'):
        (package / name).write_text((root / name).read_text(encoding='utf-8'), encoding='utf-8')
    # Neither the environment nor what is installed: the only comfy_script is this one.
    program = f'import sys; sys.path.insert(0, {str(tmp_path)!r}); import comfy_script.runtime'
    command = [sys.executable, '-I', '-S', '-c', program]
    assert subprocess.run(command, capture_output=True).returncode == 0
    (package / left_over).parent.mkdir(exist_ok=True)
    (package / left_over).write_text('', encoding='utf-8')
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1
    assert 'this one and comfy-script' in failed.stderr.splitlines()[-1]
    assert 'pip uninstall comfy-script' in failed.stderr.splitlines()[-1]
    (package / left_over).unlink()
    # What uninstalling comfy-script leaves: files that both had are gone.
    (package / '__init__.py').unlink()
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1
    assert 'install ComfyScript again' in failed.stderr.splitlines()[-1]
