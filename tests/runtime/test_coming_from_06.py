"""What scripts for comfy-script 0.6 use besides the main road: a test for each row of the table in the docs."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import importlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

import comfy_script
import comfy_script.runtime as runtime
from comfy_script.__main__ import main as comfy_script_main
from comfy_script.runtime import Client, commands
from comfy_script.runtime.client import load as loading
from comfy_script.runtime.client.current import find_client, set_default_client
from comfy_script.runtime.real import Cache, RealModeConfig
from comfy_script.runtime.real import Workflow as RealWorkflow
from comfy_script.runtime.real.real_functions import RealFunction
from comfy_script.tests.runtime.client.conftest import client, fake, make_client
from comfy_script.tests.runtime.client.fake import IMAGES, OBJECT_INFO, PROMPT, FakeServer

__all__ = ['client', 'fake', 'make_client']

PAGE = Path(comfy_script.__file__).parent / 'docs' / 'coming-from-0.6.md'


class Around:
    """What a test of a row gets."""

    def __init__(self, fake: FakeServer, client: Client, patch: pytest.MonkeyPatch, log: Any, capsys: Any) -> None:
        self.fake, self.client, self.patch, self.log, self.capsys = fake, client, patch, log, capsys

    def output(self) -> Any:
        return self.client.nodes.PreviewImage(self.client.nodes.EmptyImage(8, 8))


@pytest.fixture
def around(fake: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any, capsys: Any) -> Any:
    before = find_client()
    set_default_client(client)
    loading.warn_of_old_settings.cache_clear()
    yield Around(fake, client, monkeypatch, caplog, capsys)
    set_default_client(before)


def module(name: str) -> Any:
    return importlib.import_module(f'comfy_script.{name}')


refusals: list[str] = []
"""What was refused in a row's test."""


def refused(call: Callable[[], object], *says: str, error: type[Exception] = TypeError) -> None:
    with pytest.raises(error) as raised:
        call()
    refusals.append(str(raised.value))
    for text in says:
        assert text in str(raised.value)


def get_embeddings(a: Around) -> None:
    assert module('client').get_embeddings() == ['tiny']
    assert asyncio.run(module('client')._get_embeddings()) == ['tiny']


def get_nodes_info(a: Around) -> None:
    assert module('client').get_nodes_info() == OBJECT_INFO
    assert asyncio.run(module('client')._get_nodes_info()) == OBJECT_INFO


def old_settings(a: Around) -> None:
    a.patch.setenv('COMFY_SCRIPT_TRANSPILE__HOOK__SAVE_SCRIPT', 'false')
    for _ in range(2):
        runtime.load(a.fake.url, stubs=False)
    [said] = [record.getMessage() for record in a.log.records if 'COMFY_SCRIPT_' in record.getMessage()]
    assert 'are not read' in said


def data(a: Around) -> None:
    for name in ('NodeOutput', 'Result', 'ImageBatchResult', 'Images', 'EmptyResult'):
        assert getattr(module('runtime.data'), name) is getattr(runtime, name)


def data_images(a: Around) -> None:
    from comfy_script.runtime.data.Images import ImageBatchResult

    assert ImageBatchResult is runtime.ImageBatchResult
    assert module('runtime.data').Images is runtime.Images


def node_module(a: Around) -> None:
    assert module('runtime.node') is runtime.node
    assert runtime.node['EmptyImage'] is a.client.nodes.EmptyImage


def node_nodes(a: Around) -> None:
    assert set(runtime.node.nodes.keys()) == set(OBJECT_INFO)
    assert dict(runtime.node.nodes.items())['EmptyImage'] is a.client.nodes.EmptyImage


def node_get(a: Around) -> None:
    assert runtime.node.get('EmptyImage') is a.client.nodes.EmptyImage
    assert runtime.node.get('NoSuchNode') is None


def run_module(a: Around) -> None:
    a.fake.auto = True
    assert module('runtime.run').ComfyUIArgs is runtime.ComfyUIArgs
    assert len(runtime.run(PROMPT)) == 1


