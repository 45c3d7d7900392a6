"""The root package and its start in ComfyUI, without a ComfyUI."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

import comfy_script
from comfy_script.host import startup
from comfy_script.tests.lab.paths import link

ROOT = Path(comfy_script.__file__).parent
# A clone may lie in a folder that aiohttp finds under no address (`my pack`): then the folder is entered by us.
SERVED = './js' if quote(ROOT.name) == ROOT.name else None


class FakeNode:
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {'required': {'value': ('INT', {'default': 1})}}

    RETURN_TYPES = ('INT',)


@pytest.fixture
def comfyui(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of a ComfyUI that is starting, as far as the pack looks at them."""
    from aiohttp import web

    server = SimpleNamespace(app=web.Application(), routes=web.RouteTableDef(), loop=None)
    nodes = ModuleType('nodes')
    nodes.NODE_CLASS_MAPPINGS = {'Fake': FakeNode}  # type: ignore[attr-defined]
    nodes.EXTENSION_WEB_DIRS = {}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'nodes', nodes)
    monkeypatch.setitem(sys.modules, 'server', SimpleNamespace(PromptServer=SimpleNamespace(instance=server)))
    monkeypatch.setattr(startup, '_loaded_from', None)
    return SimpleNamespace(server=server, nodes=nodes)


