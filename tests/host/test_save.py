"""The hook that gives each saving node its script: it never changes what ComfyUI does."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image, PngImagePlugin

from comfy_script.graph import Schemas
from comfy_script.host import after_saving, png_text, save, users
from comfy_script.host.preferences import Preferences, SaveSettings


class Saver:
    """Saves, and gets metadata."""

    OUTPUT_NODE = True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            'required': {'images': ('IMAGE',), 'filename_prefix': ('STRING', {'default': 'ComfyUI'})},
            'hidden': {'prompt': 'PROMPT', 'extra_pnginfo': 'EXTRA_PNGINFO'},
        }


class PackSaver(Saver):
    RELATIVE_PYTHON_MODULE = 'custom_nodes.some-pack'


class Loader:
    """No output node."""

    RETURN_TYPES = ('IMAGE',)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {'required': {'path': ('STRING', {})}, 'hidden': {'extra_pnginfo': 'EXTRA_PNGINFO'}}


class Show:
    """An output node that wants no metadata."""

    OUTPUT_NODE = True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {'required': {'text': ('STRING', {})}}


PROMPT = {
    '1': {'class_type': 'Loader', 'inputs': {'path': 'a.png'}},
    '2': {'class_type': 'Loader', 'inputs': {'path': 'b.png'}},
    '3': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'one'}},
    '4': {'class_type': 'SaveImage', 'inputs': {'images': ['2', 0], 'filename_prefix': 'two'}},
}
WORKFLOW = {'nodes': [], 'links': [], 'version': 0.4}


class DynamicPrompt:
    """ComfyUI `comfy_execution/graph.py`."""

    def __init__(self, ephemeral: dict[str, Any] | None = None) -> None:
        self.ephemeral = ephemeral or {}

    def get_original_prompt(self) -> dict[str, Any]:
        return PROMPT

    def has_node(self, node_id: str) -> bool:
        return node_id in PROMPT or node_id in self.ephemeral

    def get_node(self, node_id: str) -> dict[str, Any]:
        return self.ephemeral.get(node_id) or PROMPT[node_id]


def get_input_data(inputs, class_def, unique_id, execution_list=None, dynprompt=None, extra_data={}):  # noqa: B006
    """The part of ComfyUI's function that matters: it hands out `extra_pnginfo`."""
    return {'extra_pnginfo': [extra_data.get('extra_pnginfo', None)]}, {}, {}


def schemas() -> Schemas:
    return Schemas.of_classes({'SaveImage': Saver, 'Loader': Loader, 'Show': Show})


def png_info(
    node_class: Any,
    node_id: str,
    extra: Any,
    *,
    dynprompt: Any = None,
    writer: Any = None,
    settings: SaveSettings = SaveSettings(),  # noqa: B008
) -> Any:
    """What a node gets as EXTRA_PNGINFO."""
    hook = save.SaveHook(writer or save.ScriptWriter(schemas), lambda user: settings)
    hooked = save.with_scripts(get_input_data, hook)
    inputs = PROMPT.get(node_id, {}).get('inputs', {})
    result, _, _ = hooked(inputs, node_class, node_id, object(), dynprompt or DynamicPrompt(), extra)
    return result['extra_pnginfo'][0]


def test_each_saver_gets_the_script_of_its_own_nodes():
    extra = {'extra_pnginfo': {'workflow': WORKFLOW}}

    first, second = png_info(Saver, '3', extra), png_info(Saver, '4', extra)

    assert first['ComfyScript'] == "image = Loader('a.png')\nSaveImage(image, 'one')\n"
    assert second['ComfyScript'] == "image = Loader('b.png')\nSaveImage(image, 'two')\n"


def test_what_others_see_is_not_changed():
    extra = {'extra_pnginfo': {'workflow': WORKFLOW, 'other': 1}}

    got = png_info(Saver, '3', extra)

    assert extra == {'extra_pnginfo': {'workflow': WORKFLOW, 'other': 1}}
    assert got['workflow'] is WORKFLOW
    assert list(got) == ['workflow', 'other', 'ComfyScript']


