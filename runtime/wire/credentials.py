"""Credentials of a client: they are sent to its server, and neither shown nor saved."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...graph.redaction import HIDDEN, UNMISTAKABLE

__all__ = ['secrets_of', 'shown_url']


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
    parts = {part for value in headers.values() for part in value.split() if len(part) >= UNMISTAKABLE}
    return frozenset(str(value) for value in found | parts if value)


def shown_url(url: str) -> str:
    """An address as it may be shown: without its password and the values of its query."""
    head, mark, query = url.partition('?')
    head = re.sub(r'(?<=//)([^/@:]*):[^/]*@', rf'\1:{HIDDEN}@', head)
    return head + mark + re.sub(r'=[^&#]*', f'={HIDDEN}', query)
