"""What a value is, across executions: the part of a cache key that stands for something no inner node made.

Tensors and plain data are known by their content; a model, or anything else that only nodes understand, by being the
same living object.
"""

from __future__ import annotations

import hashlib
import itertools
import weakref
from typing import Any

MAX_DEPTH = 20
SCALARS = frozenset({int, float, bool, str, bytes, type(None), complex})


class Identities:
    """Names values. Kept as long as the node: an object keeps its name while it lives."""

    def __init__(self) -> None:
        self._objects: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._numbers = itertools.count(1)

    def name(self, value: Any) -> bytes | None:
        """A hash that is the same for the same value, or None for a value that cannot be told from others."""
        digest = hashlib.blake2b(digest_size=16)
        return digest.digest() if self._feed(digest, value, 0) else None

    def _feed(self, digest: Any, value: Any, depth: int) -> bool:
        kind = type(value)
        if kind in SCALARS:
            digest.update(f'{kind.__name__} {value!r};'.encode('utf-8', 'surrogatepass'))
            return True
        if kind in (list, tuple, dict):
            if depth > MAX_DEPTH:
                return False
            digest.update(f'{kind.__name__} {len(value)};'.encode())
            items = [part for pair in value.items() for part in pair] if kind is dict else value
            return all(self._feed(digest, item, depth + 1) for item in items)
        if hasattr(value, 'untyped_storage') and hasattr(value, 'numel'):
            return self._feed_tensor(digest, value)
        number = self._number(value)
        if number is None:
            return False
        digest.update(b'object %d;' % number)
        return True

    def _feed_tensor(self, digest: Any, tensor: Any) -> bool:
        import torch

        digest.update(f'tensor {tuple(tensor.shape)} {tensor.dtype};'.encode())
        if tensor.layout != torch.strided or tensor.is_complex() or tensor.is_quantized:
            return False
        try:
            content = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
            digest.update(memoryview(content.numpy()))
        except (RuntimeError, TypeError):
            return False
        return True

    def _number(self, value: Any) -> int | None:
        """The object's number, given when it is first met; never given again while any holder of it may ask."""
        known = self._objects.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        key = id(value)
        try:
            reference = weakref.ref(value, lambda ref: self._forget(key, ref))
        except TypeError:
            return None
        number = next(self._numbers)
        self._objects[key] = (reference, number)
        return number

    def _forget(self, key: int, reference: weakref.ref[Any]) -> None:
        known = self._objects.get(key)
        if known is not None and known[0] is reference:
            del self._objects[key]