def test_a_script_that_is_there_already_stays():
    extra_pnginfo = {'ComfyScript': '# written by real mode', 'workflow': WORKFLOW}

    assert png_info(Saver, '3', {'extra_pnginfo': extra_pnginfo}) == extra_pnginfo


@pytest.mark.parametrize('node_class', [Loader, Show])
def test_nodes_that_save_nothing_get_the_very_same(node_class):
    extra_pnginfo = {'workflow': WORKFLOW}

    assert png_info(node_class, '3', {'extra_pnginfo': extra_pnginfo}) is extra_pnginfo


def test_a_prompt_without_workflow_has_a_script_in_core_savers_only():
    assert 'ComfyScript' in png_info(Saver, '3', {})
    # Packs read extra_pnginfo['workflow'] without asking.
    assert png_info(PackSaver, '3', {}) is None


def test_savers_of_packs_get_what_they_would_get_without_us():
    extra_pnginfo = {'workflow': WORKFLOW, 'other': 1}
    assert png_info(PackSaver, '3', {'extra_pnginfo': extra_pnginfo}) is extra_pnginfo
    # Our clients and real mode put keys of ours in.
    ours = {'ComfyScript': 'x', 'ComfyScriptSource': 'y'}
    assert png_info(PackSaver, '3', {'extra_pnginfo': {**extra_pnginfo, **ours}}) == extra_pnginfo


def test_a_node_of_comfyui_that_nobody_has_tried_is_left_alone(monkeypatch):
    monkeypatch.setitem(PROMPT, '3', {**PROMPT['3'], 'class_type': 'SaveSomethingNew'})
    extra_pnginfo = {'workflow': WORKFLOW}
    assert png_info(Saver, '3', {'extra_pnginfo': extra_pnginfo}) is extra_pnginfo


def test_a_node_that_another_expanded_to_has_the_script_of_what_it_needs_there():
    inner = {
        '3.0.0.1': {'class_type': 'SaveImage', 'inputs': {'images': ['3.0.0.2', 0], 'filename_prefix': 'inner'}},
        '3.0.0.2': {'class_type': 'Loader', 'inputs': {'path': 'c.png'}},
        '3.0.0.3': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'outer'}},
    }

    def script(node_id):
        return png_info(Saver, node_id, {}, dynprompt=DynamicPrompt(inner))['ComfyScript']

    assert script('3.0.0.1') == "image = Loader('c.png')\nSaveImage(image, 'inner')\n"
    assert script('3.0.0.3') == "image = Loader('a.png')\nSaveImage(image, 'outer')\n"
    assert png_info(Saver, 'nowhere', {}) is None


def test_validation_is_left_alone():
    writer = save.ScriptWriter(lambda: pytest.fail('no need for schemas'))
    hooked = save.with_scripts(get_input_data, save.SaveHook(writer))

    assert hooked({}, Saver, '3') == ({'extra_pnginfo': [None]}, {}, {})


def test_a_failure_changes_nothing_and_is_said_once(caplog, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError('broken on purpose')

    monkeypatch.setattr('comfy_script.transpiler.write_script', fail)
    writer = save.ScriptWriter(schemas)
    extra_pnginfo = {'workflow': WORKFLOW}

    for node_id in ('3', '4'):
        assert png_info(Saver, node_id, {'extra_pnginfo': extra_pnginfo}, writer=writer) is extra_pnginfo

    assert len(caplog.records) == 1
    assert 'broken on purpose' in caplog.text


def test_an_error_of_comfyui_is_its_own():
    def broken(inputs, class_def, unique_id, execution_list=None, dynprompt=None, extra_data={}):  # noqa: B006
        raise KeyError('of ComfyUI')

    with pytest.raises(KeyError, match='of ComfyUI'):
        save.with_scripts(broken, save.SaveHook(save.ScriptWriter(schemas)))({}, Saver, '3', None, DynamicPrompt(), {})


# Putting it in


def execution(monkeypatch: pytest.MonkeyPatch, function: Any) -> ModuleType:
    module = ModuleType('execution')
    module.get_input_data = function  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'execution', module)
    # install() changes this class, and the test session goes on.
    monkeypatch.setattr(PngImagePlugin.PngInfo, 'add_text', PngImagePlugin.PngInfo.add_text)
    return module


