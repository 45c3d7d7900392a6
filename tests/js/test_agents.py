"""An agent at the open graph, with the SDK's client at one end and a real browser at the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from comfy_script.tests.agents.talking import http_server, over_stdio, refused, text_of, told
from comfy_script.tests.js.conftest import Panel, small_workflow

from mcp import Client  # isort: skip
from mcp.types import CallToolResult, Implementation  # isort: skip

from comfy_script.agents.serving import make_server  # isort: skip
from comfy_script.agents.studio import CallingAgent, Permissions, SeenGraph, Studio  # isort: skip
from comfy_script.runtime.client.client import Client as ComfyClient  # isort: skip

pytestmark = [pytest.mark.browser, pytest.mark.server]

NAME = 'Test agent'

T = TypeVar('T')


class Agent:
    """Calls tools while the browser goes on."""

    def __init__(self, panel: Panel, studio: Studio, threads: ThreadPoolExecutor) -> None:
        self._panel = panel
        self._studio = studio
        self._threads = threads

    def __call__(self, tool: str, **arguments: Any) -> tuple[bool, str]:
        """Whether it was an error, and what was said."""
        result = self.meanwhile(self._call(tool, arguments))
        return bool(result.is_error), text_of(result)

    def meanwhile(self, work: Coroutine[Any, Any, T]) -> T:
        """What it gives, in a thread; Playwright's events go on."""
        called = self._threads.submit(lambda: asyncio.run(work))
        while not called.done():
            self._panel.page.wait_for_timeout(25)
        return called.result()

    @property
    def seen(self) -> SeenGraph:
        return self._studio.seen(CallingAgent(NAME))

    async def _call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        info = Implementation(name='test', title=NAME, version='1')
        async with Client(make_server(self._studio, '0'), client_info=info) as client:
            return await client.call_tool(tool, arguments)


@pytest.fixture(scope='module')
def comfyui(opened: Panel) -> Iterator[ComfyClient]:
    with ComfyClient(opened.server.url) as client:
        yield client


@pytest.fixture
def make_agent(panel: Panel, comfyui: ComfyClient) -> Iterator[Callable[..., Agent]]:
    with ThreadPoolExecutor(1) as threads:
        yield lambda **permissions: Agent(panel, Studio(comfyui, Permissions(**permissions)), threads)


@pytest.fixture
def agent(make_agent: Callable[..., Agent]) -> Agent:
    return make_agent()


def script_in(said: str) -> str:
    return '\n'.join(line for line in said.split('\n') if not line.startswith('# '))


def notice(panel: Panel) -> str:
    return panel.page.inner_text('.cs-agent').replace('\n', ' ')


def test_open_graph_tells_script_selection_and_errors(panel: Panel, agent: Agent) -> None:
    panel.js('app.canvas.selectNode(app.graph.getNodeById(3), false)')
    failed, said = agent('open_graph')
    assert not failed
    assert said.startswith('# open: ')
    assert script_in(said) == panel.text()
    selected = said.split('# selected: lines ')[1].split('\n')[0]
    assert 'KSampler(' in panel.lines()[int(selected.split('-')[0]) - 1]
    panel.set_widget(4, 'ckpt_name', 'nope.safetensors')
    panel.js("await app.extensionManager.command.execute('Comfy.QueuePrompt')")
    said = agent('open_graph')[1]
    assert "# warning 1:43 ckpt_name has no choice 'nope" in said
    assert '# error of the last run 1:1 Value not in list' in said
    panel.page.keyboard.press('Escape')
    assert script_in(agent('script_of', source='open graph')[1]).startswith('model, clip, vae = ')


def test_apply_changes_the_graph_in_one_step_that_the_panel_takes_back(panel: Panel, agent: Agent) -> None:
    _, said = agent('open_graph')
    before = panel.prompt()
    text = script_in(said).replace('VAEDecode(latent, vae)', 'ImageInvert(VAEDecode(latent, vae))')
    failed, said = agent('apply_script', text=text.replace('steps=2', 'steps=3'))
    assert not failed, said
    assert said.startswith('Applied in one step of undo:')
    assert 'steps of node 3 = 3' in said
    assert 'added ImageInvert' in said
    assert panel.widget(3, 'steps') == 3
    panel.wait_for_text('ImageInvert(')
    assert f'{NAME} changed the graph' in notice(panel)
    panel.button('Undo').click()
    panel.wait_for_text('steps=2')
    assert panel.prompt() == before
    panel.page.wait_for_selector('.cs-agent', state='hidden')


