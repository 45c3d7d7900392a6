"""From text to `ast`, without letting the text hurt the parser.

CPython's parser recurses in C; text nested thousands deep can end the process. So nesting is bounded by a scan
of the characters before the text is parsed, and measured on the tree after.
"""

from __future__ import annotations

import ast
import re
import sys
import time
import warnings
from dataclasses import dataclass, field

from ...graph.collector import collector_paused
from .bounds import Bounds
from .errors import ScriptLimit, ScriptSyntaxError, Span
from .looks import EVERY, look, rest

MAX_NESTING = 150
"""Operators, brackets and blocks inside each other."""

MAX_TOKENS = 150_000
"""Words, numbers, signs and line ends of one script. Python's parser, which holds its lock all the while, takes up to
four microseconds for each; a text that is wrong at its end it reads twice."""

MOST_WITH_TEXTS = 4
"""How many times its bound of characters a script may have with its long texts."""

LONG_TEXT = 10_000
"""Characters of a text that nobody reads."""

MAX_CHAINED = 400
"""How often `elif` and `lambda` may stand in one script: they nest without brackets and across commas."""

PAUSES = (0.001, 0.01, 0.05)
"""Seconds before a text is parsed again that failed through no fault of its own."""

NESTED_TEMPLATES = sys.version_info >= (3, 12)
"""Whether an expression in an f-string is tokens as any other, its strings with quotes of their own."""

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
  | (?P<prefix>(?i:[bft]r|r[bft]|[bfrtu])?)(?P<quote>\"\"\"|'''|"|')
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
# Also one that does not end: else many would be looked through to the end of the line.
_TEXT = re.compile(r"""'[^'\\\n]*(?:\\.[^'\\\n]*)*'?|"[^"\\\n]*(?:\\.[^"\\\n]*)*"?""")
_STRING_STOP = re.compile(r'[\\\n\'"]')
_TEMPLATE_STOP = re.compile(r'[\\{}\n"\']')
_DEEPENING_WORDS = frozenset({'not', 'lambda', 'if', 'else', 'and', 'or', 'in', 'is', 'await', 'for'})


def parse_source(text: str, bounds: Bounds | None = None) -> ast.Module:
    """The tree of a script's text. Raises ScriptSyntaxError or ScriptLimit, with the place."""
    bounds = bounds or Bounds()
    _check_length(text, bounds.source)
    if '\0' in text:
        raise ScriptSyntaxError('the script contains a null character')
    _check_nesting(text.replace('\r\n', '\n').replace('\r', '\n'))
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


def _check_length(text: str, most: int) -> None:
    """Long texts on one line (an image that a node holds) are one token each: they do not count as script."""
    length = len(text)
    if most < length <= MOST_WITH_TEXTS * most:
        length -= sum(len(found[0]) for found in _TEXT.finditer(text) if len(found[0]) > LONG_TEXT)
    if length > most:
        raise ScriptLimit(f'the script has {length} characters, more than the {most} allowed')


def parse_tree(text: str) -> ast.Module:
    """`ast.parse`, which older Pythons let fail by itself while another thread parses ("recursion depth mismatch")."""
    for pause in PAUSES:
        try:
            return _parse(text)
        except SystemError:
            time.sleep(pause)
    return _parse(text)


def _parse(text: str) -> ast.Module:
    look()
    began = time.monotonic()
    with collector_paused():  # it would take as long again
        tree = ast.parse(text, '<script>')
    rest(time.monotonic() - began)
    look()
    return tree


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


def _check_nesting(text: str, nested_templates: bool = NESTED_TEMPLATES) -> None:
    """Bounds the depth of any tree this text could have: operators since the last comma, over all open brackets."""
    scan = _Scan(text, nested_templates)
    tokens = 0
    while scan.position < len(text):
        start = scan.position
        tokens += not text[start].isspace() or text[start] == '\n'
        if tokens % EVERY == 0:
            look()
        if scan.templates and scan.templates[-1].in_text:
            scan.template_text(scan.templates[-1])
        else:
            scan.token()
        if sum(scan.depths) > 2 * MAX_NESTING + 100 or len(scan.depths) > MAX_NESTING:
            span = Span(scan.line, 0, scan.line, 0)
            raise ScriptLimit('too many operators or brackets inside each other', span).locate(text)
        if tokens > MAX_TOKENS:
            raise ScriptLimit(f'the script has more than {MAX_TOKENS} words and signs, which are all it may have')
        scan.line += text.count('\n', start, scan.position)
    for word, count in scan.counts.items():
        if count > MAX_CHAINED:
            raise ScriptLimit(f'more than {MAX_CHAINED} times `{word}` in one script')


@dataclass
class _Template:
    """An f-string that is open: its text takes turns with the expressions in its braces."""

    quote: str
    raw: bool
    level: int
    """Brackets that are open in its text."""
    expressions: list[int] = field(default_factory=list)
    """The same in each expression that is open: the outer one, and those in its format."""
    in_text: bool = True


class _Scan:
    """Goes through a text token by token, as Python's tokenizer does, and counts what is open."""

    def __init__(self, text: str, nested_templates: bool):
        self.text = text
        self.nested_templates = nested_templates
        self.position = 0
        self.line = 1
        self.depths = [0]
        self.counts = {'elif': 0, 'lambda': 0}
        self.templates: list[_Template] = []

    def token(self) -> None:
        match = _TOKEN.match(self.text, self.position)
        assert match is not None
        kind, depths = match.lastgroup, self.depths
        self.position = match.end()
        if kind == 'quote':
            self._string(match['prefix'].lower(), match['quote'])
        elif kind == 'open':
            self._open()
        elif kind == 'close':
            self._close(match[0])
        elif kind == 'separator':
            self._separator(match[0])
        elif kind == 'newline':
            if len(depths) == 1 and match[0] == '\n':
                depths[0] = 0
        elif kind == 'operator':
            depths[-1] += 1
        elif kind == 'word':
            if match[0] in _DEEPENING_WORDS:
                depths[-1] += 1
            if match[0] in self.counts:
                self.counts[match[0]] += 1

    def template_text(self, template: _Template) -> None:
        """Up to the next expression in it, the end of the one whose format this is, or its own end.

        Raises ScriptSyntaxError.
        """
        named = False
        while match := _TEMPLATE_STOP.search(self.text, self.position):
            character, self.position = match[0], match.end()
            if self.text.startswith(template.quote, match.start()):
                self.position = match.start() + len(template.quote)
                return self._end_template(template)
            if character == '\\':
                named = self._escape(template)
            elif character == '\n' and len(template.quote) == 1 and not template.expressions:
                return self._end_template(template)
            elif character == '{' and self.text.startswith('{', self.position):
                if template.expressions:
                    # What it means there differs between Python's versions.
                    raise ScriptSyntaxError('`{{` inside a format', Span(self.line, 0, self.line, 0)).locate(self.text)
                self.position += 1
            elif character == '{':
                self._open()
                template.expressions.append(len(self.depths))
                template.in_text = False
                return None
            elif character == '}' and named:
                named = False
            elif character == '}' and template.expressions:
                return self._end_expression(template)
        self.position = len(self.text)
        return None

    def _escape(self, template: _Template) -> bool:
        """Goes over what a backslash stands before, but a brace. Tells whether that is the name of a character."""
        if self.text.startswith(('{', '}'), self.position):
            return False
        named = not template.raw and self.text.startswith('N{', self.position)
        self.position += 2 if named else 1
        return named

    def _string(self, prefix: str, quote: str) -> None:
        is_template = 'f' in prefix or 't' in prefix
        if is_template and self.nested_templates:
            self._open()
            self.templates.append(_Template(quote, 'r' in prefix, len(self.depths)))
            return
        start = self.position
        self.position = _end_of_string(self.text, start, quote)
        if is_template:
            self.depths[-1] += _depth_of_template(self.text[start : self.position])

    def _open(self) -> None:
        self.depths[-1] += 1
        self.depths.append(0)

    def _close(self, bracket: str) -> None:
        if bracket == '}' and self._expression_ends():
            self._end_expression(self.templates[-1])
        elif len(self.depths) > 1:
            self.depths.pop()

    def _separator(self, character: str) -> None:
        if character != ':':
            self.depths[-1] = 0
        elif self._expression_ends():
            self.templates[-1].in_text = True
        # Any other colon ends nothing: after it comes a lambda's body, a slice's end or a block on the same line.

    def _expression_ends(self) -> bool:
        """Whether a brace or colon here belongs to the template, not to its expression."""
        return bool(self.templates) and [len(self.depths)] == self.templates[-1].expressions[-1:]

    def _end_expression(self, template: _Template) -> None:
        template.expressions.pop()
        template.in_text = True
        if len(self.depths) > 1:
            self.depths.pop()
        # What comes next in the text is beside the expression, not in it.
        self.depths[-1] = 0

    def _end_template(self, template: _Template) -> None:
        del self.depths[template.level - 1 :]
        self.templates.pop()


def _end_of_string(text: str, start: int, quote: str) -> int:
    position = start
    while match := _STRING_STOP.search(text, position):
        position = match.start()
        if match[0] == '\\':
            position += 2
        elif text.startswith(quote, position):
            return position + len(quote)
        elif match[0] == '\n' and len(quote) == 1:
            return position
        else:
            position += 1
    return len(text)


def _depth_of_template(body: str) -> int:
    """At most how deep the expressions inside an f-string are, where its quote ends it."""
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
    seen = 0
    while stack:
        node, depth = stack.pop()
        seen += 1
        if seen % EVERY == 0:
            look()
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
