"""The same tasks by other MCP servers' tools: the shortest right way that their descriptions offer.

comfy-draftsman edits a graph by operations. Nodes that only a pack's JavaScript knows have to be taken out by them: it
runs no graph with these. comfy-mcp sets values in a file, and leaves other changes of it to the agent's own tools: the
file is read once (as an API prompt without spaces), and only nodes that are new or changed are written.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from comfy_script.agents.given_scripts import edited
from comfy_script.graph import Schemas
from comfy_script.panel.apply import plan
from comfy_script.panel.reading import read_script
from comfy_script.panel.requests import ApplyRequest
from comfy_script.panel.service import answer_file
from comfy_script.runtime.client.client import Client as ComfyClient
from comfy_script.tests.agents.bench_spending import Purse
from comfy_script.tests.agents.bench_tasks import AgentTask
from comfy_script.transpiler.convert import convert_workflow
from comfy_script.transpiler.files import metadata_of


class CannotError(Exception):
    """Its tools offer no way."""


class Peer(NamedTuple):
    purse: Purse
    comfyui: ComfyClient
    folder: Path

    def start(self, task: AgentTask) -> tuple[dict[str, Any], dict[str, Any]]:
        """The workflow to begin with, and its prompt."""
        return task.workflow, convert_workflow(task.workflow, self.comfyui.schemas).prompt

    def right(self, task: AgentTask) -> str:
        """The right script."""
        return edited(answer_file(metadata_of(task.workflow), {}, self.comfyui.schemas)['script'], task.edits)

    def edits(self, task: AgentTask, workflow: dict[str, Any]) -> list[dict[str, Any]]:
        """What makes it right."""
        found = plan(ApplyRequest.parse({'workflow': workflow, 'script': self.right(task)}), self.comfyui.schemas)
        assert not found.get('errors'), found
        return found['edits']

    async def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A call that must succeed."""
        failed, text = await self.purse.call(tool, **arguments)
        if failed:
            raise CannotError(f'{tool} says {text[:1000]}')
        try:
            found = json.loads(text)
        except ValueError:
            return {'text': text}
        return found if isinstance(found, dict) else {'text': text}


