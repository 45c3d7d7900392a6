"""The SDK's own client with our server at the other end: in a process over stdio, over HTTP, or in this process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('mcp')

from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult

from comfy_script.agents.serving import make_server
from comfy_script.agents.studio import Studio
from comfy_script.tests.lab.paths import SAFE_PATH, SITE
from comfy_script.tests.lab.server import free_port


def command(*arguments: str) -> list[str]:
    return [sys.executable, *SAFE_PATH, '-m', 'comfy_script', 'mcp', *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, 'PYTHONPATH': str(SITE), 'PYTHONIOENCODING': 'utf-8', **more}


def over_stdio(*arguments: str, cwd: Path | None = None) -> Client:
    first, *rest = command(*arguments)
    return Client(StdioServerParameters(command=first, args=rest, env=environment(), cwd=cwd))


@contextlib.contextmanager
def http_server(*arguments: str, host: str = '127.0.0.1', **more: str) -> Iterator[str]:
    """The address of our server in a process of its own."""
    port = free_port()
    process = subprocess.Popen(
        command(*arguments, '--http', f'{host}:{port}'), env=environment(**more), stderr=subprocess.PIPE
    )
    url = f'http://127.0.0.1:{port}/mcp'
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.1)


@contextlib.asynccontextmanager
async def inside(studio: Studio) -> AsyncIterator[Client]:
    """In this process, without a transport."""
    async with Client(make_server(studio, '0')) as client:
        yield client


class Agent:
    """A client for fixtures: each request has a connection of its own, because a client must close in the task that
    opened it."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def __getattr__(self, name: str) -> Any:
        async def ask(*args: Any, **kwargs: Any) -> Any:
            failed: MCPError | None = None
            async with inside(self.studio) as client:
                try:
                    return await getattr(client, name)(*args, **kwargs)
                except MCPError as error:  # not out of the client's own task group
                    failed = error
            raise failed or AssertionError

        return ask


async def told(client: Client | Agent, tool: str, **arguments: Any) -> str:
    """The text of a tool's answer, which is no error."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, text_of(result)
    return text_of(result)


async def refused(client: Client | Agent, tool: str, **arguments: Any) -> str:
    """The text of a tool's answer, which is an error."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert result.is_error, text_of(result)
    return text_of(result)


def text_of(result: CallToolResult) -> str:
    return '\n'.join(part.text for part in result.content if part.type == 'text')