def started(a: Around) -> None:
    assert module('runtime').comfyui_started is False
    a.client.launched = SimpleNamespace(ended=lambda: None)  # type: ignore[assignment]
    assert module('runtime').comfyui_started is True
    a.client.launched = None


def base_url(a: Around) -> None:
    assert module('runtime').comfyui_base_url is None
    a.client.launched = SimpleNamespace(ended=lambda: None)  # type: ignore[assignment]
    assert module('runtime').comfyui_base_url == a.fake.url
    a.client.launched = None


def join(a: Around) -> None:
    a.fake.auto = True
    task = a.client.submit(PROMPT)
    runtime.join_comfyui()
    assert task.done()


def start(a: Around) -> None:
    asked: list[Any] = []
    a.patch.setattr(loading, 'load', lambda *args: asked.append(args))
    arguments = runtime.ComfyUIArgs('--cpu')
    loading.start_comfyui('folder', arguments)
    assert asked == [('folder', arguments)]


def from_output(a: Around) -> None:
    result = runtime.Result.from_output(IMAGES)
    assert isinstance(result, runtime.ImageBatchResult)
    assert result.read() == b'file a'
    assert isinstance(runtime.Result.from_output(None), runtime.EmptyResult)


def done_callback(a: Around) -> None:
    variable = contextvars.ContextVar('variable', default='outside')
    context = contextvars.copy_context()
    context.run(variable.set, 'inside')
    seen: list[str] = []

    def callback(task: Any) -> None:
        seen.append(variable.get())

    task = a.client.submit(PROMPT)
    task.add_done_callback(callback, context=context)
    assert task.remove_done_callback(callback) == 1
    task.add_done_callback(callback, context=context)
    a.fake.begin(task.prompt_id)
    a.fake.finish(task.prompt_id)
    task.wait(10)
    a.client.tracker.callbacks.call(seen.append, 'after')
    while 'after' not in seen:
        pass
    assert seen == ['inside', 'after']


def images_titles(a: Around) -> None:
    from PIL import Image

    shown = runtime.Images(Image.new('RGB', (2, 2)), titles=['one & only']).to_html()
    assert 'one &amp; only' in shown


def display(a: Around) -> None:
    shown: Any = runtime.Result.from_output(IMAGES)
    shown.display(1, 1, 8, 8)
    assert 'ImageBatchResult' in a.capsys.readouterr().out


def viewer(a: Around) -> None:
    ipy = module('ui.ipy')
    a.patch.setattr(ipy, '_ipywidgets', lambda: None)
    shown = ipy.ImageViewer('one', 'two', titles=['1', '2'])
    assert (shown.images, shown.titles) == (['one', 'two'], ['1', '2'])


def real_config(a: Around) -> None:
    assert RealModeConfig.naked().is_naked
    assert not RealModeConfig().is_naked
    assert not RealModeConfig(track_workflow=False).is_naked
    refused(lambda: RealModeConfig(wrapper=False).is_naked, 'RealModeConfig(wrapper=False)', 'load(naked=True)')


def real_load(a: Around) -> None:
    load = module('runtime.real').load
    refused(lambda: load(config=RealModeConfig(map_inputs=False)), 'RealModeConfig(map_inputs=False)')


def real_cache(a: Around) -> None:
    workflow: Any = RealWorkflow(cache={})
    assert isinstance(workflow.cache, Cache)


def create(a: Around) -> None:
    made: Any = RealFunction.create(SimpleNamespace(node_class=dict))  # type: ignore[arg-type]
    assert made == {}


def real_node(a: Around) -> None:
    from comfy_script.runtime.real import node, state

    a.patch.setattr(state, 'by_class_type', lambda: {'A': 1})
    a.patch.setattr(state, 'find_raw', {'A': 1}.__getitem__)
    assert (node.get('A'), node.get('B'), list(node.nodes)) == (1, None, ['A'])


def standard_input(a: Around) -> None:
    a.fake.auto = True
    a.patch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO(json.dumps(PROMPT).encode())))
    assert commands.main(['run', '-', '--server', a.fake.url]) == 0


