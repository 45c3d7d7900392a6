"""What a script can end with, and where in its text."""

from __future__ import annotations

from typing import NamedTuple

from ...graph import ComfyScriptError
from ...graph.printable import printable


class Span(NamedTuple):
    """A place in the text: lines from 1, columns from 0 in UTF-8 bytes, as `ast` counts them."""

    line: int
    column: int
    end_line: int
    end_column: int


class ScriptError(ComfyScriptError):
    """A script that cannot run, or did not run to its end.

    `line` counts from 1, `column` from 1 in characters; both are None where no place is to blame.
    `message` is the reason alone; `str()` adds the place, the line's text and a caret.
    """

    def __init__(self, message: str, span: Span | None = None):
        super().__init__(message)
        self.message = message
        self.span = span
        self._lines: tuple[str, ...] = ()

    def locate(self, text: str, span: Span | None = None) -> ScriptError:
        """This error, knowing the text it is about (and the place, unless it already had one)."""
        self._lines = tuple(text.split('\n'))
        if self.span is None:
            self.span = span
        return self

    @property
    def line(self) -> int | None:
        return self.span.line if self.span else None

    @property
    def column(self) -> int | None:
        return self._characters(self.span.column) + 1 if self.span else None

    @property
    def end_column(self) -> int | None:
        if self.span is None:
            return None
        if self.span.end_line != self.span.line:
            return len(self._line_text()) + 1
        return self._characters(self.span.end_column) + 1

    def _line_text(self) -> str:
        if self.span is None or not 0 < self.span.line <= len(self._lines):
            return ''
        return self._lines[self.span.line - 1]

    def _characters(self, byte_offset: int) -> int:
        before = self._line_text().encode('utf-8', 'replace')[:byte_offset]
        return len(before.decode('utf-8', 'ignore')) if self._lines else byte_offset

    def __str__(self) -> str:
        if self.span is None:
            return printable(self.message)
        place = f'line {self.line}, column {self.column}: {printable(self.message)}'
        text = printable(self._line_text())
        if not text.strip():
            return place
        start = (self.column or 1) - 1
        width = max((self.end_column or 0) - 1 - start, 1)
        return f'{place}\n    {text}\n    {" " * start}{"^" * width}'


class ScriptSyntaxError(ScriptError):
    """Text that is not Python, or Python that scripts do not have."""


class ScriptDenied(ScriptError):
    """A name, attribute, module or call that scripts may not use."""


class OnlyInNodeDenied(ScriptDenied):
    """What a script needs where no node runs: the same script runs in a `ComfyScript` node."""


class ScriptLimit(ScriptError):
    """A bound was reached: steps, time, recursion, or the size of a value."""


class ScriptFailed(ScriptError):
    """An exception that the script did not catch; `exception` is that exception."""

    def __init__(self, message: str, exception: BaseException, span: Span | None = None):
        super().__init__(message, span)
        self.exception = exception


class NodeFailed(ScriptError):
    """A node that refused its inputs or raised while it ran; a script may catch it as RuntimeError."""
