"""One ComfyUI server over the wire: HTTP requests and a websocket that comes back by itself.

Everything here runs on the background loop. Who reads the messages is the `Listener`.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ...graph import ComfyScriptError
from .background import close_after, closing, log
from .credentials import shown_url
from .errors import ConnectError, LoadError, ServerError

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

DEFAULT_URL = 'http://127.0.0.1:8188/'
# A server may validate a huge prompt, or list its nodes, for a long time; it is never silent for this long.
READ_TIMEOUT = 300.0
# The server's loop answers pings even while a node computes, unless something holds the GIL.
HEARTBEAT = 60.0
RETRY_DELAYS = (0.05, 0.1, 0.2, 0.5, 1.0)
POLLING_RETRY = 30.0
BODY_SHOWN = 500
TOO_LARGE = 413
"""The status of HTTP; also of the error for an answer that is longer than it may be."""
MOST_ANSWERED = 512 << 20
"""Bytes of an answer or a message: a hundred times a list of all nodes. What is packed small counts as what it is."""
MOST_OF_FILE = 16 << 30
"""Bytes of a file that is fetched."""


def normalize_url(url: object) -> str:
    """A base URL with scheme and trailing slash: `localhost:8188` -> `http://localhost:8188/`. A path prefix stays."""
    text = str(url).strip()
    if not text.startswith(('http://', 'https://')):
        text = 'http://' + text
    head, mark, query = text.partition('?')
    scheme, _, rest = head.partition('://')
    if not rest.strip('/'):
        raise LoadError(f'{shown_url(text)!r} names no server: an address is http://host:port/')
    whole = f'{scheme}://{rest.rstrip("/")}/{mark}{query}'
    try:
        _ = urlsplit(whole).port
    except ValueError:
        what = 'no address of a server: http://host:port/, with a port from 0 to 65535'
        raise LoadError(f'{shown_url(text)!r} is {what}') from None
    return whole


@dataclass(frozen=True)
class ConnectionOptions:
    """How to reach a server.

    `lost_after`: seconds that a lost server is looked for before its tasks fail.
    """

    url: str = field(default=DEFAULT_URL, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    session_factory: Callable[[], aiohttp.ClientSession] | None = None
    verify: bool = True
    connect_timeout: float = 10.0
    lost_after: float = 60.0

    @property
    def address(self) -> str:
        """`url` as it may be shown."""
        return shown_url(self.url)


class Listener(Protocol):
    """What a connection reports to; called on the background loop."""

    def on_up(self) -> None: ...
    async def read(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        """Take its messages until it is closed. What they say must not raise."""
        ...
    def on_lost(self, error: ConnectError) -> None: ...


class Connection:
    """HTTP and websocket to one server.

    `epoch` counts the websockets: messages may be missing between two epochs. `is_up`: whether messages come in now
    (or the server has no websocket and is polled).
    """

    listener: Listener

    def __init__(self, options: ConnectionOptions) -> None:
        self.options = options
        self.client_id = uuid.uuid4().hex
        self.epoch = 0
        self.polling = False
        self.alive_check: Callable[[], str | None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._runner: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._error: ConnectError | None = None
        self._websocket: Any = None
        self.is_up = False
        self._closed = False
        self._lost = False
        closing.add(self)

    # -- HTTP

    @property
    def session(self) -> aiohttp.ClientSession:
        """The aiohttp session; made on first use, on the background loop."""
        if self._session is None or self._session.closed:
            session = self._session = (self.options.session_factory or self._new_session)()
            session.trace_configs.append(_redirects_stay_with(self.options.url))
            close_after(self, session)
        return self._session

    def _new_session(self) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            headers=dict(self.options.headers),
            cookies=dict(self.options.cookies),
            # A server reached by its IP address has cookies too.
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            connector=aiohttp.TCPConnector(limit=32, ssl=self.options.verify),
        )

    def url(self, path: str, params: Mapping[str, Any] | None = None) -> URL:
        """The address of a route, below the base URL's own path and with its own query."""
        url = _route(self.options.url, path)
        return url.update_query({key: str(value) for key, value in params.items()}) if params else url

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_TIMEOUT,
        most: int = MOST_ANSWERED,
    ) -> bytes:
        """The body of a 2xx answer. Raises ConnectError (not reached) or ServerError (any other status, or a body of
        more than `most` bytes)."""
        status, body = await self.exchange(
            method, path, params=params, data=data, headers=headers, timeout=timeout, most=most
        )
        if status >= 400:
            raise server_error(method, self.url(path), status, body)
        return body

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_TIMEOUT,
        most: int = MOST_ANSWERED,
    ) -> tuple[int, bytes]:
        """Status and body of an answer, whatever the status.

        Raises ConnectError, ServerError for a redirected POST or a body of more than `most` bytes.
        """
        import aiohttp

        limits = aiohttp.ClientTimeout(total=None, sock_connect=self.options.connect_timeout, sock_read=timeout)
        url = self.url(path, params)
        try:
            async with self.session.request(method, url, data=data, headers=headers, timeout=limits) as response:
                if response.method != method:
                    raise _redirected(method, url, response.url, path)
                return response.status, await _whole(response, most)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise self._unreachable(error) from error

    async def get_json(
        self, path: str, *, params: Mapping[str, Any] | None = None, timeout: float = READ_TIMEOUT
    ) -> Any:
        """A route's JSON. Raises ConnectError, or ServerError also for an answer that is no JSON."""
        body = await self.request('GET', path, params=params, timeout=timeout)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            url, said = shown_url(str(self.url(path))), shown(body)
            raise ServerError(f'{url} did not answer with JSON; is it ComfyUI? It said: {said}') from None

    async def post_json(self, path: str, value: Any) -> bytes:
        """Send JSON to a route. Raises ConnectError or ServerError."""
        return await self.request('POST', path, data=json.dumps(value), headers={'Content-Type': 'application/json'})

    def _unreachable(self, error: BaseException) -> ConnectError:
        reason = reason_of(error)
        ended = self.alive_check() if self.alive_check is not None else None
        if ended is not None:
            reason = f'{ended} ({reason})'
        return ConnectError(f'ComfyUI at {self.options.address} cannot be reached: {reason}')

    # -- websocket

    async def open(self) -> None:
        """Have the websocket up. Raises ConnectError where the server cannot be reached, or stays away."""
        if self._closed:
            raise ConnectError(f'The connection to {self.options.address} was closed.')
        if self._runner is None or self._runner.done():
            self._settled.clear()
            self._error = None
            self._runner = asyncio.get_running_loop().create_task(self._run())
        await self._settled.wait()
        if self._error is not None:
            raise ConnectError(str(self._error)) from self._error

    def renew(self) -> None:
        """Drop the websocket, so that a new one is made: this one has gone deaf."""
        if self._websocket is not None:
            websocket = self._websocket
            asyncio.get_running_loop().create_task(_close_quietly(websocket))

    async def close(self) -> None:
        """Close websocket and session. The connection cannot be used again."""
        self._closed = True
        self.is_up = False
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        """Keep a websocket up until the server stays away for `lost_after` seconds, or cannot be reached at first."""
        first_epoch = self.epoch
        down_since = time.monotonic()
        attempt = 0
        while True:
            epoch = self.epoch
            error = await self._listen()
            if self.epoch != epoch:
                down_since = time.monotonic()
                attempt = 0
                # A process of ours that has ended is not looked for.
                if not self.is_up and not self._process_ended():
                    self._tell_lost(error)
            patience = self.options.lost_after if self.epoch != first_epoch else 0.0
            if not self.is_up and (time.monotonic() - down_since >= patience or self._process_ended()):
                self._fail(error)
                return
            delay = POLLING_RETRY if self.polling else RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)]
            attempt += 1
            await asyncio.sleep(delay)

    async def _listen(self) -> ConnectError:
        """One websocket's life; returns why it ended."""
        import aiohttp

        try:
            async with self.session.ws_connect(
                self.url('ws', {'clientId': self.client_id}),
                heartbeat=HEARTBEAT,
                max_msg_size=MOST_ANSWERED,
            ) as websocket:
                # Previews then tell their node and task (ComfyUI comfy_api/feature_flags.py).
                await websocket.send_json({'type': 'feature_flags', 'data': {'supports_preview_metadata': True}})
                self._websocket = websocket
                self.polling = False
                self._set_up()
                await self.listener.read(websocket)
            return self._unreachable(ConnectionError('the connection was closed'))
        except aiohttp.WSServerHandshakeError as error:
            return await self._without_websocket(error)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            self.polling = False
            return self._unreachable(error)
        finally:
            self._set_down()

    async def _without_websocket(self, error: Exception) -> ConnectError:
        """A proxy may pass HTTP and no websockets: then the tasks are polled."""
        try:
            await self.get_json('prompt', timeout=10)
        except (ConnectError, ServerError) as unreachable:
            self.polling = False
            return ConnectError(str(unreachable))
        if not self.polling:
            why = reason_of(error)
            log.warning('ComfyUI at %s refuses websockets (%s): its tasks are polled', self.options.address, why)
        self.polling = True
        self._set_up()
        return self._unreachable(error)

    def _set_up(self) -> None:
        self.epoch += 1
        self.is_up = True
        if self._lost:
            self._lost = False
            log.warning('ComfyUI at %s is back', self.options.address)
        self._settled.set()
        self.listener.on_up()

    def _tell_lost(self, error: ConnectError) -> None:
        """One line in the log; another when it is back."""
        self._lost = True
        patience = f'{self.options.lost_after:g} seconds'
        log.warning('%s; it is looked for for %s: what it was given goes on if it still runs', error, patience)

    def _set_down(self) -> None:
        self._websocket = None
        if self.is_up and not self.polling:
            self.is_up = False
            self._settled.clear()

    def _fail(self, error: ConnectError) -> None:
        self._error = error
        self._settled.set()
        self.listener.on_lost(error)

    def _process_ended(self) -> bool:
        return self.alive_check is not None and self.alive_check() is not None