def same(path: str, name: str, other: object) -> Callable[[Around], None]:
    def check(a: Around) -> None:
        assert getattr(module(path), name) is other

    return check


def attribute(name: str, expected: Callable[[Any], object]) -> Callable[[Around], None]:
    def check(a: Around) -> None:
        image = a.client.nodes.EmptyImage(8, 8)
        assert getattr(image, name) == expected(image)

    return check


def client_client(a: Around) -> None:
    assert module('client').client is a.client


def old_config(a: Around) -> None:
    refused(lambda: module('config').settings, "ComfyUI's settings", error=ImportError)


def real_util(a: Around) -> None:
    """Each way and back, and mode by mode."""
    torch = pytest.importorskip('torch')
    util, names = module('runtime.real.util'), module('runtime.real.util').OLD_NODES
    batch = torch.stack([torch.zeros(4, 6, 3), torch.ones(4, 6, 3)])
    images = util.get_images(batch)
    assert [(image.size, image.getpixel((0, 0))) for image in images] == [((6, 4), (0,) * 3), ((6, 4), (255,) * 3)]
    assert torch.equal(names['PILToImage'](images), batch)
    assert torch.equal(names['PILToMask'](images[1]), torch.ones(1, 4, 6))
    assert names['ImageToPIL'] is util.get_images
    half = Image.new('RGBA', (2, 1), (255, 0, 0, 51))
    image, mask = names['ETNLoadImageBase64'](in_base64(half))
    assert image.tolist() == [[[[1.0, 0.0, 0.0]] * 2]]
    assert mask.flatten().tolist() == pytest.approx([0.8, 0.8])
    assert names['ETNLoadMaskBase64'](in_base64(Image.new('L', (2, 1), 255))).tolist() == [[[1.0, 1.0]]]


def in_base64(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, 'PNG')
    return base64.b64encode(file.getvalue()).decode()


def with_image_nodes(a: Around) -> Any:
    """The nodes of a server that has ComfyUI's own nodes for images, as `import *` has them."""
    mask = {'input': {'required': {'image': ['IMAGE'], 'channel': [['red', 'alpha']]}}, 'output': ['MASK']}
    loads = {'input': {'required': {'image': [['a.png']]}}, 'output': ['IMAGE', 'MASK']}
    batch = {'input': {'required': {'image1': ['IMAGE'], 'image2': ['IMAGE']}}, 'output': ['IMAGE']}
    a.fake.object_info.update(LoadImage=loads, ImageToMask=mask, ImageBatch=batch)
    a.fake.auto = True
    client = runtime.load(a.fake.url, stubs=False)
    client.lists.refresh()
    nodes = module('runtime.nodes')
    return SimpleNamespace(**{name: getattr(nodes, name) for name in nodes.__all__})


def pil_nodes(a: Around) -> None:
    nodes = with_image_nodes(a)
    black = Image.new('RGB', (8, 8))
    assert nodes.PILToImage(black).node.class_type == 'LoadImage'
    assert nodes.PILToImage([black, Image.new('RGB', (8, 8), 'red')]).node.class_type == 'ImageBatch'
    assert nodes.PILToMask(black).node.class_type == 'ImageToMask'
    a.fake.files['a.png'] = base64.b64decode(in_base64(black))
    assert [image.size for image in nodes.ImageToPIL(nodes.EmptyImage(8, 8))] == [(8, 8)]


def base64_nodes(a: Around) -> None:
    nodes = with_image_nodes(a)
    image, mask = nodes.ETNLoadImageBase64(in_base64(Image.new('RGB', (8, 8))))
    assert image.node is mask.node
    assert image.node.class_type == 'LoadImage'
    mask = nodes.ETNLoadMaskBase64('data:image/png;base64,' + in_base64(Image.new('L', (8, 8))))
    assert mask.node.class_type == 'ImageToMask'


def web_socket_node(a: Around) -> None:
    nodes = with_image_nodes(a)
    assert nodes.ETNSendImageWebSocket(nodes.EmptyImage(8, 8)).node.class_type == 'PreviewImage'