def load_like_comfyui(folder: Path) -> Any:
    """ComfyUI `nodes.py: load_custom_node`."""
    name = str(folder).replace('.', '_x_')
    spec = importlib.util.spec_from_file_location(name, folder / '__init__.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def test_outside_comfyui_nothing_is_hooked():
    module = load_like_comfyui(ROOT)

    assert module.NODE_CLASS_MAPPINGS == {}
    assert module.WEB_DIRECTORY is None


def test_the_package_itself_has_no_node_mappings():
    assert not hasattr(comfy_script, 'NODE_CLASS_MAPPINGS')


def test_comfyui_gets_the_web_folder_and_the_package_in_use_is_kept(comfyui):
    before = sys.modules['comfy_script']

    module = load_like_comfyui(ROOT)

    assert module.WEB_DIRECTORY == SERVED
    assert sys.modules['comfy_script'] is before


@pytest.mark.usefixtures('links')
def test_a_folder_of_any_name_becomes_comfy_script(monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.partition('.')[0] == 'comfy_script']:
        monkeypatch.delitem(sys.modules, name)
    folder = tmp_path / 'my-odd.name'
    link(ROOT, folder)

    load_like_comfyui(folder)

    package = sys.modules['comfy_script']
    assert package is not comfy_script
    assert list(package.__path__) == [str(folder)]
    assert sys.modules['comfy_script.host'].__file__ == str(folder / 'host' / '__init__.py')
    for name in [name for name in sys.modules if name.partition('.')[0] == 'comfy_script']:
        monkeypatch.delitem(sys.modules, name)


def test_another_package_of_the_name_is_left_alone(monkeypatch, caplog):
    other = ModuleType('comfy_script')
    monkeypatch.setitem(sys.modules, 'comfy_script', other)

    module = load_like_comfyui(ROOT)

    assert module.NODE_CLASS_MAPPINGS == {}
    assert sys.modules['comfy_script'] is other
    assert 'pip uninstall comfy-script' in caplog.text


@pytest.mark.parametrize(
    ('place', 'said'),
    [
        ('custom_nodes/ComfyScript/src/comfy_script', 'Disable or remove that folder'),
        ('lib/site-packages/comfy_script', 'pip uninstall comfy-script'),
    ],
)
def test_the_first_implementation_is_named_with_what_to_do(monkeypatch, caplog, tmp_path, place, said):
    other = ModuleType('comfy_script')
    other.__file__ = str(tmp_path / place / '__init__.py')
    monkeypatch.setitem(sys.modules, 'comfy_script', other)
    load_like_comfyui(ROOT)

    assert len(caplog.messages) == 1
    assert said in caplog.text
    assert str(tmp_path / Path(place).parts[0]) in caplog.text


def test_one_line_says_that_scripts_get_an_installed_comfy_script(comfyui, caplog, monkeypatch):
    monkeypatch.setattr(startup, '_save_scripts', lambda host: None)
    monkeypatch.setattr(startup, 'metadata_version', {'comfy-script': '0.6.1'}.__getitem__)
    startup.load(ROOT)
    asyncio.run(started(comfyui.server.app))

    said = [message for message in caplog.messages if 'comfy-script' in message]
    assert len(said) == 1
    assert 'comfy-script 0.6.1 is installed, too' in said[0]
    assert 'pip uninstall comfy-script' in said[0]


def test_the_first_implementation_in_another_pack_is_named(comfyui, caplog, monkeypatch, tmp_path):
    monkeypatch.setattr(startup, '_save_scripts', lambda host: None)
    (tmp_path / 'Other' / 'src' / 'comfy_script').mkdir(parents=True)
    startup.load(tmp_path / 'ComfyScript')
    asyncio.run(started(comfyui.server.app))

    assert f'The pack in {tmp_path / "Other"} is comfy-script' in caplog.text


def test_a_pack_with_files_missing_says_so(monkeypatch, caplog, comfyui):
    def missing(name):
        raise ModuleNotFoundError(f'No module named {name!r}', name='comfy_script.host')

    monkeypatch.setattr(importlib, 'import_module', missing)
    module = load_like_comfyui(ROOT)

    assert module.NODE_CLASS_MAPPINGS == {}
    assert 'is not complete' in caplog.text
    assert 'Install it again' in caplog.text
    assert 'Traceback' not in caplog.text


def test_a_second_copy_of_the_pack_is_left_out(comfyui, caplog, tmp_path):
    startup.load(ROOT)

    assert startup.load(tmp_path) == startup.EMPTY
    assert f'the copy in {tmp_path} is left out' in caplog.text


def test_when_all_packs_have_loaded_one_line_says_how_many_nodes(comfyui, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(startup, '_save_scripts', lambda host: None)
    startup.load(ROOT)
    comfyui.nodes.NODE_CLASS_MAPPINGS['FromALaterPack'] = FakeNode
    asyncio.run(started(comfyui.server.app))

    assert f'ComfyScript {comfy_script.__version__} is ready: 2 nodes' in caplog.messages


@pytest.mark.parametrize('part', ['_add_routes', '_node_classes', '_save_scripts'])
def test_a_part_that_fails_leaves_the_rest(comfyui, caplog, monkeypatch, part):
    def fail(*_: object) -> None:
        raise RuntimeError('broken on purpose')

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(startup, '_add_routes', lambda host: None)
    monkeypatch.setattr(startup, '_node_classes', lambda: ({}, {}))
    monkeypatch.setattr(startup, '_save_scripts', lambda host: None)
    monkeypatch.setattr(startup, part, fail)
    pack = startup.load(ROOT)
    asyncio.run(started(comfyui.server.app))

    assert pack.web_directory == SERVED
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert 'broken on purpose' in warnings[0].message
    assert 'is ready' in caplog.messages[-1]


def test_schemas_are_read_from_the_loaded_classes(comfyui):
    host = startup.find_server_process(running=False)
    assert host is not None

    assert host.recent_schemas()['Fake'].inputs[0].name == 'value'
    assert host.recent_schemas() is host.recent_schemas()
    assert host.recent_schemas(max_age=0) is not host.recent_schemas(max_age=0)

    before = host.recent_schemas()
    comfyui.nodes.NODE_CLASS_MAPPINGS['Hot'] = FakeNode
    assert host.recent_schemas() is not before
    assert 'Hot' in host.recent_schemas()


async def started(app: Any) -> None:
    for callback in app.on_startup:
        await callback(app)
