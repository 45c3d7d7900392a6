"""What stays of a script that a person wrote, when the graph it describes changes afterwards.

Pure functions of texts and prompts. Whoever uses them reads the outcome again and compares it with the graph: nothing
here has to be right for the panel to be right.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..graph import Prompt, Schemas
from ..interpreter.lang.source import parse_tree
from ..transpiler.writer.literals import number, quoted
from .match import Reading, same_value


class Change(NamedTuple):
    """A node's input has another value than the text says."""

    node: str
    input: str
    value: Any


def value_changes(before: Prompt, after: Prompt) -> list[Change] | None:
    """The values in which two states of a graph differ; None where more than values differs."""
    if before.nodes.keys() != after.nodes.keys():
        return None
    same = {key: key for key in before.nodes}
    changes: list[Change] = []
    for key, new in after.nodes.items():
        old = before.nodes[key]
        if old is new:
            continue
        if old.class_type != new.class_type or old.inputs.keys() != new.inputs.keys():
            return None
        differing = [name for name, value in new.inputs.items() if not same_value(old.inputs[name], value, same)]
        linked = {name for node in (old, new) for name, _ in node.links()}
        if linked.intersection(differing):
            return None
        changes += [Change(key, name, new.inputs[name]) for name in differing]
    return changes


# ---- Values into a text


def put_values(read: Reading, changes: Iterable[Change], schemas: Schemas) -> str | None:
    """The text with these values where its literals stand; None where a value comes from elsewhere than a literal."""
    calls = _Calls(read, schemas)
    found: dict[tuple[int, int], list[str]] = {}
    for change in changes:
        place = calls.place(change)
        written = None if place is None else _literal(change.value, place.before)
        if place is None or written is None:
            return None
        texts = found.setdefault(place.span, [])
        if place.head + written not in texts:
            texts.append(place.head + written)
        # What one literal gives to several nodes can only be one value.
        if len(texts) > 1 and not place.head:
            return None
    return _replaced(read.text, {span: ''.join(texts) for span, texts in found.items()})


class _Place(NamedTuple):
    """Where a value goes: UTF-8 offsets, what stands there, and what has to be written before it."""

    span: tuple[int, int]
    before: str
    head: str = ''


class _Calls:
    """The node calls of a text, and its variables that are given one literal."""

    def __init__(self, read: Reading, schemas: Schemas):
        self.read = read
        self.schemas = schemas
        tree = parse_tree(read.text)
        self.content = read.text.encode()
        self.starts = [0]
        for line in self.content.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.calls: dict[tuple[int, str | None], list[ast.Call]] = {}
        self.variables: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                class_type = schemas.names.class_type_of(node.func.id)
                self.calls.setdefault((node.lineno, class_type), []).append(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.variables.setdefault(node.id, []).append(None)
            elif isinstance(node, ast.arg):
                self.variables.setdefault(node.arg, []).append(None)
        for node in tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.variables[node.targets[0].id].append(node.value)
        self.made: dict[tuple[int, str | None], list[str]] = {}
        for key, node in read.prompt.nodes.items():
            self.made.setdefault((read.lines.get(key, 0), node.class_type), []).append(key)

    def place(self, change: Change) -> _Place | None:
        call = self._call(change.node)
        schema = self.schemas.find(self.read.prompt.nodes[change.node].class_type)
        if call is None or schema is None:
            return None
        if any(isinstance(arg, ast.Starred) for arg in call.args) or any(one.arg is None for one in call.keywords):
            return None
        for (_, item), arg in zip(schema.parameters, call.args):
            if item.name == change.input:
                return self._literal_at(arg)
        keyword = next((item.python_name for _, item in schema.parameters if item.name == change.input), None)
        keyword = keyword or change.input.replace('.', '__')
        for given in call.keywords:
            if given.arg == keyword:
                return self._literal_at(given.value)
        if not keyword.isidentifier():
            return None
        end = self._offset(call.end_lineno, call.end_col_offset) - 1
        if not (call.args or call.keywords) or self.content[:end].rstrip().endswith(b','):
            return None
        return _Place((end, end), '', f', {keyword}=')

    def _call(self, node: str) -> ast.Call | None:
        """The call that made a node: the only one of its kind on the line, or as many calls as nodes, in order."""
        at = (self.read.lines.get(node, 0), self.read.prompt.nodes[node].class_type)
        calls, nodes = self.calls.get(at, []), self.made[at]
        if len(calls) == 1:
            return calls[0]
        if len(calls) != len(nodes):
            return None
        # Arguments are called before what they are given to.
        ordered = sorted(calls, key=lambda call: (call.end_lineno or 0, call.end_col_offset or 0))
        return ordered[nodes.index(node)]

    def _literal_at(self, value: ast.expr) -> _Place | None:
        if isinstance(value, ast.Name):
            values = self.variables.get(value.id, [])
            # Stored once, and that by an assignment at the top.
            if len(values) != 2 or values[1] is None or isinstance(values[1], ast.Name):
                return None
            return self._literal_at(values[1])
        inner = value.operand if isinstance(value, ast.UnaryOp) else value
        if not isinstance(inner, (ast.Constant, ast.Attribute)):
            return None
        span = (self._offset(value.lineno, value.col_offset), self._offset(value.end_lineno, value.end_col_offset))
        return _Place(span, self.content[slice(*span)].decode())

    def _offset(self, line: int | None, column: int | None) -> int:
        return self.starts[(line or 1) - 1] + (column or 0)


def _literal(value: Any, before: str) -> str | None:
    if isinstance(value, str):
        quotes = before[:3]
        plain = '\n' in value and '\\' not in value and all(char == '\n' or char.isprintable() for char in value)
        if plain and quotes in ('"""', "'''") and quotes[0] not in value:
            return f'{quotes}{value}{quotes}'
        return quoted(value)
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        return repr(value) if value.bit_length() < 14_000 else None
    return number(value) if isinstance(value, float) else None


def _replaced(text: str, found: Mapping[tuple[int, int], str]) -> str:
    content = text.encode()
    for (start, end), written in sorted(found.items(), reverse=True):
        content = content[:start] + written.encode() + content[end:]
    return content.decode()


# ---- Comments into a text that was written anew


def carry_comments(old: Reading, new: Reading, to_old: Mapping[str, str]) -> str:
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