@lru_cache(maxsize=64)
def _route(base_url: str, path: str) -> URL:
    from yarl import URL

    base = URL(base_url)
    url = base.with_query(None).joinpath(*path.split('/'))
    return url.with_query(base.query) if base.query else url


async def _close_quietly(websocket: Any) -> None:
    try:
        await websocket.close()
    except Exception:
        log.debug('Closing a websocket failed', exc_info=True)


def reason_of(error: BaseException) -> str:
    """Why a server is not reached, and where an option would help, which."""
    # What aiohttp says of a connection's options, which are none of the user's.
    reason = re.sub(r' ssl:\w+(?= \[)', '', str(error)) or type(error).__name__
    status = getattr(error, 'status', None)
    if status is not None:
        # What aiohttp says of an answer has the address in it, with whatever is secret there.
        reason = f'{status} {getattr(error, "message", "")}'.strip()
    return reason + next((hint for mark, hint in _REASONS.items() if mark in reason), '')


_REASONS = {
    'WRONG_VERSION_NUMBER': ': does it speak http:// and not https://?',
    'CERTIFICATE_VERIFY_FAILED': ': verify=False accepts any certificate',
}


def _redirects_stay_with(base: str) -> aiohttp.TraceConfig:
    """Headers and cookies go along with a redirect (aiohttp takes `Authorization` out, and nothing else): none is
    followed to another host, nor from https to http."""
    import aiohttp
    from yarl import URL

    home = URL(base)

    async def look(session: object, context: object, params: aiohttp.TraceRequestRedirectParams) -> None:
        answer = params.response
        try:
            to = answer.url.join(URL(answer.headers.get('Location') or answer.headers.get('URI') or ''))
        except ValueError:  # aiohttp's to tell
            return
        if to.host != home.host or (home.scheme == 'https' and to.scheme not in ('https', 'wss')):
            where = f'{to.scheme}://{to.host}:{to.port}'
            raise aiohttp.ClientError(f'it redirects to {where}: give load() that address if it is your server')

    found = aiohttp.TraceConfig()
    found.on_request_redirect.append(look)
    found.freeze()
    return found