@pytest.mark.parametrize('transport', ['stdio', 'http'])
def test_from_a_process_of_its_own(panel: Panel, agent: Agent, transport: str) -> None:
    async def talk() -> str:
        where = ('--server', panel.server.url)
        async with contextlib.AsyncExitStack() as stack:
            if transport == 'stdio':
                client = await stack.enter_async_context(over_stdio(*where))
            else:
                client = await stack.enter_async_context(Client(stack.enter_context(http_server(*where))))
            assert 'call open_graph first' in await refused(client, 'apply_script', edits=[['steps=2', 'steps=3']])
            assert 'KSampler(' in await told(client, 'open_graph')
            assert 'is not in the script' in await refused(client, 'apply_script', edits=[['steps=9', 'steps=3']])
            return await told(client, 'apply_script', edits=[['steps=2', 'steps=3']])

    assert 'steps of node 3 = 3' in agent.meanwhile(talk())
    assert panel.widget(3, 'steps') == 3


def test_edits_are_of_what_the_agent_has_seen(panel: Panel, agent: Agent) -> None:
    agent('open_graph')
    panel.set_widget(3, 'cfg', 5)
    failed, said = agent('apply_script', edits=[['steps=2', 'steps=3']])
    assert not failed, said
    failed, said = agent('apply_script', edits=[['steps=3', 'steps=4'], ['cfg=5', 'cfg=6']])
    assert not failed, said
    assert (panel.widget(3, 'steps'), panel.widget(3, 'cfg')) == (4, 6)


def test_what_the_agent_was_told_is_too_late_does_not_happen(panel: Panel, agent: Agent) -> None:
    text = script_in(agent('open_graph')[1]).replace('steps=2', 'steps=3')
    late = {'token': 'late', 'ask': 'apply', 'agent': NAME, 'script': text, 'read': agent.seen.number}
    panel.js(f"app.api.dispatchCustomEvent('comfyscript.agent', {json.dumps(late)})")
    agent('open_graph')  # asked after it, and answered after it
    assert panel.widget(3, 'steps') == 2
    assert not panel.page.is_visible('.cs-agent')
    assert 'nobody waits' in panel.problems.pop()


def test_a_script_that_is_refused_says_its_lines(panel: Panel, agent: Agent) -> None:
    agent('open_graph')
    before = panel.graph()
    failed, said = agent('apply_script', text='x = 1\nKSampelr()\nimport os\n')
    assert failed
    assert 'error 2:1 NameError' in said
    assert panel.graph()['nodes'] == before['nodes']
    assert not panel.page.is_visible('.cs-agent')


def test_what_a_person_changed_since_stays(panel: Panel, agent: Agent) -> None:
    text = script_in(agent('open_graph')[1])
    panel.set_widget(3, 'cfg', 5)
    failed, said = agent('apply_script', text=text.replace('steps=2', 'steps=3'))
    assert not failed, said
    assert 'What the person changed since is in it' in said
    assert (panel.widget(3, 'steps'), panel.widget(3, 'cfg')) == (3, 5)
    panel.set_widget(3, 'steps', 9)
    failed, said = agent('apply_script', text=script_in(said.split('is now:\n')[1]).replace('steps=3', 'steps=4'))
    assert failed
    assert 'changed the same places' in said
    assert panel.widget(3, 'steps') == 9


def test_no_graph_is_written_over_unseen(panel: Panel, agent: Agent) -> None:
    before = panel.graph()['nodes']
    failed, said = agent('apply_script', text="PreviewImage(LoadImage('example.png')[0])")
    assert (failed, 'open_graph first' in said) == (True, True)
    agent('open_graph')
    panel.load(small_workflow(), 'another')
    failed, said = agent('apply_script', text="PreviewImage(LoadImage('example.png')[0])")
    assert (failed, 'another workflow is on screen now (another)' in said) == (True, True)
    assert len(panel.graph()['nodes']) == len(before)


