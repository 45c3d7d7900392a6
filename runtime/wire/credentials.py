"""What must not be shown or saved: the credentials of a client, and strings that somebody marked as secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ['redact', 'secrets_of', 'shown_url']

# A shorter one can be part of any word or number.
_UNMISTAKABLE = 8
# And a shorter one than this can be any number.
_A_WORD = 3
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


def shown_url(url: str) -> str:
    """An address as it may be shown: without its password and the values of its query."""
    head, mark, query = url.partition('?')
    head = re.sub(r'(?<=//)([^/@:]*):[^/]*@', rf'\1:{_HIDDEN}@', head)
    return head + mark + re.sub(r'=[^&#]*', f'={_HIDDEN}', query)


def redact(text: str, secrets: Iterable[str], patterns: Iterable[str] = ()) -> str:
    """The text with its secrets, and with all that the patterns find, replaced by `***`.

    A secret is found as Python writes it, too. A short one is found where it stands alone: as a word, or if it is
    shorter than three characters, as a whole string or a part of a URL. A pattern that is no regular expression is
    taken literally.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in {secret, repr(secret)[1:-1]}:
            text = re.sub(_alone(form, len(secret)), _HIDDEN, text)
    for pattern in patterns:
        try:
            text = re.sub(pattern, _HIDDEN, text)
        except re.error:
            text = text.replace(pattern, _HIDDEN)
    return text


def _alone(form: str, length: int) -> str:
    if length >= _UNMISTAKABLE:
        return re.escape(form)
    if length >= _A_WORD:
        return rf'(?<!\w){re.escape(form)}(?!\w)'
    return rf'(?<=[\'":=]){re.escape(form)}(?=[\'"@&#])'
