"""What is answered of foreign texts and files. Runs in the child; where there can be none, in the server."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...graph import ComfyScriptError, Schemas
from ...graph.collector import collector_paused
from ...panel.errors import RequestError


@dataclass(frozen=True)
class Question:
    """A request to a route, or the path of a file (`query`: that of the request)."""

    route: str
    body: bytes = b''
    path: str = ''
    query: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        head = {key: value for key, value in asdict(self).items() if key != 'body'}
        return json.dumps(head).encode() + b'\n' + self.body

    @staticmethod
    def decode(data: bytes) -> Question:
        head, _, body = data.partition(b'\n')
        return Question(body=body, **json.loads(head))


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer; `log`: what is for the server's log, where the fault is ours."""

    error: str
    status: int
    log: str = ''

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def decode(data: bytes) -> Refusal:
        """Raises ValueError, TypeError."""
        found = Refusal(**json.loads(data))
        if not 400 <= found.status <= 599:
            raise ValueError(f'{found.status} is no status of a refusal')
        return Refusal(str(found.error), int(found.status), str(found.log))


def answer_question(question: Question, schemas: Schemas) -> bytes:
    """The body of the answer. Raises RequestError, TranspileError."""
    # Here, for the server has no need of them where there is a child.
    from ...panel.service import answer, answer_file
    from ...transpiler import read_metadata

    if question.path:
        return encode(answer_file(read_metadata(Path(question.path)), question.query, schemas))
    # What is made here dies by itself, and a walk over all schemas can take longer than the answer.
    with collector_paused():
        return encode(answer(question.route, parse_object(question.body), schemas))


def refusal_of(error: BaseException) -> Refusal:
    """What is said of a failure: ours are the caller's to fix, others are logged."""
    if isinstance(error, RequestError):
        return Refusal(str(error), error.status)
    if isinstance(error, ComfyScriptError):
        return Refusal(str(error), 422)
    if isinstance(error, MemoryError):
        return Refusal('to read this takes more memory than is allowed', 413)
    log = ''.join(traceback.format_exception(error))
    return Refusal(f'{type(error).__name__}: {error}', 500, log)


def parse_object(body: bytes) -> Mapping[str, Any]:
    """A JSON object. Raises RequestError."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f'the request is no JSON: {error}') from error
    if not isinstance(data, dict):
        raise RequestError('the request must be a JSON object')
    return data


def encode(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(',', ':'), default=str).encode('utf-8', 'surrogatepass')
