"""A ComfyUI server as an object: its nodes, its queue, its files. `load()` makes one and sets it as the default."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
import linecache
import mimetypes
import os
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from types import FrameType
from typing import TYPE_CHECKING, Any

from ...comfyui.process import ServerProcess, find_server_process
from ...graph import ComfyScriptError, Schemas, as_schemas
from ..calls.asking import Asked
from ..calls.functions import NodeNamespace
from ..calls.recording import Recorder, locate_call, record_call
from ..calls.sites import script_frame
from ..wire.background import log, run_and_await, run_and_wait, run_async, run_sync, spawn
from ..wire.connection import DEFAULT_URL, ConnectionOptions, normalize_url
from ..wire.credentials import redact, secrets_of
from ..wire.errors import NotLoadedError, OfflineError, Origins, ServerError
from ..wire.results import ResultFile
from ..wire.task import IdOf, Task
from ..wire.tracker import Tracker
from .lists import Renewal
from .queue import TaskQueue

if TYPE_CHECKING:
    import aiohttp

    from .launch import LaunchedServer

__all__ = ['Client', 'default_client', 'find_client', 'set_default_client']

MAX_SOURCE = 1_000_000
# Seconds that lists which are read again by themselves may take; then the old ones have to do.
RENEW_TIMEOUT = 20.0
_PACKAGE = Path(__file__).parents[2]
_OWN = tuple(str(_PACKAGE / floor) + os.sep for floor in (
    'comfyui', 'graph', 'host', 'interpreter', 'nodes', 'panel', 'runtime', 'transpiler', 'ui',
))

# The trackers of the process that this one is a fork of.
_inherited: list[Tracker] = []

OnAccepted = Callable[[Task], object]
WorkflowSource = Mapping[str, Any] | Callable[[], 'Mapping[str, Any] | None'] | None


class Client:
    """One ComfyUI server.

    - `url`: its base URL; a path prefix, a query and `user:password@` are kept for every request.
    - `headers`, `cookies`, `auth` (user and password, or an `aiohttp.BasicAuth`), or `session_factory`, a callable
      that makes the `aiohttp.ClientSession`: credentials of a proxy in front of it.
    - `api_key`, `auth_token`: comfy.org credentials for API nodes. They go with each workflow and are not saved.
    - `schemas`: its node list (`/object_info` as a dict, or Schemas), where it shall not be asked for.
    - `save_source`: send the text of the running script along, for the saved images; without credentials given here.
    - `verify=False` accepts any certificate of an `https` server.
    - `lost_after`: seconds that a lost server is looked for before its tasks fail.

    Nothing is requested before it is needed. `with Client(...)` closes it at the end.
    """

    def __init__(
        self,
        url: object = DEFAULT_URL,
        *,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        auth: tuple[str, str] | aiohttp.BasicAuth | None = None,
        session_factory: Callable[[], aiohttp.ClientSession] | None = None,
        api_key: str | None = None,
        auth_token: str | None = None,
        schemas: Schemas | Mapping[str, Any] | None = None,
        save_source: bool = True,
        verify: bool = True,
        connect_timeout: float = 10.0,
        lost_after: float = 60.0,
    ) -> None:
        self.url = normalize_url(url)
        self.options = ConnectionOptions(
            url=self.url,
            headers={**(headers or {}), **basic_auth(auth)},
            cookies=dict(cookies or {}),
            session_factory=session_factory,
            verify=verify,
            connect_timeout=connect_timeout,
            lost_after=lost_after,
        )
        self._auth = auth
        self.api_key = api_key
        self.auth_token = auth_token
        self.save_source = save_source
        self.offline = False
        self.version = 0
        self.launched: LaunchedServer | None = None
        self.queue = TaskQueue(self)
        self._schemas = None if schemas is None else as_schemas(schemas)
        self._embeddings: tuple[str, ...] | None = None
        self._nodes: NodeNamespace | None = None
        self._lock = threading.RLock()
        self._tracker_lock = threading.Lock()
        self._tracker: Tracker | None = None
        self._in_process: ServerProcess | None = None
        self._fixed = schemas is not None
        self._renewal = Renewal(
            read=self._read_again,
            read_soon=lambda: spawn(self._refresh_quietly()),
            is_other=self._is_other,
            at_once=lambda: self._in_process is not None,
        )
        # Called when the lists were read again, on whatever thread that was: it must not wait.
        self.lists_read: Callable[[], object] | None = None

    def __repr__(self) -> str:
        return f'<Client {"offline" if self.offline else self.url}>'

    @property
    def base_url(self) -> str:
        """`url`, under the name of the first implementation."""
        return self.url

    def session(self) -> aiohttp.ClientSession:
        """A new aiohttp session with this client's headers and credentials, for requests of your own."""
        import aiohttp

        if self.options.session_factory is not None:
            return self.options.session_factory()
        return aiohttp.ClientSession(headers=dict(self.options.headers), cookies=dict(self.options.cookies))

    # -- offline, launched, in process

    @classmethod
    def of_object_info(cls, object_info: Mapping[str, Any] | Schemas | str | Path, **options: Any) -> Client:
        """A client without a server, to build workflows with a saved `/object_info` (a dict, or a JSON file)."""
        if isinstance(object_info, (str, Path)):
            with Path(object_info).open(encoding='utf-8') as file:
                return cls.of_object_info(json.load(file), **options)
        client = cls(schemas=as_schemas(object_info), **options)
        client.offline = True
        client._embeddings = ()
        return client

    @classmethod
    def of_server_process(cls, in_process: ServerProcess, **options: Any) -> Client:
        """The client of the ComfyUI that we are running inside: its nodes are read from memory."""
        # Our own certificate may be made for any name.
        client = cls(in_process.url, **{'verify': False, **options})
        client._in_process = in_process
        return client

    @property
    def in_process(self) -> bool:
        """Whether the server is this very process."""
        return self._in_process is not None

    @property
    def tracker(self) -> Tracker:
        """The connection and the tasks on it."""
        if self.offline:
            raise OfflineError(
                'There is no server: the node list came from a file. Workflow(queue=False) and wf.api_format() work; '
                'to run workflows call load() with a server.'
            )
        with self._tracker_lock:
            if self._tracker is not None and self._tracker.process != os.getpid():
                # Kept for ever: closing what a forked process shares would close it for its parent, too.
                _inherited.append(self._tracker)
                self._tracker = None
            if self._tracker is None:
                tracker = Tracker(self.options)
                if self.launched is not None:
                    tracker.connection.alive_check = self.launched.ended
                if self._in_process is not None:
                    tracker.may_wait = self._in_process.why_not_wait
                tracker.lists_changed = self._renewal.note_change
                self.queue._observe(tracker)
                self._tracker = tracker
            return self._tracker

    @property
    def has_tracker(self) -> bool:
        """Whether anything was ever asked of the server's queue."""
        return self._tracker is not None

    @property
    def settings(self) -> tuple[object, ...]:
        """All that makes two clients the same."""
        options = dataclasses.replace(self.options, connect_timeout=0)
        return options, self.api_key, self.auth_token, self.save_source

    # -- nodes

    @property
    def schemas(self) -> Schemas:
        """What the server says of its nodes; asked for on first use. Raises ConnectError, ServerError."""
        if self._schemas is None:
            self.refresh()
        assert self._schemas is not None
        return self._schemas

    @property
    def has_schemas(self) -> bool:
        """Whether the node list is here already."""
        return self._schemas is not None

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The names of the server's embeddings, without their file suffix."""
        if self._embeddings is None:
            found = self._in_process.embeddings() if self._in_process is not None else run_sync(self._get_embeddings())
            self._embeddings = found
        return self._embeddings

    @property
    def nodes(self) -> NodeNamespace:
        """The server's nodes as functions: `client.nodes.KSampler(...)`."""
        # Fetched first: that waits for the background thread, which must not wait for the lock.
        _ = self.schemas
        with self._lock:
            if self._nodes is None:
                self._nodes = NodeNamespace(
                    self.schemas,
                    Recorder(record_call, self, locate_call),
                    embeddings=lambda: self.embeddings,
                    renew=self.renew,
                )
            return self._nodes

    def refresh(self) -> None:
        """Read the server's node list and model lists again."""
        if self.offline:
            return
        self._read_again(None)

    def _read_again(self, timeout: float | None = RENEW_TIMEOUT) -> None:
        if self._in_process is not None:
            with self._renewal.reading():
                self._set_schemas(self._in_process.schemas(), None)
        else:
            run_sync(self._fetch(), timeout)

    def renew(self, asked: Asked, class_type: str | None = None) -> bool:
        """Read the lists again where they are known to have changed, or lack what is asked for; whether that was done.

        Nodes and enums call it by themselves. A name that is not known is looked for every two seconds at most; one
        of a node that is known (`class_type`) first in that node's description alone, which is a small answer; so is a
        node itself, where waiting for more would keep a loop. It does nothing where waiting could block the server's
        answer, and where the node list was given.
        """
        return self._may_renew and self._renewal.renew(asked, class_type)

    async def _renew(self) -> None:
        """`renew` of lists that are known to have changed, to be awaited: later calls then have nothing to wait for."""
        if self._may_renew and self._renewal.changed:
            await self._refresh_quietly()

    async def _refresh_quietly(self) -> None:
        try:
            await asyncio.wait_for(self._refresh(), RENEW_TIMEOUT)
        except (ComfyScriptError, asyncio.TimeoutError) as error:
            log.debug('The lists could not be read again: %s', error)

    @property
    def _may_renew(self) -> bool:
        return not self._fixed and self._schemas is not None

    def _is_other(self, class_type: str | None) -> bool:
        """Whether the server describes a node, or lists embeddings, otherwise than the lists that are here."""
        if class_type is None:
            return run_sync(self._get_embeddings(), RENEW_TIMEOUT) != self._embeddings
        known = self.schemas.find(class_type)
        if '/' in class_type:
            return True  # this path would be another one
        try:
            found = run_sync(self.tracker.connection.get_json(f'object_info/{class_type}'), RENEW_TIMEOUT)
        except ServerError:
            return True
        return not isinstance(found, dict) or found.get(class_type) != (known.info if known is not None else None)

    async def _refresh(self) -> None:
        if self._in_process is not None or self.offline:
            self.refresh()
        else:
            await run_async(self._fetch())

    async def _fetch(self) -> None:
        with self._renewal.reading():
            schemas, embeddings = await asyncio.gather(self._get_schemas(), self._get_embeddings())
            self._set_schemas(schemas, embeddings)

    async def _get_schemas(self) -> Schemas:
        connection = self.tracker.connection
        object_info = await connection.get_json('object_info')
        if not isinstance(object_info, dict):
            raise ServerError(f'{connection.url("object_info")} did not answer with a list of nodes; is it ComfyUI?')
        return as_schemas(object_info)

    async def _get_embeddings(self) -> tuple[str, ...]:
        if self.offline:
            return ()
        try:
            names = await self.tracker.connection.get_json('embeddings')
        except ServerError:
            return ()
        return tuple(str(name) for name in names) if isinstance(names, list) else ()

    def _set_schemas(self, schemas: Schemas, embeddings: tuple[str, ...] | None) -> None:
        with self._lock:
            self._schemas = schemas
            self._embeddings = embeddings
            self.version += 1
            if self._nodes is not None:
                self._nodes.refresh(schemas, lambda: self.embeddings)
        if self.lists_read is not None:
            self.lists_read()

    # -- running

    def submit(
        self,
        prompt: Mapping[str, Any],
        *,
        workflow: WorkflowSource = None,
        extra_data: Mapping[str, Any] | None = None,
        origins: Origins | None = None,
        id_of: IdOf | None = None,
        source: str | None = None,
        keep_images: bool = False,
        front: bool = False,
        wait: bool = False,
        on_accepted: OnAccepted | None = None,
    ) -> Task:
        """Put a prompt (API format) into the server's queue.

        - `workflow`: the same in the web UI's format, or a function that makes it; saved with the images.
        - `extra_data`: more for the server; `extra_pnginfo` in it is saved with the images.
        - `origins`: node id -> (file, line) of the script, for error messages.
        - `id_of`: tells the node id of an output value, for `Task.result`.
        - `keep_images`: keep the images that come over the websocket in `task.images`.
        - `front`: before what is in the queue.
        - `wait`: until it has ended, raising what `Task.wait` raises; a little quicker than the two calls.
        - `on_accepted`: called with the task once the server has taken it, on the background thread.

        Raises PromptRefusedError, ServerError, ConnectError, OfflineError.
        """
        tracker = self.tracker
        tracker.check_may_wait()
        task = self._new_task(prompt, origins, id_of, keep_images, on_accepted)
        body = self._body(task, prompt, workflow, extra_data, source, front)
        if not tracker.connection.is_up:
            run_sync(tracker.connection.open())
        if wait and not self.queue.shows_tasks:
            task.was_waited_for = True
            run_and_wait(tracker.submit(task, body), task.outcome.done)
            return task
        # Ctrl+C does not take back what may be on the server: the task is known, and can be cancelled.
        run_sync(tracker.submit(task, body), breakable=False)
        self.queue._submitted(task)
        if wait:
            task.wait()
        return task

    async def _submit(
        self,
        prompt: Mapping[str, Any],
        *,
        workflow: WorkflowSource = None,
        extra_data: Mapping[str, Any] | None = None,
        origins: Origins | None = None,
        id_of: IdOf | None = None,
        source: str | None = None,
        keep_images: bool = False,
        front: bool = False,
        wait: bool = False,
        on_accepted: OnAccepted | None = None,
    ) -> Task:
        tracker = self.tracker
        task = self._new_task(prompt, origins, id_of, keep_images, on_accepted)
        body = self._body(task, prompt, workflow, extra_data, source, front)
        if not tracker.connection.is_up:
            await run_async(tracker.connection.open())
        if wait and not self.queue.shows_tasks:
            task.was_waited_for = True
            await run_and_await(tracker.submit(task, body), task.outcome.done)
            return task
        await run_async(tracker.submit(task, body), breakable=False)
        self.queue._submitted(task)
        if wait:
            await task
        return task

    def _new_task(
        self,
        prompt: Mapping[str, Any],
        origins: Origins | None,
        id_of: IdOf | None,
        keep_images: bool,
        on_accepted: OnAccepted | None,
    ) -> Task:
        class_types = {node_id: str(node.get('class_type')) for node_id, node in prompt.items()}
        return Task(
            self.tracker,
            str(uuid.uuid4()),
            class_types,
            origins=origins,
            id_of=id_of,
            keep_images=keep_images,
            on_accepted=on_accepted,
        )

    def _body(
        self,
        task: Task,
        prompt: Mapping[str, Any],
        workflow: WorkflowSource,
        extra_data: Mapping[str, Any] | None,
        source: str | None,
        front: bool,
    ) -> bytes:
        body = {
            'prompt': prompt,
            'prompt_id': task.prompt_id,
            'client_id': self.tracker.connection.client_id,
            'extra_data': self._extra_data(workflow, extra_data, source),
            **({'front': True} if front else {}),
        }
        return _encode(body).encode()

    def _extra_data(
        self, workflow: WorkflowSource, extra_data: Mapping[str, Any] | None, source: str | None
    ) -> dict[str, Any]:
        found = dict(extra_data or {})
        saved = dict(found.get('extra_pnginfo') or {})
        made = workflow() if callable(workflow) else workflow
        if made is not None:
            saved.setdefault('workflow', made)
        if self.save_source:
            text = find_source() if source is None else source
            if text:
                saved.setdefault('ComfyScriptSource', redact(text, self._secrets()))
        if saved:
            found['extra_pnginfo'] = saved
        if self.api_key:
            found.setdefault('api_key_comfy_org', self.api_key)
        if self.auth_token:
            found.setdefault('auth_token_comfy_org', self.auth_token)
        return found

    def _secrets(self) -> frozenset[str]:
        given = secrets_of(self.url, self.options.headers, self.options.cookies, self._auth)
        return given | {key for key in (self.api_key, self.auth_token) if key}

    def check_may_wait(self) -> None:
        """Raises WouldDeadlockError where a blocking call on this thread would stop the server that it waits for."""
        if not self.offline:
            self.tracker.check_may_wait()

    async def _cancel_all(self) -> None:
        await self.queue._cancel_all()

    async def _cancel_remaining(self) -> None:
        await self.queue._cancel_remaining()

    # -- files

    async def _upload(
        self, image: Any, name: str | None = None, *, subfolder: str = '', type: str = 'input', overwrite: bool = False
    ) -> str:
        filename, data = image_file(image, name)
        fields = {'subfolder': subfolder, 'type': type, **({'overwrite': 'true'} if overwrite else {})}
        return await run_async(self._post_file('upload/image', filename, data, fields))

    def upload(
        self, image: Any, name: str | None = None, *, subfolder: str = '', type: str = 'input', overwrite: bool = False
    ) -> str:
        """Upload an image (or any file), and get the name to give to `LoadImage` and its like.

        `image`: a path, the bytes of a file, a PIL image, or a numpy array or tensor [H, W, C] or [1, H, W, C]
        (floats from 0 to 1, or uint8). Raises ServerError, ConnectError.
        """
        return run_sync(self._upload(image, name, subfolder=subfolder, type=type, overwrite=overwrite))

    async def _upload_mask(
        self,
        mask: Any,
        original: str | ResultFile,
        name: str | None = None,
        *,
        subfolder: str = '',
        overwrite: bool = True,
    ) -> str:
        _, data = image_file(mask_image(mask), name)
        reference = file_reference(original)
        await run_async(self._check_is_there(original, reference))
        fields = {
            'original_ref': json.dumps(reference),
            'subfolder': subfolder,
            'type': 'input',
            **({'overwrite': 'true'} if overwrite else {}),
        }
        name = name or f'mask-{hashlib.sha256(data + fields["original_ref"].encode()).hexdigest()[:16]}.png'
        return await run_async(self._post_file('upload/mask', name, data, fields))

    async def _check_is_there(self, original: str | ResultFile, reference: Mapping[str, str]) -> None:
        # Without this the server answers as if all was well, and has saved nothing.
        status, _ = await self.tracker.connection.exchange('HEAD', 'view', params=reference)
        if status == 404:
            raise ServerError(
                f'The server has no image {str(original)!r} that could get a mask: upload it first', status
            )

    def upload_mask(
        self,
        mask: Any,
        original: str | ResultFile,
        name: str | None = None,
        *,
        subfolder: str = '',
        overwrite: bool = True,
    ) -> str:
        """Upload a mask for an image that the server has, and get the name of the image with that mask.

        `mask`: as for `upload`; white is masked, or where it has an alpha channel, transparent is.
        `original`: what `upload` returned, or a result's file. Raises ServerError where there is no such file.
        `name`: of the new file; by default one for this mask on this image.
        """
        return run_sync(self._upload_mask(mask, original, name, subfolder=subfolder, overwrite=overwrite))

    async def _post_file(self, route: str, filename: str, data: bytes, fields: Mapping[str, str]) -> str:
        import aiohttp

        form = aiohttp.FormData()
        for key, value in fields.items():
            form.add_field(key, value)
        kind = mimetypes.guess_type(filename)[0] or 'application/octet-stream'
        form.add_field('image', data, filename=filename, content_type=kind)
        answer = json.loads(await self.tracker.connection.request('POST', route, data=form))
        path = f'{answer["subfolder"]}/{answer["name"]}' if answer.get('subfolder') else answer['name']
        if answer.get('type', 'input') != 'input':
            return f'{path} [{answer["type"]}]'
        self._renewal.note_upload()
        return path

    async def _download(self, file: ResultFile) -> bytes:
        return await run_async(self.tracker.download(file))

    def download(self, file: ResultFile) -> bytes:
        """The bytes of a file on the server."""
        return run_sync(self.tracker.download(file))

    # -- the end

    async def _close(self) -> None:
        tracker = self._take_tracker()
        if tracker is not None:
            await run_async(tracker.close())

    def close(self) -> None:
        """Close the connection; what is asked of the client then makes a new one.

        Tasks that are still out end with ServerLostError here; the server runs them all the same.
        """
        tracker = self._take_tracker()
        if tracker is not None:
            run_sync(tracker.close())

    def _take_tracker(self) -> Tracker | None:
        with self._tracker_lock:
            tracker, self._tracker = self._tracker, None
        return tracker

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._close()


