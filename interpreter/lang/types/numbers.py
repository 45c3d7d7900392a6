"""What numbers offer after a dot."""

from __future__ import annotations

from typing import Any

from ..costs import constant
from ..errors import ScriptLimit
from ..machine import Machine
from ..objects import Attributes, as_index
from .entries import native, natives, read


def _to_bytes(m: Machine, owner: int, /, length: Any = 1, byteorder: Any = 'big', *, signed: Any = False) -> bytes:
    if as_index(length) > 4096:
        raise ScriptLimit('more than 4096 bytes of one integer')
    return int.to_bytes(owner, length, byteorder, signed=bool(signed))


_NUMBER: Attributes = {
    'real': read(lambda x: x.real),
    'imag': read(lambda x: x.imag),
    **constant({'conjugate': native(lambda x: x)}),
}

INT: Attributes = {
    **_NUMBER,
    **natives(int, 'bit_length bit_count as_integer_ratio is_integer'),
    'numerator': read(lambda x: x.numerator),
    'denominator': read(lambda x: x.denominator),
    **constant({'to_bytes': _to_bytes}),
}

FLOAT: Attributes = {**_NUMBER, **natives(float, 'as_integer_ratio hex is_integer')}

COMPLEX: Attributes = {**_NUMBER, **constant({'conjugate': native(complex.conjugate)})}
