"""Prompts written to the server by the thread that queues them, ahead of the background loop.

The way to that loop and through aiohttp takes 0.2 ms, of the two that a trivial workflow takes in all. So while prompts
come quickly one connection is kept for them alone: who finds it free writes the request, and the loop reads the answer.
What is out of the ordinary goes by aiohttp: https, cookies, a user's own session, a connection that is busy or gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .background import background_loop, log

if TYPE_CHECKING:
    from yarl import URL

# As long as aiohttp trusts an idle connection; proxies forget theirs after a minute or more, some without a word.
MOST_IDLE = 15.0


@dataclass
class Kept:
    """A connection to the server. `out`: its socket, for the writing thread; `reader` and `writer` are the loop's."""

    head: bytes
    out: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used_at: float

    def is_usable(self) -> bool:
        idle = time.monotonic() - self.used_at
        return idle < MOST_IDLE and not self.reader.at_eof() and not self.writer.is_closing()

    def write(self, body: bytes) -> None:
        """Write a request, on any thread."""
        data = b'%s\r\nContent-Length: %d\r\n\r\n%s' % (self.head, len(body), body)
        sent = 0
        # Full, or broken meanwhile: the loop writes the rest, and the reader finds out.
        with contextlib.suppress(OSError):
            sent = self.out.send(data)
        if sent < len(data):
            background_loop().call_soon_threadsafe(self.writer.write, data[sent:])

    def is_written(self) -> bool:
        """Whether all that was written is out; on the background loop."""
        return not self.writer.transport.get_write_buffer_size()

    def close(self) -> None:
        """On the background loop. What is still to be written has nobody who waits for an answer."""
        self.out.close()
        self.writer.transport.abort()


class Posting:
    """Posts JSON to one address, one request at a time. All but `take` is the background loop's."""

    def __init__(self, url: URL, headers: Mapping[str, str], connect_timeout: float) -> None:
        self._address = url.raw_host, url.port
        self._head = _head(url, headers)
        self._connect_timeout = connect_timeout
        self._lock = threading.Lock()
        self._free: Kept | None = None
        self._opening = False
        self._closed = False
        self._used_at = -MOST_IDLE
        self._idle_check: asyncio.TimerHandle | None = None

    def take(self) -> Kept | None:
        """The connection, where it is free and good, on any thread: to write one request, whose `answer` is awaited."""
        kept = self._take()
        if kept is not None and not kept.is_usable():
            background_loop().call_soon_threadsafe(kept.close)
            return None
        return kept

    async def answer(self, kept: Kept, timeout: float) -> tuple[int, bytes]:
        """Status and body of the answer to what was written. Raises OSError, also where no such answer came."""
        reusable = False
        try:
            status, body, reusable = await asyncio.wait_for(_read(kept.reader), timeout)
        except asyncio.TimeoutError:
            raise ConnectionError(f'no answer came within {timeout:g} seconds') from None
        except (EOFError, ValueError, asyncio.LimitOverrunError, http.client.HTTPException) as error:
            raise ConnectionError(f'no answer came, or none that is HTTP: {error}') from error
        finally:
            if reusable and kept.is_written():
                self._put(kept)
            else:
                kept.close()
        if status == http.HTTPStatus.REQUEST_TIMEOUT:
            # What proxies say to a connection that was idle.
            raise ConnectionError('the connection was closed for being idle')
        return status, body

    async def keep_one(self) -> None:
        """After a request that went by aiohttp: have a connection for the next, unless the last was long ago."""
        now = time.monotonic()
        often, self._used_at = now - self._used_at < MOST_IDLE, now
        if not often or self._opening or self._free is not None or self._closed:
            return
        self._opening = True
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(*self._address), self._connect_timeout)
            try:
                out = writer.get_extra_info('socket').dup()
            except OSError:
                writer.close()
                raise
            self._put(Kept(self._head, out, reader, writer, now))
        except (OSError, asyncio.TimeoutError) as error:
            log.debug('No connection could be kept for prompts: %s', error)
        finally:
            self._opening = False

    async def close(self) -> None:
        """Close what is free, and keep no more."""
        self._closed = True
        kept = self._take()
        if kept is not None:
            kept.close()

    def _take(self) -> Kept | None:
        with self._lock:
            kept, self._free = self._free, None
        return kept

    def _put(self, kept: Kept) -> None:
        kept.used_at = self._used_at = time.monotonic()
        if self._closed or self._free is not None:
            kept.close()
            return
        with self._lock:
            self._free = kept
        if self._idle_check is None:
            self._idle_check = asyncio.get_running_loop().call_later(MOST_IDLE, self._close_idle)

    def _close_idle(self) -> None:
        kept = self._take()
        self._idle_check = None
        if kept is None:
            return
        if kept.is_usable():
            self._free = kept
            left = kept.used_at + MOST_IDLE - time.monotonic()
            self._idle_check = asyncio.get_running_loop().call_later(left, self._close_idle)
        else:
            kept.close()


def _head(url: URL, headers: Mapping[str, str]) -> bytes:
    from aiohttp.http import SERVER_SOFTWARE
    from multidict import CIMultiDict

    fields = CIMultiDict({'Host': url.raw_authority, 'Accept': '*/*', 'User-Agent': SERVER_SOFTWARE})
    fields.update(headers)
    fields.update({'Content-Type': 'application/json', 'Accept-Encoding': 'identity'})
    lines = [f'POST {url.raw_path_qs} HTTP/1.1', *(f'{name}: {value}' for name, value in fields.items())]
    return '\r\n'.join(lines).encode('utf-8')


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Status and body of a response, and whether the connection can be used again (RFC 9112, sections 6.3 and 9.3)."""
    version, status, fields = await _read_head(reader)
    headers = http.client.parse_headers(io.BytesIO(fields))
    length = headers.get('Content-Length')
    if status in (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED):
        body = b''
    elif headers.get('Transfer-Encoding'):
        body = await _chunks(reader)
    elif length is not None:
        body = await reader.readexactly(int(length))
    else:
        return status, await reader.read(), False
    return status, body, version == b'HTTP/1.1' and headers.get('Connection', '').lower() != 'close'


async def _read_head(reader: asyncio.StreamReader) -> tuple[bytes, int, bytes]:
    """Version, status and header fields; not those that say that others follow (103, say)."""
    while True:
        first, _, fields = (await reader.readuntil(b'\r\n\r\n')).partition(b'\r\n')
        version, status = first.split(None, 2)[:2]
        if int(status) >= http.HTTPStatus.OK:
            return version, int(status), fields


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readuntil(b'\r\n')).partition(b';')[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b'\r\n') != b'\r\n':
        pass
    return b''.join(parts)
