"""What the page asks for, read once into values. All `parse` raise RequestError, which names the key that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..transpiler import Style
from .errors import RequestError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class TranspileRequest:
    """A workflow file, an API prompt or both; `text`: the script that somebody wrote for that workflow."""

    workflow: Json | None
    prompt: Json | None
    style: Style
    text: str | None = None

    @staticmethod
    def parse(data: Json) -> TranspileRequest:
        workflow, prompt, text = _object(data, 'workflow'), _object(data, 'prompt'), _text(data, 'text')
        if workflow is None and prompt is None:
            raise RequestError('neither a workflow nor a prompt was sent')
        if text is not None and workflow is None:
            raise RequestError('a text belongs to a workflow, and none was sent')
        return TranspileRequest(workflow, prompt, read_style(data.get('style')), text)


@dataclass(frozen=True)
class ScriptRequest:
    """A script alone."""

    script: str

    @staticmethod
    def parse(data: Json) -> ScriptRequest:
        return ScriptRequest(_needed(_text, data, 'script'))


@dataclass(frozen=True)
class ApplyRequest:
    """The open graph and the script that it is to become. `text`: the script that was shown, where somebody wrote it;
    `nodes`: node of the script → graph id, where an earlier answer said so."""

    workflow: Json
    script: str
    style: Style
    text: str | None = None
    nodes: Mapping[str, str] | None = None

    @staticmethod
    def parse(data: Json) -> ApplyRequest:
        nodes = _object(data, 'nodes')
        return ApplyRequest(
            _needed(_object, data, 'workflow'),
            _needed(_text, data, 'script'),
            read_style(data.get('style')),
            _text(data, 'text'),
            None if nodes is None else {str(key): str(value) for key, value in nodes.items()},
        )


@dataclass(frozen=True)
class PromptRequest:
    """A script that is to be queued; `graph`: with the open graph's ids, where that was sent along."""

    script: str
    graph: ApplyRequest | None = None

    @staticmethod
    def parse(data: Json) -> PromptRequest:
        graph = ApplyRequest.parse(data) if data.get('workflow') is not None else None
        return PromptRequest(_needed(_text, data, 'script'), graph)


@dataclass(frozen=True)
class MergeRequest:
    """Two changes of one script: `ours` was typed, `theirs` is what the graph has become, both began with `base`."""

    base: str
    ours: str
    theirs: str

    @staticmethod
    def parse(data: Json) -> MergeRequest:
        return MergeRequest(*(_needed(_text, data, key) for key in ('base', 'ours', 'theirs')))


@dataclass(frozen=True)
class SelectionRequest:
    """A workflow and the ids of the nodes that are to become one."""

    workflow: Json
    nodes: tuple[str, ...]
    style: Style

    @staticmethod
    def parse(data: Json) -> SelectionRequest:
        nodes = data.get('nodes')
        if not isinstance(nodes, list):
            raise RequestError('nodes must be a list of node ids')
        workflow = _needed(_object, data, 'workflow')
        return SelectionRequest(workflow, tuple(str(key) for key in nodes), read_style(data.get('style')))


@dataclass(frozen=True)
class AgentBlockRequest:
    """A script, its selected lines, and errors as (line, message)."""

    script: str
    lines: tuple[int, ...] = ()
    errors: tuple[tuple[int, str], ...] = ()

    @staticmethod
    def parse(data: Json) -> AgentBlockRequest:
        lines, errors = data.get('lines') or [], data.get('errors') or []
        try:
            found = tuple((int(one['line']), str(one['message'])) for one in errors)
            return AgentBlockRequest(_needed(_text, data, 'script'), tuple(int(line) for line in lines), found)
        except (TypeError, KeyError, ValueError) as error:
            raise RequestError('lines must be numbers, errors [{line, message}]') from error


def read_style(data: Any) -> Style:
    """A Style from JSON; what it does not know is refused by name."""
    if data is None:
        return Style()
    if not isinstance(data, Mapping):
        raise RequestError('style must be an object')
    known = {field.name for field in fields(Style)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise RequestError(f'style has no {", ".join(unknown)}; it has {", ".join(sorted(known))}')
    try:
        return Style(**data)
    except (TypeError, ValueError) as error:
        raise RequestError(f'style: {error}') from error


def _object(data: Json, key: str) -> Json | None:
    value = data.get(key)
    if value is not None and not isinstance(value, dict):
        raise RequestError(f'{key} must be an object')
    return value


def _text(data: Json, key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise RequestError(f'{key} must be a string')
    return value


def _needed(read: Callable[[Json, str], Any], data: Json, key: str) -> Any:
    value = read(data, key)
    if value is None:
        raise RequestError(f'no {key} was sent')
    return value
