"""What has to change in the open graph to become a script."""

from __future__ import annotations

import ast
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...graph import Prompt, Schemas
from ...transpiler import Style, convert_workflow, write_script
from ..match import Reading, compare, find_origins
from .reading import ScriptRefused, read_script

_KEPT = 4


class _Graph(NamedTuple):
    """A graph's prompt, and the script that is written of it, read back."""

    schemas: Schemas
    prompt: Prompt
    written: Reading
    origins: Mapping[str, str]


_graphs: OrderedDict[str, _Graph] = OrderedDict()


def plan(workflow: Mapping[str, Any], script: str, schemas: Schemas, style: Style) -> dict[str, Any]:
    """`{edits, lines}`, or `{errors}` where the script cannot be read.

    `edits`: see `match.Edit`. `lines`: graph id → (first, last) line of the script, for the nodes that stay.
    """
    try:
        read = read_script(script, schemas)
    except ScriptRefused as refused:
        return {'errors': refused.errors}
    graph = _read_graph(workflow, schemas, style)
    wanted = Reading(script, read.prompt, read.lines)
    comparison = compare(graph.prompt, graph.written, wanted, read.titles, graph.origins)
    return {
        'edits': [edit.to_json() for edit in comparison.edits],
        'lines': _spans(script, comparison.lines),
    }


def _spans(script: str, lines: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Each line with the last line of the statement that begins there."""
    ends = {
        node.lineno: node.end_lineno or node.lineno
        for node in ast.walk(ast.parse(script))
        if isinstance(node, (ast.Assign, ast.Expr, ast.Return))
    }
    return {key: (line, ends.get(line, line)) for key, line in lines.items()}


def _read_graph(workflow: Mapping[str, Any], schemas: Schemas, style: Style) -> _Graph:
    """While somebody types, every request brings the same graph: it is read once."""
    content = json.dumps(workflow, sort_keys=True, default=str)
    key = hashlib.sha1(f'{style} {content}'.encode('utf-8', 'surrogatepass')).hexdigest()
    known = _graphs.pop(key, None)
    if known is None or known.schemas is not schemas:
        conversion = convert_workflow(workflow, schemas)
        prompt = Prompt.parse(conversion.prompt)
        text = write_script(prompt, schemas=schemas, workflow=workflow, conversion=conversion, style=style).text
        read = read_script(text, schemas)
        written = Reading(text, read.prompt, read.lines)
        known = _Graph(schemas, prompt, written, find_origins(prompt, written))
    _graphs[key] = known
    while len(_graphs) > _KEPT:
        _graphs.popitem(last=False)
    return known
