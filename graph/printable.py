"""Texts of others as they are shown: what would steer a terminal, or turn the order of what is read, is named instead.

A server's words, or a file's, end in errors, logs and tracebacks, and a terminal obeys escape sequences in them: it
changes its title, hides lines, or answers with text of its own (ECMA-48; Unicode Technical Report 36, 3.1.1).
"""

from __future__ import annotations

import re

_STEERING = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


def printable(text: str) -> str:
    """The same text, with escapes in the place of control characters but new lines and tabs."""
    return _STEERING.sub(lambda match: ascii(match[0])[1:-1], text)
