"""What is put into a server's queue: a prompt with all that goes along, and its JSON."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ...comfyui.savers import SOURCE_KEY
from .errors import Origins
from .task import IdOf, Task, TaskServer

__all__ = ['Submission']

WorkflowSource = Mapping[str, Any] | Callable[[], 'Mapping[str, Any] | None'] | None


@dataclass(frozen=True)
class Submission:
    """A prompt (API format) and what goes with it.

    - `workflow`: the same in the web UI's format, or a function that makes it; saved with the images.
    - `extra_data`: more for the server; `extra_pnginfo` in it is saved with the images.
    - `origins`: node id -> (file, line) of the script, for error messages.
    - `id_of`: tells the node id of an output value, for `Task.result`.
    - `source`: the text of the script, where it is not the running script's; empty for none.
    - `keep_images`: keep the images that come over the websocket in `task.images`.
    - `front`: before what is in the queue.
    - `files`: name in ComfyUI's `input` folder -> content of what has to be there first.
    - `on_accepted`: called with the task once the server has taken it, on the background thread.
    - `prompt_id`: the id that the server will know it by, a UUID of the caller's own.
    """

    prompt: Mapping[str, Any]
    workflow: WorkflowSource = None
    extra_data: Mapping[str, Any] | None = None
    origins: Origins | None = None
    id_of: IdOf | None = None
    source: str | None = None
    keep_images: bool = False
    front: bool = False
    files: Mapping[str, bytes] | None = None
    on_accepted: Callable[[Task], object] | None = None
    prompt_id: str | uuid.UUID | None = None

    @classmethod
    def of(cls, prompt: Mapping[str, Any] | Submission, options: Mapping[str, Any]) -> Submission:
        """A prompt with options that are this class's fields; or a submission, with some of them replaced."""
        if isinstance(prompt, Submission):
            return dataclasses.replace(prompt, **options) if options else prompt
        return cls(prompt, **options)

    def new_task(self, server: TaskServer) -> Task:
        """The task that it will be. Raises ValueError for an id that is no UUID."""
        return Task(
            server,
            str(uuid.uuid4()) if self.prompt_id is None else _canonical(self.prompt_id),
            {node_id: str(node.get('class_type')) for node_id, node in self.prompt.items()},
            origins=self.origins,
            id_of=self.id_of,
            keep_images=self.keep_images,
            on_accepted=self.on_accepted,
        )

    def body(self, prompt_id: str, client_id: str, source: str | None, credentials: Mapping[str, str | None]) -> bytes:
        """What is sent to `POST /prompt`. `source`: the script's text as it may be saved; `credentials` are not saved.

        Raises TypeError for what JSON cannot hold.
        """
        saved = self._extra_pnginfo(source)
        given = {name: value for name, value in credentials.items() if value}
        extra_data = {**given, **(self.extra_data or {}), **({'extra_pnginfo': saved} if saved else {})}
        body = {'prompt': self.prompt, 'prompt_id': prompt_id, 'client_id': client_id, 'extra_data': extra_data}
        return _encode({**body, 'front': True} if self.front else body).encode()

    def _extra_pnginfo(self, source: str | None) -> dict[str, Any]:
        saved = dict((self.extra_data or {}).get('extra_pnginfo') or {})
        made = self.workflow() if callable(self.workflow) else self.workflow
        if made is not None:
            saved.setdefault('workflow', made)
        if source:
            saved.setdefault(SOURCE_KEY, source)
        return saved


def _canonical(prompt_id: str | uuid.UUID) -> str:
    """As ComfyUI takes it (since 2026: comfy_execution/jobs.py `validate_job_id`)."""
    try:
        return str(uuid.UUID(str(prompt_id)))
    except ValueError:
        raise ValueError(f'prompt_id is {prompt_id!r}, no UUID: str(uuid.uuid4()) makes one') from None


def _plain(value: object) -> Any:
    """What `json` cannot write itself: paths, and numbers of numpy and torch."""
    if isinstance(value, PurePath):
        return value.as_posix()
    item = getattr(value, 'item', None)
    if callable(item) and getattr(value, 'shape', None) in ((), (1,)):
        return item()
    if isinstance(value, Mapping):
        return dict(value)
    tolist = getattr(value, 'tolist', None)
    if callable(tolist):
        return tolist()
    raise TypeError(f'{value!r} cannot be sent to ComfyUI: a {type(value).__name__} is no JSON value')


_encode = json.JSONEncoder(default=_plain).encode
