"""Errors, results, nodes and clients go to other processes and come back."""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import pkgutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import comfy_script
from comfy_script.graph import ComfyScriptError
from comfy_script.interpreter.lang.errors import ScriptFailed, Span
from comfy_script.panel.reading import ScriptRefused
from comfy_script.runtime import Client, NodeError, NotLoadedError, PromptRefusedError, TaskState, queue
from comfy_script.runtime.client.current import find_client, node, set_default_client
from comfy_script.runtime.real.errors import NodeRefusedError
from comfy_script.runtime.wire.errors import LaunchError, NodeProblem, Origin, ServerError
from comfy_script.tests.lab.paths import ROOT, SITE, link
from comfy_script.tests.runtime.client.elsewhere import give_back, look, raise_it, use
from comfy_script.tests.runtime.client.fake import IMAGES, OBJECT_INFO, PROMPT
from comfy_script.transpiler.errors import TranspileError


@pytest.fixture(scope='module')
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """Another process, which starts with nothing of this one."""
    link(ROOT, SITE / 'comfy_script')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', str(SITE))
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')) as pool:
            yield pool


@pytest.fixture
def default(client: Client) -> Iterator[Client]:
    before = find_client()
    set_default_client(client)
    yield client
    set_default_client(before)


class Local(Exception):
    """An exception as a script may have it: of a class that no other process knows."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("cannot pickle code objects")


FAILED = {'class_type': 'KSampler', 'exception_type': 'ValueError', 'exception_message': 'no', 'traceback': 'line 1'}
MADE: list[ComfyScriptError] = [
    NodeError(node_id='5', origin=Origin('a.py', 7), **FAILED),
    NodeError(node_id='5', origin=None, **FAILED),
    PromptRefusedError('refused', [NodeProblem('5', 'KSampler', 'seed', 'too small', Origin('a.py', 7))]),
    NodeRefusedError('KSampler', ['seed: too small']),
    LaunchError('it ended', 'its log'),
    ServerError('500', 500, 'its body'),
    TranspileError('broken', file='a.json', node=5, title='Sampler', type='KSampler'),
    ScriptRefused([{'line': 1, 'column': 1, 'message': 'no'}]),
    ScriptFailed('no', Local('no'), Span(2, 0, 2, 4)).locate('a = 1\nfail(a)'),
]


def all_kinds() -> set[type[ComfyScriptError]]:
    for module in pkgutil.walk_packages(comfy_script.__path__, 'comfy_script.'):
        if not module.name.startswith(('comfy_script.tests', 'comfy_script.ui', 'comfy_script.__main__')):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                # Of others' packages some are optional.
                assert not str(error.name).startswith('comfy_script'), error
    found: set[type[ComfyScriptError]] = {ComfyScriptError}
    while more := {below for kind in found for below in kind.__subclasses__()} - found:
        found |= more
    return {kind for kind in found if kind.__module__.startswith('comfy_script.')}


def same(error: BaseException, sent: BaseException) -> None:
    assert type(sent) is type(error) and str(sent) == str(error)
    for name, value in vars(error).items():
        assert str(getattr(sent, name)).removeprefix('Local: ') == str(value), name


def test_every_error_of_the_tree_is_whole_after_pickling():
    plain = all_kinds() - {type(error) for error in MADE}
    errors = [*MADE, *(kind('it failed') for kind in plain)]
    assert len(errors) > 30
    for error in errors:
        same(error, pickle.loads(pickle.dumps(error)))
        same(error, pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(error)))))


def test_an_error_in_a_pool_of_processes_is_the_reason(elsewhere):
    for error in MADE:
        with pytest.raises(type(error)) as caught:
            elsewhere.submit(raise_it, error).result(60)
        same(error, caught.value)
    failed = elsewhere.submit(give_back, MADE[-1]).result(60)
    assert failed.line == 2 and str(failed.exception) == 'Local: no'


def test_an_error_of_a_task_tells_of_the_task(fake, client, elsewhere):
    fake.auto = False
    task = client.submit(PROMPT)
    task.end(TaskState.FAILED, NodeError(node_id='1', origin=None, **FAILED))
    error = task.exception()
    assert isinstance(error, NodeError) and error.task is task

    sent = elsewhere.submit(give_back, error).result(60)
    assert str(sent) == str(error)
    assert (sent.task.prompt_id, sent.task.state) == (task.prompt_id, TaskState.FAILED)


def test_results_hold_their_files(fake, client, elsewhere):
    fake.auto = True
    (result,) = client.submit(PROMPT).wait()

    sent = elsewhere.submit(give_back, result).result(60)
    fake.stop()
    assert type(sent) is type(result) and sent.output == IMAGES and sent.read() == b'file a'


def test_nodes_and_enums_go_by_name(default, elsewhere):
    function = default.nodes['EmptyImage']
    assert pickle.loads(pickle.dumps(function)) is function
    assert pickle.loads(pickle.dumps(default.nodes.Samplers)) is default.nodes.Samplers
    assert pickle.loads(pickle.dumps([node, queue])) == [node, queue]

    assert elsewhere.submit(give_back, function).result(60) is function
    with pytest.raises(NotLoadedError, match='EmptyImage came from another process, and no ComfyUI is loaded'):
        elsewhere.submit(use, function).result(60)
    assert elsewhere.submit(use, function).exception(60) is not None, 'the pool goes on'


def test_a_node_that_came_before_load_is_found_afterwards(client):
    set_default_client(None)
    sent = pickle.loads(pickle.dumps(client.nodes['EmptyImage']))
    try:
        set_default_client(client)
        assert sent(8, 8).node.class_type == 'EmptyImage'
    finally:
        set_default_client(None)


def test_clients_go_as_their_options(fake, make_client, elsewhere):
    client = make_client(headers={'X-Key': 'abc'}, api_key='secret-key', auth=('me', 'pass-word'), lost_after=3.0)
    sent = pickle.loads(pickle.dumps(client))

    assert (sent.options, sent.api_key, sent.save_source) == (client.options, 'secret-key', True)
    assert sent._secrets == client._secrets
    assert sent.link.existing is None
    assert 'EmptyImage' in sent.nodes
    shown, nodes = elsewhere.submit(look, client, 'nodes').result(60)
    assert (shown, nodes) == (repr(client), f'<{len(OBJECT_INFO)} nodes>')

    offline = pickle.loads(pickle.dumps(Client.of_object_info(OBJECT_INFO)))
    assert offline.offline and list(offline.nodes) == list(OBJECT_INFO)
