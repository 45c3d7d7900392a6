"""What the routes answer: requests in, plain data out. Runs in a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..graph import Prompt, Schemas, encode_value
from ..interpreter import ScriptError, describe_signature
from ..transpiler import Metadata, Script, write_script
from .apply import plan, spans
from .as_queued import prompt_of_graph
from .catalog import catalog
from .errors import RequestError
from .for_agent import block
from .kept_graphs import KeptGraphs
from .merge import merge
from .problems import Faults, problems
from .reading import ReadScript, ScriptRefused, errors_of, read_script
from .requests import (
    AgentBlockRequest,
    ApplyRequest,
    MergeRequest,
    PromptRequest,
    ScriptRequest,
    SelectionRequest,
    TranspileRequest,
    read_style,
)
from .runnable import as_file
from .shown import shown
from .to_node import to_node
from .written import graph_writer

__all__ = ['ANSWERS', 'answer', 'answer_file', 'answer_schemas']


def transpile(request: TranspileRequest, schemas: Schemas) -> dict[str, Any]:
    """`{script, lines, warnings, problems, text?, printed?, differs?}`. A `text` stands as far as it holds."""
    if request.workflow is None or (request.prompt is not None and request.text is None):
        return _as_written(*_write(request, schemas), schemas)
    if request.text is None:
        written = graph_writer.write_whole(request.workflow, schemas, request.style)
        script = replace(written.script, warnings=written.warnings)
        told = _as_written(script, written.prompt, written.left_out, schemas, written.faults)
        return {**told, 'lines': {**script.lines, **written.inactive}}
    found = shown(request.workflow, schemas, request.style, request.text)
    text = found.reading.text
    return {
        'script': text,
        'lines': {**spans(text, found.lines), **found.inactive},
        'warnings': list(found.warnings),
        'text': found.state,
        'printed': dict(found.reading.printed),
        'problems': problems(found.prompt, found.reading, found.origins, schemas),
        'differs': [
            {
                'node': found.origins[change.node],
                'input': change.input,
                'value': encode_value(change.value),
                'line': found.reading.lines.get(change.node),
            }
            for change in found.differing
        ],
    }


def _as_written(
    script: Script, prompt: Prompt, left_out: list[dict[str, Any]], schemas: Schemas, faults: Faults | None = None
) -> dict[str, Any]:
    """Of a script that need not be read back: its nodes have the ids of the prompt."""
    read = ReadScript(script.text, prompt, {key: first for key, (first, _) in script.lines.items()})
    same = {key: key for key in prompt.nodes}
    return {**_script_json(script), 'problems': [*left_out, *problems(prompt, read, same, schemas, faults)]}


def prompt(request: PromptRequest, schemas: Schemas) -> dict[str, Any]:
    """`{prompt, workflow, lines}`, or `{errors}`; with the open graph `{prompt, lines, nodes}`. Nothing is executed."""
    try:
        if request.graph is not None:
            return prompt_of_graph(request.graph, schemas)
        read = read_script(request.script, schemas)
    except ScriptRefused as refused:
        return {'errors': refused.errors}
    return {'prompt': read.prompt.to_json(), 'workflow': read.workflow(), 'lines': dict(read.lines)}


def runnable(request: ScriptRequest, schemas: Schemas) -> dict[str, Any]:
    """`{script}` as a file that runs, or `{errors}`."""
    try:
        return {'script': as_file(request.script)}
    except ScriptError as error:
        return {'errors': errors_of(error)}


def apply(request: ApplyRequest, schemas: Schemas) -> dict[str, Any]:
    """`{edits, lines, nodes, printed, warnings}`, or `{errors}`: what makes the graph the script."""
    return plan(request, schemas)


def merge_edits(request: MergeRequest, schemas: Schemas) -> dict[str, Any]:
    """`{script, conflicts: [{line, endLine, theirs}]}`: what was typed and what the graph has become, in one text."""
    return merge(request)


def node(request: SelectionRequest, schemas: Schemas) -> dict[str, Any]:
    """`{script, inputs, outputs}`: the selected nodes as one ComfyScript node's text."""
    return to_node(request.workflow, request.nodes, schemas, request.style)


def signature(request: ScriptRequest, schemas: Schemas) -> dict[str, Any]:
    """`{main, any_input, inputs, outputs, errors}`: a ComfyScript node's sockets and widgets."""
    return describe_signature(request.script, schemas)


def for_agent(request: AgentBlockRequest, schemas: Schemas) -> dict[str, Any]:
    """`{text}`: one block that a person gives to an agent."""
    return {'text': block(request, schemas)}


ANSWERS: dict[str, tuple[Callable[[Mapping[str, Any]], Any], Callable[[Any, Schemas], dict[str, Any]]]] = {
    'transpile': (TranspileRequest.parse, transpile),
    'prompt': (PromptRequest.parse, prompt),
    'apply': (ApplyRequest.parse, apply),
    'merge': (MergeRequest.parse, merge_edits),
    'node': (SelectionRequest.parse, node),
    'runnable': (ScriptRequest.parse, runnable),
    'for_agent': (AgentBlockRequest.parse, for_agent),
    'signature': (ScriptRequest.parse, signature),
}
"""Route → how its JSON is read, and what answers it."""


_graphs = KeptGraphs()


def answer(route: str, data: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """What `POST /comfyscript/ROUTE` answers. Raises RequestError, TranspileError."""
    parse, function = ANSWERS[route]
    return function(parse(_graphs.complete(data)), schemas)


def answer_file(metadata: Metadata, query: Mapping[str, str], schemas: Schemas) -> dict[str, Any]:
    """The script of a file: made of its prompt or workflow in the style asked for, so that two can be compared, else
    the one that was saved with it, else A1111's parameters as comments. `saved`: the
    one saved with it, of just what this output needed."""
    if not metadata.prompt and not metadata.workflow:
        if metadata.script:
            return {'script': metadata.script, 'lines': {}, 'warnings': [], 'source': 'script'}
        if metadata.parameters:
            rows = metadata.parameters.strip().splitlines()
            text = ''.join(f'# {row}'.rstrip() + '\n' for row in rows)
            return {'script': text, 'lines': {}, 'warnings': [], 'source': 'parameters'}
        raise RequestError('the file holds no workflow', 404)
    style = replace(read_style({key: query[key] for key in ('args',) if key in query}), soft_wrap='soft_wrap' in query)
    script, _, left_out = _write(TranspileRequest(metadata.workflow or None, metadata.prompt or None, style), schemas)
    saved = {'saved': metadata.script} if metadata.script else {}
    source = 'prompt' if metadata.prompt else 'workflow'
    return {**_script_json(script), 'problems': left_out, 'source': source, **saved}


def answer_schemas(schemas: Schemas) -> dict[str, Any]:
    """All nodes for completion and hover help; see `catalog.py`."""
    return catalog(schemas)


def _write(request: TranspileRequest, schemas: Schemas) -> tuple[Script, Prompt, list[dict[str, Any]]]:
    """The script, the prompt that it is of, and where saved values are left out. The workflow alone will do."""
    if request.prompt is not None:
        prompt = Prompt.parse(request.prompt)
        return write_script(prompt, schemas=schemas, workflow=request.workflow, style=request.style), prompt, []
    written = graph_writer.write(request.workflow or {}, schemas, request.style)
    return replace(written.script, warnings=written.warnings), written.prompt, written.left_out


def _script_json(script: Script) -> dict[str, Any]:
    lines = {key: list(span) for key, span in script.lines.items()}
    return {'script': script.text, 'lines': lines, 'warnings': list(script.warnings)}
