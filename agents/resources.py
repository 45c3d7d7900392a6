"""What an agent may read: the language, recent outputs, templates, files as they are; and prompts to begin with."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError

from ..graph import ComfyScriptError
from ..panel.bounded import listed
from ..runtime.wire.results import make_result
from . import script_sources
from .language import language
from .studio import Studio

LARGEST_FILE = 32 << 20
RECENT = 30


def add_resources(server: MCPServer, studio: Studio) -> None:
    """Adds all resources."""

    @server.resource('comfyscript://language', title='The script language', mime_type='text/markdown')
    def the_language() -> str:
        """ComfyScript's language with examples."""
        return language()

    @server.resource('comfyscript://outputs', title='Recent outputs', mime_type='text/plain')
    async def recent_outputs() -> str:
        """The files of the last runs, the newest first; script_of takes each."""
        return await _told(_recent, studio)

    @server.resource('comfyscript://templates', title='Templates', mime_type='text/plain')
    async def templates() -> str:
        """The server's templates; script_of takes each."""
        return await _told(
            lambda it: '\n'.join(f'templates/{name}' for name in script_sources.template_names(it)), studio
        )

    @server.resource('comfyscript://template/{pack}/{name}', title='A template as a script', mime_type='text/x-python')
    async def template(pack: str, name: str) -> str:
        """The script of one template."""
        return await _told(lambda it: script_sources.script_of(it, f'templates/{pack}/{name}'), studio)

    for kind in script_sources.KINDS:
        _add_files(server, studio, kind)


def _add_files(server: MCPServer, studio: Studio, kind: str) -> None:
    @server.resource(f'comfyscript://{kind}/{{+path}}', name=f'{kind} file', mime_type='application/octet-stream')
    async def file(path: str) -> bytes:
        """A file of the server, as it is."""
        return await _told(lambda it: _file(it, path, kind), studio)


def _file(studio: Studio, path: str, kind: str) -> bytes:
    where = script_sources.server_file(f'{path} [{kind}]')
    return studio.find('view', f'there is no {kind} file {path}', where, LARGEST_FILE)


async def _told(read: Any, studio: Studio) -> Any:
    try:
        return await asyncio.to_thread(read, studio)
    except ComfyScriptError as error:
        raise ResourceError(str(error)) from error


def _recent(studio: Studio) -> str:
    history = studio.get('history', max_items=RECENT)
    lines = []
    for entry in reversed(list(history.values())):
        for output in (entry.get('outputs') or {}).values():
            lines += [str(file) for file in make_result(output, studio.client.tracker.download).files]
    return listed(lines, len(lines), rest='older ones are in the output folder') or 'none'


def add_prompts(server: MCPServer) -> None:
    """Adds the prompts."""

    @server.prompt(title='Explain a workflow')
    def explain(source: str) -> str:
        """What a workflow does, step by step."""
        return f'Read script_of({source!r}). Tell what this workflow does, step by step, and which values matter most.'

    @server.prompt(title='Make a variant')
    def variant(source: str, change: str) -> str:
        """The same workflow with a change, run once."""
        return (
            f'Take script_of({source!r}) and change it so: {change}. Leave all other lines as they are. '
            'check_script it until nothing is wrong, run_script it, and show what came.'
        )

    @server.prompt(title='Port to another model')
    def port(source: str, model: str) -> str:
        """The same workflow for another model."""
        return (
            f'Take script_of({source!r}) and port it to {model}: find its files with list_models, and the loaders, '
            'text encoders, latents, samplers and values that this model needs with search_nodes and describe_node. '
            'check_script, then run_script. Say what you changed and why.'
        )

    @server.prompt(title='Turn into a batch')
    def batch(source: str, rows: str) -> str:
        """One workflow for many inputs."""
        return (
            f'Take script_of({source!r}) and turn it into a loop over these: {rows}. Load models once, before it. '
            'Name each saved file after its row. check_script it and run one row before all.'
        )
