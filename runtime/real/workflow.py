"""`with Workflow():` in real mode: inference mode, ComfyUI's model management, and a cache where one is wanted."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import Any

from . import state
from .cache import Cache, total_memory
from .node_runs import OnUi


@functools.cache
def default_cache() -> Cache:
    """The cache of `Workflow(cache=True)`: one per process, a quarter of the machine's memory."""
    return Cache(total_memory() // 4)


class Workflow:
    """What a workflow's nodes run in: `torch.inference_mode()` and ComfyUI's model management.

    Models stay loaded from workflow to workflow; ComfyUI frees them when memory is short.

    `cache`: keep outputs, and give them again for the same node with the same inputs, however they came about.
    `True` for the process's cache (a quarter of the memory), a `Cache` for one of one's own, a number for one of
    that many bytes that lives as long as this object. `None` (the default) keeps nothing. Values that a cache
    has kept must not be changed in place.

    `ui` has what its nodes gave for the web UI (saved files, texts), in the order they ran: also of nodes that
    have outputs, whose calls give those.

    Usable again, and with `async with` as well. In naked mode it is `torch.inference_mode()` and nothing more.
    """

    def __init__(self, *, cache: Cache | bool | int | dict[Any, Any] | None = None) -> None:
        self.cache = _as_cache(cache)
        self.ui: list[Mapping[str, Any]] = []
        self._entered: list[tuple[Any, Any, Any, Any]] = []

    def __enter__(self) -> Workflow:
        import torch

        inference_mode = torch.inference_mode()
        inference_mode.__enter__()
        session = state.session_or_none()
        cache = on_ui = None
        if session is not None:
            cache, on_ui = session.cache, session.on_ui
            session.cache = self.cache if self.cache is not None else cache
            session.on_ui = self._collect(on_ui)
            session.new_positions()
            session.host.start_workflow()
            if state.is_own_process():
                session.host.clear_interrupt()
        self._entered.append((inference_mode, session, cache, on_ui))
        return self

    def __exit__(self, *error: Any) -> None:
        inference_mode, session, cache, on_ui = self._entered.pop()
        try:
            if session is not None:
                session.cache, session.on_ui = cache, on_ui
                session.host.end_workflow()
        finally:
            inference_mode.__exit__(*error)

    def _collect(self, others: OnUi | None) -> OnUi:
        def on_ui(node_id: str, class_type: str, ui: Mapping[str, Any]) -> None:
            self.ui.append(ui)
            if others is not None:
                others(node_id, class_type, ui)

        return on_ui

    async def __aenter__(self) -> Workflow:
        return self.__enter__()

    async def __aexit__(self, *error: Any) -> None:
        self.__exit__(*error)


def _as_cache(cache: Any) -> Cache | None:
    if cache is None or cache is False:
        return None
    if cache is True:
        return default_cache()
    if isinstance(cache, int):
        return Cache(cache)
    if isinstance(cache, Cache):
        return cache
    if type(cache) is dict and not cache:
        # As in comfy-script 0.6: without a bound, and gone with the workflow.
        return Cache(sys.maxsize)
    if callable(cache) or isinstance(cache, Mapping):
        raise TypeError(
            f'cache takes no {type(cache).__name__} as in comfy-script 0.6: Workflow(cache=True), or a '
            'Cache(max_bytes), which knows by itself what led to an output and how large it is'
        )
    raise TypeError(f'cache takes a Cache, True, a number of bytes or None, not {cache!r}')
