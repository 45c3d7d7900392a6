"""The commands transpile, prompt and show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfy_script.__main__ import main
from comfy_script.tests.transpiler.running import DATA, load
from comfy_script.tests.transpiler.schemas import OBJECT_INFO


@pytest.fixture
def object_info(tmp_path: Path) -> str:
    file = tmp_path / 'object_info.json'
    file.write_text(json.dumps(OBJECT_INFO), encoding='utf-8')
    return str(file)


def picture(path: Path, **texts: Any) -> Path:
    info = PngInfo()
    for key, value in texts.items():
        info.add_text(key, value if isinstance(value, str) else json.dumps(value))
    Image.new('RGB', (4, 4)).save(path, pnginfo=info)
    return path


def test_a_workflow_as_a_script(object_info: str, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = str(DATA / 'default_workflow.json')
    assert main(['transpile', workflow, '--object-info', object_info, '--style', 'positional']) == 0
    out, err = capsys.readouterr()
    assert 'latent = EmptyLatentImage(512, 512, 1)\n' in out
    assert err == ''
    assert main(['transpile', workflow, '--object-info', object_info, '--end-node', '5']) == 0
    assert capsys.readouterr().out == 'EmptyLatentImage(512, 512, batch_size=1)\n'


def test_a_workflow_as_a_prompt(object_info: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['prompt', str(DATA / 'default_workflow.json'), '--object-info', object_info]) == 0
    assert json.loads(capsys.readouterr().out)['5']['inputs'] == {'width': 512, 'height': 512, 'batch_size': 1}


def test_files_alone_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The prompt gives names to inputs; of its own accord the workflow says how many outputs a node has."""
    file = picture(tmp_path / 'a.png', prompt=load('default_prompt.json'), workflow=load('default_workflow.json'))
    assert main(['transpile', str(file)]) == 0
    out = capsys.readouterr().out
    assert "model, clip, vae = CheckpointLoaderSimple(ckpt_name='v1-5-pruned-emaonly.safetensors')\n" in out
    assert 'latent = EmptyLatentImage(width=512, height=512, batch_size=1)' in out
    assert main(['transpile', str(DATA / 'default_workflow.json')]) == 0
    out, err = capsys.readouterr()
    assert "'text, watermark'" in out
    assert '156680208700286' in out
    assert 'CheckpointLoaderSimple (node 4)' in err


def test_show_prints_the_stored_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = picture(tmp_path / 'a.png', ComfyScript="SaveImage('ü')")
    assert main(['show', str(file)]) == 0
    assert capsys.readouterr().out == "SaveImage('ü')\n"
    assert main(['show', str(picture(tmp_path / 'b.png', prompt=load('default_prompt.json')))]) == 2
    out, err = capsys.readouterr()
    assert out == ''
    assert 'b.png: there is no script in it (but a workflow' in err


def test_a_folder_with_what_failed_and_why(
    tmp_path: Path, object_info: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / 'in'
    (source / 'deep').mkdir(parents=True)
    picture(source / 'a.png', prompt=load('default_prompt.json'))
    (source / 'a.json').write_text(json.dumps(load('default_workflow.json')))
    picture(source / 'deep' / 'b.png', prompt=load('default_prompt.json'))
    picture(source / 'none.png')
    (source / 'broken.json').write_text('{"nodes": [', encoding='utf-8')
    circle = {'1': {'class_type': 'ImageResize', 'inputs': {'image': ['1', 0]}}}
    picture(source / 'circle.png', prompt=circle)
    (source / 'notes.txt').write_text('not for us', encoding='utf-8')
    output = tmp_path / 'out'
    assert main(['transpile', str(source), '--object-info', object_info, '-o', str(output)]) == 2
    written = sorted(file.relative_to(output).as_posix() for file in output.rglob('*') if file.is_file())
    assert written == ['a.png.py', 'a.py', 'deep/b.py']
    err = capsys.readouterr().err
    assert '3 of 6 written' in err
    assert 'none.png: holds neither a workflow nor a prompt' in err
    assert 'broken.json: not readable as JSON' in err
    assert 'circle.png: ' in err


def test_what_fails_leaves_the_old_file(tmp_path: Path, object_info: str) -> None:
    target = tmp_path / 'script.py'
    target.write_text('old', encoding='utf-8')
    file = tmp_path / 'x.json'
    file.write_text('{"nodes": 1}', encoding='utf-8')
    assert main(['transpile', str(file), '--object-info', object_info, '-o', str(target)]) == 2
    assert target.read_text(encoding='utf-8') == 'old'
    assert main(['transpile', str(DATA / 'default_prompt.json'), '--object-info', object_info, '-o', str(target)]) == 0
    assert target.read_text(encoding='utf-8').startswith('model, clip, vae')
    assert not list(tmp_path.glob('*.part')) + list(tmp_path.glob('.*.part'))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['transpile', 'nowhere.png'], 'nowhere.png: No such file'),
        (['transpile', str(DATA), '--object-info', 'nowhere.json'], 'nowhere.json: No such file'),
        (['transpile', str(DATA / 'default_prompt.json'), '--server', 'http://127.0.0.1:9'], 'gives no description'),
        (['transpile', str(DATA / 'default_prompt.json'), '--server', 'file:///etc'], 'is no address of a server'),
        (['transpile', str(DATA)], 'several files need -o FOLDER'),
        (['nonsense'], "no command 'nonsense'"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('command', ['transpile', 'prompt'])
@pytest.mark.parametrize('content', ['{}', '{"nodes": [], "links": [], "version": 0.4}'])
def test_nothing_in_a_file_is_told(command: str, content: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / 'empty.json').write_text(content, encoding='utf-8')
    assert main([command, str(tmp_path / 'empty.json')]) == 2
    out, err = capsys.readouterr()
    assert out == ''
    assert 'empty.json: there is no node in it' in err


@pytest.mark.parametrize('command', ['transpile', 'prompt'])
def test_a_link_to_nowhere_is_told(command: str, tmp_path: Path, capsys: Any) -> None:
    prompt = {'1': {'class_type': 'SaveImage', 'inputs': {'images': ['7', 0], 'filename_prefix': 'a'}}}
    (tmp_path / 'prompt.json').write_text(json.dumps(prompt), encoding='utf-8')
    assert main([command, str(tmp_path / 'prompt.json')]) == 0
    assert "node 1: input 'images' is linked to node '7', which is not there" in capsys.readouterr().err


@pytest.mark.parametrize('command', ['transpile', 'run', 'api', 'search', 'prompt'])
def test_an_unknown_option_shows_the_usage_of_its_command(command: str, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main([command, 'a.json', '--no-such-option'])
    err = capsys.readouterr().err
    assert err.startswith(f'usage: python -m comfy_script {command} ')
    assert err.endswith(f'python -m comfy_script {command}: error: unrecognized arguments: --no-such-option\n')


@pytest.mark.parametrize('command', ['transpile', 'prompt', 'api', 'stubs', 'search'])
@pytest.mark.parametrize('content', ['{}', '[]', '{"1": {"class_type": "SaveImage", "inputs": {}}}'])
def test_what_is_no_description_of_nodes(command: str, content: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / 'other.json').write_text(content, encoding='utf-8')
    (tmp_path / 'script.py').write_text('SaveImage(None)', encoding='utf-8')
    file = {'api': [str(tmp_path / 'script.py')], 'stubs': []}.get(command, [str(DATA / 'default_workflow.json')])
    assert main([command, *file, '--object-info', str(tmp_path / 'other.json')]) == 2
    err = capsys.readouterr().err
    assert 'other.json' in err
    assert 'no saved /object_info' in err
