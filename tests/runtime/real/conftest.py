"""Real mode in a process of its own, started once."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.tests.conftest import Lab
from comfy_script.tests.lab.server import make_base, pack_links, remove_base

IMPORTS = """
from comfy_script.runtime.real import *
from comfy_script.runtime.real.nodes import *
import torch

def saved(*args, **more):
    # From 2026 on SaveImage has an output, which then is what its call gives.
    with Workflow() as wf:
        SaveImage(*args, **more)
    return {'ui': wf.ui[-1]}
"""


class ChildError(Exception):
    """Code in the child raised; `kind` is the exception's class, `text` its message."""

    def __init__(self, answer: dict[str, Any]):
        super().__init__(f'{answer["traceback"]}\n{answer["printed"]}')
        self.kind = answer['error']
        self.text = answer['message']


class Child:
    """Runs code in a process with real mode loaded. `base` is its ComfyUI's base directory."""

    def __init__(self, lab: Lab, base: Path, naked: bool = False):
        self.base = base
        self.log_file = base / 'child.log'
        command = [lab.python, '-u', Path(__file__).with_name('child.py'), lab.comfyui, base]
        with self.log_file.open('wb') as log:
            self.process = subprocess.Popen(
                [*map(str, command), 'naked' if naked else ''],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=base,
                env={**lab.env, 'OMP_NUM_THREADS': '1'},
            )
        assert self._answer() == {'ready': True}

    def run(self, code: str, imports: str = IMPORTS) -> Any:
        """Runs code; what it leaves in `value`. Raises ChildError."""
        return self.answer(code, imports)['value']

    def printed(self, code: str, imports: str = IMPORTS) -> str:
        return self.answer(code, imports)['printed']

    def answer(self, code: str, imports: str = IMPORTS) -> dict[str, Any]:
        assert self.process.stdin is not None
        request = json.dumps({'code': imports + textwrap.dedent(code)})
        self.process.stdin.write(request.encode() + b'\n')
        self.process.stdin.flush()
        answer = self._answer()
        if 'error' in answer:
            raise ChildError(answer)
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f'real mode ended:\n{self.log()[-4000:]}')
        return json.loads(line)

    def log(self) -> str:
        return self.log_file.read_text(encoding='utf-8', errors='replace')

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def _child(lab: Lab, tmp_path_factory: pytest.TempPathFactory, naked: bool) -> Iterator[Child]:
    base = make_base(tmp_path_factory.mktemp('real'), lab.comfyui, pack_links(None, lab.comfyui, testing=True))
    child = Child(lab, base, naked)
    yield child
    child.close()
    remove_base(base)


@pytest.fixture(scope='session')
def real(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """Real mode, with ComfyUI's testing nodes."""
    yield from _child(lab, tmp_path_factory, naked=False)


@pytest.fixture(scope='session')
def naked(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """Naked mode."""
    yield from _child(lab, tmp_path_factory, naked=True)