def another_signature(node, data):
    return None


async def asynchronous(inputs, class_def, unique_id, execution_list=None, dynprompt=None, extra_data={}):  # noqa: B006
    return None


@pytest.mark.parametrize('function', [another_signature, asynchronous, None])
def test_another_comfyui_is_left_alone_with_one_warning(function, monkeypatch, caplog):
    module = execution(monkeypatch, function)

    assert save.install(schemas) is False
    assert module.get_input_data is function
    assert len(caplog.records) == 1
    assert 'ComfyUI saves as without ComfyScript' in caplog.text


def test_disable_metadata_turns_it_off(monkeypatch, caplog):
    module = execution(monkeypatch, get_input_data)
    arguments = SimpleNamespace(args=SimpleNamespace(disable_metadata=True))
    monkeypatch.setitem(sys.modules, 'comfy.cli_args', arguments)

    assert save.install(schemas) is False
    assert module.get_input_data is get_input_data
    assert not caplog.records


TEXTS = ["SaveImage(image, 'ComfyUI')\n", 'text = "日本語 🎨 \u202bעברית"', "r'''\\", 'x' * 100_000]


@pytest.mark.parametrize('text', TEXTS, ids=['script', 'scripts of the world', 'quotes', 'long'])
def test_a_png_holds_plain_text(text, monkeypatch):
    execution(monkeypatch, get_input_data)
    assert save.install(schemas)

    info = PngImagePlugin.PngInfo()
    info.add_text('ComfyScript', json.dumps(text))
    info.add_text('workflow', json.dumps('left alone'))
    file = io.BytesIO()
    Image.new('RGB', (1, 1)).save(file, 'png', pnginfo=info)

    read: Any = Image.open(file)
    assert read.text == {'ComfyScript': text, 'workflow': '"left alone"'}


# Ahead of time, within a bound, and without secrets


class Slow:
    """A transpiler that takes its time."""

    def __init__(self, seconds: float, text: Any = "Saver(None, '')\n") -> None:
        self.calls = 0
        self.seconds = seconds
        self.text = text

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        time.sleep(self.seconds)
        return SimpleNamespace(text=self.text)


def test_a_transpiler_that_takes_too_long_costs_the_script_and_one_bound(caplog, monkeypatch):
    monkeypatch.setattr('comfy_script.transpiler.write_script', Slow(5))
    writer, settings = save.ScriptWriter(schemas), SaveSettings(max_wait=0.05)
    dynprompt = DynamicPrompt()
    started = time.monotonic()

    for node_id in ('3', '4', '3'):
        assert png_info(Saver, node_id, {}, dynprompt=dynprompt, writer=writer, settings=settings) is None

    assert time.monotonic() - started < 2
    assert 'longer than 0.05 s' in caplog.text


@pytest.mark.parametrize('text', [None, 7, '', b'bytes'])
def test_a_transpiler_that_gives_nonsense_costs_the_script_only(text, monkeypatch):
    monkeypatch.setattr('comfy_script.transpiler.write_script', Slow(0, text))

    assert png_info(Saver, '3', {}) is None


def test_scripts_are_made_once_and_ahead(monkeypatch):
    transpiler = Slow(0)
    monkeypatch.setattr('comfy_script.transpiler.write_script', transpiler)
    writer = save.ScriptWriter(schemas)
    writer.start()
    hook = save.SaveHook(writer)
    body = {'prompt': PROMPT, 'extra_data': {}}

    assert hook.on_prompt(body) is body
    deadline = time.monotonic() + 5
    while transpiler.calls < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    for _ in range(3):
        assert png_info(Saver, '3', {}, writer=writer)['ComfyScript'] == "Saver(None, '')\n"

    assert transpiler.calls == 2  # one for each saver


