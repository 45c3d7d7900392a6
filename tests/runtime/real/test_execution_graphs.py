"""ComfyUI's own `tests/execution` graphs, run by the server and by real mode: the same results, or the same error."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_script.tests.conftest import Lab
from comfy_script.tests.lab.server import Server

from .conftest import Child
from .graphs import GRAPHS, Graph

pytestmark = pytest.mark.server


@pytest.fixture(scope='module')
def builder(lab: Lab) -> Any:
    """ComfyUI's GraphBuilder; its file imports nothing."""
    spec = importlib.util.spec_from_file_location('graph_utils', lab.comfyui / 'comfy_execution' / 'graph_utils.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.GraphBuilder


def prompts(graph: Graph, builder: Any) -> list[dict[str, Any]]:
    """The graph's prompt, and what it is changed to for further runs."""
    g = builder(prefix='')
    graph.fill(g)
    found = [json.loads(json.dumps(g.finalize()))]
    for change in graph.again:
        following = json.loads(json.dumps(found[-1]))
        for node_id, inputs in change.items():
            following[node_id]['inputs'].update(inputs)
        found.append(following)
    if graph.then is not None:
        g = builder(prefix='then')
        graph.then(g)
        found.append(json.loads(json.dumps(g.finalize())))
    return found


@pytest.mark.parametrize('graph', GRAPHS, ids=lambda graph: graph.name)
def test_graph(graph: Graph, builder: Any, server: Server, real: Child) -> None:
    sequence = prompts(graph, builder)
    expected = by_server(server, graph, sequence)
    found = in_real_mode(real, sequence, graph.targets)
    if graph.refused:
        assert 'images' in expected[0]
        assert graph.refused in found[0]['message']
        return
    for left in (expected[0], found[0]):
        left.pop('cached', None)  # the server's cache has what the graphs before it left
    assert found == expected
    assert len(found) == len(sequence)


def test_every_test_of_comfyui_has_its_graph(lab: Lab) -> None:
    """A new test of theirs is noticed here (the exceptions are about the queue, the history and the web socket)."""
    folder = lab.comfyui / 'tests' / 'execution'
    theirs = {
        line.strip().split('(')[0].removeprefix('def test_')
        for name in ('test_execution.py', 'test_async_nodes.py', 'test_public_api.py')
        for line in (folder / name).read_text(encoding='utf-8').splitlines()
        if line.strip().startswith('def test_')
    }
    ours = ' '.join(graph.name for graph in GRAPHS)
    missing = {name for name in theirs if not any(alias in ours for alias in (name, ALIASES.get(name, name)))}
    assert missing <= NOT_GRAPHS


ALIASES = {
    'validation_error_literal': 'validation_error_literal_int',
    'validation_error_edge1': 'validation_error_edge1_int',
    'sync_progress_update_executes': 'sync_progress_update',
    'async_progress_update_executes': 'async_progress_update',
    'for_loop': 'for_loop_4',
}
NOT_GRAPHS = {
    'async_cancellation',
    'cached_outputs_in_job_without_client_id',
    'get_job_by_id',
    'get_job_not_found',
    'jobs_api_job_structure',
    'jobs_api_pagination',
    'jobs_api_preview_output_structure',
    'jobs_api_sorting',
    'jobs_api_status_filter',
    'offset_at_exact_history_length_returns_empty',
    'offset_beyond_history_length_returns_empty',
    'offset_near_end_returns_remaining_items_only',
    'offset_returns_different_items_than_beginning_of_history',
    'offset_without_max_items_skips_from_beginning',
    'offset_with_max_items_returns_correct_window',
    'offset_zero_equals_no_offset_parameter',
}

# What a run left: {'ran': ids, 'images': {id: [pixel hashes]}} or {'refused': [...]} or {'failed': {...}}.
Left = dict[str, Any]


_left_by_server: dict[tuple[str, str], list[Left]] = {}


def by_server(server: Server, graph: Graph, sequence: list[dict[str, Any]]) -> list[Left]:
    """What the server makes of a graph, once per server."""
    key = server.url, graph.name
    if key not in _left_by_server:
        _left_by_server[key] = [one_by_server(server, prompt, graph.targets) for prompt in sequence]
    return [dict(left) for left in _left_by_server[key]]


def one_by_server(server: Server, prompt: Mapping[str, Any], targets: tuple[str, ...] | None) -> Left:
    # Without a client, 0.3.75 does not put cached UI results into the history.
    body: dict[str, Any] = {'prompt': prompt, 'client_id': server.client_id}
    if targets is not None:
        body['partial_execution_targets'] = list(targets)
    status, answer = post(server, '/prompt', body)
    if status == 400:
        return {'refused': sorted(answer.get('node_errors', {})), 'reason': answer['error']['type']}
    entry = wait(server, answer['prompt_id'])
    messages = dict(entry['status']['messages'])
    if 'execution_error' in messages:
        error = messages['execution_error']
        return {'failed': error['exception_type'].rpartition('.')[2], 'message': error['exception_message'].strip()}
    cached = set(messages['execution_cached']['nodes'])
    outputs = {key: files(output) for key, output in entry['outputs'].items()}
    return {
        'cached': sorted(cached & set(prompt)),
        'images': {key: hashes(server.base, found) for key, found in outputs.items()},
    }


def in_real_mode(real: Child, sequence: list[dict[str, Any]], targets: tuple[str, ...] | None) -> list[Left]:
    found = real.run(f"""
        import json, warnings
        from comfy_script.runtime.wire.errors import PromptRefusedError
        sequence = json.loads({json.dumps(sequence)!r})
        targets = {targets!r}
        session = RealSession(cache=Cache(2**30))
        value = []
        for prompt in sequence:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    result = run_prompt_real(prompt, session=session, outputs=targets)
                value.append({{'ran': result.ran, 'ui': dict(result.ui)}})
            except PromptRefusedError as error:
                value.append({{'refused': sorted({{p.node_id for p in error.problems}}), 'text': str(error)}})
            except Exception as error:
                value.append({{'failed': type(error).__name__, 'message': str(error)}})
    """)
    return [one_in_real_mode(real.base, prompt, left) for prompt, left in zip(sequence, found, strict=True)]


def one_in_real_mode(base: Path, prompt: Mapping[str, Any], left: Left) -> Left:
    if 'refused' in left:
        reasons = {'Prompt has no outputs': 'prompt_no_outputs'}
        otherwise = 'prompt_outputs_failed_validation'
        reason = next((kind for text, kind in reasons.items() if text in left['text']), otherwise)
        return {'refused': left['refused'], 'reason': reason}
    if 'failed' in left:
        return left
    return {
        'cached': sorted(set(prompt) - set(left['ran'])),
        'images': {key: hashes(base, files(ui)) for key, ui in left['ui'].items()},
    }


def files(output: Mapping[str, Any]) -> list[dict[str, str]]:
    return [file for files in output.values() for file in files if isinstance(file, dict) and 'filename' in file]


def hashes(base: Path, found: list[dict[str, str]]) -> list[str]:
    """The pixels of images, by hash."""
    pixels = []
    for file in found:
        path = base / file['type'] / file['subfolder'] / file['filename']
        image = Image.open(io.BytesIO(path.read_bytes())).convert('RGB')
        pixels.append(f'{image.size} {hashlib.sha256(image.tobytes()).hexdigest()[:16]}')
    return pixels


def wait(server: Server, prompt_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        entry = server.get(f'/history/{prompt_id}').get(prompt_id)
        if entry is not None:
            return entry
        time.sleep(0.02)
    raise AssertionError(f'not done: {server.log()[-2000:]}')


def post(server: Server, path: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
            return response.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
