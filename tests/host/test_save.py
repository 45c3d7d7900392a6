"""The hook that gives each saving node its script: it never changes what ComfyUI does."""

from __future__ import annotations

import io
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from comfy_script.graph import Schemas
from comfy_script.host import save


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
    '3': {'class_type': 'Saver', 'inputs': {'images': ['1', 0], 'filename_prefix': 'one'}},
    '4': {'class_type': 'Saver', 'inputs': {'images': ['2', 0], 'filename_prefix': 'two'}},
}
WORKFLOW = {'nodes': [], 'links': [], 'version': 0.4}


class DynamicPrompt:
    """ComfyUI `comfy_execution/graph.py`."""

    def __init__(self, display: dict[str, str] | None = None) -> None:
        self.display = display or {}

    def get_original_prompt(self) -> dict[str, Any]:
        return PROMPT

    def get_display_node_id(self, node_id: str) -> str:
        return self.display.get(node_id, node_id)


def get_input_data(inputs, class_def, unique_id, execution_list=None, dynprompt=None, extra_data={}):  # noqa: B006
    """The part of ComfyUI's function that matters: it hands out `extra_pnginfo`."""
    return {'extra_pnginfo': [extra_data.get('extra_pnginfo', None)]}, {}, {}


def schemas() -> Schemas:
    return Schemas.of_classes({'Saver': Saver, 'Loader': Loader, 'Show': Show})


def png_info(node_class: Any, node_id: str, extra: Any, *, dynprompt: Any = None, writer: Any = None) -> Any:
    """What a node gets as EXTRA_PNGINFO."""
    hooked = save.with_scripts(get_input_data, writer or save.ScriptWriter(schemas))
    inputs = PROMPT.get(node_id, {}).get('inputs', {})
    result, _, _ = hooked(inputs, node_class, node_id, object(), dynprompt or DynamicPrompt(), extra)
    return result['extra_pnginfo'][0]


def test_each_saver_gets_the_script_of_its_own_nodes():
    extra = {'extra_pnginfo': {'workflow': WORKFLOW}}

    first, second = png_info(Saver, '3', extra), png_info(Saver, '4', extra)

    assert first['ComfyScript'] == "image = Loader('a.png')\nSaver(image, 'one')\n"
    assert second['ComfyScript'] == "image = Loader('b.png')\nSaver(image, 'two')\n"


def test_what_others_see_is_not_changed():
    extra = {'extra_pnginfo': {'workflow': WORKFLOW, 'other': 1}}

    got = png_info(Saver, '3', extra)

    assert extra == {'extra_pnginfo': {'workflow': WORKFLOW, 'other': 1}}
    assert got['workflow'] is WORKFLOW
    assert list(got) == ['workflow', 'other', 'ComfyScript']


@pytest.mark.parametrize('node_class', [Loader, Show])
def test_nodes_that_save_nothing_get_the_very_same(node_class):
    extra_pnginfo = {'workflow': WORKFLOW}

    assert png_info(node_class, '3', {'extra_pnginfo': extra_pnginfo}) is extra_pnginfo


def test_a_prompt_without_workflow_has_a_script_in_core_savers_only():
    assert 'ComfyScript' in png_info(Saver, '3', {})
    # Packs read extra_pnginfo['workflow'] without asking.
    assert png_info(PackSaver, '3', {}) is None
    assert 'ComfyScript' in png_info(PackSaver, '3', {'extra_pnginfo': {'workflow': WORKFLOW}})


def test_a_node_that_another_expanded_to_has_the_script_of_that_one():
    got = png_info(Saver, '3.0.0.1', {}, dynprompt=DynamicPrompt({'3.0.0.1': '3'}))

    assert got['ComfyScript'].endswith("Saver(image, 'one')\n")
    assert png_info(Saver, 'nowhere', {}) is None


def test_validation_is_left_alone():
    hooked = save.with_scripts(get_input_data, save.ScriptWriter(lambda: pytest.fail('no need for schemas')))

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
        save.with_scripts(broken, save.ScriptWriter(schemas))({}, Saver, '3', None, DynamicPrompt(), {})


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
