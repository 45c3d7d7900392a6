"""The cache of node outputs: least recently used first out, within its bytes."""

from __future__ import annotations

import pytest

from comfy_script.runtime.real.cache import Cache


class Array:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes


class Tensor(Array):
    _version = 0

    def is_inference(self) -> bool:
        return False


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(100_000)
    for name in 'abc':
        cache.put(name, (Array(30_000),))
    assert cache.get('a') is not None
    cache.put('d', (Array(30_000),))
    assert [name for name in 'abcd' if cache.get(name) is not None] == ['a', 'c', 'd']
    assert 90_000 <= cache.size <= 100_000


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = Cache(1000)
    cache.put('a', (Array(10),))
    cache.put('large', (Array(2000),))
    assert cache.get('large') is None
    assert cache.get('a') is not None


def test_a_value_in_many_entries_counts_once() -> None:
    cache = Cache(1200)
    shared = Array(800)
    for name in 'abc':
        cache.put(name, (shared,))
    assert len(cache) == 3
    cache.clear()
    assert cache.size == 0


def test_containers_and_models_count() -> None:
    class Patcher:
        def __init__(self) -> None:
            self.model = object()

        def model_size(self) -> int:
            return 5000

    cache = Cache(4000)
    cache.put('latent', ({'samples': [Array(900)]},))
    assert 900 < cache.size < 1300
    cache.put('model', (Patcher(),))
    assert cache.get('model') is None


def test_a_value_changed_in_place_is_no_hit() -> None:
    cache, tensor = Cache(1000), Tensor(10)
    cache.put('a', (tensor,))
    assert cache.get('a') is not None
    tensor._version = 1
    assert cache.get('a') is None
    assert len(cache) == 0


@pytest.mark.parametrize('size', [0, -1])
def test_a_cache_has_a_size(size: int) -> None:
    with pytest.raises(ValueError, match='give a positive number'):
        Cache(size)
