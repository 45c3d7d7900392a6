"""Circles are found where they are looked for, and what has stayed is passed over."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_script.graph.collector import NewGarbage


class Made:
    """In a circle with itself."""

    def __init__(self) -> None:
        self.itself = self


def circle() -> weakref.ref[Any]:
    return weakref.ref(Made())


@pytest.fixture
def garbage() -> Iterator[NewGarbage]:
    gc.unfreeze()  # tests/conftest.py has set aside what there is
    gc.disable()
    found = NewGarbage()
    yield found
    found.put_back()
    gc.enable()
    assert gc.get_freeze_count() == 0
    gc.freeze()


def test_new_circles_are_found_by_looks_at_what_is_new(garbage: NewGarbage) -> None:
    looked_at: list[int] = []
    gc.callbacks.append(lambda phase, info: looked_at.append(info['generation']))
    try:
        for _ in range(2):
            made = circle()
            garbage.collect()
            assert made() is None
    finally:
        gc.callbacks.pop()
    assert set(looked_at) == {1}


def test_what_has_stayed_is_passed_over_until_all_is_looked_at(garbage: NewGarbage) -> None:
    kept = Made()
    stayed = weakref.ref(kept)
    garbage.collect()
    del kept
    looked_at: list[int] = []
    gc.collect()
    garbage.collect()
    assert stayed() is not None
    looked_at.append(len(gc.get_objects()))
    garbage.collect_all()
    assert stayed() is None
    assert len(gc.get_objects()) > 100 * looked_at[0]


def test_what_others_have_set_aside_stays_so(garbage: NewGarbage) -> None:
    gc.freeze()
    try:
        made = circle()
        garbage.collect()
        garbage.put_back()
        assert made() is None
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
