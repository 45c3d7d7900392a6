"""`dev.py try`: a real ComfyUI makes one image, and its script is read back from the file."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import png
from .events import events
from .make import LabError, Say, clear_errors, ensure_lab
from .paths import CACHE, COMFYUI, ROOT, link, unlink, venv_python
from .server import Server, ServerError, make_base

DATA = ROOT / 'tests' / 'data'
# What a CPU does in seconds.
SIZE, STEPS = 256, 8
DEFAULT_CHECKPOINT = 'v1-5-pruned-emaonly.safetensors'


class Options(NamedTuple):
    keep: bool = False
    comfyui: Path | None = None
    python: Path | None = None
    port: int | None = None


def run(options: Options, say: Say) -> None:
    """LabError when there is no image at the end, or no script in it."""
    if options.port is not None:
        _check_port(options.port)
    if options.comfyui is None:
        ensure_lab(say)
    with clear_errors(), _own(options, say) if options.comfyui else _lab(options) as server:
        say(f'ComfyUI runs at {server.url}')
        image = _make_image(server, say)
        print(f'\n{image}\n')
        script = png.read_text(image).get('ComfyScript')
        if script is None:
            raise LabError(f'The image has no script in it: the reason is in the server\'s log, {server.log_file}.')
        print(script)
        if options.keep:
            _keep(server, say)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        if sys.platform != 'win32':
            # What a server left behind that has just ended does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', port))
        except OSError:
            raise LabError(f'Port {port} is taken: choose another with --port, or leave --port out.') from None


# Servers


@contextlib.contextmanager
def _lab(options: Options) -> Iterator[Server]:
    base = make_base(CACHE / 'try', COMFYUI, {'ComfyScript': ROOT})
    with _running(COMFYUI, options.python or venv_python(), base, options, None) as server:
        yield server


@contextlib.contextmanager
def _own(options: Options, say: Say) -> Iterator[Server]:
    """The person's ComfyUI with its own folders. A link to the pack is there for as long as it runs."""
    comfyui = Path(options.comfyui or '').expanduser().resolve()
    if not (comfyui / 'main.py').is_file():
        raise LabError(f'{comfyui} is no ComfyUI: there is no main.py in it.')
    python = options.python or _python_beside(comfyui)
    packs = comfyui / 'custom_nodes'
    place = packs / 'ComfyScript'
    present = [folder for folder in packs.iterdir() if folder.resolve() == ROOT] if packs.is_dir() else []
    if not present and place.exists():
        raise LabError(f'{place} is another copy of ComfyScript: move it away while you try this one.')
    if not present:
        link(ROOT, place)
        say(f'{place} leads to this folder while the server runs')
    (CACHE / 'log').mkdir(parents=True, exist_ok=True)
    try:
        with _running(comfyui, python, comfyui, options, CACHE / 'log' / 'server.log') as server:
            yield server
    finally:
        if not present:
            unlink(place)


def _python_beside(comfyui: Path) -> Path:
    """The interpreter that a person's ComfyUI is likely run with: its venv's, the portable build's, else this one."""
    likely = [venv_python(comfyui / name) for name in ('.venv', 'venv')]
    likely.append(comfyui.parent / 'python_embeded' / 'python.exe')
    return next((python for python in likely if python.is_file()), Path(sys.executable))


@contextlib.contextmanager
def _running(comfyui: Path, python: Path, base: Path, options: Options, log_file: Path | None) -> Iterator[Server]:
    if not python.is_file():
        raise LabError(f'There is no interpreter at {python}: name ComfyUI\'s own with --python.')
    arguments = _device_arguments(python) if log_file else []
    try:
        server = Server.start(comfyui, python, base, port=options.port, own=log_file, args=arguments)
    except ServerError as error:
        raise LabError(_start_sentence(str(error), python)) from None
    try:
        yield server
    finally:
        server.close()


GPU = """
import torch
names = ('cuda', 'xpu', 'mps', 'npu', 'mlu')
modules = [getattr(torch.backends if name == 'mps' else torch, name, None) for name in names]
print(any(module is not None and module.is_available() for module in modules))
"""


