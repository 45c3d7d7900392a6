"""Whole graphs as scripts in the ComfyScript node: what the graph gives, with and without the header."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from comfy_script.graph import Schemas
from comfy_script.tests.conftest import StartServer
from comfy_script.tests.lab.server import Server
from comfy_script.tests.runtime.real.workflows import WORKFLOWS

from .survey import PACK, check, compare, make_inputs, run

pytestmark = pytest.mark.server

# What of the corpus runs here, and with which models (`dev.py bench corpus` finds out, for all of it): prompt -> the
# stand-in, or `lab` for the lab's own models. Every fourth is run as a test.
RAN: Mapping[str, str] = json.loads((Path(__file__).parent / 'corpus.json').read_text(encoding='utf-8'))
SAMPLE = tuple(RAN)[::4]


@pytest.fixture(scope='module')
def server(start_module_server: StartServer) -> Iterator[Server]:
    server = start_module_server(packs={'stand_ins': PACK})
    make_inputs(server.base / 'input')
    yield server


@pytest.fixture(scope='module')
def known(server: Server) -> Schemas:
    return Schemas.parse(server.get('/object_info'))


@pytest.mark.parametrize('name', WORKFLOWS)
def test_a_workflow(name: str, server: Server, known: Schemas) -> None:
    given = run(server, WORKFLOWS[name])
    assert any(kind == 'images' for kind, *_ in given)
    assert not compare(server, known, WORKFLOWS[name], given)


@pytest.mark.parametrize('name', SAMPLE)
def test_a_prompt_of_the_corpus(name: str, server: Server, known: Schemas, corpus: Path) -> None:
    prompt = json.loads((corpus / 'prompts' / f'{name}.json').read_text(encoding='utf-8'))
    result = check(server, known, name, prompt, [RAN[name].replace('lab', '')])
    assert result.ran, result.left_out
    assert not result.difference
