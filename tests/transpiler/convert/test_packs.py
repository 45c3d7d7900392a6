"""Workflows with other people's packs: what the real web UI, with the packs' JavaScript, makes of each."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas, difference
from comfy_script.panel.service import answer
from comfy_script.tests.parity.compare import differences, same
from comfy_script.tests.parity.queueing import when_queued
from comfy_script.tests.parity.seen import seen_in
from comfy_script.tests.transpiler.running import DATA, check_round_trip
from comfy_script.transpiler import write_script
from comfy_script.transpiler.convert import convert_workflow

COUNT = 55

DRAWN: dict[str, tuple[str, str]] = {
    'dynprompt': ('2', 'text'),
    'eff_loader': ('9', 'seed'),
    'rg_seed': ('8', 'seed'),
}
"""Case → the input (node, name) that the web UI draws at random for each prompt."""


def unpacked(folder: Path, name: str) -> Any:
    return json.loads(gzip.decompress((folder / 'packs' / name).read_bytes()))


@pytest.fixture(scope='module')
def cases(corpus: Path) -> dict[str, Any]:
    return unpacked(corpus, 'cases.json.gz')


@pytest.fixture(scope='module')
def pack_schemas(corpus: Path) -> Schemas:
    return Schemas.parse(unpacked(corpus, 'object_info.json.gz'))


@pytest.fixture(scope='module')
def asked() -> dict[str, Any]:
    """What the panel asked in the browser with the packs, and what the web UI queues (`dev.py parity --record`)."""
    return json.loads(gzip.decompress((DATA / 'panel_asks.json.gz').read_bytes()))


def without_times(prompt: dict[str, Any]) -> dict[str, Any]:
    """Repeaters name their copies after the time of day, ours after the repeater (`8_1`)."""
    return json.loads(re.sub(r'"1\d{12}_(\d+)"', r'"8_\1"', json.dumps(prompt)))


def test_every_prompt_is_the_web_uis(cases: dict[str, Any], pack_schemas: Schemas) -> None:
    wrong = {}
    for name, case in cases.items():
        prompt = convert_workflow(case['workflow'], pack_schemas).prompt
        expected = without_times(case['prompt'])
        if name in DRAWN:
            node, key = DRAWN[name]
            assert prompt[node]['inputs'][key] != expected[node]['inputs'][key]
            expected[node]['inputs'][key] = prompt[node]['inputs'][key]
        if not same(prompt, expected):
            wrong[name] = list(differences(prompt, expected))
    assert wrong == {}
    assert len(cases) == COUNT


def test_of_the_open_graph_every_prompt_is_exactly_the_web_uis(asked: dict[str, Any], pack_schemas: Schemas) -> None:
    """But for what the web UI draws (a seed of -1, a choice in a text): there it is what the widget holds."""
    wrong = {}
    for name, record in asked.items():
        found = convert_workflow(record['request']['workflow'], pack_schemas)
        ours, theirs = when_queued(found, seen_in(record), pack_schemas)
        if not same(ours, theirs):
            wrong[name] = list(differences(ours, theirs))
    assert wrong == {}
    assert len(asked) == COUNT
    drawn = {(name, id, key) for name, record in asked.items() for id, key, _ in record['drawn']}
    assert drawn == {('dynprompt', '2', 'text'), ('eff_loader', '9', 'seed')}


def test_the_script_that_the_panel_shows_gives_it_back(asked: dict[str, Any], pack_schemas: Schemas) -> None:
    for record in asked.values():
        prompt = convert_workflow(record['request']['workflow'], pack_schemas).prompt
        shown = answer('transpile', record['request'], pack_schemas)
        read = answer('prompt', {**record['request'], 'script': shown['script']}, pack_schemas)
        assert difference(prompt, read['prompt']) is None
        assert read['prompt'].keys() == prompt.keys()


def test_no_saved_value_is_left_out(cases: dict[str, Any], pack_schemas: Schemas) -> None:
    assert {
        name: found.warnings
        for name, case in cases.items()
        if (found := convert_workflow(case['workflow'], pack_schemas)).warnings
    } == {}


def test_every_script_gives_the_prompt_back(cases: dict[str, Any], pack_schemas: Schemas) -> None:
    for case in cases.values():
        found = convert_workflow(case['workflow'], pack_schemas)
        script = write_script(found.prompt, schemas=pack_schemas, workflow=case['workflow'], conversion=found)
        assert script.warnings == ()
        check_round_trip(found.prompt, script, pack_schemas)


def test_every_class_of_the_packs_can_be_read(pack_schemas: Schemas) -> None:
    assert sum(pack_schemas[name].class_type == name for name in pack_schemas) == 2670
