"""ComfyUI's WebSocket messages, with the standard library: just enough to show progress."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

TEXT, CLOSE = 1, 8


def events(url: str, client_id: str, timeout: float = 600) -> Iterator[dict[str, Any]]:
    """The JSON messages of the server at `url` for this client, until it hangs up. OSError if it can't."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname or '127.0.0.1', address.port or 80), timeout)
    with connection, connection.makefile('rb') as stream:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f'GET /ws?clientId={client_id} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n'
            f'Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n'.encode()
        )
        if b' 101 ' not in stream.readline():
            raise OSError('the server does not speak WebSocket')
        while stream.readline() not in (b'\r\n', b''):
            pass
        yield {'type': 'connected'}
        while len(head := stream.read(2)) == 2:
            kind, size = head[0] & 15, head[1] & 127
            if size == 126:
                (size,) = struct.unpack('>H', stream.read(2))
            elif size == 127:
                (size,) = struct.unpack('>Q', stream.read(8))
            body = stream.read(size)
            if kind == TEXT:
                yield json.loads(body)
            elif kind == CLOSE:
                return
