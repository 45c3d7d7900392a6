"""A ComfyUI server as an object: its nodes, its queue, its files. `load()` makes one and sets it as the default."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from ...comfyui.process import ServerProcess
from ...comfyui.savers import may_carry_source
from ...graph import Schemas, as_schemas, is_object_info
from ...graph.redaction import redact
from ..calls.functions import NodeNamespace
from ..calls.sites import find_source
from ..wire.background import counting_down, run_and_await, run_and_wait, run_async, run_sync
from ..wire.connection import DEFAULT_URL, ConnectionOptions, normalize_url
from ..wire.credentials import secrets_of
from ..wire.errors import LoadError, WaitTimeoutError
from ..wire.results import ResultFile
from ..wire.submission import Submission
from ..wire.task import Task
from ..wire.tracker import Tracker
from .launch import LaunchedServer
from .link import ServerLink
from .lists import ServerLists
from .queue import TaskQueue
from .uploads import Uploads

if TYPE_CHECKING:
    import aiohttp

__all__ = ['Client']


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
        self.url = self.base_url = normalize_url(url)
        self.offline = False
        self.in_process = False
        self.launched: LaunchedServer | None = None
        self.options = ConnectionOptions(
            url=self.url,
            headers={**(headers or {}), **basic_auth(auth)},
            cookies=dict(cookies or {}),
            session_factory=session_factory,
            verify=verify,
            connect_timeout=connect_timeout,
            lost_after=lost_after,
        )
        self.api_key = api_key
        self.auth_token = auth_token
        self.save_source = save_source
        self.settings: Mapping[str, object] = settings_of(self)
        self.link = ServerLink(self.options, partial(_set_up, self))
        self.lists = ServerLists(self.link.connection, self, None if schemas is None else as_schemas(schemas))
        self.queue = TaskQueue(self)
        self._uploads = Uploads(self.link.connection, self.lists.renewal.note_upload)
        self._upload = self._uploads.image
        self._secrets = secrets_of(self.url, self.options.headers, self.options.cookies, auth)

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it is a new client with the same options: credentials go along."""
        options = {
            **{option.name: getattr(self.options, option.name) for option in dataclasses.fields(self.options)},
            'api_key': self.api_key,
            'auth_token': self.auth_token,
            'save_source': self.save_source,
        }
        return _received, (type(self), options, self.lists.given, self.offline, self._secrets)

    def __repr__(self) -> str:
        return f'<Client {"offline" if self.offline else self.options.address}>'

    def session(self) -> aiohttp.ClientSession:
        """A new aiohttp session with this client's headers and credentials, for requests of your own."""
        import aiohttp

        if self.options.session_factory is not None:
            return self.options.session_factory()
        return aiohttp.ClientSession(headers=dict(self.options.headers), cookies=dict(self.options.cookies))

    # -- which server

    @classmethod
    def of_object_info(cls, object_info: Mapping[str, Any] | Schemas | str | PurePath, **options: Any) -> Client:
        """A client without a server, to build workflows with a saved `/object_info` (a dict, or a JSON file).

        Raises LoadError for a file that is none.
        """
        if isinstance(object_info, (str, PurePath)):
            object_info = _read_object_info(Path(object_info))
        client = cls(**options)
        client.offline = client.lists.is_offline = client.link.is_offline = True
        client.settings = {**client.settings, 'offline': True}
        client.lists.give(as_schemas(object_info), ())
        return client

    @classmethod
    def of_server_process(cls, process: ServerProcess, **options: Any) -> Client:
        """The client of the ComfyUI that we are running inside: its nodes are read from memory."""
        # Our own certificate may be made for any name.
        client = cls(process.url, **{'verify': False, **options})
        client.in_process = True
        client.lists.server_process = process
        return client

    @property
    def tracker(self) -> Tracker:
        """The connection and the tasks on it. Raises OfflineError."""
        return self.link.tracker

    # -- nodes

    @property
    def schemas(self) -> Schemas:
        """What the server says of its nodes; asked for on first use. Raises ConnectError, ServerError."""
        return self.lists.schemas

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The names of the server's embeddings, without their file suffix."""
        return self.lists.embeddings

    @property
    def nodes(self) -> NodeNamespace:
        """The server's nodes as functions: `client.nodes.KSampler(...)`."""
        return self.lists.nodes

    def refresh(self) -> None:
        """Read the server's node list and model lists again. Raises ConnectError, ServerError."""
        self.lists.refresh()

    # -- running

    def submit(
        self,
        prompt: Mapping[str, Any] | Submission,
        *,
        wait: bool = False,
        timeout: float | None = None,
        **options: Any,
    ) -> Task:
        """Put a prompt (API format), or a Submission, into the server's queue.

        - `wait`: until it has ended, raising what `Task.wait` raises; a little quicker than the two calls.
        - `timeout`: seconds until the server must have taken it, else WaitTimeoutError; it may take it later yet.
        - `options`: the fields of Submission: `workflow`, `extra_data`, `front`, `prompt_id`, ...

        Raises PromptRefusedError, ServerError, ConnectError, OfflineError.
        """
        tracker = self.tracker
        tracker.check_may_wait()
        task, body, files = _prepared(self, tracker, prompt, options)
        left = counting_down(timeout)
        if files:
            _within(timeout, left, self._uploads.missing(files))
        if not tracker.connection.is_up:
            _within(timeout, left, tracker.connection.open())
        takes_place = self.queue.events.follow(task)
        if wait and not takes_place:
            task.was_waited_for = True
            run_and_wait(tracker.submit(task, body), task.outcome.done)
            return task
        # Ctrl+C does not take back what may be on the server: the task is known, and can be cancelled.
        _within(timeout, left, tracker.submit(task, body), breakable=False)
        if takes_place:
            self.queue.events.submitted(task)
        if wait:
            task.wait()
        return task

    async def _submit(self, prompt: Mapping[str, Any] | Submission, *, wait: bool = False, **options: Any) -> Task:
        tracker = self.tracker
        task, body, files = _prepared(self, tracker, prompt, options)
        if files:
            await run_async(self._uploads.missing(files))
        if not tracker.connection.is_up:
            await run_async(tracker.connection.open())
        takes_place = self.queue.events.follow(task)
        if wait and not takes_place:
            task.was_waited_for = True
            await run_and_await(tracker.submit(task, body), task.outcome.done)
            return task
        await run_async(tracker.submit(task, body), breakable=False)
        if takes_place:
            self.queue.events.submitted(task)
        if wait:
            await task
        return task

    def task(self, prompt_id: str) -> Task:
        """The task of a workflow on the server, by `task.prompt_id`: also one that an earlier run of a script queued.

        What it made is there, or comes when it ends; messages about its progress go to the script that queued it.
        Raises TaskError where the server knows nothing of it (any more), ServerError, ConnectError.
        """
        task = run_sync(self.tracker.find(prompt_id))
        self.queue.events.bars.follow(task)
        return task

    async def _task(self, prompt_id: str) -> Task:
        task = await run_async(self.tracker.find(prompt_id))
        self.queue.events.bars.follow(task)
        return task

    async def _make_room(self, everything: bool) -> None:
        """Cancel what waits in the queue, and what runs, too, where it is to be everything."""
        await (self.queue._cancel_all() if everything else self.queue._cancel_remaining())

    # -- files

    def upload(
        self, image: Any, name: str | None = None, *, subfolder: str = '', type: str = 'input', overwrite: bool = False
    ) -> str:
        """Upload an image (or any file), and get the name to give to `LoadImage` and its like.

        `image`: a path, the bytes of a file, a PIL image, or a numpy array or tensor [H, W, C] or [1, H, W, C]
        (floats from 0 to 1, or uint8). Raises ServerError, ConnectError.
        """
        return run_sync(self._uploads.image(image, name, subfolder=subfolder, type=type, overwrite=overwrite))

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
        return run_sync(self._uploads.mask(mask, original, name, subfolder=subfolder, overwrite=overwrite))

    async def _upload_mask(self, mask: Any, original: str | ResultFile, name: str | None = None, **options: Any) -> str:
        return await self._uploads.mask(mask, original, name, **options)

    def download(self, file: ResultFile) -> bytes:
        """The bytes of a file on the server."""
        return run_sync(self.tracker.download(file))

    # -- the end

    def close(self) -> None:
        """Close the connection; what is asked of the client then makes a new one.

        Tasks that are still out end with ServerLostError here; the server runs them all the same.
        """
        if self.link.existing is not None:
            run_sync(self.link.close())

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await run_async(self.link.close())


