"""The same tasks by other MCP servers' tools: the shortest right way that their descriptions offer.

comfy-draftsman edits a graph by operations. comfy-mcp sets values in a file, and leaves other changes of it to the
agent's own tools: the file is read once (as an API prompt without spaces), and only nodes that are new or changed are
written.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from comfy_script.panel.apply import plan
from comfy_script.panel.reading import read_script
from comfy_script.panel.requests import ApplyRequest
from comfy_script.runtime.client.client import Client as ComfyClient
from comfy_script.runtime.wire.background import run_async
from comfy_script.tests.agents.bench_spending import Purse
from comfy_script.tests.agents.bench_tasks import AgentTask, picture


class CannotError(Exception):
    """Its tools offer no way."""


class Peer(NamedTuple):
    purse: Purse
    comfyui: ComfyClient
    folder: Path

    def start(self, task: AgentTask) -> tuple[dict[str, Any], dict[str, Any]]:
        """The workflow to begin with, and its prompt."""
        renamed = 'KSampelr' in task.wrong
        read = read_script(task.right if renamed else task.wrong or picture(), self.comfyui.schemas)
        both = json.dumps([read.workflow(), read.prompt.to_json()])
        workflow, prompt = json.loads(both.replace('"KSampler"', '"KSampelr"') if renamed else both)
        return workflow, prompt

    def edits(self, task: AgentTask, workflow: dict[str, Any]) -> list[dict[str, Any]]:
        """What makes it right."""
        found = plan(ApplyRequest.parse({'workflow': workflow, 'script': task.right}), self.comfyui.schemas)
        assert 'errors' not in found, found
        return found['edits']

    async def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A call that must succeed."""
        failed, text = await self.purse.call(tool, **arguments)
        assert not failed, f'{tool} says {text[:2000]}'
        try:
            found = json.loads(text)
        except ValueError:
            return {'text': text}
        return found if isinstance(found, dict) else {'text': text}


def varied(task: AgentTask, prompt: dict[str, Any]) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Node, input and values: of each class type the first node, which is the one that the text belongs to."""
    first = {node['class_type']: key for key, node in reversed(prompt.items())}
    return [(first[class_type], name, values) for class_type, name, values in task.varied]


def only_here(task: AgentTask) -> None:
    if 'mean()' in task.right:
        raise CannotError('a graph has no condition')


# comfy-draftsman

FILE = 'userdata/workflows%2Fbench.json'


async def draftsman(peer: Peer, task: AgentTask) -> None:
    only_here(task)
    workflow, prompt = peer.start(task)
    saved = json.dumps(workflow).encode()
    connection = peer.comfyui.tracker.connection
    await run_async(connection.request('POST', FILE, params={'overwrite': 'true'}, data=saved))
    opened = await peer.done('import_workflow', name='bench')
    assert 'workflow_id' in opened, opened
    which = opened['workflow_id']
    await peer.done('inspect_workflow', workflow_id=which)
    for tool, arguments in task.looks:
        await peer.done(*_draftsman_look(tool, arguments)[:1], **_draftsman_look(tool, arguments)[1])
    if task.wrong:
        await peer.purse.call('validate_workflow', workflow_id=which)
    sweep: dict[str, Any] = {}
    if task.varied:
        places = varied(task, prompt)
        variants = [
            {
                'label': str(index),
                'ops': [
                    {'op': 'set_widget', 'node_id': int(node), 'input': name, 'value': values[index]}
                    for node, name, values in places
                ],
            }
            for index in range(len(places[0][2]))
        ]
        sweep = {'sweep': {'variants': variants}}
    else:
        await peer.done('edit_workflow', workflow_id=which, operations=operations(peer.edits(task, workflow)))
    await peer.done('validate_workflow', workflow_id=which)
    ran = await peer.done('run_workflow', workflow_id=which, **sweep)
    assert 'error' not in str(ran.get('status')), ran


def _draftsman_look(tool: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if tool == 'search_nodes':
        return 'search_nodes', {'query': arguments['text']}
    if tool == 'describe_node':
        return 'get_node_info', {'class_type': arguments['name']}
    node, _, name = arguments['kind'].rpartition('.')
    if node:
        return 'get_node_info', {'class_type': node, 'choices_filter': f'{name}:', 'max_choices': 100}
    return 'list_models', {'folder': name}


def operations(edits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the panel's edits, as comfy-draftsman takes them."""
    fresh = {edit['node']: {} for edit in edits if edit['op'] == 'add'}
    for edit in edits:
        if edit['op'] == 'set' and edit['node'] in fresh:
            fresh[edit['node']][edit['input']] = edit['value']

    def node(key: str) -> int | str:
        return key if key in fresh else int(key)

    found: list[dict[str, Any]] = []
    for edit in sorted(edits, key=lambda one: one['op'] != 'add'):
        key = edit['node']
        if edit['op'] == 'add':
            found.append({'op': 'add_node', 'class_type': edit['type'], 'ref': key, 'widgets': fresh[key]})
        elif edit['op'] == 'remove':
            found.append({'op': 'remove_node', 'node_id': node(key)})
        elif edit['op'] == 'connect':
            source, slot = edit['from']
            to = {'to_node': node(key), 'to_input': edit['input']}
            found.append({'op': 'connect', 'from_node': node(source), 'from_output': slot, **to})
        elif edit['op'] == 'disconnect':
            found.append({'op': 'disconnect', 'node_id': node(key), 'input': edit['input']})
        elif key not in fresh:
            found.append({'op': 'set_widget', 'node_id': node(key), 'input': edit['input'], 'value': edit['value']})
    return found