def test_a_prompt_that_validation_changed_is_written_as_it_was_run(monkeypatch):
    monkeypatch.setitem(PROMPT, '1', {'class_type': 'Loader', 'inputs': {'path': 'a.png'}})
    writer = save.ScriptWriter(schemas)
    assert 'a.png' in png_info(Saver, '3', {}, writer=writer)['ComfyScript']

    PROMPT['1']['inputs']['path'] = 'changed.png'

    assert 'changed.png' in png_info(Saver, '3', {}, writer=writer)['ComfyScript']


@pytest.mark.parametrize('body', [None, [], {}, {'prompt': 3}, {'prompt': {'1': None}, 'extra_data': []}])
def test_whatever_is_queued_goes_on_as_it_came(body):
    assert save.SaveHook(save.ScriptWriter(schemas)).on_prompt(body) is body


def test_what_the_user_marks_is_not_written():
    extra = {
        'extra_pnginfo': {'workflow': WORKFLOW, 'ComfyScriptSource': "key = 'b.png'"},
        'comfyscript_secrets': ['b.png'],
    }
    got = png_info(Saver, '4', extra)
    assert 'b.png' not in got['ComfyScript'] + got['ComfyScriptSource']
    assert extra['extra_pnginfo']['ComfyScriptSource'] == "key = 'b.png'"

    settings = SaveSettings(redact=(r'[a-z]+\.png', '(no regex'))
    script = png_info(Saver, '3', {}, settings=settings)['ComfyScript']
    assert script == "image = Loader('***')\nSaveImage(image, 'one')\n"


@pytest.mark.parametrize(('length', 'secrets'), [(500_000, 1), (50_000, 100), (5_000, 5_000)])
def test_a_text_too_long_to_be_looked_through_is_not_written(length, secrets, caplog):
    source = "key = 'b.png'\n" + '#' * length
    extra = {
        'extra_pnginfo': {'workflow': WORKFLOW, 'ComfyScriptSource': source},
        'comfyscript_secrets': ['b.png', *map(str, range(10**9, 10**9 + secrets - 1))],
    }
    assert 'ComfyScriptSource' not in png_info(Saver, '4', extra)
    assert 'too many to look for' in caplog.text
    del extra['comfyscript_secrets']
    assert png_info(Saver, '4', extra)['ComfyScriptSource'] == source


# Settings


def test_settings_of_the_owner_then_of_the_user(tmp_path):
    (tmp_path / 'default').mkdir()
    page = tmp_path / 'default' / 'comfy.settings.json'
    (tmp_path / 'comfyscript.toml').write_text(
        '[save]\nsidecar = true\nstyle = "keyword"\nredact = ["sk-[a-z]+"]\nmax_wait = "soon"\n', encoding='utf-8'
    )
    preferences = Preferences(tmp_path)
    assert preferences() == SaveSettings(sidecar=True, style='keyword', redact=('sk-[a-z]+',))

    page.write_text(json.dumps({'ComfyScript.Save.Style': 'auto', 'ComfyScript.Save.Enabled': False}), encoding='utf-8')
    assert preferences() == SaveSettings(enabled=False, sidecar=True, style='auto', redact=('sk-[a-z]+',))

    page.write_text('broken', encoding='utf-8')
    assert preferences().enabled


def test_each_user_has_settings_of_their_own(tmp_path):
    for user, style in (('default', 'auto'), ('ada_1', 'keyword')):
        (tmp_path / user).mkdir()
        settings = {'ComfyScript.Save.Style': style}
        (tmp_path / user / 'comfy.settings.json').write_text(json.dumps(settings), encoding='utf-8')
    preferences = Preferences(tmp_path)
    assert [preferences(user).style for user in ('default', 'ada_1', 'nobody', 'default')] == [
        'auto', 'keyword', 'positional', 'auto',
    ]  # fmt: skip