def _redirected(method: str, url: URL, other: URL, path: str) -> ServerError:
    """The usual redirects (http to https, say) make a GET of every request: nothing would be queued."""
    base = shown_url(other.with_query(None).human_repr().removesuffix(path))
    asked = f'{method} {shown_url(str(url))}'
    return ServerError(f'{asked} was redirected and lost what it carried: give load() the address {base}')


async def _whole(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, however small it was packed. Raises ServerError for one that is larger than any can be."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            response.close()
            raise ServerError(f'{shown_url(str(response.url))} answered with more than {most >> 20} MB', TOO_LARGE)
    return b''.join(pieces)


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Around what reads an answer: one of another shape than ComfyUI's is one error. Raises ServerError."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        if isinstance(error, ComfyScriptError):
            raise
        raise ServerError(f'{what} is not what ComfyUI answers: {type(error).__name__}: {error}') from error


def server_error(method: str, url: object, status: int, body: bytes) -> ServerError:
    """The error for an answer with an error status."""
    return answered(f'{method} {shown_url(str(url))} answered', status, body)


def answered(what: str, status: int, body: bytes) -> ServerError:
    """The error for an answer with an error status: `what`, the status, and what was said."""
    said = shown(body)
    return ServerError(
        f'{what} {status}{_HINTS.get(status, "")}{": " + said if said else ""}', status, body.decode('utf-8', 'replace')
    )


_CREDENTIALS = ' (headers=, cookies= or auth= of Client give credentials)'
_HINTS = {
    401: _CREDENTIALS,
    403: _CREDENTIALS,
    413: ' (too large: for ComfyUI itself, whose --max-upload-size is 100 MB if nothing is said, or for a proxy in '
    "front of it, as for nginx's client_max_body_size of 1 MB)",
}


def shown(body: bytes) -> str:
    """The beginning of an answer that is no JSON; of a page (of a proxy, say) what there is to read."""
    text = body[:_MOST_READ].decode('utf-8', 'replace').strip()
    if text.startswith('<'):
        text = html.unescape(' '.join(_MARKUP.sub(' ', text).split()))
    return text[:BODY_SHOWN]


_MOST_READ = 10_000
_MARKUP = re.compile(r'<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>', re.S | re.I)
