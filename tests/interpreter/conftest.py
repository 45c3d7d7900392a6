"""What the tests of the interpreter share: a run, and a watch over everything a script must not touch."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import Bounds, ScriptResult, run_script

NODES = {
    'KSampler': {
        'input': {
            'required': {
                'model': ['MODEL'],
                'seed': ['INT', {'default': 0, 'min': 0, 'max': 2**63}],
                'sampler_name': [['euler', 'ddim']],
                'scheduler': [['normal', 'karras']],
            }
        },
        'output': ['LATENT'],
        'name': 'KSampler',
    },
    'EmptyLatentImage': {
        'input': {'required': {'width': ['INT', {'default': 512}], 'height': ['INT', {'default': 512}]}},
        'output': ['LATENT'],
        'name': 'EmptyLatentImage',
    },
    'CheckpointLoaderSimple': {
        'input': {'required': {'ckpt_name': [['v1-5.safetensors', 'xl.safetensors']]}},
        'output': ['MODEL', 'CLIP', 'VAE'],
        'name': 'CheckpointLoaderSimple',
    },
    'SaveImage': {
        'input': {'required': {'images': ['IMAGE'], 'filename_prefix': ['STRING', {'default': 'ComfyUI'}]}},
        'output': [],
        'output_node': True,
        'name': 'SaveImage',
    },
    'VAEDecode': {
        'input': {'required': {'samples': ['LATENT'], 'vae': ['VAE']}},
        'output': ['IMAGE'],
        'name': 'VAEDecode',
    },
}

SMALL = Bounds(steps=300_000, seconds=60.0, text=100_000, items=20_000, memory=64 << 20, tensor_elements=1 << 20)


@pytest.fixture(scope='session')
def node_schemas() -> Schemas:
    return Schemas.parse(json.loads(json.dumps(NODES)))


def run(text: str, bounds: Bounds = SMALL, **options: Any) -> ScriptResult:
    return run_script(text, bounds=bounds, **options)


def value_of(text: str, **options: Any) -> Any:
    """What a script leaves in `out`."""
    return run(text, **options).value


# Events of Python's own audit (sys.addaudithook) that no script may cause.
_FORBIDDEN = (
    'open',
    'exec',
    'os.',
    'subprocess.',
    'socket.',
    'shutil.',
    'pickle.',
    'marshal.',
    'ctypes.',
    'urllib.',
    'tempfile.',
    'gc.',
    'sys._getframe',
    'sys.settrace',
    'object.__setattr__',
    'object.__delattr__',
    'code.__new__',
    'function.__new__',
    'builtins.input',
    'signal.',
    '_thread.',
    'import',
)
# A thread that a script started would be seen itself, so what other threads of the test session do is not ours.
_watching: list[tuple[int, list[str]]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    thread, seen = _watching[-1]
    if thread != threading.get_ident():
        return
    if event == 'import' and arguments and str(arguments[0]) in sys.modules:
        return
    if event == 'open' and arguments and arguments[0] == '<script>':
        return  # Python's parser looks for the line of a syntax error in a file of that name.
    if event.startswith(_FORBIDDEN):
        seen.append(f'{event} {arguments!r:.200}')


sys.addaudithook(_audit)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collects what happens inside the `with` that touches files, sockets, processes, code or frames."""
    seen: list[str] = []
    _watching.append((threading.get_ident(), seen))
    try:
        yield seen
    finally:
        _watching.pop()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / 'canary'
