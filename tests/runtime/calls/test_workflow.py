"""Workflow blocks: what goes into them and what they queue. The client is a stand-in that keeps what it is given."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from comfy_script.runtime.calls import call_hints as hints
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.recording import Recorder, locate_call, record_call
from comfy_script.runtime.calls.running import WorkflowError
from comfy_script.runtime.client.workflow import Workflow


class FakeTask:
    def __init__(self, prompt: dict[str, Any], options: dict[str, Any]):
        self.prompt = prompt
        self.options = options
        self.waits = 0
        self.is_lost = False

    def wait(self) -> list[Any]:
        self.waits += 1
        return []

    def __await__(self) -> Any:
        self.wait()
        yield from asyncio.sleep(0).__await__()
        return []

    def wait_result(self, output: Any, timeout: float | None = None) -> tuple[FakeTask, str]:
        return self, self.options['id_of'](output)

    async def result(self, output: Any) -> tuple[FakeTask, str]:
        return self.wait_result(output)


class FakeClient:
    def __init__(self) -> None:
        self.tasks: list[FakeTask] = []
        self.cancelled: list[str] = []
        self.settings = {'url': f'http://host-{id(self)}/'}

    def submit(self, submission: Any, *, wait: bool = False, timeout: float | None = None) -> FakeTask:
        task = FakeTask(submission.prompt, vars(submission))
        self.tasks.append(task)
        if submission.on_accepted is not None:
            submission.on_accepted(task)
        if wait:
            task.wait()
        return task

    async def _submit(self, submission: Any, *, wait: bool = False) -> FakeTask:
        return self.submit(submission, wait=wait)

    async def _make_room(self, everything: bool) -> None:
        self.cancelled.append('all' if everything else 'remaining')

    def types(self) -> list[list[str]]:
        return [[node['class_type'] for node in task.prompt.values()] for task in self.tasks]


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def nodes(client: FakeClient, schemas: Any) -> NodeNamespace:
    runner: Any = client
    return NodeNamespace(schemas, Recorder(record_call, runner, locate_call))


def test_the_whole_workflow_is_queued_at_the_end(nodes: NodeNamespace, client: FakeClient) -> None:
    with Workflow() as wf:
        image = nodes.VAEDecode(nodes.EmptyLatentImage(), None)
        nodes.Blur(image)
        nodes.SaveImage(image)
        assert client.tasks == []
    assert client.types() == [['EmptyLatentImage', 'VAEDecode', 'Blur', 'SaveImage']]
    assert wf.task is client.tasks[0]
    assert client.tasks[0].waits == 0
    assert json.loads(wf.api_format_json()) == wf.api_format() == client.tasks[0].prompt


def test_wait_and_cancel(nodes: NodeNamespace, client: FakeClient) -> None:
    with Workflow(wait=True, cancel_all=True):
        nodes.SaveImage(None)
    with Workflow(cancel_remaining=True):
        nodes.SaveImage(None)
    assert [task.waits for task in client.tasks] == [1, 0]
    assert client.cancelled == ['all', 'remaining']


def test_nothing_is_queued_without_outputs_or_after_an_error(nodes: NodeNamespace, client: FakeClient) -> None:
    with Workflow() as wf:
        nodes.EmptyLatentImage()
    assert wf.task is None
    with pytest.raises(ZeroDivisionError), Workflow():
        nodes.SaveImage(None)
        _ = 1 / 0
    with Workflow(queue=False):
        nodes.SaveImage(None)
    assert client.tasks == []


def test_blocks_nest(nodes: NodeNamespace, client: FakeClient) -> None:
    with Workflow() as outer:
        latent = nodes.EmptyLatentImage()
        with Workflow():
            nodes.SaveImage(nodes.VAEDecode(latent, None), 'inner')
        nodes.SaveImage(None, 'outer')
    assert client.types() == [['EmptyLatentImage', 'VAEDecode', 'SaveImage'], ['EmptyLatentImage', 'SaveImage']]
    assert outer.task is client.tasks[1]


def test_threads_and_tasks_have_their_own_blocks(nodes: NodeNamespace, client: FakeClient) -> None:
    def in_thread(name: str) -> None:
        with Workflow(queue=False) as wf:
            barrier.wait()
            nodes.SaveImage(None, name)
            barrier.wait()
        found[name] = wf.api_format()

    found: dict[str, Any] = {}
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=in_thread, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: wf['1']['inputs']['filename_prefix'] for name, wf in found.items()} == {n: n for n in '0123'}
    assert all(len(wf) == 1 for wf in found.values())

    async def in_task(name: str) -> dict[str, Any]:
        async with Workflow(wait=True) as wf:
            await asyncio.sleep(0)
            nodes.SaveImage(None, name)
            await asyncio.sleep(0)
        return wf.api_format()

    async def main() -> list[dict[str, Any]]:
        return await asyncio.gather(*(in_task(str(number)) for number in range(4)))

    made = asyncio.run(main())
    assert [wf['1']['inputs']['filename_prefix'] for wf in made] == list('0123')
    assert [task.waits for task in client.tasks] == [1] * 4


def test_a_waited_output_is_not_queued_again(nodes: NodeNamespace, client: FakeClient) -> None:
    with Workflow():
        latent = nodes.EmptyLatentImage()
        first = nodes.SaveImage(nodes.VAEDecode(latent, None), 'first')
        task, key = first.wait()
        assert task is client.tasks[0]
        assert task.prompt[key]['inputs']['filename_prefix'] == 'first'
        assert first.wait() == (task, key)
        nodes.SaveImage(nodes.VAEDecode(latent, None), 'second')
    saved = [
        [node['inputs']['filename_prefix'] for node in task.prompt.values() if node['class_type'] == 'SaveImage']
        for task in client.tasks
    ]
    assert saved == [['first'], ['second']]


def test_outputs_outside_of_blocks(nodes: NodeNamespace, client: FakeClient) -> None:
    saved = nodes.SaveImage(None)
    assert client.tasks == []
    assert saved.wait()[0] is saved.task is client.tasks[0]

    async def main() -> Any:
        return await nodes.SaveImage(None), await nodes.SaveImage(None).result()

    assert [task for task, _ in asyncio.run(main())] == client.tasks[1:]


def test_only_output_nodes_run(nodes: NodeNamespace, client: FakeClient) -> None:
    with pytest.raises(WorkflowError, match=r'EmptyLatentImage .* no output node'):
        nodes.EmptyLatentImage().wait()
    with pytest.raises(WorkflowError, match=r'VAEDecode .* no output node'):
        Workflow(outputs=nodes.VAEDecode(None, None)).queue()
    nodes['Gone']().wait()
    assert client.types() == [['Gone']]


def test_outputs_are_added(nodes: NodeNamespace, client: FakeClient) -> None:
    wf = Workflow()
    wf += nodes.SaveImage(nodes.VAEDecode(None, None), 'a')
    wf += [nodes.SaveImage(None, 'b'), nodes.PreviewBoth(None)]
    assert wf.queue() is client.tasks[0]
    assert client.types() == [['VAEDecode', 'SaveImage', 'SaveImage', 'PreviewBoth']]
    with pytest.raises(TypeError, match='not the output'):
        wf += 3


def test_a_block_that_is_entered_again_starts_empty(nodes: NodeNamespace, client: FakeClient) -> None:
    wf = Workflow()
    for name in 'ab':
        with wf:
            nodes.SaveImage(None, name)
    assert [len(task.prompt) for task in client.tasks] == [1, 1]


def test_nodes_of_two_servers(nodes: NodeNamespace, schemas: Any) -> None:
    runner: Any = FakeClient()
    other = NodeNamespace(schemas, Recorder(record_call, runner))
    with pytest.raises(WorkflowError, match='several servers'), Workflow():
        nodes.SaveImage(other.VAEDecode(None, None))


def test_what_goes_with_the_prompt(nodes: NodeNamespace, client: FakeClient) -> None:
    with Workflow():
        saved = nodes.SaveImage(nodes.EmptyLatentImage(), 'x')
    options = client.tasks[0].options
    assert options['origins']['2'][0] == __file__
    assert options['id_of'](saved) == '2'
    workflow = options['workflow']()
    assert [node['id'] for node in workflow['nodes']] == [1, 2]


def small_group(nodes: NodeNamespace, latent: Any) -> Any:
    latent = nodes.KSampler(None, 1, 2, 3, 'euler', 'normal', None, None, latent, 1)
    return nodes.KSampler(None, 2, 2, 3, 'euler', 'normal', None, None, latent, 1)


def looping(nodes: NodeNamespace, latent: Any) -> Any:
    for seed in range(3):
        latent = nodes.KSampler(None, seed, 2, 3, 'euler', 'normal', None, None, latent, 1)
    return latent


def groups_of(wf: Workflow) -> list[tuple[str, int]]:
    workflow = wf.workflow_format()

    def holds(group: dict[str, Any], node: dict[str, Any]) -> bool:
        x, y, width, height = group['bounding']
        return x <= node['pos'][0] < x + width and y <= node['pos'][1] < y + height

    return [(g['title'], sum(holds(g, node) for node in workflow['nodes'])) for g in workflow['groups']]


def test_functions_become_groups(nodes: NodeNamespace) -> None:
    with Workflow(queue=False) as wf:
        latent = nodes.EmptyLatentImage()
        for _ in range(2):
            latent = small_group(nodes, latent)
        latent = small_group(nodes, looping(nodes, latent))
        nodes.SaveImage(nodes.VAEDecode(latent, None))
    assert groups_of(wf) == [('small_group', 2), ('small_group', 2), ('looping', 3), ('small_group', 2)]


def test_the_function_around_a_workflow_is_no_group(nodes: NodeNamespace) -> None:
    def main() -> Workflow:
        with Workflow(queue=False) as wf:
            nodes.SaveImage(small_group(nodes, nodes.EmptyLatentImage()))
        return wf

    assert groups_of(main()) == [('small_group', 2)]


def test_variables_become_titles(nodes: NodeNamespace) -> None:
    with Workflow(queue=False) as wf:
        happy_dog = nodes.CLIPTextEncode('dog', None)
        conditioning2 = nodes.CLIPTextEncode('cat', None)
        model, clip, vae = nodes.CheckpointLoaderSimple()
        nodes.KSampler(model, 1, 2, 3, 'euler', 'normal', happy_dog, conditioning2, None, 1)
        nodes.SaveImage(nodes.VAEDecode(None, vae))
    titles = [node.get('title') for node in wf.workflow_format()['nodes'] if node['type'] == 'CLIPTextEncode']
    assert titles == ['Happy dog', None]
    assert clip is not None


TUPLES = """
sad_cat, happy_dog = Text('cat', None), Text(text='dog', clip=None)
one, two, three = Text('1', Loader()[1]), Text('2', (lambda: None)()), Text('3', *[None])
w_a, w_b, w_c, w_d = Text('a', None), Text('b', None), Text('c', None), Text('d', None)
first = second = Text('first', None)
(left, _), both = Both(Text('', None)), Text('both', None)
some = [0, 0]
some[0], other = Text('0', None), Text('other', None)
same, number = Text('same', None), 5
"""


@pytest.mark.parametrize('in_function', [False, True])
def test_variables_of_a_tuple_become_titles(nodes: NodeNamespace, in_function: bool) -> None:
    names = {'Text': nodes.CLIPTextEncode, 'Loader': nodes.CheckpointLoaderSimple, 'Both': nodes.PreviewBoth}
    text = TUPLES if not in_function else 'def main():' + TUPLES.replace('\n', '\n    ')
    with Workflow(queue=False) as wf:
        exec(compile(text, '<script>', 'exec'), names)
        if in_function:
            names['main']()
    found = [node for node in wf.workflow_format()['nodes'] if node['type'] == 'CLIPTextEncode']
    titles = {node['widgets_values'][0]: node.get('title') for node in found}
    assert titles == {
        'cat': 'Sad cat', 'dog': 'Happy dog', '1': 'One', '2': 'Two', '3': 'Three',
        'a': 'W a', 'b': 'W b', 'c': 'W c', 'd': 'W d',
        'first': 'First', '': None, 'both': None, '0': None, 'other': None, 'same': None,
    }  # fmt: skip


def test_the_workflow_that_is_sent_is_the_one_that_is_shown(nodes: NodeNamespace) -> None:
    """Sent ones are made of what one made at the same lines looked like; they differ in nothing but speed."""

    def tinted(image: Any, radius: Any) -> Any:
        soft = nodes.Blur(image, radius)
        return nodes.Blur(soft)

    def make(text: str, mode: str, count: int, socket: Any) -> Workflow:
        with Workflow(queue=False) as wf:
            model, clip, vae = nodes.CheckpointLoaderSimple(f'{text}.ckpt')
            kind = nodes.CLIPTextEncode(text, clip)
            latent = nodes.KSampler(model, count, 20, 8, 'euler', 'normal', kind, kind, nodes.EmptyLatentImage())
            image = nodes.VAEDecode(latent, vae)
            for _ in range(count):
                image = tinted(image, count)
            if mode:
                image = nodes.ResizeImage(image, mode)
            nodes.SaveImage(image, text if socket is None else socket)
            if socket is not None:
                nodes.Weights(socket)
            if count == 3:
                nodes['Nobody knows'](text=text, image=image)
        return wf

    made = [
        make(text, mode, count, socket)
        for _ in range(2)
        for text in ('a', 'b // {c|d}')
        for mode in ('', 'size', 'factor')
        for count in (0, 1, 2, 3)
        for socket in (None, 'x', 7)
    ]
    hints._shapes.clear()
    for wf in made:
        built = wf._built()
        assert built.workflow_to_send() == built.workflow()
    known = [shape.template for shape in hints._shapes.values()]
    assert known.count(None) > 1
    assert len(known) - known.count(None) > 3


def test_a_loop_is_laid_out_once(nodes: NodeNamespace, client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    hints._shapes.clear()
    for seed in range(3):
        with Workflow():
            model, clip, vae = nodes.CheckpointLoaderSimple('a')
            text = nodes.CLIPTextEncode('x', clip)
            latent = nodes.KSampler(model, seed, positive=text, negative=text, latent_image=nodes.EmptyLatentImage())
            nodes.SaveImage(nodes.VAEDecode(latent, vae))
        workflow = client.tasks[-1].options['workflow']()
        assert [node['widgets_values'][0] for node in workflow['nodes'] if node['type'] == 'KSampler'] == [seed]
        monkeypatch.setattr(hints, 'lay_out', None)
        monkeypatch.setattr(hints, '_template', None)
