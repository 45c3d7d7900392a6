"""The command `mcp`."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..graph import ComfyScriptError
from ..runtime.client.client import Client
from ..runtime.wire.connection import DEFAULT_URL
from .errors import AgentError, McpMissingError
from .studio import Permissions, Studio

FAILED = 2
TOKEN = 'COMFYSCRIPT_MCP_TOKEN'
"""The environment variable with the token: command lines can be seen by everybody on a machine."""


def main(argv: Sequence[str]) -> int:
    """Runs the server until its client goes or it is interrupted; gives the exit code."""
    options = _parser().parse_args(list(argv))
    # Standard output belongs to the protocol.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    try:
        _serve(options)
    except (ComfyScriptError, OSError) as error:
        print(f'comfy_script: {error}', file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m comfy_script',
        description='A Model Context Protocol server: agents write, check and run scripts on a ComfyUI server.',
    )
    parser.add_argument('command', choices=['mcp'], help=argparse.SUPPRESS)
    parser.add_argument('--server', metavar='URL', default=DEFAULT_URL, help=f'the ComfyUI server ({DEFAULT_URL})')
    parser.add_argument(
        '--object-info', type=Path, metavar='FILE', help='a saved /object_info instead: scripts are checked, none runs'
    )
    parser.add_argument(
        '--http',
        metavar='[HOST:]PORT',
        help=f'serve HTTP instead of stdio; a host other than this machine needs ${TOKEN}',
    )
    parser.add_argument(
        '--upload-from', type=Path, action='append', default=[], metavar='FOLDER', help='allow uploads of its files'
    )
    parser.add_argument('--no-apply', action='store_true', help='leave the graph that is open in the browser alone')
    parser.add_argument('--no-cancel-others', action='store_true', help="cancel this server's own prompts only")
    return parser


def _serve(options: argparse.Namespace) -> None:
    if importlib.util.find_spec('mcp') is None:
        raise McpMissingError('the MCP SDK is not installed: pip install "comfyscript[mcp]"')
    from .. import __version__
    from .serving import make_server, serve_http, serve_stdio

    permissions = Permissions(
        may_cancel_others=not options.no_cancel_others,
        may_apply=not options.no_apply,
        upload_from=tuple(options.upload_from),
    )
    server = make_server(Studio(_client(options), permissions), __version__)
    if options.http is None:
        serve_stdio(server)
        return
    host, port = address(options.http)
    token = os.environ.get(TOKEN, '')
    check_token(host, token)
    print(f'http://{host}:{port}/mcp', file=sys.stderr, flush=True)
    serve_http(server, host, port, token)


def _client(options: argparse.Namespace) -> Client:
    if options.object_info is not None:
        return Client.of_object_info(options.object_info)
    return Client(options.server)


def address(text: str) -> tuple[str, int]:
    """Host and port of `[HOST:]PORT`. Raises AgentError."""
    host, _, port = text.rpartition(':')
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise AgentError(f'--http takes [HOST:]PORT, such as 8190, not {text!r}')
    return host or '127.0.0.1', int(port)


def check_token(host: str, token: str) -> None:
    """Raises AgentError where others could reach the server without a token."""
    from .serving import is_loopback

    if not is_loopback(host) and len(token) < 16:
        raise AgentError(
            f'{host} can be reached from other machines: put a token of 16 characters or more into ${TOKEN}'
        )