# -- the default client

_default: Client | None = None


def find_client() -> Client | None:
    """The client that `load()` set; inside ComfyUI's process, without a `load()`, that of the server; or None."""
    if _default is None:
        process = find_server_process()
        if process is not None:
            set_default_client(Client.of_server_process(process))
    return _default


def default_client() -> Client:
    """`find_client`. Raises NotLoadedError where there is none."""
    client = find_client()
    if client is None:
        raise NotLoadedError('No ComfyUI is loaded: call load() first (from comfy_script.runtime import *).')
    return client


def set_default_client(client: Client | None) -> None:
    """Make a client the one that `nodes`, `Workflow()` and `queue` use."""
    global _default
    from .queue import queue

    _default = client
    queue._attach(client)


# -- conversions


def basic_auth(auth: Any) -> dict[str, str]:
    """The header for a user name and password; an `aiohttp.BasicAuth` is a tuple of both (and an encoding), too."""
    if auth is None:
        return {}
    user, password = auth[0], auth[1]
    return {'Authorization': 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()}


def to_json(value: object) -> Any:
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


_encode = json.JSONEncoder(default=to_json).encode


def find_source() -> str | None:
    """The text of the script (or notebook cell) that is running: the nearest caller outside of this package."""
    frame = script_frame(sys._getframe(1), _is_own)
    if frame is None:
        return None
    text = ''.join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    return text if 0 < len(text) <= MAX_SOURCE else None


