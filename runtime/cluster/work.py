"""What a worker is sent and what it answers, as data that any process can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FunctionWork:
    """A Python function, pickled by value where its module is not on the worker. Called with each row."""

    pickled: bytes
    name: str


@dataclass(frozen=True)
class ScriptWork:
    """A script's text, interpreted as the `ComfyScript` node does: a row gives the inputs of its `main`."""

    text: str


@dataclass(frozen=True)
class PromptWork:
    """An API prompt; a row gives inputs to change, as `{'3.seed': 5}`."""

    prompt: Mapping[str, Any]


@dataclass(frozen=True)
class FileWork:
    """Files that hold a workflow or a prompt: a row is `{'name': …, 'data': bytes}`."""


Work = FunctionWork | ScriptWork | PromptWork | FileWork


@dataclass(frozen=True)
class Failure:
    """What an attempt ended with. `broken`: this process can do no more work (its GPU is gone)."""

    message: str
    kind: str
    line: int | None = None
    traceback: str = ''
    broken: bool = False


@dataclass(frozen=True)
class Answer:
    """One attempt: what it gave and saved (relative path to content), or how it failed."""

    value: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    failure: Failure | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker's ComfyUI is: its folder (None: Ray's worker finds it, '' : none), how it runs, its arguments."""

    comfyui: str | None
    engine: str
    arguments: tuple[str, ...] = ()
    cache_bytes: int = 0
    python: str | None = None
