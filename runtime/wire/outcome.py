"""What comes of a task: the outputs of its nodes, and its end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from .background import unbreakable_future
from .errors import PromptRefusedError, TaskError
from .results import Download, Result, make_result

__all__ = ['TaskOutcome']

RawOutput = Mapping[str, Any] | None


class TaskOutcome:
    """The outputs that came and the end of a task; either can be waited for on any thread.

    `class_types`: the class type of each node of the prompt, in the prompt's order.
    """

    def __init__(self, class_types: Mapping[str, str], download: Download) -> None:
        self.done: Future[list[Result]] = unbreakable_future()
        self.refused_outputs: frozenset[str] = frozenset()
        self._class_types = class_types
        self._download = download
        self._outputs: dict[str, RawOutput] = {}
        self._stand_ins: set[str] = set()
        self._awaited: dict[str, Future[Result]] = {}
        self._lock = threading.Lock()

    @property
    def outputs(self) -> dict[str, RawOutput]:
        """The raw outputs that have come so far, by node id."""
        return dict(self._outputs)

    def add(self, node_id: str, output: RawOutput, *, stand_in: bool = False) -> None:
        """A node's output came. `stand_in`: it is the output of a node which this one expanded into."""
        with self._lock:
            self._outputs[node_id] = output
            if stand_in:
                self._stand_ins.add(node_id)
            future = self._awaited.get(node_id)
            if future is not None and not future.done():
                future.set_result(self.result(node_id))

    def result(self, node_id: str) -> Result:
        """What has come of a node so far."""
        return make_result(self._outputs.get(node_id), self._download)

    def awaited(self, node_id: str) -> Future[Result]:
        """The result of a node, when it comes. Raises TaskError in it for a node that is not in the prompt."""
        with self._lock:
            future = self._awaited.get(node_id)
            if future is not None:
                return future
            future = self._awaited[node_id] = unbreakable_future()
            if node_id in self._outputs:
                future.set_result(self.result(node_id))
            elif self.done.done():
                self._settle(node_id, future, self.done.exception())
        return future

    def end(self, error: BaseException | None) -> None:
        """Ends every wait; once, on the background loop."""
        with self._lock:
            for node_id, future in self._awaited.items():
                if not future.done():
                    self._settle(node_id, future, error)
            if error is None:
                self.done.set_result([self.result(node_id) for node_id in self._shown()])
            else:
                self.done.set_exception(error)

    def _settle(self, node_id: str, future: Future[Result], error: BaseException | None) -> None:
        """End the wait for an output that did not come: refused, lost with the task, or a node that shows nothing."""
        if isinstance(error, PromptRefusedError) and node_id not in self.refused_outputs:
            error = None
        if error is not None:
            future.set_exception(error)
        elif node_id in self._class_types or node_id in self._outputs:
            future.set_result(self.result(node_id))
        else:
            future.set_exception(TaskError(f'Node {node_id!r} is not in the workflow'))

    def _shown(self) -> list[str]:
        """The nodes that showed something, in the prompt's order."""
        order = {node_id: index for index, node_id in enumerate(self._class_types)}
        shown = [node_id for node_id, output in self._outputs.items() if output and node_id not in self._stand_ins]
        return sorted(shown, key=lambda node_id: order.get(node_id.split('.', 1)[0], len(order)))
