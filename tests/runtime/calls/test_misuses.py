"""What scripts do with outputs that have not run: errors that say what to do, and nothing lost in silence."""

from __future__ import annotations

import gc
import logging
import pickle
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import pytest

from comfy_script.graph import CallError, Schemas
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.recording import Recorder, record_call
from comfy_script.runtime.calls.running import BuildError
from comfy_script.runtime.client.workflow import Workflow
from comfy_script.runtime.wire.background import wait_future
from comfy_script.runtime.wire.connection import normalize_url
from comfy_script.runtime.wire.errors import LoadError

TEXTS: dict[str, Callable[[Any], str]] = {
    'an f-string': lambda value: f'a photo of {value}',
    'an f-string with a width': lambda value: f'{value:>5}',
    'an f-string of str': lambda value: f'{value!s}',
    'format': lambda value: 'a photo of {}'.format(value),  # noqa: UP032
    '%': lambda value: 'a photo of %s' % value,  # noqa: UP031
    '% of several': lambda value: '%s, %d steps' % (value, 3),  # noqa: UP031
    '%=': lambda value: _in_place(value),
}


def _in_place(value: Any) -> str:
    text = 'a photo of %s'
    text %= value
    return text


@pytest.mark.parametrize('way', TEXTS)
@pytest.mark.parametrize('kind', ['value', 'handle'])
def test_an_output_is_no_text(nodes: NodeNamespace, way: str, kind: str) -> None:
    value = nodes.CLIPTextEncode('a dog', None) if kind == 'value' else nodes.SaveImage(None)
    with pytest.raises(TypeError, match=r'test_misuses\.py:\d+.* cannot become part of a text'):
        TEXTS[way](value)


def test_several_outputs_are_no_text(nodes: NodeNamespace) -> None:
    for way in ('an f-string', 'format'):
        with pytest.raises(TypeError, match='cannot become part of a text'):
            TEXTS[way](nodes.CheckpointLoaderSimple())


def test_the_error_names_the_helper_that_gets_the_value(nodes: NodeNamespace) -> None:
    count, _ = nodes.Count(None)
    with pytest.raises(TypeError, match=r'util\.get_int'):
        TEXTS['an f-string'](count)


