"""Values into a text that a person wrote, where its literals stand.

Whoever uses this reads the outcome again and compares it: nothing here has to be right for the panel to be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..graph import Schemas
from ..transpiler.writer.literals import number, quoted
from .reading import ReadScript
from .script_calls import ScriptCalls, TextSpan
from .value_changes import ValueChange


def put_values(read: ReadScript, changes: Iterable[ValueChange], schemas: Schemas) -> str | None:
    """The text with these values where its literals stand; None where a value comes from elsewhere than a literal."""
    calls = ScriptCalls(read, schemas)
    replaced: dict[TextSpan, str] = {}
    added: dict[TextSpan, list[str]] = {}
    for change in changes:
        argument = calls.argument(change.node, change.input)
        span, before = None, ''
        if argument is not None:
            literal = calls.literal(argument)
            span = None if literal is None else calls.span(literal)
            before = '' if span is None else calls.text(span)
        written = literal_text(change.value, before)
        if written is None:
            return None
        if span is not None:
            # What one literal gives to several nodes can only be one value.
            if replaced.setdefault(span, written) != written:
                return None
            continue
        end = calls.end_of_arguments(change.node) if argument is None else None
        keyword = calls.keyword(change.node, change.input)
        if end is None or not keyword.isidentifier():
            return None
        texts = added.setdefault(end, [])
        if f', {keyword}={written}' not in texts:
            texts.append(f', {keyword}={written}')
    return replace_spans(read.text, {**replaced, **{span: ''.join(texts) for span, texts in added.items()}})


def literal_text(value: Any, before: str) -> str | None:
    """A value as Python text, in the quotes of the literal that stood there; None for what no literal can be."""
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


def replace_spans(text: str, found: Mapping[TextSpan, str]) -> str:
    """The text with other words at these places."""
    content = text.encode()
    for (start, end), written in sorted(found.items(), reverse=True):
        content = content[:start] + written.encode() + content[end:]
    return content.decode()
