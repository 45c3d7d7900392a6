"""What an agent pays for its tools: their descriptions, and the calls and answers of 30 tasks done right.

    python dev.py bench agent [COMMAND …]

No model is called: each task is the calls that a good agent makes, the last of which runs the right answer on a real
server. Characters, and tokens as a quarter of these; pictures are counted by themselves. Each COMMAND is another MCP
server, started over stdio for the same tasks on the same server: `comfy-draftsman`, or `comfy-mcp` with `comfy` on the
path.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters
from PIL import Image

from comfy_script.agents.serving import make_server
from comfy_script.agents.studio import Studio
from comfy_script.runtime.client.client import Client as ComfyClient
from comfy_script.tests.agents.bench_models import clear_models, lay_models
from comfy_script.tests.agents.bench_peers import PEERS, CannotError, Peer
from comfy_script.tests.agents.bench_spending import Purse, Spent
from comfy_script.tests.agents.bench_tasks import AgentTask, Call, nodes_of, read_data, read_tasks
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base


async def with_scripts(purse: Purse, task: AgentTask) -> None:
    """AssertionError where the right answer is not right, or what is to be repaired not found."""
    source = f'workflows/{task.saved_as}.json'
    edits = [list(edit) for edit in task.edits]
    calls: list[tuple[Call, bool]] = [(('script_of', {'source': source}), True)]
    calls += [(look, True) for look in task.looks]
    calls += [(('check_script', {'source': source}), False)] * (task.kind == 'repair')
    calls += [(('run_script', {'source': source, 'edits': edits}), True)]
    for (tool, arguments), right in calls:
        failed, text = await purse.call(tool, **arguments)
        found = failed or (tool == 'check_script' and 'warning' in text)
        assert found != right, f'{task.kind}, {task.name}: {tool} says {text}'
    assert purse.spent.pictures, f'{task.kind}, {task.name}: no picture'
    failed, text = await Purse(purse.client).call('check_script', source=source, edits=edits)
    assert not failed and 'warning' not in text, f'{task.kind}, {task.name}: {text}'


async def descriptions(client: Client) -> tuple[int, int]:
    """How many tools there are, and characters of what a model reads before it begins."""
    tools = (await client.list_tools()).tools
    text = json.dumps([tool.model_dump(by_alias=True, exclude_none=True, mode='json') for tool in tools])
    return len(tools), len(text) + len(client.instructions or '')


def told(name: str, tools: tuple[int, int], spent: dict[str, list[Spent]]) -> None:
    everything = [one for some in spent.values() for one in some]
    print(f'{name}: {tools[0]} tools, {tools[1]} characters of descriptions and instructions')
    for kind, some in [*spent.items(), ('all', everything)]:
        calls, asked, answered, pictures = (sum(values) / len(some) for values in zip(*some))
        print(
            f'{kind:<7} {len(some):>2} tasks: {calls:.1f} calls, {asked:.0f} characters asked, {answered:.0f} answered '
            f'(about {(asked + answered) / 4:.0f} tokens), {pictures:.1f} pictures'
        )
    whole = tools[1] + sum(one.asked + one.answered for one in everything) / len(everything)
    print(f'a session with one task: about {whole / 4:.0f} tokens', flush=True)


async def ours(url: str, tasks: Sequence[AgentTask]) -> None:
    spent: dict[str, list[Spent]] = defaultdict(list)
    with ComfyClient(url) as comfyui:
        async with Client(make_server(Studio(comfyui), '0')) as client:
            for task in tasks:
                purse = Purse(client)
                await with_scripts(purse, task)
                spent[task.kind].append(purse.spent)
            told('ours', await descriptions(client), spent)


@asynccontextmanager
async def started(command: str, url: str, folder: Path) -> AsyncIterator[Client]:
    name, *arguments = shlex.split(command)
    own = {'COMFYUI_URL': url, 'COMFY_LOCAL_URL': url, 'HOME': str(folder), 'DO_NOT_TRACK': '1'}
    own['DRAFTSMAN_SESSION_DIR'] = str(folder)
    path = f'{Path(name).parent}{os.pathsep}{os.environ.get("PATH", "")}'
    env = {**os.environ, **own, 'PATH': path}
    parameters = StdioServerParameters(command=name, args=arguments, env=env, cwd=folder)
    async with Client(parameters) as client:
        yield client


async def other(command: str, url: str, folder: Path, tasks: Sequence[AgentTask]) -> None:
    name = Path(shlex.split(command)[0]).stem
    spent: dict[str, list[Spent]] = defaultdict(list)
    with ComfyClient(url) as comfyui:
        async with started(command, url, folder) as client:
            tools = await descriptions(client)
            if name not in PEERS:
                print(f'{name}: {tools[0]} tools, {tools[1]} characters of descriptions and instructions')
                return
            for task in tasks:
                purse = Purse(client)
                try:
                    await PEERS[name](Peer(purse, comfyui, folder), task)
                except CannotError as error:
                    print(f'{name} left out: {task.kind}, {task.name}: {error}', flush=True)
                    continue
                spent[task.kind].append(purse.spent)
            told(name, tools, spent)


def main() -> None:
    data, tasks = read_data(), read_tasks()
    comfyui = paths.comfyui_folder()
    base = make_base(Path(tempfile.mkdtemp()), comfyui, pack_links('ComfyScript', comfyui, testing=False))
    lay_models(base, comfyui / 'models', data['models'])
    lay_starts(base, tasks)
    server = Server.start(comfyui, paths.comfyui_python(), base)
    try:
        asyncio.run(ours(server.url, tasks))
        for command in sys.argv[1:]:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                asyncio.run(other(command, server.url.rstrip('/'), Path(folder), tasks))
    finally:
        server.close()
        clear_models(base, data['models'])
        remove_base(base)


def lay_starts(base: Path, tasks: Sequence[AgentTask]) -> None:
    """What the tasks start from, as workflows of the server; and small images under the names that they load."""
    folder = base / 'user/default/workflows'
    folder.mkdir(parents=True)
    for task in tasks:
        (folder / f'{task.saved_as}.json').write_text(json.dumps(task.workflow), encoding='utf-8')
        for node in nodes_of(task.workflow):
            if node['type'] == 'LoadImage' and node['widgets_values'][0] != 'example.png':
                with Image.open(base / 'input/example.png') as image:
                    image.resize((64, 64)).save(base / 'input' / node['widgets_values'][0])


if __name__ == '__main__':
    main()