async def test_a_prompt_is_of_the_user_who_queued_it():
    known = users.PromptUsers()

    def get_user(request: Any) -> str:
        if request.headers['comfy-user'] == 'stranger':
            raise KeyError('stranger')
        return request.headers['comfy-user']

    async def post_prompt(request: web.Request) -> web.Response:
        known.queued(await request.json())
        return web.Response(text=known.current())

    app = web.Application(middlewares=[users.middleware(get_user)])
    app.router.add_post('/prompt', post_prompt)
    async with TestClient(TestServer(app)) as client:
        for user, page, expected in (('ada', 'a', 'ada'), ('bob', 'b', 'bob'), ('stranger', 'c', 'default')):
            response = await client.post('/prompt', json={'client_id': page}, headers={'comfy-user': user})
            assert await response.text() == expected
    pages = ({'client_id': 'a'}, {'client_id': 'b'}, {'client_id': 'c'}, {}, {'client_id': ['a']})
    assert [known.of(page) for page in pages] == ['ada', 'bob', 'default', 'default', 'default']


def test_switched_off_nothing_is_added():
    hook = save.SaveHook(save.ScriptWriter(schemas), lambda user: SaveSettings(enabled=False))
    assert hook.extra_data(Saver, '3', DynamicPrompt(), {'extra_pnginfo': {}}) is None


# Files beside outputs


def sidecar_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> Any:
    folder_paths = ModuleType('folder_paths')
    folder_paths.get_output_directory = lambda: str(tmp_path)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'folder_paths', folder_paths)
    result = ([], {'images': [{'filename': 'a_00001_.png', 'subfolder': 'sub dir', 'type': 'output'}]}, False)

    async def get_output_data(prompt_id, unique_id, obj):
        return result

    files = after_saving.SavedFiles()
    if script is not None:
        files.expect('3', after_saving.AfterSaving(sidecar=script))
    hooked = after_saving.with_saved_files(get_output_data, files)
    assert asyncio.run(hooked('p', '3', None)) is result
    return tmp_path / 'sub dir' / 'a_00001_.py'


def test_a_file_beside_the_output(tmp_path, monkeypatch):
    (tmp_path / 'sub dir').mkdir()
    (tmp_path / 'sub dir' / 'a_00001_.png').touch()

    place = sidecar_of(tmp_path, monkeypatch, 'text = "緑"\n')

    assert place.read_bytes().decode('utf-8') == 'text = "緑"\n'
    sidecar_of(tmp_path, monkeypatch, 'another')
    assert place.read_text(encoding='utf-8') == 'text = "緑"\n'


def test_no_file_for_an_output_that_is_not_there_and_none_unasked(tmp_path, monkeypatch):
    (tmp_path / 'sub dir').mkdir()
    assert not sidecar_of(tmp_path, monkeypatch, 'text').exists()
    (tmp_path / 'sub dir' / 'a_00001_.png').touch()
    assert not sidecar_of(tmp_path, monkeypatch, None).exists()


def test_a_folder_that_cannot_be_written_to_costs_one_line(tmp_path, monkeypatch, caplog):
    (tmp_path / 'sub dir').mkdir()
    (tmp_path / 'sub dir' / 'a_00001_.png').touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(Path, 'open', refuse)
    assert not sidecar_of(tmp_path, monkeypatch, 'text').exists()
    assert 'Permission denied' in caplog.text


def test_a_chunk_of_another_writer_is_plain_text_too():
    for text in TEXTS:
        chunk = png_text.text_chunk('ComfyScript', text)
        file = io.BytesIO()
        Image.new('RGB', (1, 1)).save(file, 'png')
        data = file.getvalue()
        read: Any = Image.open(io.BytesIO(data[:33] + chunk + data[33:]))
        read.load()
        assert read.info['ComfyScript'] == text
