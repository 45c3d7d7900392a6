"""Running ComfyUI as a child process that ends with us."""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...comfyui.checkout import ComfyUIArgs, find_python, is_comfyui, why_no_comfyui
from ...comfyui.own_folder import OwnFolder
from ...graph import ComfyScriptError
from ..wire.background import log, run_sync, wait_done
from ..wire.connection import Connection, ConnectionOptions
from ..wire.errors import ConnectError, LaunchError, LoadError, ServerError
from ..wire.html import in_notebook
from .endings import note_interrupt, was_interrupted
from .queue_events import on_terminal

__all__ = ['LaunchedServer', 'launch']

START_TIMEOUT = 600.0
STOP_TIMEOUT = 15.0
CANCEL_TIMEOUT = 5.0
LOG = 'comfyui.log'
LOG_SHOWN = 40
ATTEMPTS = 3

@dataclass
class LaunchedServer:
    """A ComfyUI that we started. `log()` is what it has printed."""

    folder: Path
    args: ComfyUIArgs
    url: str
    process: subprocess.Popen[bytes]
    own_folder: OwnFolder
    started: float = field(default_factory=time.monotonic)
    stopping: bool = False

    @property
    def log_path(self) -> Path:
        """The file that it prints to."""
        return self.own_folder.path / LOG

    def log(self, lines: int | None = None) -> str:
        """What ComfyUI has printed, or the last `lines` of it."""
        try:
            text = self.log_path.read_text(encoding='utf-8', errors='replace')
        except OSError:
            return ''
        return text if lines is None else '\n'.join(text.splitlines()[-lines:])

    def ended(self) -> str | None:
        """How the process ended, or that we are ending it; None while it runs."""
        code = self.process.poll()
        if code is not None:
            return f'its process ended with code {code}, log: {self.log_path}'
        return 'it was stopped' if self.stopping else None

    def stop(self, keep_log: bool = False) -> None:
        """End the process, as Ctrl+C would, by force where that takes too long; its log goes with it."""
        # Said first: its websocket closes before its process has ended, and nobody needs to look for it.
        self.stopping = True
        if self.process.poll() is None:
            _close_pipe(self.process)
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdin is not None:
            _close_pipe(self.process)
        if not keep_log:
            self.own_folder.remove()


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.stdin is not None:
            process.stdin.close()
    except OSError:
        log.debug('Closing the pipe failed', exc_info=True)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


async def launch(folder: Path, args: ComfyUIArgs | None = None, *, timeout: float = START_TIMEOUT) -> LaunchedServer:
    """Start ComfyUI and wait until it answers. Raises LoadError (no ComfyUI there) or LaunchError."""
    folder = folder.expanduser().absolute()
    args = args or ComfyUIArgs()
    if not is_comfyui(folder):
        raise LoadError(f'{folder} is no ComfyUI folder: {why_no_comfyui(folder)}')
    fixed = args.value_of('--port')
    for attempt in range(ATTEMPTS):
        server = _start(folder, args, int(fixed) if fixed else free_port())
        try:
            await _until_ready(server, timeout)
            return server
        except LaunchError:
            server.stop(keep_log=True)
            # Somebody else may have taken the port meanwhile.
            if fixed or attempt + 1 == ATTEMPTS or not _port_was_taken(server):
                raise
        except BaseException:
            server.stop()
            raise
    raise AssertionError('unreachable')


def _port_was_taken(server: LaunchedServer) -> bool:
    # Windows has words in its own language: `[Errno 10048]` of asyncio, `[WinError 10048]` of sockets.
    text = server.log().lower()
    return 'already in use' in text or re.search(r'\[(?:errno|winerror) 10048\]', text) is not None


def _start(folder: Path, args: ComfyUIArgs, port: int) -> LaunchedServer:
    command = [find_python(folder, args.python), '-u', str(Path(__file__).with_name('watchdog.py')), str(os.getpid())]
    command += [str(folder / 'main.py'), *args.to_argv()]
    if args.value_of('--port') is None:
        command += ['--port', str(port)]
    if args.value_of('--listen') is None:
        command += ['--listen', '127.0.0.1']
    if '--auto-launch' not in args.argv:
        command += ['--disable-auto-launch']
    own = OwnFolder()
    if args.value_of('--temp-directory') is None:
        # At its start and its end ComfyUI empties its folder for temporary files (main.py `cleanup_temp`).
        command += ['--temp-directory', str(own.path)]
    options: Any = {}
    if sys.platform == 'win32':
        options['creationflags'] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    else:
        # Ctrl+C in our terminal is for our script.
        options['start_new_session'] = True
    try:
        with (own.path / LOG).open('wb') as output:
            process: Any = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, 'PYTHONIOENCODING': 'utf-8', 'PYTHONUNBUFFERED': '1', **args.env},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                **options,
            )
    except OSError as error:
        own.remove()
        raise LaunchError(f'{command[0]} could not be started: {error}') from error
    server = LaunchedServer(folder, args, f'http://127.0.0.1:{port}/', process, own)
    log.info('Starting ComfyUI in %s on port %s, log: %s', folder, port, server.log_path)
    if on_terminal() or in_notebook():
        print(f'Starting ComfyUI in {folder}, log: {server.log_path}', file=sys.stderr)
    return server


async def _until_ready(server: LaunchedServer, timeout: float) -> None:
    """Wait until the port answers, the process ends, or time is over."""
    connection = Connection(ConnectionOptions(url=server.url, connect_timeout=5))
    deadline = time.monotonic() + timeout
    try:
        while True:
            ended = server.ended()
            if ended:
                raise LaunchError(f'ComfyUI in {server.folder} did not start: {ended}', server.log(LOG_SHOWN))
            try:
                await connection.get_json('prompt', timeout=10)
                return
            except (ConnectError, ServerError):
                await asyncio.sleep(0.1)
            if time.monotonic() > deadline:
                reason = f'it did not answer on {server.url} within {timeout:g} seconds'
                raise LaunchError(f'ComfyUI in {server.folder} did not start: {reason}', server.log(LOG_SHOWN))
    finally:
        await connection.close()


# -- the end of our process

_to_finish: list[tuple[LaunchedServer, Any]] = []


def finish_at_exit(server: LaunchedServer, client: Any) -> None:
    """At the end of our process, let the server finish what we queued there, then stop it."""
    if not _to_finish:
        atexit.register(_finish_all)
    _to_finish.append((server, client))


def _finish_all() -> None:
    for server, client in _to_finish:
        try:
            _finish(server, client)
        except KeyboardInterrupt:
            # The second one: at once.
            server.process.kill()
        finally:
            server.stop()
    _to_finish.clear()


def _finish(server: LaunchedServer, client: Any) -> None:
    """Have the server do what is queued, and end; after Ctrl+C it does not do it."""
    try:
        if server.ended() is None and not was_interrupted():
            for task in client.queue.tasks:
                wait_done(task.outcome.done)
    except KeyboardInterrupt:
        note_interrupt()
    if was_interrupted():
        tasks = client.queue.tasks if server.ended() is None else []
        if tasks:
            log.warning('Interrupted: %d workflows that were still queued are cancelled', len(tasks))
        try:
            run_sync(_cancel(tasks), CANCEL_TIMEOUT)
        except ComfyScriptError as error:
            log.debug('Cancelling failed: %s', error)
    server.stop()


async def _cancel(tasks: Iterable[Any]) -> None:
    await asyncio.gather(*(task._cancel() for task in tasks), return_exceptions=True)
