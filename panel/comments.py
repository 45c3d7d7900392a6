"""The comments of a text that a person wrote, in a text that was written anew."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..interpreter.lang.source import parse_tree
from .reading import ReadScript


def carry_comments(old: ReadScript, new: ReadScript, to_old: Mapping[str, str]) -> str:
    """The new text with the old one's comments, each at the statement of the node that it stood at."""
    old_heads, new_heads = _statements(old.text), _statements(new.text)
    comments = _at_nodes(_comments(old.text), {old_heads.get(line, line) for line in old.lines.values()})
    lines = new.text.split('\n')
    known = {line.strip() for line in lines if line.lstrip().startswith('#')}
    above: dict[int, list[str]] = {}
    behind: dict[int, str] = {}
    for key, line in sorted(new.lines.items(), key=lambda item: item[1]):
        origin = old.lines.get(to_old.get(key, ''), 0)
        found = comments.pop(old_heads.get(origin, origin), None)
        if found is None:
            continue
        at = new_heads.get(line, line)
        above.setdefault(at, []).extend(comment for comment in found.above if comment not in known)
        if found.behind and found.behind not in known:
            behind[at] = found.behind
    rows: list[str] = []
    for number_, row in enumerate(lines, 1):
        indent = row[: len(row) - len(row.lstrip())]
        # A comment behind a statement of several lines would stand in the middle of it.
        inside = number_ in behind and not _ends_here(number_, new_heads)
        rows += [f'{indent}{comment}'.rstrip() for comment in above.get(number_, ())]
        rows += [f'{indent}{behind[number_]}'] if inside else []
        rows.append(f'{row}  {behind[number_]}' if number_ in behind and not inside else row)
    last = comments.get(0)
    return '\n'.join(rows).rstrip('\n') + '\n' + ''.join(f'{comment}\n' for comment in (last.above if last else ()))


class _Comments(NamedTuple):
    above: list[str]
    behind: str | None = None


def _comments(text: str) -> dict[int, _Comments]:
    """Line of a statement → the comments above it and behind it; under 0 those after the last statement."""
    own: dict[int, str] = {}
    behind: dict[int, str] = {}
    rows = text.split('\n')
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            (behind if rows[line - 1][:column].strip() else own)[line] = token.string
    heads = _statements(text)
    found: dict[int, _Comments] = {}
    for line, comment in behind.items():
        at = heads.get(line, line)
        found[at] = _Comments([], ' '.join(filter(None, (found[at].behind if at in found else None, comment))))
    for line, comment in own.items():
        at = heads.get(line) or next((heads[later] for later in range(line, len(rows) + 1) if later in heads), 0)
        found.setdefault(at, _Comments([])).above.append(comment)
    return found


def _at_nodes(comments: Mapping[int, _Comments], heads: set[int]) -> dict[int, _Comments]:
    """The comments of statements that make no node go to the next one that does."""
    found: dict[int, _Comments] = {}
    for line, (above, behind) in sorted(comments.items(), key=lambda item: item[0] or 1 << 32):
        at = line if line in heads else min((head for head in heads if head > line and line), default=0)
        before = found.get(at, _Comments([])).above
        moved = [behind] if behind and at != line else []
        found[at] = _Comments([*before, *above, *moved], None if moved else behind)
    return found


def _statements(text: str) -> dict[int, int]:
    """Line → first line of the simple statement that it belongs to."""
    return {
        line: node.lineno
        for node in _simple_statements(parse_tree(text))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def _simple_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not hasattr(node, 'body'):
            yield node


def _ends_here(line: int, heads: Mapping[int, int]) -> bool:
    return heads.get(line + 1) != heads.get(line)