def types_of_nodes(a: Around) -> None:
    nodes = with_image_nodes(a)
    assert nodes.Image is not Image
    assert {'Image', 'Mask'} <= set(module('runtime.nodes').__all__)


def transpile_standard_input(a: Around) -> None:
    a.patch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO(json.dumps(PROMPT).encode())))
    assert comfy_script_main(['transpile', '-', '--server', a.fake.url]) == 0
    assert a.capsys.readouterr().out == 'image = EmptyImage(8, 8)\nPreviewImage(image)\n'
    a.patch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO(b'nothing')))
    assert comfy_script_main(['transpile', '-']) == 2
    assert 'standard input' in a.capsys.readouterr().err
    assert comfy_script_main(['transpile', '-', '-']) == 2


def refuses(option: str, value: bool, *says: str) -> Callable[[Around], None]:
    return lambda a: refused(lambda: runtime.start_comfyui(None, None, **{option: value}), f'{option}={value}', *says)


ROWS: dict[str, Callable[[Around], None]] = {
    '`client.Client`': same('client', 'Client', Client),
    '`client.get_nodes_info()`': get_nodes_info,
    '`client.get_embeddings()`': get_embeddings,
    '`client.client`': client_client,
    '`config.settings`': old_config,
    '`settings.toml`, `COMFY_SCRIPT_...`': old_settings,
    '`runtime.data`': data,
    '`runtime.data.Images`': data_images,
    '`runtime.node`': node_module,
    '`node.nodes`': node_nodes,
    '`node.get(name)`': node_get,
    '`runtime.run`': run_module,
    '`comfyui_started`': started,
    '`comfyui_base_url`': base_url,
    '`join_comfyui()`': join,
    '`start_comfyui(path, args)`': start,
    '`start_comfyui(no_server=True)`': refuses('no_server', True, 'comfy_script.runtime.real import load'),
    '`start_comfyui(autonomy=True)`': refuses('autonomy', True, 'comfy_script.runtime.real import load'),
    '`start_comfyui(join_at_exit=False)`': refuses('join_at_exit', False, 'queue.cancel_all()', 'cancel_on_exit'),
    '`NodeOutput.node_info`': attribute('node_info', lambda image: OBJECT_INFO['EmptyImage']),
    '`NodeOutput.node_prompt`': attribute('node_prompt', lambda image: PROMPT['1']),
    '`NodeOutput.output_slot`': attribute('output_slot', lambda image: 0),
    '`Result.from_output(output)`': from_output,
    '`Task.add_done_callback(context=)`': done_callback,
    '`Images(titles=)`': images_titles,
    '`display(rows, cols, height, width)`': display,
    '`ImageViewer.images`, `.titles`': viewer,
    '`RealModeConfig`': real_config,
    '`real.load(config=)`': real_load,
    '`real.Workflow(cache={})`': real_cache,
    '`real.Workflow(cache=callable)`': lambda a: refused(
        lambda: RealWorkflow(cache=lambda name: {}),  # type: ignore[arg-type]
        'Cache(max_bytes)',
    ),
    '`Node.create()`': create,
    '`real.node.get(name)`': real_node,
    '`real.util.get_images(images)`': real_util,
    '`ImageToPIL`, `PILToImage`, `PILToMask`': pil_nodes,
    '`ETNLoadImageBase64`, `ETNLoadMaskBase64`': base64_nodes,
    '`ETNSendImageWebSocket(images)`': web_socket_node,
    '`Image`, `Model`, `Clip`, ... of `nodes`': types_of_nodes,
    '`run -`': standard_input,
    '`transpile -`': transpile_standard_input,
}


def rows_of_the_page() -> dict[str, str]:
    return dict(re.findall(r'^\| (`.*?) \| (.*) \|$', PAGE.read_text(encoding='utf-8'), re.M))


def test_the_table_has_these_rows() -> None:
    assert list(rows_of_the_page()) == list(ROWS)


@pytest.mark.parametrize('row', ROWS)
def test_row(row: str, around: Around) -> None:
    refusals.clear()
    ROWS[row](around)
    assert ('refused' in rows_of_the_page()[row]) == bool(refusals), 'the page says what is refused, and nothing else'