def test_outputs_can_be_printed_and_logged(
    nodes: NodeNamespace, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    latent = nodes.EmptyLatentImage()
    print(latent, [latent])
    logging.getLogger('script').warning('%s', latent)
    assert capsys.readouterr().out == f'{latent!r} [{latent!r}]\n'
    assert caplog.messages == [repr(latent)]


WRONG_USES: dict[str, tuple[Callable[[Any], Any], str]] = {
    'a method of the result': (lambda n: n.SaveImage(None).save('x'), r"SaveImage call.* has no 'save'.*\.wait\(\)"),
    'an index of the result': (lambda n: n.SaveImage(None)[0], r'SaveImage call.*\.wait\(\)'),
    'a loop over the result': (lambda n: list(n.SaveImage(None)), r'SaveImage call.*\.wait\(\)'),
    'the length of the result': (lambda n: len(n.SaveImage(None)), r'SaveImage call.*\.wait\(\)'),
    'an image of an output node': (lambda n: n.PreviewBoth(None)[0].save('x.png'), r'PreviewBoth call.*\.wait\(\)'),
    'a method of an image': (lambda n: n.VAEDecode(None, None).save('x.png'), r"has no 'save'.*util\.get_images"),
    'computing': (lambda n: n.Count(None)[0] + 1, r'util\.get_int'),
    'all outputs for one': (lambda n: n.Blur(n.CheckpointLoaderSimple()), r'\(MODEL, CLIP, VAE\).*one of them'),
    'a comma at the end': (lambda n: n.VAEDecode((n.EmptyLatentImage(),), None), r'comma at the end'),
    'a tuple of outputs': (lambda n: n.VAEDecode((n.EmptyLatentImage(),) * 2, None), r'2 outputs: pass one of them'),
    'a choice that is not there': (lambda n: n.Samplers.eular, r"'euler'\?\): it has euler, euler_ancestral, ddim$"),
}  # fmt: skip


@pytest.mark.parametrize('use', WRONG_USES)
def test_a_wrong_use_says_what_to_do(nodes: NodeNamespace, use: str) -> None:
    wrong, message = WRONG_USES[use]
    with pytest.raises((TypeError, AttributeError, BuildError), match=message):
        wrong(nodes)


def test_calls_in_a_pool_belong_to_the_block_of_their_inputs(nodes: NodeNamespace) -> None:
    def make(seed: int) -> None:
        latent = nodes.KSampler(model, seed, positive=text, negative=text, latent_image=nodes.EmptyLatentImage())
        nodes.SaveImage(nodes.VAEDecode(latent, vae), f'{seed}')

    with Workflow(queue=False) as wf, ThreadPoolExecutor(4) as pool:
        model, clip, vae = nodes.CheckpointLoaderSimple()
        text = nodes.CLIPTextEncode('a dog', clip)
        list(pool.map(make, range(20)))
    prompt = wf.api_format()
    names = {node['inputs']['filename_prefix'] for node in prompt.values() if node['class_type'] == 'SaveImage'}
    assert names == {str(seed) for seed in range(20)}
    assert len(prompt) == 2 + 20 * 4


def test_calls_of_other_threads_stay_out_of_a_block(nodes: NodeNamespace) -> None:
    image = nodes.VAEDecode(None, None)
    with ThreadPoolExecutor(1) as pool:
        with Workflow(queue=False) as wf:
            with Workflow(queue=False) as ended:
                latent = nodes.EmptyLatentImage()
            pool.submit(lambda: [nodes.SaveImage(image).api_format(), nodes.VAEDecode(latent, None)]).result()
        pool.submit(lambda: nodes.Blur(latent)).result()
    assert wf.api_format() == {}
    assert [node['class_type'] for node in ended.api_format().values()] == ['EmptyLatentImage']


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    gc.collect()
    return [message for message in caplog.messages if 'never ran' in message]


def test_an_output_node_that_never_runs_is_told(nodes: NodeNamespace, caplog: pytest.LogCaptureFixture) -> None:
    def alone() -> None:
        nodes.SaveImage(nodes.VAEDecode(nodes.EmptyLatentImage(), None))

    with Workflow(queue=False), ThreadPoolExecutor(1) as pool:
        pool.submit(alone).result()
    [message] = warnings_of(caplog)
    assert 'SaveImage call at ' in message
    assert 'test_misuses.py' in message
    assert 'with wf:' in message


def test_what_is_used_or_in_a_block_is_not_told(nodes: NodeNamespace, caplog: pytest.LogCaptureFixture) -> None:
    def in_thread() -> None:
        with wf:
            nodes.SaveImage(None, 'in a thread')

    nodes.SaveImage(None).api_format()
    with Workflow(queue=False) as wf, ThreadPoolExecutor(1) as pool:
        nodes.SaveImage(None)
        wf += nodes.SaveImage(None)
        pool.submit(in_thread).result()
    assert len(wf.api_format()) == 3
    nodes.EmptyLatentImage()
    assert warnings_of(caplog) == []


def test_an_unknown_choice_of_a_dynamic_combo(schemas: Schemas, nodes: NodeNamespace) -> None:
    server: Any = object()
    for use in ({'mode': 'sise'}, {'mode': 'sise', 'mode__width': 3}):
        with pytest.raises(CallError, match=r"'mode' is 'sise', which is none of its 2 choices \(did you mean 'size'"):
            NodeNamespace(schemas, Recorder(record_call, server)).ResizeImage(None, **use)
    # Where no server is to run it, it is what a graph holds.
    assert nodes.ResizeImage(None, 'sise').node.inputs == {'mode': 'sise'}


def test_what_has_not_run_cannot_be_pickled(nodes: NodeNamespace) -> None:
    for value in (nodes.EmptyLatentImage(), nodes.CheckpointLoaderSimple(), Workflow(queue=False)):
        with pytest.raises(TypeError, match=r'cannot be pickled: wait for it, its results? can be$'):
            pickle.dumps(value)


@pytest.mark.parametrize(
    ('timeout', 'error', 'message'),
    [
        ('1', TypeError, "A timeout is a number of seconds, or None to wait on, not '1'"),
        (-1, ValueError, 'A timeout is 0 seconds or more, or None to wait on, not -1'),
        (float('nan'), ValueError, 'not nan'),
    ],
)
def test_a_wait_of_no_time(nodes: NodeNamespace, timeout: Any, error: type[Exception], message: str) -> None:
    """Told before anything is queued: these nodes have no server."""
    with pytest.raises(error, match=message):
        nodes.EmptyLatentImage().wait(timeout)
    with pytest.raises(error, match=message):
        wait_future(Future(), timeout)
    ended: Future[int] = Future()
    ended.set_result(1)
    times: list[Any] = [None, 0, 0.5, Fraction(1)]
    assert [wait_future(ended, time) for time in times] == [1] * 4


@pytest.mark.parametrize('address', ['http://127.0.0.1:99999', '127.0.0.1:81880', 'http://[::1', 'http://host:port'])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(LoadError, match='is no address of a server'):
        normalize_url(address)
