"""What a running node tells the browser."""

from __future__ import annotations

import logging
from typing import Any

from .loaded import server

log = logging.getLogger('comfy_script')


def send_text(text: str, node_id: str) -> None:
    """What a node does now, shown on it."""
    send = getattr(server(), 'send_progress_text', None)
    if send is not None:
        _guarded(send, text, node_id)


def send_printed(text: str, node_id: str) -> None:
    """What a script printed, for the browser that queued it (`js/node/extension.js`)."""
    here = server()
    if text and here is not None:
        _guarded(here.send_sync, 'comfyscript.printed', {'node': node_id, 'text': text}, here.client_id)


def _guarded(send: Any, *args: Any) -> None:
    try:
        send(*args)
    except Exception as error:
        log.debug('a message to the browser: %s', error)
