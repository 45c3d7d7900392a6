"""The lists of nodes and choices are read again by themselves, where somebody asks for what may be new."""

from __future__ import annotations

import asyncio
import copy
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from comfy_script.comfyui.process import ServerProcess
from comfy_script.runtime import Client, PromptRefusedError, Workflow, load
from comfy_script.runtime.client import lists as renewal
from comfy_script.runtime.client.current import find_client, set_default_client
from comfy_script.runtime.wire.background import run_async, spawn
from comfy_script.tests.runtime.client.fake import OBJECT_INFO, PROMPT, FakeServer
from comfy_script.tests.runtime.client.test_tasks import wait_for


def combo_node(name: str, input_name: str, *choices: str, **options: Any) -> dict[str, Any]:
    return {
        name: {
            'input': {'required': {input_name: [list(choices), options]}},
            'output': ['IMAGE'],
            'output_name': ['IMAGE'],
            'name': name,
            'output_node': False,
        }
    }


def models(*names: str) -> dict[str, Any]:
    return combo_node('CheckpointLoaderSimple', 'ckpt_name', *names)


def images(*names: str) -> dict[str, Any]:
    return combo_node('LoadImage', 'image', *names, image_upload=True)


@pytest.fixture
def lists(fake: FakeServer) -> dict[str, Any]:
    """The stand-in's node list, to be changed by the test."""
    fake.object_info = {**copy.deepcopy(OBJECT_INFO), **models('a.pt', 'b.pt'), **images('a.png')}
    return fake.object_info


def reads(fake: FakeServer) -> int:
    return sum(path == '/object_info' for _, path, _ in fake.requests)


@pytest.fixture
def nodes(client: Client, lists: dict[str, Any]) -> Any:
    return client.nodes


def test_an_unknown_member_is_looked_for(nodes: Any, lists: dict[str, Any], fake: FakeServer) -> None:
    held, held_class = nodes.Checkpoints.b, nodes.CheckpointLoaderSimple.ckpt_name
    lists.update(models('a.pt', 'b.pt', '1.pt'))
    assert held_class._1 == '1.pt'
    assert nodes.Checkpoints._1 == '1.pt'
    assert nodes.Checkpoints['_1'] == '1.pt'
    assert held == nodes.Checkpoints.b == 'b.pt'
    assert hash(held) == hash(nodes.Checkpoints.b)
    assert held in nodes.Checkpoints
    assert held_class.b is held
    assert reads(fake) == 2


def test_what_did_not_change_stays_the_same(nodes: Any, lists: dict[str, Any], client: Client) -> None:
    held, image = nodes.Checkpoints.enum, nodes.LoadImage.image
    lists.update(images('a.png', 'b.png'))
    client.refresh()
    client.refresh()
    assert nodes.Checkpoints.enum is held
    assert nodes.LoadImage.image is not image
    assert image.b_png == 'b.png'