def _received(
    kind: type[Client],
    options: dict[str, Any],
    given: tuple[Schemas, tuple[str, ...]] | None,
    offline: bool,
    secrets: frozenset[str],
) -> Client:
    """A client that has come from another process."""
    if given is None:
        client = kind(**options)
    else:
        client = kind.of_object_info(given[0], **options) if offline else kind(**options)
        client.lists.give(*given)
    client._secrets |= secrets
    return client


def basic_auth(auth: Any) -> dict[str, str]:
    """The header for a user name and password; an `aiohttp.BasicAuth` is a tuple of both (and an encoding), too."""
    if auth is None:
        return {}
    user, password = auth[0], auth[1]
    return {'Authorization': 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()}


def _set_up(client: Client, tracker: Tracker) -> None:
    """A new connection."""
    if client.launched is not None:
        tracker.connection.alive_check = client.launched.ended
    if client.lists.server_process is not None:
        tracker.may_wait = client.lists.server_process.why_not_wait
    tracker.lists_changed = client.lists.renewal.note_change
    client.queue.events.observe(tracker)


class _Prepared(NamedTuple):
    """A new task, what is sent for it, and the files that the server must have before."""

    task: Task
    body: bytes
    files: Mapping[str, bytes] | None


def _within(
    timeout: float | None, left: Callable[[], float | None], step: Coroutine[Any, Any, None], *, breakable: bool = True
) -> None:
    """A step of sending, in what is `left` of the time for all."""
    try:
        run_sync(step, left(), breakable=breakable)
    except WaitTimeoutError:
        raise WaitTimeoutError(f'The server did not take the workflow within {timeout:g} seconds.') from None


