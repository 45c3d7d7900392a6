"""Answers stay short on a server with thousands of nodes, and so do the tools' own descriptions."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from comfy_script.tests.agents.talking import Agent, refused, told

from comfy_script.panel.bounded import LONG, SHORT, cut, lines_in_words, listed  # isort: skip
from comfy_script.agents.language import SHORT_LANGUAGE, language  # isort: skip
from comfy_script.panel.node_pages import page  # isort: skip
from comfy_script.agents.studio import Permissions, Studio  # isort: skip
from comfy_script.graph import Schemas  # isort: skip
from comfy_script.runtime.client.client import Client as ComfyClient  # isort: skip


@pytest.fixture(scope='module')
def many(corpus: Path) -> Schemas:
    with gzip.open(corpus / 'packs' / 'object_info.json.gz') as file:
        return Schemas.parse(json.load(file))


@pytest.fixture
def agent(many: Schemas) -> Agent:
    return Agent(Studio(ComfyClient.of_object_info(many), Permissions(upload_from=(Path(),))))


def test_it_is_the_large_one(many: Schemas) -> None:
    assert len(many) == 2670


@pytest.mark.parametrize(
    'query', [{'text': ''}, {'text': 'a'}, {'text': 'image'}, {'text': '', 'output_type': 'IMAGE'}]
)
async def test_searches(agent: Agent, query: dict[str, str]) -> None:
    answer = await told(agent, 'search_nodes', **query)
    assert len(answer) <= SHORT
    assert ' more of ' in answer.split('\n')[-1]


async def test_a_search_where_no_node_has_all_words(agent: Agent) -> None:
    """Agents describe what they want: a word too many must not hide the node."""
    first, best, *_ = (await told(agent, 'search_nodes', text='decode latent quickly vae')).split('\n')
    assert first == 'None has all 4 words; with 3 of them:'
    assert best.startswith('VAEDecode(')
    assert 'No node fits' in await told(agent, 'search_nodes', text='decode zzyzx qwxyz')
    many_words = await told(agent, 'search_nodes', text='image zzyzx')
    assert many_words.startswith('None has all 2 words')
    assert len(many_words) <= SHORT


async def test_a_page_is_without_a_packs_html(many: Schemas) -> None:
    described = {**many['KSampler'].info, 'description': '<div class="x">Samples <b>noise</b></div>'}
    text = page(Schemas.parse({'KSampler': described}), 'KSampler')
    assert '# Samples noise' in text
    assert 'div' not in text


def test_each_nodes_page(many: Schemas) -> None:
    """A part of them: each takes its time."""
    for schema in list(many.readable())[::40]:
        text = page(many, schema.class_type)
        assert len(text) <= SHORT
        assert many.names.name_of(schema.class_type) + '(' in text.split('\n')[0]


async def test_lists_of_choices(agent: Agent) -> None:
    assert len(await told(agent, 'list_models', kind='KSampler.sampler_name')) <= SHORT


async def test_many_errors(agent: Agent) -> None:
    calls = 'PreviewAny(EmptyLatentImage(7, 7, 1))\n' * 500
    assert len(await told(agent, 'check_script', text=calls)) <= SHORT
    assert 'OK: 1000 nodes' in await told(agent, 'check_script', text=calls)
    await refused(agent, 'check_script', text='x = 1\n' * 1_000_000)


async def test_all_tools_are_described_in_few_words(agent: Agent) -> None:
    tools = (await agent.list_tools()).tools
    described = json.dumps([tool.model_dump(by_alias=True, exclude_none=True, mode='json') for tool in tools])
    assert len(tools) <= 12
    assert len(described) <= 4_200
    assert len(SHORT_LANGUAGE) <= 1_200
    assert len(language()) <= 8_000


def test_what_is_cut_says_how_much() -> None:
    assert cut('a' * 100, 100) == 'a' * 100
    text = cut('line\n' * 1000, 500)
    assert len(text) <= 500
    assert text.endswith('more characters: ask for less')
    assert listed(['a', 'b'], 5) == 'a\nb\n… 3 more of 5: search for less'
    assert LONG > SHORT


def test_lines_are_told_as_spans() -> None:
    assert lines_in_words([3]) == 'line 3'
    assert lines_in_words([3, 7, 8, 9]) == 'lines 3, 7-9'