def varied(task: AgentTask, prompt: dict[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Node, input and values; of a class type its node."""
    by_type = {node['class_type']: key for key, node in prompt.items()}
    return [(by_type.get(which, which), name, values) for which, name, values in task.varied]


def only_here(task: AgentTask) -> None:
    if not task.graph_can:
        raise CannotError('a graph has no condition')


# comfy-draftsman


async def draftsman(peer: Peer, task: AgentTask) -> None:
    only_here(task)
    workflow, prompt = peer.start(task)
    opened = await peer.done('import_workflow', name=task.saved_as)
    if 'workflow_id' not in opened:
        raise CannotError(f'import_workflow says {opened}')
    which = opened['workflow_id']
    if 'definitions' in workflow:  # import_workflow tells the rest
        await peer.done('inspect_workflow', workflow_id=which)
    for tool, arguments in task.looks:
        name, asked = _draftsman_look(tool, arguments)
        await peer.done(name, **asked)
    if task.kind == 'repair':
        await peer.purse.call('validate_workflow', workflow_id=which)
    places = Places(workflow, prompt)
    sweep: dict[str, Any] = {}
    if task.varied:
        some = varied(task, prompt)
        variants = [
            {'label': str(index), 'ops': [places.set(key, name, values[index]) for key, name, values in some]}
            for index in range(len(some[0][2]))
        ]
        sweep = {'sweep': {'variants': variants}}
    edits = [] if task.varied else operations(peer.edits(task, workflow), places)
    edits += without_virtual(workflow, prompt, peer.comfyui.schemas)
    if edits:
        await peer.done('edit_workflow', workflow_id=which, operations=edits)
    # It checks before it runs.
    await peer.done('run_workflow', workflow_id=which, roll_seeds=False, **sweep)
    if not peer.purse.spent.pictures:
        raise CannotError('run_workflow gives no picture')


def _draftsman_look(tool: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if tool == 'search_nodes':
        return 'search_nodes', {'query': arguments['text']}
    if tool == 'describe_node':
        return 'get_node_info', {'class_type': arguments['name']}
    node, _, name = arguments['kind'].rpartition('.')
    if node:
        return 'get_node_info', {'class_type': node, 'choices_filter': f'{name}:', 'max_choices': 100}
    return 'list_models', {'folder': name}


NATIVE = frozenset({'Note', 'MarkdownNote', 'PrimitiveNode', 'Reroute'})


def without_virtual(workflow: dict[str, Any], prompt: dict[str, Any], schemas: Schemas) -> list[dict[str, Any]]:
    """Nodes that only a pack's JavaScript knows are taken out, and what they lead through is linked."""
    within = {one['id'] for one in workflow.get('definitions', {}).get('subgraphs', ())}
    virtual = [
        node
        for node in workflow['nodes']
        if node['type'] not in schemas and node['type'] not in NATIVE | within and str(node['id']) not in prompt
    ]
    gone = {node['id'] for node in virtual}
    broken = {(link[3], link[4]) for link in workflow['links'] if link[1] in gone and link[3] not in gone}
    linked = []
    for node in workflow['nodes']:
        for slot, item in enumerate(node.get('inputs', ())):
            source = prompt.get(str(node['id']), {}).get('inputs', {}).get(item['name'])
            if (node['id'], slot) in broken and isinstance(source, list):
                to = {'to_node': node['id'], 'to_input': item['name']}
                linked.append({'op': 'connect', 'from_node': int(source[0]), 'from_output': source[1], **to})
    return [{'op': 'remove_node', 'node_id': node['id']} for node in virtual] + linked


class Places:
    """Nodes and their values as comfy-draftsman names them, also in subgraphs."""

    def __init__(self, workflow: dict[str, Any], prompt: dict[str, Any]) -> None:
        self._prompt = prompt
        subgraphs = {one['id']: one for one in workflow.get('definitions', {}).get('subgraphs', ())}
        self._types: dict[str, str] = {}
        self._enter(workflow['nodes'], '', subgraphs)

    def _enter(self, nodes: list[dict[str, Any]], path: str, subgraphs: dict[str, dict[str, Any]]) -> None:
        for node in nodes:
            self._types[f'{path}{node["id"]}'] = node['type']
            if node['type'] in subgraphs:
                self._enter(subgraphs[node['type']]['nodes'], f'{path}{node["id"]}:', subgraphs)

    def set(self, key: str, name: str, value: Any) -> dict[str, Any]:
        """A value of a node; of a long text only what is another."""
        outer, _, inner = key.rpartition(':')
        if outer:
            where = {'definition_id': self._types[outer], 'node_id': int(inner)}
            return {'op': 'set_widget_in_definition', **where, 'input': name, 'value': value}
        was = self._prompt.get(key, {}).get('inputs', {}).get(name)
        where = {'node_id': int(key), 'input': name}
        whole = {'op': 'set_widget', **where, 'value': value}
        if isinstance(was, str) and isinstance(value, str) and was:
            old, new = replacement(was, value)
            part = {'op': 'replace_in_widget', **where, 'old': old, 'new': new}
            return min(whole, part, key=lambda one: len(json.dumps(one)))
        return whole


def replacement(was: str, value: str) -> tuple[str, str]:
    """The shortest part of a text that is there once and makes it the other."""
    first = next((at for at, (a, b) in enumerate(zip(was, value)) if a != b), min(len(was), len(value)))
    last = 0
    while last < min(len(was), len(value)) - first and was[-1 - last] == value[-1 - last]:
        last += 1
    while first and (first == len(was) - last or was.count(was[first : len(was) - last]) > 1):
        first -= 1
    return was[first : len(was) - last], value[first : len(value) - last]


def operations(edits: list[dict[str, Any]], places: Places) -> list[dict[str, Any]]:
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
            found.append(places.set(key, edit['input'], edit['value']))
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
    if task.kind == 'repair':
        await peer.purse.call('validate_workflow', workflow_path=str(file))
    runs = [file]
    if task.varied:
        listed = await peer.done('list_workflow_slots', workflow_path=str(file))
        some = varied(task, prompt)
        slots = [{'address': address(listed, node, name), 'values': values} for node, name, values in some]
        out = peer.folder / task.name.replace(' ', '-')
        await peer.done('vary_workflow', workflow_path=str(file), slots=slots, out_dir=str(out))
        runs = sorted(out.glob('*.json'))
        if len(runs) != len(task.varied[0][2]):
            raise CannotError(f'vary_workflow makes {len(runs)} workflows')
    elif values_only:
        listed = await peer.done('list_workflow_slots', workflow_path=str(file))
        overrides = [{'address': address(listed, one['node'], one['input']), 'value': one['value']} for one in edits]
        await peer.done('set_workflow_slot', workflow_path=str(file), overrides=overrides, stdout=False)
    else:
        _write_prompt(peer, task, prompt, edits, file)
    for run in runs:
        ran = await peer.done('run_workflow', workflow_path=str(run))
        prompt_id = ran.get('prompt_id') or ran.get('data', {}).get('prompt_id')
        if not prompt_id:
            raise CannotError(f'run_workflow says {ran}')
        await peer.done('fetch_outputs', prompt_id=prompt_id, out_dir=str(peer.folder / 'out'), inline_images=True)


def address(listed: dict[str, Any], node: str, name: str) -> str:
    """Of an input; of one in a subgraph the subgraph's own, where it has one of this name."""
    known = {slot['address'] for slot in listed.get('slots', ())}
    outer = node.partition(':')[0]
    inner = node.replace(':', '/')
    for one in (f'{node}.{name}', f'{inner}.{name}', f'{outer}.{name}'):
        if one in known:
            return one
    raise CannotError(f'list_workflow_slots has no {name} of node {node}: {sorted(known)}')


def _write_prompt(peer: Peer, task: AgentTask, prompt: dict[str, Any], edits: list[dict[str, Any]], file: Path) -> None:
    """The agent's own reading and writing of the file, as little of it as will do."""
    right = read_script(peer.right(task), peer.comfyui.schemas).prompt.to_json()
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