def test_an_unknown_name_is_looked_for_once_every_so_often(
    nodes: Any, fake: FakeServer, lists: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        with pytest.raises(AttributeError, match=r"no 'aa'.*did you mean 'a'\?.*: it has a, b"):
            _ = nodes.Checkpoints.aa
        with pytest.raises(AttributeError, match=r"no node 'EmptyImages'.*'EmptyImage'"):
            _ = nodes.EmptyImages
    assert not hasattr(nodes, '_repr_html_')
    assert reads(fake) == 2
    monkeypatch.setattr(renewal, 'INTERVAL', 0.0)
    lists.update(models('aa.pt'))
    assert nodes.Checkpoints.aa == 'aa.pt'
    assert reads(fake) == 3
    assert not hasattr(nodes, '_repr_html_')
    assert reads(fake) == 3


def test_a_misspelt_member_costs_its_nodes_description_only(
    nodes: Any, fake: FakeServer, lists: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lists.update(combo_node('Odd (name)+x', 'kind', 'a', 'b'))
    odd = nodes['Odd (name)+x']
    assert odd.kind.a == 'a'
    assert reads(fake) == 2
    monkeypatch.setattr(renewal, 'INTERVAL', 0.0)
    for ask in (lambda: odd.kind.c, lambda: odd.sort, lambda: nodes.Checkpoints.c):
        with pytest.raises(AttributeError):
            ask()
    assert reads(fake) == 2
    lists.update(combo_node('Odd (name)+x', 'kind', 'a', 'b', 'c'))
    lists.update(models('c.pt'))
    assert odd.kind.c == 'c'
    assert nodes.Checkpoints.c == 'c.pt'
    assert reads(fake) == 3


def test_one_nodes_look_does_not_put_off_anothers(nodes: Any, lists: dict[str, Any]) -> None:
    with pytest.raises(AttributeError):
        _ = nodes.Checkpoints.c
    lists.update(images('a.png', 'c.png'))
    assert nodes.LoadImage.image.c_png == 'c.png'


def test_a_server_that_describes_no_single_node(
    nodes: Any, fake: FakeServer, lists: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(request: Any) -> Any:
        raise web.HTTPNotFound

    fake.stop()
    monkeypatch.setattr(fake, '_one_object_info', missing)
    fake.start()
    lists.update(models('c.pt'))
    assert nodes.Checkpoints.c == 'c.pt'


def test_a_block_that_is_awaited_reads_what_changed(nodes: Any, client: Client, lists: dict[str, Any]) -> None:
    """Nothing in it then has to wait for the server, and the caller's loop runs on meanwhile."""
    client.upload(b'image', 'b.png')
    lists.update(images('a.png', 'b.png'))

    async def ask() -> Any:
        async with Workflow(client=client):
            blocked = client.lists._read_again
            client.lists._read_again = None  # type: ignore[assignment, method-assign]
            try:
                return list(nodes.LoadImage.image)
            finally:
                client.lists._read_again = blocked  # type: ignore[method-assign]

    assert asyncio.run(ask()) == ['a.png', 'b.png']


@pytest.mark.parametrize('awaited', [False, True])
def test_stubs_follow(fake: FakeServer, lists: dict[str, Any], tmp_path: Path, awaited: bool) -> None:
    before = find_client()
    client = load(fake.url, stubs=tmp_path)
    try:
        written = tmp_path / 'nodes.pyi'
        assert 'b.png' not in written.read_text(encoding='utf-8')
        client.upload(b'image', 'b.png')
        lists.update(images('a.png', 'b.png'))

        async def ask() -> None:
            async with Workflow():
                pass

        _ = asyncio.run(ask()) if awaited else client.nodes.LoadImage.image

        def renewed() -> bool:
            try:
                return 'b.png' in written.read_text(encoding='utf-8')
            except PermissionError:
                # Windows, in the moment in which the file is replaced.
                return False

        wait_for(renewed)
    finally:
        client.close()
        set_default_client(before)


@pytest.mark.parametrize(
    'ask',
    [
        lambda nodes: nodes.New(x='a'),
        lambda nodes: nodes['New']('a'),
        lambda nodes: nodes.get('New')('a'),
        lambda nodes: 'New' in nodes,
    ],
)
def test_an_unknown_node_is_looked_for(nodes: Any, lists: dict[str, Any], ask: Callable[[Any], Any]) -> None:
    lists.update(combo_node('New', 'x', 'a'))
    assert ask(nodes) is not False


@pytest.mark.parametrize('name', ['New', 'NewX'])
def test_an_unknown_node_in_a_loop(
    nodes: Any, lists: dict[str, Any], fake: FakeServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small request tells whether the server has it; who has a loop to run does not wait for more in vain."""

    async def ask() -> Any:
        return getattr(nodes, name, None)

    assert asyncio.run(ask()) is None
    wait_for(lambda: reads(fake) == 2)
    lists.update(combo_node('New', 'x', 'a'))
    lists.update(combo_node('New+X', 'x', 'a'))
    monkeypatch.setattr(renewal, 'INTERVAL', 0.0)
    found = asyncio.run(ask())
    assert reads(fake) == 3 or name == 'NewX'
    if name == 'New':
        assert found.class_type == 'New'
    else:
        assert found is None
        # By no name that the server knows: it is found in the lists that were read meanwhile.
        wait_for(lambda: nodes.find(name) is not None)


def test_all_names_cost_no_request_more(client: Client, fake: FakeServer) -> None:
    """Names that comfy-script 0.6 had, which this server lacks, are not looked for there."""
    before = find_client()
    set_default_client(client)
    try:
        module = importlib.import_module('comfy_script.runtime.nodes')
        dir(client.nodes)
        asked = len(fake.requests)
        names = {name: getattr(module, name) for name in module.__all__}
        assert {'EmptyImage', 'ImageToPIL'} <= names.keys()
        assert len(fake.requests) == asked
    finally:
        set_default_client(before)


def test_a_misspelt_embedding_costs_the_list_of_those(nodes: Any, fake: FakeServer) -> None:
    assert nodes.Embeddings.tiny.name() == 'tiny'
    with pytest.raises(AttributeError, match='tiny'):
        _ = nodes.Embeddings.tinny
    assert reads(fake) == 1


def test_lists_that_could_not_be_read_are_read_later(
    nodes: Any, client: Client, fake: FakeServer, lists: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That they changed is known until they were read; nobody waits for a server that is away at every turn."""
    now = 1000.0
    monkeypatch.setattr(renewal, 'time', types.SimpleNamespace(monotonic=lambda: now))
    assert client.upload(b'image', 'b.png') == 'b.png'
    lists.update(images('a.png', 'b.png'))
    fake.stop()
    for _ in range(3):
        assert list(nodes.LoadImage.image) == ['a.png']
    fake.start()
    assert list(nodes.LoadImage.image) == ['a.png']
    assert reads(fake) == 1
    now += renewal.INTERVAL
    assert list(nodes.LoadImage.image) == ['a.png', 'b.png']
    assert reads(fake) == 2


def test_after_a_restart(nodes: Any, client: Client, fake: FakeServer, lists: dict[str, Any]) -> None:
    fake.auto = True
    client.submit(PROMPT).wait(5)
    held = nodes.Checkpoints.a
    fake.stop()
    lists.update(models('a.pt', 'c.pt'))
    lists['EmptyImage']['input']['required']['color'] = ['INT', {'default': 0}]
    before = client.tracker.connection.epoch
    fake.start()
    wait_for(lambda: client.tracker.connection.epoch > before)
    assert reads(fake) == 1
    assert nodes.EmptyImage(color=1) is not None
    assert list(nodes.Checkpoints) == ['a.pt', 'c.pt']
    assert nodes.Checkpoints.a == held
    assert reads(fake) == 2


def test_after_an_upload(nodes: Any, client: Client, fake: FakeServer, lists: dict[str, Any]) -> None:
    assert client.upload(b'image', 'b.png') == 'b.png'
    lists.update(images('a.png', 'b.png'))
    assert len(nodes.Checkpoints) == 2
    assert reads(fake) == 1
    assert list(nodes.LoadImage.image) == ['a.png', 'b.png']
    assert list(nodes.LoadImage.image) == ['a.png', 'b.png']
    assert reads(fake) == 2


@pytest.mark.parametrize('status', [400, 200])
def test_after_a_refusal(nodes: Any, client: Client, fake: FakeServer, lists: dict[str, Any], status: int) -> None:
    errors = [{'type': 'value_not_in_list', 'message': 'Value not in list', 'details': '', 'extra_info': {}}]
    problems = {'1': {'class_type': 'EmptyImage', 'errors': errors, 'dependent_outputs': ['2']}}
    refused = {'error': {'type': 'prompt_outputs_failed_validation', 'message': 'no'}} if status == 400 else {}
    fake.answer_prompt = (status, {**refused, 'node_errors': problems})
    assert len(nodes.Checkpoints) == 2
    if status == 400:
        with pytest.raises(PromptRefusedError):
            client.submit(PROMPT)
    else:
        client.submit(PROMPT)
    lists.update(models('c.pt'))
    assert list(nodes.Checkpoints) == ['c.pt']
    assert reads(fake) == 2


def test_a_server_that_went_away_costs_the_answer_only(nodes: Any, fake: FakeServer) -> None:
    assert len(nodes.Checkpoints) == 2
    fake.stop()
    with pytest.raises(AttributeError, match=': it has a, b'):
        _ = nodes.Checkpoints.c
    assert nodes.Checkpoints.b == 'b.pt'


def test_on_the_background_thread_nothing_is_waited_for(nodes: Any, fake: FakeServer, lists: dict[str, Any]) -> None:
    lists.update(models('c.pt'))

    async def ask() -> Any:
        return getattr(nodes.Checkpoints, 'c', None)

    assert spawn(ask()).result(5) is None
    assert asyncio.run(run_async(ask())) is None
    assert reads(fake) == 1
    assert asyncio.run(ask()) == 'c.pt'


def test_a_list_that_was_given_is_not_asked_for(fake: FakeServer, lists: dict[str, Any]) -> None:
    with Client(fake.url, schemas=OBJECT_INFO) as given:
        assert not hasattr(given.nodes, 'LoadImage')
    offline = Client.of_object_info(OBJECT_INFO)
    assert not hasattr(offline.nodes, 'LoadImage')
    assert offline.link.existing is None
    assert reads(fake) == 0


class _Loader:
    names: tuple[str, ...] = ('a.pt',)
    RETURN_TYPES = ()
    FUNCTION = 'run'

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {'required': {'ckpt_name': (list(cls.names),)}}


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The client of a process that is ComfyUI, on whose event loop the test runs."""
    module: Any = types.ModuleType('nodes')
    module.NODE_CLASS_MAPPINGS = {'CheckpointLoaderSimple': _Loader}
    monkeypatch.setattr(_Loader, 'names', ('a.pt',))
    yield Client.of_server_process(ServerProcess(types.SimpleNamespace(port=1, address='127.0.0.1'), module))


def test_inside_the_server_it_is_read_from_there(inside: Client) -> None:
    checkpoints = inside.nodes.Checkpoints

    async def on_the_loop() -> None:
        for name in 'bcd':
            _Loader.names = (*_Loader.names, f'{name}.pt')
            assert getattr(checkpoints, name) == f'{name}.pt'

    asyncio.run(on_the_loop())
    assert inside.link.existing is None


def test_on_the_servers_own_loop_another_client_does_not_wait(
    nodes: Any, fake: FakeServer, lists: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lists.update(models('c.pt'))

    async def ask() -> Any:
        server = types.SimpleNamespace(loop=asyncio.get_running_loop(), port=1, address='127.0.0.1')
        prompt_server = types.SimpleNamespace(PromptServer=types.SimpleNamespace(instance=server))
        monkeypatch.setitem(sys.modules, 'server', prompt_server)  # type: ignore[arg-type]
        monkeypatch.setitem(sys.modules, 'nodes', types.SimpleNamespace(NODE_CLASS_MAPPINGS={}))  # type: ignore[arg-type]
        return getattr(nodes.Checkpoints, 'c', None)

    assert asyncio.run(ask()) is None
    assert reads(fake) == 1
