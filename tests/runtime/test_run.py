"""`run`: what a file holds is run, by the library and by the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

import comfy_script.runtime as runtime
from comfy_script.graph import PromptError
from comfy_script.runtime import Client
from comfy_script.runtime import commands as cli
from comfy_script.runtime.run import prompt_of
from comfy_script.tests.runtime.client.conftest import client, fake, make_client
from comfy_script.tests.runtime.client.fake import PROMPT, FakeServer
from comfy_script.tests.runtime.client.test_cli import nothing_loaded

__all__ = ['client', 'fake', 'make_client', 'nothing_loaded']

WORKFLOW: dict[str, Any] = {
    'nodes': [
        {'id': 1, 'type': 'EmptyImage', 'title': 'Canvas',
         'outputs': [{'name': 'IMAGE', 'type': 'IMAGE', 'links': [1]}], 'widgets_values': [8, 8]},
        {'id': 2, 'type': 'PreviewImage', 'inputs': [{'name': 'images', 'type': 'IMAGE', 'link': 1}]},
    ],
    'links': [[1, 1, 0, 2, 0, 'IMAGE']],
    'version': 0.4,
}  # fmt: skip


def as_prompt(folder: Path) -> Path:
    path = folder / 'prompt.json'
    path.write_text(json.dumps(PROMPT), encoding='utf-8')
    return path


def as_workflow(folder: Path) -> Path:
    path = folder / 'workflow.json'
    path.write_text(json.dumps(WORKFLOW), encoding='utf-8')
    return path


def as_image(folder: Path) -> Path:
    texts = PngImagePlugin.PngInfo()
    texts.add_text('prompt', json.dumps(PROMPT))
    texts.add_text('workflow', json.dumps(WORKFLOW))
    Image.new('RGB', (8, 8)).save(folder / 'image.png', pnginfo=texts)
    return folder / 'image.png'


FILES = [as_prompt, as_workflow, as_image]


def inputs(body: dict[str, Any]) -> dict[str, Any]:
    return {key: node['inputs'] for key, node in body['prompt'].items()}


@pytest.mark.parametrize('write', FILES)
def test_a_file_is_run(write: Callable[[Path], Path], fake: FakeServer, client: Client, tmp_path: Path) -> None:
    fake.auto = True
    [result] = runtime.run(str(write(tmp_path)), client=client)
    assert result.files[0].filename == 'a.png'
    assert inputs(fake.prompts[0]) == {'1': {'width': 8, 'height': 8}, '2': {'images': ['1', 0]}}
    saved = fake.prompts[0]['extra_data']['extra_pnginfo']
    assert saved['workflow']['nodes'][0]['type'] == 'EmptyImage'
    assert 'ComfyScriptSource' not in saved


@pytest.mark.parametrize('write', FILES[1:])
def test_values_are_set_by_id_and_by_title(
    write: Callable[[Path], Path], fake: FakeServer, client: Client, tmp_path: Path
) -> None:
    fake.auto = True
    runtime.run(write(tmp_path), {'1.width': 16, 'Canvas.height': 24}, client=client)
    assert inputs(fake.prompts[0])['1'] == {'width': 16, 'height': 24}
    # What is saved with the images is what ran.
    [canvas] = [
        node
        for node in fake.prompts[0]['extra_data']['extra_pnginfo']['workflow']['nodes']
        if node['type'] == 'EmptyImage'
    ]
    assert canvas['widgets_values'] == [16, 24]
    assert canvas['title'] == 'Canvas'


def test_a_picture_goes_along(fake: FakeServer, client: Client) -> None:
    submission = prompt_of(PROMPT, {'2.images': Image.new('RGB', (2, 2))}, client=client)
    name = submission.prompt['2']['inputs']['images']
    assert submission.files is not None
    assert Image.open(io.BytesIO(submission.files[name])).size == (2, 2)


def test_a_place_that_is_not_there_queues_nothing(fake: FakeServer, client: Client) -> None:
    with pytest.raises(PromptError, match="did you mean 'width'"):
        runtime.run(PROMPT, {'1.widht': 5}, client=client)
    assert fake.prompts == []


def test_a_circle_is_told_in_one_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    circle = {'1': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0]}}}
    workflow = prompt_of(circle, client=client).workflow
    assert callable(workflow)
    assert workflow() is None
    [record] = caplog.records
    assert record.getMessage().endswith("the links of node '1' run in a circle")
    assert record.exc_info is None


def test_nothing_to_run_names_the_file(client: Client, tmp_path: Path) -> None:
    (tmp_path / 'empty.json').write_text('{}', encoding='utf-8')
    with pytest.raises(PromptError, match=r'^/.*empty\.json has no node that could run'):
        prompt_of(tmp_path / 'empty.json', client=client)


async def _await(client: Client, path: Path) -> list[Any]:
    from comfy_script.runtime.run import _run

    return await _run(path, client=client)


def test_it_can_be_awaited(fake: FakeServer, client: Client, tmp_path: Path) -> None:
    import asyncio

    fake.auto = True
    assert len(asyncio.run(_await(client, as_prompt(tmp_path)))) == 1


@pytest.mark.parametrize('write', FILES)
def test_the_command_runs_a_file(
    write: Callable[[Path], Path], fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.auto = True
    assert cli.main(['run', str(write(tmp_path)), '--server', fake.url, '--set', 'EmptyImage.width=16']) == 0
    assert inputs(fake.prompts[0])['1']['width'] == 16
    assert capsys.readouterr().out == 'a.png [temp]\n'
    arguments = ['run', str(write(tmp_path)), '--server', fake.url, '-o', str(tmp_path / 'out')]
    assert cli.main(arguments) == 0
    assert (tmp_path / 'out' / 'a.png').read_bytes() == b'file a'


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--set', 'width'], '--set width: it is NODE.INPUT=VALUE'),
        (['--set', '1.widht=5'], "did you mean 'width'"),
        (['--', 'more'], 'its inputs are given with --set'),
    ],
)
def test_a_wrong_command_runs_nothing(
    arguments: list[str], said: str, fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(['run', str(as_prompt(tmp_path)), '--server', fake.url, *arguments]) == 2
    assert said in capsys.readouterr().err
    assert fake.prompts == []


def test_a_file_without_a_workflow_is_refused(
    fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new('RGB', (8, 8)).save(tmp_path / 'bare.png')
    assert cli.main(['run', str(tmp_path / 'bare.png'), '--server', fake.url]) == 2
    assert 'holds neither a workflow nor a prompt' in capsys.readouterr().err


@pytest.mark.parametrize('text', [json.dumps(PROMPT), 'PreviewImage(EmptyImage(8, 8))\n'])
def test_standard_input(text: str, fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.auto = True
    monkeypatch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO(text.encode())))
    assert cli.main(['run', '-', '--server', fake.url]) == 0
    assert len(fake.prompts) == 1


def test_run_is_also_the_module_of_comfy_script_06() -> None:
    from comfy_script.runtime.run import ComfyUIArgs

    assert runtime.ComfyUIArgs is ComfyUIArgs