def _prepared(
    client: Client, tracker: Tracker, prompt: Mapping[str, Any] | Submission, options: Mapping[str, Any]
) -> _Prepared:
    submission = Submission.of(prompt, options)
    task = submission.new_task(tracker)
    source = None
    known = client.lists.schemas if client.lists.are_known else None
    if client.save_source and may_carry_source(submission.prompt, known):
        text = find_source(submission.origins) if submission.source is None else submission.source
        source = redact(text, client._secrets | {client.api_key or '', client.auth_token or ''}) if text else None
    credentials = {'api_key_comfy_org': client.api_key, 'auth_token_comfy_org': client.auth_token}
    body = submission.body(task.prompt_id, tracker.connection.client_id, source, credentials)
    return _Prepared(task, body, submission.files)


def settings_of(client: Client) -> dict[str, object]:
    """All that makes two clients the same, by the names of their options."""
    options = dataclasses.asdict(dataclasses.replace(client.options, session_factory=None))
    del options['connect_timeout']
    own = {'session_factory': client.options.session_factory, 'save_source': client.save_source}
    return {**options, **own, 'api_key': client.api_key, 'auth_token': client.auth_token}


def _read_object_info(path: Path) -> Mapping[str, Any]:
    try:
        with path.open(encoding='utf-8') as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise LoadError(f'{path} cannot be read as a saved /object_info: {error}') from error
    if not is_object_info(found):
        raise LoadError(f'{path} is no saved /object_info: it describes no node')
    return found