def _is_own(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OWN)


def file_reference(file: str | ResultFile) -> dict[str, str]:
    """A file as the server's upload routes name it: `sub/name.png [output]` or a ResultFile."""
    if isinstance(file, ResultFile):
        return {'filename': file.filename, 'subfolder': file.subfolder, 'type': file.type}
    path, kind = file, 'input'
    if file.endswith(']') and ' [' in file:
        path, _, rest = file.rpartition(' [')
        kind = rest[:-1]
    subfolder, _, filename = path.replace('\\', '/').rpartition('/')
    return {'filename': filename, 'subfolder': subfolder, 'type': kind}


def image_file(image: Any, name: str | None) -> tuple[str, bytes]:
    """File name and bytes for an upload."""
    if isinstance(image, (str, PurePath)):
        path = Path(image)
        return name or path.name, path.read_bytes()
    if isinstance(image, (bytes, bytearray, memoryview)):
        return name or f'{uuid.uuid4().hex}.png', bytes(image)
    import io

    buffer = io.BytesIO()
    to_pil(image).save(buffer, 'PNG', compress_level=1)
    return name or f'{uuid.uuid4().hex}.png', buffer.getvalue()


def to_pil(image: Any) -> Any:
    """A PIL image of a PIL image, or of an array or tensor: [H, W, C], [H, W], one of a batch; floats from 0 to 1."""
    from PIL import Image

    if isinstance(image, Image.Image):
        return image
    import numpy

    if hasattr(image, 'detach'):
        image = image.detach().cpu().float().numpy()
    array = numpy.asarray(image)
    if array.dtype.kind not in 'buif' or array.ndim == 0:
        raise TypeError(f'{image!r:.200} is no image: give a PIL image, or an array [H, W, C] or [H, W]')
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3):
        raise ValueError(f'An image has the shape [H, W, C] or [H, W], not {list(array.shape)}; give one of a batch')
    if array.dtype != numpy.uint8:
        array = numpy.clip(array.astype(numpy.float32) * 255.0 + 0.5, 0, 255).astype(numpy.uint8)
    return Image.fromarray(array)


def mask_image(mask: Any) -> Any:
    """A mask as the server wants it: an RGBA image whose alpha is 0 where it is masked (server.py `upload_mask`)."""
    import io

    from PIL import Image, ImageOps

    if isinstance(mask, (str, PurePath)):
        mask = Image.open(mask)
    elif isinstance(mask, (bytes, bytearray, memoryview)):
        mask = Image.open(io.BytesIO(bytes(mask)))
    image = to_pil(mask)
    if 'A' in image.getbands():
        return image.convert('RGBA')
    grey = image.convert('L')
    rgba = Image.new('RGBA', grey.size)
    rgba.putalpha(ImageOps.invert(grey))
    return rgba
