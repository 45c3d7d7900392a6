"""Recorded calls get their ids, each after those that it needs, and become a prompt: as a dict, or as JSON at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from ...graph.collector import collector_paused
from .node_call import NodeCall, OutputSocket
from .pictures import FileToSend

PLAIN = frozenset({str, int, float, bool, type(None)})
MANY = 100
"""Calls for which it is worth to hold the collector back."""

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


class Numbering:
    """A prompt in the making. Ids count from 1, as in the web UI."""

    def __init__(self) -> None:
        self.ids: dict[int, str] = {}

    def put(self, node: NodeCall) -> bool:
        """Whether all that it needs is there, so that it could be put."""
        raise NotImplementedError

    def put_all(self, calls: Sequence[NodeCall]) -> None:
        """Puts calls, with all that they need."""
        with collector_paused() if len(calls) > MANY else nullcontext():
            for node in calls:
                if id(node) not in self.ids and not self.put(node):
                    self._put_with_needs(node)

    def _number(self, node: NodeCall) -> str:
        number = self.ids[id(node)] = str(len(self.ids) + 1)
        return number

    def _put_with_needs(self, node: NodeCall) -> None:
        """A stack, not recursion: chains may be 100 000 deep."""
        stack = [(node, self._needs(node))]
        while stack:
            current, needs = stack[-1]
            if needs:
                needed = needs.pop()
                if id(needed) not in self.ids:
                    stack.append((needed, self._needs(needed)))
            else:
                stack.pop()
                self.put(current)

    def _needs(self, node: NodeCall) -> list[NodeCall]:
        """The calls that a call needs and that are not there yet, the first one last."""
        values = [value for value in node._values if type(value) not in PLAIN and isinstance(value, OutputSocket)]
        return [value.node for value in reversed(values) if id(value.node) not in self.ids]


class PromptOf(Numbering):
    """The prompt as a dict, with the calls by their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.prompt: dict[str, Any] = {}
        self.nodes: dict[str, NodeCall] = {}
        self.files: dict[str, bytes] = {}

    def put(self, node: NodeCall) -> bool:
        ids = self.ids
        inputs = dict(zip(node._names, node._values, strict=False))
        for name, value in inputs.items():
            if type(value) in PLAIN:
                continue
            if isinstance(value, OutputSocket):
                number = ids.get(id(value.node))
                if number is None:
                    return False
                inputs[name] = [number, value.slot]
            elif isinstance(value, FileToSend):
                self.files[value] = value.data
        number = self._number(node)
        self.nodes[number] = node
        self.prompt[number] = {'class_type': node.schema.class_type, 'inputs': inputs}
        return True


class JsonOf(Numbering):
    """The prompt as JSON text, a line per node, without the dicts in between: what `to_json` makes of them.

    At 100 000 nodes those take more memory than a processor's caches hold, and most of the time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._forms: dict[tuple[str, tuple[str, ...]], str] = {}

    @property
    def text(self) -> str:
        return lines_as_object(self._lines)

    def put(self, node: NodeCall) -> bool:
        ids = self.ids
        parts: list[Any] = ['']
        for value in node._values:
            kind = type(value)
            if kind is str:
                parts.append(_encode(value))
            elif kind is int:
                parts.append(value)
            elif kind not in PLAIN and isinstance(value, OutputSocket):
                number = ids.get(id(value.node))
                if number is None:
                    return False
                parts.append(f'["{number}", {value.slot}]')
            else:
                parts.append(_encode(value))
        parts[0] = self._number(node)
        key = (node.schema.class_type, node._names)
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = _form(*key)
        self._lines.append(form % (*parts,))
        return True


def _form(class_type: str, names: tuple[str, ...]) -> str:
    """A node's line, with places for its id and its inputs."""
    inputs = ', '.join(_encode(name).replace('%', '%%') + ': %s' for name in names)
    return f'  "%s": {{"class_type": {_encode(class_type).replace("%", "%%")}, "inputs": {{{inputs}}}}}'


def to_json(data: Mapping[str, Any]) -> str:
    """A prompt or workflow as JSON text with a line per entry: quick to write, and lines tell what differs."""
    return lines_as_object([f'  {_encode(str(key))}: {_encode(value)}' for key, value in data.items()])


def lines_as_object(lines: list[str]) -> str:
    return '{\n' + ',\n'.join(lines) + '\n}' if lines else '{}'
