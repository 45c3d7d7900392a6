"""Values into a text that a person wrote, where its literals stand.

Whoever uses this reads the outcome again and compares it: nothing here has to be right for the panel to be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..transpiler.writer.literals import as_it_is, number, quoted
from .script_calls import ScriptCalls, TextSpan
from .value_changes import ValueChange


class PlacedValue(NamedTuple):
    """What is to be written where, for a change."""

    span: TextSpan
    text: str
    change: ValueChange


def direct_places(calls: ScriptCalls, changes: Iterable[ValueChange]) -> list[PlacedValue]:
    """The changes whose value a literal gives, or a keyword that can be added."""
    found = []
    for change in changes:
        argument = calls.argument(change.node, change.input)
        if argument is None:
            end, keyword = calls.end_of_arguments(change.node), calls.keyword(change.node, change.input)
            written = literal_text(change.value, '')
            if end is not None and keyword.isidentifier() and written is not None:
                found.append(PlacedValue(end, f', {keyword}={written}', change))
            continue
        literal = calls.literal(argument)
        if literal is not None:
            span = calls.span(literal)
            written = literal_text(change.value, calls.text(span))
            if written is not None:
                found.append(PlacedValue(span, written, change))
    return found


def written_in(text: str, places: Iterable[PlacedValue]) -> str | None:
    """The text with these values; None where one literal would have to be two."""
    replaced: dict[TextSpan, list[str]] = {}
    for span, written, _ in places:
        texts = replaced.setdefault(span, [])
        if written not in texts:
            texts.append(written)
        if len(texts) > 1 and span.start != span.end:
            return None
    return replace_spans(text, {span: ''.join(texts) for span, texts in replaced.items()})


def literal_text(value: Any, before: str) -> str | None:
    """A value as Python text, in the quotes of the literal that stood there; None for what no literal can be."""
    if isinstance(value, str):
        quotes = before.lstrip('rR')[:3]
        if '\n' in value and quotes in ('"""', "'''") and quotes[0] not in value:
            return as_it_is(value, quotes) or quoted(value)
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
