"""A real ComfyUI in a process of its own, with folders of its own, so that many can run at once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .paths import ROOT, link, unlink

# So that no first-run dialog or missing-model warning stands in front of the page.
SETTINGS = {
    'Comfy.InstalledVersion': '1.49.6',
    'Comfy.TutorialCompleted': True,
    'Comfy.Workflow.Persist': False,
    'Comfy.Workflow.ShowMissingModelsWarning': False,
    'Comfy.Workflow.ShowMissingNodesWarning': False,
    'Comfy.RightSidePanel.ShowErrorsTab': False,
    'Comfy.Notification.ShowVersionUpdates': False,
}


class ServerError(Exception):
    """The server did not start, or refused or failed a prompt."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def make_base(base: Path, comfyui: Path, packs: Mapping[str, Path]) -> Path:
    """A ComfyUI base directory: own input, output, temp, user and custom_nodes (links to `packs`), shared models."""
    for name in ('input', 'output', 'temp', 'user/default', 'custom_nodes'):
        (base / name).mkdir(parents=True, exist_ok=True)
    link(comfyui / 'models', base / 'models')
    for name, folder in packs.items():
        link(folder, base / 'custom_nodes' / name)
    example = comfyui / 'input' / 'example.png'
    if example.is_file() and not (base / 'input' / 'example.png').exists():
        shutil.copyfile(example, base / 'input' / 'example.png')
    (base / 'user/default/comfy.settings.json').write_text(json.dumps(SETTINGS, indent=4), encoding='utf-8')
    return base


def remove_base(base: Path) -> None:
    """Delete a base directory: first the links, so that nothing behind them can go with it."""
    unlink(base / 'models')
    packs = base / 'custom_nodes'
    for place in packs.iterdir() if packs.is_dir() else ():
        with contextlib.suppress(OSError):
            unlink(place)
    shutil.rmtree(base, ignore_errors=True)


class Server:
    """A running ComfyUI. `base` is its base directory."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, base: Path, log_file: Path):
        self.process = process
        self.url = url
        self.base = base
        self.log_file = log_file
        self.client_id = uuid.uuid4().hex
        self.headers: dict[str, str] = {}

    @staticmethod
    def start(
        comfyui: Path,
        python: Path,
        base: Path,
        *,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        timeout: float = 180,
        main: Path | None = None,
        own: Path | None = None,
        api_nodes: bool = False,
    ) -> Server:
        """Start ComfyUI in `base` and wait until it answers. ServerError with the end of its log if it doesn't.

        `main` is run instead of ComfyUI's main.py (a script that does something to the process first). `own` is the log
        file of a person's own ComfyUI, which runs on its own device in its own folders. `api_nodes`: with the nodes
        of paid services.
        """
        port = port or free_port()
        log_file = own or base / 'server.log'
        command = [
            str(python), '-u', str(main or comfyui / 'main.py'),
            '--listen', '127.0.0.1', '--port', str(port), '--disable-auto-launch',
            *([] if own else _lab_arguments(base, api_nodes)), *args,
        ]  # fmt: skip
        environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
        environment |= {'OMP_NUM_THREADS': '1', 'PYTHONIOENCODING': 'utf-8', **(env or {})}
        with log_file.open('wb') as log:
            process = subprocess.Popen(command, cwd=comfyui, env=environment, stdout=log, stderr=subprocess.STDOUT)
        server = Server(process, f'http://127.0.0.1:{port}', base, log_file)
        try:
            server.wait_until_ready(timeout)
        except BaseException:
            server.close()
            raise
        return server

    def wait_until_ready(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            if self.process.poll() is not None:
                raise ServerError(f'ComfyUI ended with code {self.process.returncode}:\n{self.log()[-4000:]}')
            try:
                self.get('/system_stats', timeout=5)
                return
            except (OSError, ServerError):
                if time.monotonic() > deadline:
                    raise ServerError(f'ComfyUI does not answer after {timeout:.0f} s:\n{self.log()[-4000:]}') from None
            time.sleep(0.1)

    def log(self) -> str:
        return self.log_file.read_text(encoding='utf-8', errors='replace')

    def get(self, path: str, timeout: float = 60) -> Any:
        return self.request('GET', path, None, timeout)

    def post(self, path: str, body: Any, timeout: float = 60) -> Any:
        return self.request('POST', path, body, timeout)

    def request(self, method: str, path: str, body: Any, timeout: float = 60) -> Any:
        """JSON in, JSON out (bytes where the answer is no JSON). ServerError with the server's words on an error."""
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers | ({'Content-Type': 'application/json'} if data else {})
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                answer = response.read()
                is_json = 'json' in response.headers.get('Content-Type', '')
        except urllib.error.HTTPError as error:
            raise ServerError(f'{method} {path}: {error.code} {error.read().decode("utf-8", "replace")}') from None
        return json.loads(answer) if is_json and answer else answer

    def submit(self, prompt: Mapping[str, Any], workflow: Mapping[str, Any] | None = None) -> str:
        """Queue a prompt the way the browser does, with the workflow in `extra_pnginfo`; its id."""
        extra = {'extra_pnginfo': {'workflow': workflow}} if workflow is not None else {}
        return self.post('/prompt', {'prompt': prompt, 'client_id': self.client_id, 'extra_data': extra})['prompt_id']

    def queue(
        self, prompt: Mapping[str, Any], workflow: Mapping[str, Any] | None = None, timeout: float = 60
    ) -> dict[str, Any]:
        """`submit`, wait, and return the history entry. ServerError if it fails or takes too long."""
        prompt_id = self.submit(prompt, workflow)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            entry = self.get(f'/history/{prompt_id}').get(prompt_id)
            if entry is not None:
                if entry.get('status', {}).get('status_str') == 'error':
                    raise ServerError(f'the prompt failed: {json.dumps(entry["status"]["messages"], indent=1)}')
                return entry
            if self.process.poll() is not None:
                raise ServerError(f'ComfyUI ended with code {self.process.returncode}:\n{self.log()[-4000:]}')
            time.sleep(0.03)
        raise ServerError(f'the prompt is not done after {timeout:.0f} s:\n{self.log()[-2000:]}')

    def images(self, entry: Mapping[str, Any]) -> list[Path]:
        """The files that a history entry names, in the order of the prompt's nodes."""
        found = []
        for output in entry['outputs'].values():
            for image in output.get('images', ()):
                found.append(self.base / image['type'] / image['subfolder'] / image['filename'])
        return found

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _lab_arguments(base: Path, api_nodes: bool) -> list[str]:
    database = f'sqlite:///{(base / "user/comfyui.db").as_posix()}'
    without = [] if api_nodes else ['--disable-api-nodes']
    return ['--cpu', *without, '--base-directory', str(base), '--database-url', database]


def pack_links(folder_name: str | None, comfyui: Path, *, testing: bool) -> dict[str, Path]:
    """custom_nodes entries: this checkout under `folder_name` (None: without it), ComfyUI's own testing nodes."""
    links = {} if folder_name is None else {folder_name: ROOT}
    testing_nodes = comfyui / 'tests/execution/testing_nodes/testing-pack'
    if testing and testing_nodes.is_dir():
        links['testing-pack'] = testing_nodes
    return links
