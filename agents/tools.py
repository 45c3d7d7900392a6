"""The tools that an agent sees. Their docstrings are read by models: what is needed once, in few words."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations

from ..graph import ComfyScriptError
from ..panel import node_pages
from . import open_graph, queue_reports, runs, script_sources
from .contents import report_result, text_result
from .given_scripts import OPEN_GRAPH, given_script, graph_script
from .reports import PICTURE_SIZE
from .script_checks import check
from .studio import CallingAgent, Studio

LONGEST_WAIT = 3_600.0


class StudioTools:
    """Each public method is a tool."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def search_nodes(self, text: str, input_type: str = '', output_type: str = '') -> str:
        """Find nodes by words; by types too ("IMAGE"). One line each: Name(inputs, optional?) -> outputs."""
        return node_pages.search(self._studio.schemas(), text, input_type, output_type)

    def describe_node(self, name: str) -> str:
        """One node: an example call, inputs with ranges and choices, outputs, what connects to it."""
        return node_pages.page(self._studio.schemas(), name)

    def list_models(self, kind: str, text: str = '') -> str:
        """Names of models: kind is a folder ("checkpoints", "loras") or an input's choices ("KSampler.scheduler")."""
        return script_sources.list_models(self._studio, kind, text)

    def script_of(self, source: str, ctx: Context) -> str:
        """The script of an output ("name.png", "sub/name.png [input]"), "workflows/NAME.json", "history/PROMPT_ID",
        "templates/PACK/NAME" or "open graph"."""
        if source.strip().lower() == OPEN_GRAPH:
            return open_graph.open_script(self._studio, _caller(ctx))
        return script_sources.script_of(self._studio, source)

    def check_script(
        self, ctx: Context, text: str = '', source: str = '', edits: list[list[str]] | None = None
    ) -> CallToolResult:
        """Check without running: names, types of links, ranges, choices, models. Lines: "error line:column reason".
        Instead of text: a source and edits of its script."""
        text = given_script(self._studio, _caller(ctx), text, source, edits)
        found = check(text, self._studio.schemas())
        return text_result(found.text(), failed=bool(found.errors))

    async def run_script(
        self,
        ctx: Context,
        text: str = '',
        source: str = '',
        edits: list[list[str]] | None = None,
        inputs: dict[str, Any] | None = None,
        image_size: int = PICTURE_SIZE,
        wait: float = 120,
    ) -> CallToolResult:
        """Check and run a script; its images come small (image_size 0: none). inputs: of def main(...). After wait
        seconds the prompt's id comes instead, for queue."""
        text = await asyncio.to_thread(given_script, self._studio, _caller(ctx), text, source, edits)
        found = await runs.run_script(
            self._studio,
            text,
            inputs,
            seconds=min(max(wait, 0), LONGEST_WAIT),
            size=min(max(image_size, 0), 2048),
            progress=ctx.report_progress,
        )
        return report_result(found)

    def open_graph(self, ctx: Context) -> str:
        """The graph open in the browser: its script, the selected lines, errors of the last run."""
        return open_graph.open_graph(self._studio, _caller(ctx))

    def apply_script(self, ctx: Context, text: str = '', edits: list[list[str]] | None = None) -> CallToolResult:
        """Make the open graph what a script says, as one step of undo, seen by the person; answers what changed.
        After open_graph: edits of its script, or the text with other lines as they are."""
        text = graph_script(self._studio, _caller(ctx), text, edits)
        said, failed = open_graph.apply_script(self._studio, _caller(ctx), text)
        return text_result(said, failed=failed)

    def save_workflow(
        self,
        ctx: Context,
        name: str,
        text: str = '',
        source: str = '',
        edits: list[list[str]] | None = None,
        overwrite: bool = False,
    ) -> str:
        """Save a script as a workflow in ComfyUI's list, laid out."""
        text = given_script(self._studio, _caller(ctx), text, source, edits)
        return script_sources.save_workflow(self._studio, text, name, overwrite=overwrite)

    async def queue(self, prompt_id: str = '', image_size: int = PICTURE_SIZE) -> CallToolResult:
        """What runs and waits; with a prompt_id what came of it."""
        if not prompt_id:
            return text_result(await asyncio.to_thread(queue_reports.queue_lines, self._studio))
        size = min(max(image_size, 0), 2048)
        return report_result(await queue_reports.outcome_of(self._studio, prompt_id, size))

    def cancel(self, prompt_id: str) -> str:
        """Take a prompt out of the queue, or interrupt it."""
        return queue_reports.cancel_prompt(self._studio, prompt_id)

    def upload(self, path: str) -> str:
        """Upload an image, video, sound or 3D model of this machine; tells the name for LoadImage and its like."""
        return script_sources.upload(self._studio, path)


READING = frozenset(
    {'search_nodes', 'describe_node', 'list_models', 'script_of', 'check_script', 'queue', 'open_graph'}
)
"""Tools that change nothing."""


def all_tools(studio: Studio) -> list[Tool]:
    """The tools that the permissions leave."""
    tools = StudioTools(studio)
    names = [name for name, _ in inspect.getmembers(tools, inspect.ismethod) if not name.startswith('_')]
    allowed = {'upload': bool(studio.permissions.upload_from), 'apply_script': studio.permissions.may_apply}
    return [_tool(name, getattr(tools, name)) for name in names if allowed.get(name, True)]


def _caller(ctx: Context) -> CallingAgent:
    params = ctx.session.client_params
    name = (params.client_info.title or params.client_info.name) if params else 'An agent'
    return CallingAgent(name, (ctx.headers or {}).get('mcp-session-id', ''))


def _tool(name: str, function: Callable[..., Any]) -> Tool:
    tool = Tool.from_function(
        _answered(function),
        name=name,
        description=' '.join((function.__doc__ or '').split()),
        annotations=ToolAnnotations(read_only_hint=name in READING),
        structured_output=False,
    )
    return tool.model_copy(update={'parameters': _in_short(tool.parameters)})


def _in_short(schema: Any) -> Any:
    """Without what a model need not read: a parameter's title says its name again, and null or an empty text as a
    default says no more than that it may be left out."""
    if isinstance(schema, dict):
        kinds = [kind for kind in schema.get('anyOf', ()) if kind != {'type': 'null'}]
        if len(kinds) == 1 and schema.get('default', ...) is None:
            return _in_short(kinds[0])
        titled = (isinstance(schema.get('title'), str) and 'type' in schema) or 'anyOf' in schema
        said = {key: value for key, value in schema.items() if (key, value) != ('default', '')}
        return {key: _in_short(value) for key, value in said.items() if not (titled and key == 'title')}
    return [_in_short(item) for item in schema] if isinstance(schema, list) else schema


def _answered(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is foreseeable is told to the agent in words; anything else is our mistake, and the SDK logs it."""

    @functools.wraps(function)
    async def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            if inspect.iscoroutinefunction(function):
                return await function(*args, **kwargs)
            return await asyncio.to_thread(function, *args, **kwargs)
        except ComfyScriptError as error:
            return text_result(str(error), failed=True)

    return answer
