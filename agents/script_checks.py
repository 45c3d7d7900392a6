"""A script before it runs, by the panel's own checker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..graph import Schemas
from ..interpreter import OnlyInNodeDenied, describe_signature
from ..panel.bounded import SHORT, cut
from ..panel.problems import problems
from ..panel.reading import MAX_TEXT, ReadScript, ScriptRefused, read_script


@dataclass(frozen=True)
class ScriptCheck:
    """What is known of a script. `read` is None for one that only a `ComfyScript` node can run."""

    read: ReadScript | None = None
    errors: tuple[dict[str, Any], ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()
    signature: dict[str, Any] | None = None
    """Of `def main(…)`, where there is one."""

    def text(self) -> str:
        """For the agent: a line each, `error 2:4 reason` (line and column)."""
        if self.errors:
            return cut('\n'.join(remark('error', one) for one in self.errors), SHORT, 'correct these first')
        lines = [self._summary(), *(remark('warning', one) for one in self.warnings)]
        return cut('\n'.join(lines), SHORT, 'correct these first')

    def _summary(self) -> str:
        if self.read is not None:
            return f'OK: {len(self.read.prompt.nodes)} nodes.'
        inputs = [item['name'] for item in (self.signature or {}).get('inputs', ())]
        takes = f' Inputs: {", ".join(inputs)}.' if inputs else ''
        return f'OK so far: runs in a ComfyScript node, where its calls are checked as they are made.{takes}'


def remark(kind: str, found: Mapping[str, Any]) -> str:
    """`error 2:4 reason`."""
    return f'{kind} {found["line"]}:{found["column"]} {found["message"]}'


def check(text: str, schemas: Schemas) -> ScriptCheck:
    """Errors and warnings with their places. Runs no node."""
    if len(text) > MAX_TEXT:
        return ScriptCheck(errors=({'line': 1, 'column': 1, 'message': f'more than {MAX_TEXT} characters'},))
    signature = describe_signature(text, schemas)
    if signature['errors']:
        return ScriptCheck(errors=tuple(signature['errors']))
    main = signature if signature['main'] else None
    if main and any(item['required'] for item in main['inputs']):
        return ScriptCheck(signature=main)
    try:
        read = read_script(text, schemas)
    except ScriptRefused as refused:
        if isinstance(refused.__cause__, OnlyInNodeDenied):
            return ScriptCheck(signature=signature)
        return ScriptCheck(errors=tuple(refused.errors))
    if main or not read.prompt.nodes:  # what only computes and prints does so in a node
        return ScriptCheck(signature=signature)
    same = {key: key for key in read.prompt.nodes}
    found = problems(read.prompt, read, same, schemas)
    return ScriptCheck(read, (), (*_unknown(read, schemas), *found, *_without_end(read, schemas)))


def _unknown(read: ReadScript, schemas: Schemas) -> list[dict[str, Any]]:
    return [
        {'line': read.lines.get(key, 1), 'column': 1, 'message': f'this server has no node {node.class_type!r}'}
        for key, node in read.prompt.nodes.items()
        if node.class_type not in schemas
    ]


def _without_end(read: ReadScript, schemas: Schemas) -> list[dict[str, Any]]:
    for node in read.prompt.nodes.values():
        schema = schemas.find(node.class_type)
        if schema is None or schema.output_node:
            return []
    message = 'nothing is saved or shown, so nothing runs: end with SaveImage or PreviewImage, for example'
    return [{'line': max(read.lines.values(), default=1), 'column': 1, 'message': message}]
