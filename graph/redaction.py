"""Secrets are taken out of texts that are shown or saved."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ['HIDDEN', 'redact']

HIDDEN = '***'

# A shorter one can be part of any word or number.
UNMISTAKABLE = 8
# And a shorter one than this can be any number.
_A_WORD = 3


def redact(text: str, secrets: Iterable[str], patterns: Iterable[str] = ()) -> str:
    """The text with its secrets, and with all that the patterns find, replaced by `***`.

    A secret is found as Python writes it, too. A short one is found where it stands alone: as a word, or if it is
    shorter than three characters, as a whole string or a part of a URL. A pattern that is no regular expression is
    taken literally.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in {secret, repr(secret)[1:-1]}:
            text = re.sub(_alone(form, len(secret)), HIDDEN, text)
    for pattern in patterns:
        try:
            text = re.sub(pattern, HIDDEN, text)
        except re.error:
            text = text.replace(pattern, HIDDEN)
    return text


def _alone(form: str, length: int) -> str:
    if length >= UNMISTAKABLE:
        return re.escape(form)
    if length >= _A_WORD:
        return rf'(?<!\w){re.escape(form)}(?!\w)'
    return rf'(?<=[\'":=]){re.escape(form)}(?=[\'"@&#])'