# comfy-mcp


async def comfy_mcp(peer: Peer, task: AgentTask) -> None:
    only_here(task)
    workflow, prompt = peer.start(task)
    edits = [] if task.varied else peer.edits(task, workflow)
    for tool, arguments in task.looks:
        await _comfy_look(peer, tool, arguments)
    file = peer.folder / 'workflow.json'
    values_only = all(edit['op'] == 'set' for edit in edits)
    file.write_text(json.dumps(workflow if values_only else prompt), encoding='utf-8')
    if task.wrong:
        await peer.purse.call('validate_workflow', workflow_path=str(file))
    runs = [file]
    if task.varied:
        await peer.done('list_workflow_slots', workflow_path=str(file))
        slots = [{'address': f'{node}.{name}', 'values': list(values)} for node, name, values in varied(task, prompt)]
        out = peer.folder / task.name.replace(' ', '-')
        await peer.done('vary_workflow', workflow_path=str(file), slots=slots, out_dir=str(out))
        runs = sorted(out.glob('*.json'))
        assert len(runs) == len(task.varied[0][2])
    elif values_only:
        await peer.done('list_workflow_slots', workflow_path=str(file))
        overrides = [{'address': f'{edit["node"]}.{edit["input"]}', 'value': edit['value']} for edit in edits]
        await peer.done('set_workflow_slot', workflow_path=str(file), overrides=overrides, stdout=False)
    else:
        _write_prompt(peer, task, prompt, edits, file)
    await peer.done('validate_workflow', workflow_path=str(runs[0]))
    for run in runs:
        ran = await peer.done('run_workflow', workflow_path=str(run))
        prompt_id = ran.get('prompt_id') or ran.get('data', {}).get('prompt_id')
        assert prompt_id, ran
        await peer.done('fetch_outputs', prompt_id=prompt_id, out_dir=str(peer.folder / 'out'), inline_images=True)


def _write_prompt(
    peer: Peer, task: AgentTask, prompt: dict[str, Any], edits: list[dict[str, Any]], file: Path
) -> None:
    """The agent's own reading and writing of the file, as little of it as will do."""
    right = read_script(task.right, peer.comfyui.schemas).prompt.to_json()
    touched = {edit['node'] for edit in edits if edit['op'] != 'remove'}
    few = sorted(right.values(), key=lambda node: len(json.dumps(node)))[: len(touched)]
    compact = json.dumps(prompt, separators=(',', ':'))
    peer.purse.pay(len(json.dumps({'path': str(file)})), len(compact))
    peer.purse.pay(sum(len(json.dumps(node, separators=(',', ':'))) for node in few), 0)
    file.write_text(json.dumps(right), encoding='utf-8')


async def _comfy_look(peer: Peer, tool: str, arguments: dict[str, Any]) -> None:
    if tool == 'search_nodes':
        await peer.done('nodes', action='search', query=arguments['text'])
    elif tool == 'describe_node':
        await peer.done('nodes', action='get', name=arguments['name'])
    else:
        node, _, name = arguments['kind'].rpartition('.')
        if node:
            await peer.done('nodes', action='get', name=node)
        else:
            await peer.done('search_models', folder=name)


PEERS: dict[str, Callable[[Peer, AgentTask], Awaitable[None]]] = {'comfy-draftsman': draftsman, 'comfy-mcp': comfy_mcp}
