"""A script, what is wrong with it and the nodes that this is about, in one block that a person gives to an agent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..graph import Schemas
from .bounded import cut, lines_in_words, one_line
from .node_pages import page
from .requests import AgentBlockRequest

LONGEST_SCRIPT = 12_000
LONGEST_PAGES = 12_000
MOST_ERRORS = 10

_CALLS = re.compile(r"\b([A-Za-z_]\w*)\s*\(|\bnode\[['\"]([^'\"]+)['\"]\]")


def block(request: AgentBlockRequest, schemas: Schemas) -> str:
    """Script, selected lines, errors, and pages of the nodes on these lines, else of all."""
    text = request.script.rstrip()
    parts = [f'A ComfyUI workflow as a script (ComfyScript):\n\n```python\n{_script(text, request.lines)}\n```']
    if request.lines:
        parts.append(f'Selected: {lines_in_words(sorted(request.lines))}')
    errors = [f'- line {line}: {one_line(message, 500)}' for line, message in request.errors[:MOST_ERRORS]]
    if errors:
        parts.append('\n'.join(['What is wrong:', *errors]))
    about = {*request.lines, *(line for line, _ in request.errors)}
    pages = '\n\n'.join(page(schemas, name) for name in _nodes(text, about, schemas))
    if pages:
        parts.append(f'Its nodes:\n\n{cut(pages, LONGEST_PAGES, "the other nodes")}')
    return '\n\n'.join(parts) + '\n'


def _script(text: str, selected: Iterable[int]) -> str:
    """All of it, or the selected lines with their numbers where it is long."""
    if len(text) <= LONGEST_SCRIPT:
        return text
    lines = text.split('\n')
    chosen = [f'{lines[line - 1]}  # line {line}' for line in selected if line <= len(lines)]
    return cut('\n'.join(chosen) or text, LONGEST_SCRIPT, 'of the script')


def _nodes(text: str, about: set[int], schemas: Schemas) -> Iterator[str]:
    """Class types, each once. By words: a script with an error may not be readable."""
    seen: set[str] = set()
    for number, line in enumerate(text.split('\n'), 1):
        for name, raw in _CALLS.findall(line) if not about or number in about else ():
            class_type = raw or schemas.names.class_type_of(name)
            if class_type and class_type in schemas and class_type not in seen:
                seen.add(class_type)
                yield class_type
