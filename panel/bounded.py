"""Answers of bounded size: what an agent reads costs tokens."""

from __future__ import annotations

from collections.abc import Iterable

SHORT = 4_000
"""Characters of an ordinary answer."""

LONG = 30_000
"""Characters of a script."""


def cut(text: str, most: int = SHORT, rest: str = 'ask for less') -> str:
    """The text, or its beginning and a line that says how much is missing."""
    if len(text) <= most:
        return text
    kept = text[: most - 120].rsplit('\n', 1)[0] if '\n' in text[: most - 120] else text[: most - 120]
    return f'{kept}\n… {len(text) - len(kept)} more characters: {rest}'


def listed(lines: Iterable[str], total: int, most: int = SHORT, rest: str = 'search for less') -> str:
    """As many lines as fit, and how many there are in all."""
    shown: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > most - 80:
            break
        shown.append(line)
    if len(shown) < total:
        shown.append(f'… {total - len(shown)} more of {total}: {rest}')
    return '\n'.join(shown)


def one_line(text: str, most: int = 160) -> str:
    """A text of somebody else's as one line."""
    flat = ' '.join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + '…'


def lines_in_words(lines: Iterable[int]) -> str:
    """`line 3`, or `lines 3, 7-9`; of sorted numbers."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    said = ', '.join(str(first) if first == last else f'{first}-{last}' for first, last in spans[:30])
    return f'line{"" if said.isdigit() else "s"} {said}'
