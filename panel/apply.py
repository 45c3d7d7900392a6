"""What has to change in the open graph to become a script."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ..graph import Schemas
from ..interpreter.lang.source import parse_tree
from ..transpiler import Style
from .match import Reading, compare
from .reading import ScriptRefused, read_script
from .remarks import remarks
from .shown import shown


def plan(
    workflow: Mapping[str, Any], script: str, schemas: Schemas, style: Style, text: str | None = None
) -> dict[str, Any]:
    """`{edits, lines, warnings}`, or `{errors}` where the script cannot be read or no graph can hold its values.

    `edits`: see `match.Edit`. `lines`: graph id → (first, last) line of the script, for the nodes that stay. `text` is
    what the script shown before the edits was made of, where somebody wrote it.
    """
    try:
        read = read_script(script, schemas)
    except ScriptRefused as refused:
        return {'errors': refused.errors}
    graph = shown(workflow, schemas, style, text)
    wanted = Reading(script, read.prompt, read.lines)
    comparison = compare(graph.prompt, graph.reading, wanted, read.titles, graph.origins)
    errors, warnings = remarks(comparison.edits, script, graph.prompt, schemas)
    if errors:
        return {'errors': errors}
    return {
        'edits': [edit.to_json() for edit in comparison.edits],
        'lines': spans(script, comparison.lines),
        'warnings': warnings,
    }


def spans(script: str, lines: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Each line with the last line of the statement that begins there."""
    ends = {
        node.lineno: node.end_lineno or node.lineno
        for node in ast.walk(parse_tree(script))
        if isinstance(node, (ast.Assign, ast.Expr, ast.Return))
    }
    return {key: (line, ends.get(line, line)) for key, line in lines.items()}
