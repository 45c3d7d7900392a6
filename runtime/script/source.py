"""From text to `ast`, without letting the text hurt the parser.

CPython's parser recurses in C; text nested thousands deep can end the process. So nesting is bounded by a scan
of the characters before the text is parsed, and measured on the tree after.
"""

from __future__ import annotations

import ast
import re
import time
import warnings

from .bounds import Bounds
from .errors import ScriptLimit, ScriptSyntaxError, Span

MAX_NESTING = 150
"""Operators, brackets and blocks inside each other."""

MAX_CHAINED = 400
"""How often `elif` and `lambda` may stand in one script: they nest without brackets and across commas."""

PAUSES = (0.001, 0.01, 0.05)
"""Seconds before a text is parsed again that failed through no fault of its own."""

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
  | (?P<prefix>[A-Za-z]{0,2})(?P<quote>\"\"\"|'''|"|')
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<separator>[,;:])
  | (?P<newline>\\\n|\n)
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\d[\w.]*)
  | (?P<space>[ \t\r\f]+)
  | (?P<operator>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_DEEPENING_WORDS = frozenset({'not', 'lambda', 'if', 'else', 'and', 'or', 'in', 'is', 'await', 'for'})


def parse_source(text: str, bounds: Bounds | None = None) -> ast.Module:
    """The tree of a script's text. Raises ScriptSyntaxError or ScriptLimit, with the place."""
    bounds = bounds or Bounds()
    if len(text) > bounds.source:
        raise ScriptLimit(f'the script has {len(text)} characters, more than the {bounds.source} allowed')
    if '\0' in text:
        raise ScriptSyntaxError('the script contains a null character')
    _check_nesting(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            tree = parse_tree(text)
    except SyntaxError as error:
        raise _syntax_error(error).locate(text) from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise ScriptSyntaxError(f'the script cannot be read: {error}') from None
    _measure(tree, text)
    return tree


def parse_tree(text: str) -> ast.Module:
    """`ast.parse`, which older Pythons let fail by itself while another thread parses ("recursion depth mismatch")."""
    for pause in PAUSES:
        try:
            return ast.parse(text, '<script>')
        except SystemError:
            time.sleep(pause)
    return ast.parse(text, '<script>')


def _syntax_error(error: SyntaxError) -> ScriptSyntaxError:
    if error.lineno is None:
        return ScriptSyntaxError(error.msg)
    column = max((error.offset or 1) - 1, 0)
    # A SyntaxError counts in characters, a Span in bytes; the line tells one from the other.
    before = len((error.text or '')[:column].encode('utf-8', 'replace')) if error.text else column
    end = before + 1
    if error.end_lineno == error.lineno and error.end_offset and error.end_offset - 1 > column and error.text:
        end = len(error.text[: error.end_offset - 1].encode('utf-8', 'replace'))
    return ScriptSyntaxError(error.msg, Span(error.lineno, before, error.lineno, end))


def _check_nesting(text: str) -> None:
    """Bounds the depth of any tree this text could have: operators since the last comma, over all open brackets."""
    depths = [0]
    counts = {'elif': 0, 'lambda': 0}
    position = 0
    line = 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None
        kind = match.lastgroup
        end = match.end()
        if kind == 'quote':
            end = _end_of_string(text, end, match['quote'])
            if 'f' in match['prefix'].lower() or 't' in match['prefix'].lower():
                depths[-1] += _depth_of_template(text[match.end() : end])
        elif kind == 'open':
            depths[-1] += 1
            depths.append(0)
        elif kind == 'close':
            if len(depths) > 1:
                depths.pop()
        elif kind == 'separator':
            # A colon ends nothing: after it comes a lambda's body, a slice's end or a block on the same line.
            if match[0] != ':':
                depths[-1] = 0
        elif kind == 'newline':
            if len(depths) == 1 and match[0] == '\n':
                depths[0] = 0
        elif kind == 'operator':
            depths[-1] += 1
        elif kind == 'word':
            if match[0] in _DEEPENING_WORDS:
                depths[-1] += 1
            if match[0] in counts:
                counts[match[0]] += 1
        if sum(depths) > 2 * MAX_NESTING + 100 or len(depths) > MAX_NESTING:
            raise ScriptLimit('too many operators or brackets inside each other', Span(line, 0, line, 0)).locate(text)
        line += text.count('\n', position, end)
        position = end
    for word, count in counts.items():
        if count > MAX_CHAINED:
            raise ScriptLimit(f'more than {MAX_CHAINED} times `{word}` in one script')


def _end_of_string(text: str, start: int, quote: str) -> int:
    position = start
    while position < len(text):
        character = text[position]
        if character == '\\':
            position += 2
        elif text.startswith(quote, position):
            return position + len(quote)
        elif character == '\n' and len(quote) == 1:
            return position
        else:
            position += 1
    return len(text)


def _depth_of_template(body: str) -> int:
    """At most how deep the expressions inside an f-string are."""
    depth = deepest = count = 0
    for character in body:
        if character == '{':
            depth += 1
        elif character == '}':
            depth = max(depth - 1, 0)
            count = 0 if depth == 0 else count
        elif depth and not character.isalnum():
            count += 1
        deepest = max(deepest, depth + count)
    return deepest


def _measure(tree: ast.Module, text: str) -> None:
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_NESTING:
            line = getattr(node, 'lineno', 1)
            raise ScriptLimit('too many operators or blocks inside each other', Span(line, 0, line, 0)).locate(text)
        chained = isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
        for child in ast.iter_child_nodes(node):
            # An elif lies inside its if, but runs in a loop here.
            same_level = chained and isinstance(node, ast.If) and child is node.orelse[0]
            stack.append((child, depth if same_level else depth + 1))


def span_of(node: ast.AST) -> Span:
    line = getattr(node, 'lineno', 1)
    column = getattr(node, 'col_offset', 0)
    end_line = getattr(node, 'end_lineno', None) or line
    end_column = getattr(node, 'end_col_offset', None)
    return Span(line, column, end_line, column + 1 if end_column is None else end_column)
