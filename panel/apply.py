"""What has to change in the open graph to become a script."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..graph import Schemas
from ..interpreter.lang.source import parse_tree
from .edits import compare
from .inactive import mode_changes, with_modes
from .problems import problems
from .reading import ScriptRefused, read_script
from .remarks import refused
from .requests import ApplyRequest
from .shown import shown


def plan(request: ApplyRequest, schemas: Schemas) -> dict[str, Any]:
    """`{edits, lines, nodes, printed, warnings}`, or `{errors}` where the script cannot be read or no graph can hold
    its values.

    `edits`: see `edits.Edit`. `lines`: graph id → (first, last) line of the script, for the nodes that stay. `nodes`:
    node of the script → graph id, `+1`, … for those that are added. `warnings`: see `problems.problems`.
    `printed`: line → text.
    """
    try:
        wanted = read_script(request.script, schemas)
    except ScriptRefused as error:
        return {'errors': error.errors}
    graph = shown(request.workflow, schemas, request.style, request.text)
    comparison = compare(graph.prompt, graph.as_graph, wanted, graph.origins, request.nodes)
    changes = mode_changes(request.workflow, graph.reading, graph.origins, wanted, comparison, schemas)
    if changes.modes:
        # What else there is to do shows once these nodes are out of the way, or back.
        graph = shown(with_modes(request.workflow, changes.modes), schemas, request.style)
        comparison = compare(graph.prompt, graph.as_graph, wanted, graph.origins, {**comparison.kept, **changes.back})
    if request.nodes is not None:
        # Asked again after the graph was changed: it holds one draw.
        comparison = comparison.without_drawn(wanted)
    errors = refused(comparison.edits, wanted, graph.prompt, schemas)
    if errors:
        return {'errors': errors}
    same = {key: key for key in wanted.prompt.nodes}
    return {
        'edits': [edit.to_json() for edit in (*changes.edits(), *comparison.edits)],
        'lines': spans(request.script, comparison.lines),
        'nodes': comparison.names,
        'printed': dict(wanted.printed),
        'warnings': problems(wanted.prompt, wanted, same, schemas),
    }


def spans(script: str, lines: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Each line with the last line of the statement that begins there."""
    ends = {
        node.lineno: node.end_lineno or node.lineno
        for node in ast.walk(parse_tree(script))
        if isinstance(node, (ast.Assign, ast.Expr, ast.Return))
    }
    return {key: (line, ends.get(line, line)) for key, line in lines.items()}
