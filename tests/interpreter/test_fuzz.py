"""Programs put together from pieces of attacks: each runs or ends in a ScriptError, in time, and touches nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from comfy_script.graph import Schemas
from comfy_script.interpreter import Bounds, ScriptError, run_script
from comfy_script.interpreter.nodes.node_calls import ScriptNodes
from comfy_script.runtime.calls.functions import NodeNamespace

from .attacks import attacks
from .conftest import NODES, watched
from .test_escapes import MODULES, inputs

SLOW: Any = list(HealthCheck)

BOUNDS = Bounds(steps=50_000, seconds=2.0, text=100_000, items=20_000, memory=64 << 20, tensor_elements=1 << 18)
EXAMPLES = int(os.environ.get('COMFYSCRIPT_FUZZ_EXAMPLES', '25'))
PATIENCE = 10.0


def attack(text: str) -> str:
    """Runs one; what it ended with. Raises AssertionError where it got further than it may."""

    def emit(schema: Any, given: dict[str, Any]) -> Any:
        return inputs()['opaque']

    nodes = ScriptNodes(NodeNamespace(Schemas.parse(NODES), emit))
    began = time.monotonic()
    ended = 'ran'
    with watched() as seen:
        try:
            run_script(text.replace('CANARY', 'canary'), bounds=BOUNDS, inputs=inputs(), find_node=nodes.find)
        except ScriptError as error:
            ended = type(error).__name__
            str(error)
    took = time.monotonic() - began
    assert seen == [], text
    assert took < PATIENCE, f'{took:.1f} s: {text}'
    return ended


@pytest.fixture(scope='module', autouse=True)
def _warm(node_schemas: Schemas, tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip('torch')
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp('fuzz'))
    warm()
    yield
    os.chdir(before)


def warm() -> None:
    """Modules that the interpreter loads by itself are loaded before anybody watches."""
    for name in MODULES:
        run_script(f'import {name}\nprint({name})')
    run_script("import re, torch\nre.sub('a', 'b', 'a')\nout = str(torch.ones(2)) + f'{1.5:.2f}'")
    run_script("import datetime\nout = datetime.datetime.strptime('1', '%d').strftime('%d')")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize='COMFYSCRIPT_FUZZ_EXAMPLES' not in os.environ,
    suppress_health_check=SLOW,
)
@given(attacks())
def test_attacks(text: str) -> None:
    attack(text)
