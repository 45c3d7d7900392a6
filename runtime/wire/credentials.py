"""Credentials of a client: they are sent to its server, and never saved in images with the text of the script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ['redact', 'secrets_of']

# A shorter one can be part of any word or number.
_UNMISTAKABLE = 8
_HIDDEN = '***'


def secrets_of(
    url: str, headers: Mapping[str, str], cookies: Mapping[str, str], auth: tuple[str, ...] | None
) -> frozenset[str]:
    """What of a client's options is nobody's business: all that could be a password or a token."""
    from yarl import URL

    address = URL(url)
    found = {*headers.values(), *cookies.values(), *address.query.values(), address.password, address.raw_password}
    if auth is not None:
        found.add(auth[1])
    # `Bearer abc`, say, may be put together of two.
    parts = {part for value in headers.values() for part in value.split() if len(part) >= _UNMISTAKABLE}
    return frozenset(str(value) for value in found | parts if value)


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text of a script without secrets that it has; short ones only where they stand alone, in quotes or a URL."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, repr(secret)[1:-1]}:
            pattern = re.escape(form)
            if len(secret) < _UNMISTAKABLE:
                pattern = rf'(?<=[\'":=]){pattern}(?=[\'"@&#])'
            text = re.sub(pattern, _HIDDEN, text)
    return text
