"""Secrets are taken out of texts that are shown or saved."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator

__all__ = ['HIDDEN', 'redact']

HIDDEN = '***'

# A shorter one can be part of any word or number.
UNMISTAKABLE = 8
# And a shorter one than this can be any number.
_A_WORD = 3
_INVISIBLE = re.compile(
    '[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]'
)


def redact(text: str, secrets: Iterable[str], patterns: Iterable[str] = ()) -> str:
    """The text with its secrets, and with all that the patterns find, replaced by `***`.

    In a script they are found however a literal writes them, escaped or over several lines, and in the names of
    variables, which titles give. A short secret is found where it stands alone: as a word, or if it is shorter than
    three characters, as a whole string or a part of a URL. A pattern that is no regular expression is taken literally.
    """
    known = sorted(filter(None, secrets), key=len, reverse=True)
    hide = _hider(known, list(patterns))
    found = hide(text)
    if not known and found == text and not patterns:
        return text
    return _without_names(_in_literals(found, hide), known)


def _hider(secrets: list[str], patterns: Iterable[str]) -> Callable[[str], str]:
    """What takes them out of a text as it stands."""
    finders = []
    for secret in secrets:
        forms = {secret, repr(secret)[1:-1], _INVISIBLE.sub('', secret)} - {''}
        finders += [re.compile(_alone(form, len(secret))) for form in sorted(forms, key=len, reverse=True)]
    for pattern in patterns:
        try:
            finders.append(re.compile(pattern))
        except re.error:
            finders.append(re.compile(re.escape(pattern)))

    def hide(text: str) -> str:
        for finder in finders:
            text = finder.sub(HIDDEN, text)
        return text

    return hide


def _alone(form: str, length: int) -> str:
    if length >= UNMISTAKABLE:
        return re.escape(form)
    if length >= _A_WORD:
        return rf'(?<!\w){re.escape(form)}(?!\w)'
    return rf'(?<=[\'":=]){re.escape(form)}(?=[\'"@&#])'


def _in_literals(text: str, hide: Callable[[str], str]) -> str:
    """A script whose literals do not say it either: by their values, also without their invisible characters."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    data = text.encode('utf-8', 'surrogatepass')
    starts = [0, *(found.end() for found in re.finditer(b'\n', data))]
    pieces: list[bytes] = []
    at = 0
    for node in sorted(_strings(tree), key=lambda node: (node.lineno, node.col_offset)):
        value = str(node.value)
        hidden = hide(value)
        bare = _INVISIBLE.sub('', value)
        if hidden == value and bare != value and hide(bare) != bare:
            hidden = hide(bare)
        # Of a short secret, a quote before and after it is a part of what it is found by.
        if hidden == value and hide(f"'{value}'") != f"'{value}'":
            hidden = HIDDEN
        if hidden != value and node.end_lineno is not None and node.end_col_offset is not None:
            pieces += [data[at : starts[node.lineno - 1] + node.col_offset], ascii(hidden).encode()]
            at = starts[node.end_lineno - 1] + node.end_col_offset
    return b''.join([*pieces, data[at:]]).decode('utf-8', 'surrogatepass')


def _strings(tree: ast.AST) -> Iterator[ast.Constant]:
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        elif not isinstance(node, ast.JoinedStr):  # before Python 3.12 their parts have no places
            pending += ast.iter_child_nodes(node)


def _without_names(text: str, secrets: list[str]) -> str:
    """A script whose own names do not say it: a title becomes a variable's name, without what no name can hold."""
    bare = {_letters(secret) for secret in secrets if len(secret) >= UNMISTAKABLE}
    bare = {letters for letters in bare if len(letters) >= UNMISTAKABLE}
    if not bare:
        return text
    names = {name for name in re.findall(r'[^\W\d]\w*', text) if any(letters in _letters(name) for letters in bare)}
    ordered = sorted(names, key=lambda name: (-len(name), name))
    hidden = {name: f'hidden{number}' for number, name in enumerate(ordered, 1)}
    return re.sub(r'(?<!\w)[^\W\d]\w*', lambda found: hidden.get(found[0], found[0]), text) if hidden else text


def _letters(text: str) -> str:
    return re.sub(r'[\W_]', '', text).lower()
