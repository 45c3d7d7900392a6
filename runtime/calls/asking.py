"""What node functions and enums ask of a server's lists, so that whoever keeps the lists can read them again."""

from __future__ import annotations

import enum
from typing import Protocol

from ...graph import InputSchema

__all__ = ['Asked', 'Renew', 'asked_of', 'never_renew']


class Asked(enum.Enum):
    """What is asked of the lists of nodes and choices."""

    KNOWN = 'an entry of the lists'
    UPLOADABLE = 'the choices of an input whose files are uploaded'
    UNKNOWN = 'an input or a choice that is not in the lists'
    NODE = 'a node that is not in the lists'


class Renew(Protocol):
    """Reads the server's lists again where that may help, and says whether it did.

    `class_type`: the node that is asked for, or whose inputs are; None for the embeddings.
    """

    def __call__(self, asked: Asked, class_type: str | None = None, /) -> bool: ...


def never_renew(asked: Asked, class_type: str | None = None, /) -> bool:
    """`Renew` of lists that are what they are."""
    return False


def asked_of(item: InputSchema) -> Asked:
    """What it is to ask for an input's choices: uploads add to some of them (ComfyUI's `image_upload` and its like)."""
    uploads = any(value and str(key).endswith('_upload') for key, value in item.options.items())
    return Asked.UPLOADABLE if uploads else Asked.KNOWN