def test_a_persons_edits_in_the_panel_stay(panel: Panel, agent: Agent) -> None:
    text = script_in(agent('open_graph')[1])
    panel.edit('cfg=8', 'cfg=6')
    panel.wait_for_state('1 value')
    failed, said = agent('apply_script', text=text.replace('steps=2', 'steps=3'))
    assert not failed, said
    panel.wait_for_text('steps=3')
    assert 'cfg=6' in panel.text()
    assert panel.widget(3, 'cfg') == 8


def test_with_the_panel_closed(panel: Panel, agent: Agent) -> None:
    panel.close()
    text = script_in(agent('open_graph')[1])
    failed, said = agent('apply_script', text=text.replace('steps=2', 'steps=4'))
    assert not failed, said
    assert panel.widget(3, 'steps') == 4
    panel.page.wait_for_selector(f'text={NAME} changed the graph: 1 change.')
    panel.open()
    panel.wait_for_text('steps=4')
    assert NAME in notice(panel)
    panel.set_widget(3, 'cfg', 3)
    panel.settle()
    panel.until(lambda: panel.button('Undo').is_disabled())
    panel.page.get_by_role('button', name='Seen', exact=True).click()
    panel.page.wait_for_selector('.cs-agent', state='hidden')


def test_switched_off(panel: Panel, agent: Agent, make_agent: Callable[..., Agent]) -> None:
    text = script_in(agent('open_graph')[1]).replace('steps=2', 'steps=3')
    panel.js("await app.extensionManager.setting.set('ComfyScript.Agents.Apply', false)")
    try:
        failed, said = agent('apply_script', text=text)
        assert (failed, "switched it off in ComfyUI's settings" in said) == (True, True)
    finally:
        panel.js("await app.extensionManager.setting.set('ComfyScript.Agents.Apply', true)")
    reading = make_agent(may_apply=False)
    assert not reading('open_graph')[0]
    assert reading('apply_script', text=text)[0]
    assert panel.widget(3, 'steps') == 2


def test_a_block_is_copied_for_an_agent(panel: Panel) -> None:
    panel.js('app.canvas.selectNode(app.graph.getNodeById(3), false)')
    panel.menu('Copy for an agent')
    panel.page.wait_for_selector('text=Script, errors and nodes copied')
    text = panel.page.evaluate('navigator.clipboard.readText()')
    assert panel.text().strip() in text
    assert 'Selected: lines ' in text
    assert "class type 'KSampler'" in text
    assert "class type 'SaveImage'" not in text


def test_the_page_looked_at_last_is_meant(panel: Panel, agent: Agent) -> None:
    other = panel.page.context.new_page()
    try:
        second = Panel(other, panel.server)
        second.goto()
        second.load(small_workflow(), 'second')
        second.settle()
        said = agent('open_graph')[1]
        assert '# open: second (on the page looked at last, of 2)' in said
        panel.page.bring_to_front()
        panel.page.evaluate("window.dispatchEvent(new Event('focus'))")
        panel.settle()
        assert '# open: second' not in agent('open_graph')[1]
    finally:
        other.close()


def test_cancelling_others_is_a_setting_too(panel: Panel, agent: Agent) -> None:
    panel.js("await app.extensionManager.setting.set('ComfyScript.Agents.CancelOthers', false)")
    script = 'import torch\nwhile True:\n    torch.zeros(1)\n'
    other = panel.server.submit({'1': {'class_type': 'ComfyScript', 'inputs': {'script': script}}})
    try:
        failed, said = agent('cancel', prompt_id=other)
        assert (failed, 'switched off' in said) == (True, True)
    finally:
        panel.js("await app.extensionManager.setting.set('ComfyScript.Agents.CancelOthers', true)")
        agent('cancel', prompt_id=other)


def test_where_no_page_is_open(panel: Panel, agent: Agent) -> None:
    panel.page.goto('about:blank')
    try:
        failed, said = agent('open_graph')
        assert (failed, 'open in no browser' in said) == (True, True)
    finally:
        panel.goto()