def _device_arguments(python: Path) -> list[str]:
    """ComfyUI does not start without a GPU unless it is told to."""
    done = subprocess.run([python, '-c', GPU], capture_output=True, text=True, check=False)
    return ['--cpu'] if done.stdout.strip() == 'False' else []


def _start_sentence(output: str, python: Path) -> str:
    reason = output.strip().splitlines()[-1]
    if 'ModuleNotFoundError' in reason:
        return f'{python} cannot run ComfyUI ({reason}): name ComfyUI\'s own interpreter with --python.'
    return f'ComfyUI did not start: {reason}'


# The image


def _make_image(server: Server, say: Say) -> Path:
    prompt, workflow = default_workflow(server)
    done = threading.Event()
    threading.Thread(target=_show_progress, args=(server, prompt, done), daemon=True).start()
    try:
        entry = server.queue(prompt, workflow, timeout=900)
    except ServerError as error:
        raise LabError(f'The image could not be made: {error}') from None
    finally:
        done.set()
        if sys.stderr.isatty():
            print(file=sys.stderr)
    images = server.images(entry)
    if not images:
        raise LabError('ComfyUI made no image, and said nothing.')
    return images[0]


def default_workflow(server: Server) -> tuple[dict[str, Any], dict[str, Any]]:
    """(prompt, web UI workflow) of ComfyUI's default workflow, small, with a checkpoint that the server has."""
    prompt = json.loads((DATA / 'default_prompt.json').read_text(encoding='utf-8'))
    workflow = json.loads((DATA / 'default_workflow.json').read_text(encoding='utf-8'))
    info = server.get('/object_info/CheckpointLoaderSimple')['CheckpointLoaderSimple']
    spec = info['input']['required']['ckpt_name']
    checkpoints = spec[0] if isinstance(spec[0], list) else spec[1].get('options', [])
    if not checkpoints:
        raise LabError('This ComfyUI has no checkpoint: put one into its models/checkpoints.')
    checkpoint = DEFAULT_CHECKPOINT if DEFAULT_CHECKPOINT in checkpoints else checkpoints[0]
    _set(prompt, workflow, 'CheckpointLoaderSimple', 'ckpt_name', checkpoint)
    _set(prompt, workflow, 'EmptyLatentImage', 'width', SIZE)
    _set(prompt, workflow, 'EmptyLatentImage', 'height', SIZE)
    _set(prompt, workflow, 'KSampler', 'steps', STEPS)
    return prompt, workflow


def _set(prompt: Mapping[str, Any], workflow: Mapping[str, Any], class_type: str, name: str, value: Any) -> None:
    """One value, in the prompt and in the workflow's widget of the same place."""
    places = {'ckpt_name': 0, 'width': 0, 'height': 1, 'steps': 2}
    for node in prompt.values():
        if node['class_type'] == class_type:
            node['inputs'][name] = value
    for node in workflow['nodes']:
        if node['type'] == class_type:
            node['widgets_values'][places[name]] = value


def _show_progress(server: Server, prompt: Mapping[str, Any], done: threading.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        for event in events(server.url, server.client_id):
            if done.is_set():
                return
            data = event.get('data') or {}
            node = prompt.get(str(data.get('node')), {}).get('class_type')
            if node and event['type'] in ('executing', 'progress'):
                count = f' {data["value"]}/{data["max"]}' if event['type'] == 'progress' else ''
                _show(f'  {node}{count}')


def _show(progress: str) -> None:
    """One line that changes on a terminal, one line each elsewhere."""
    if sys.stderr.isatty():
        print(f'\r{progress:<60}', end='', file=sys.stderr, flush=True)
    else:
        print(progress, file=sys.stderr, flush=True)


def _keep(server: Server, say: Say) -> None:
    say(f'ComfyUI stays at {server.url} until Ctrl+C')
    with contextlib.suppress(KeyboardInterrupt):
        while server.process.poll() is None:
            time.sleep(0.5)
