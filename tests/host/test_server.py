"""The pack in a real ComfyUI: loaded from folders of any name, scripts in images, and faults that cost no image."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from PIL import Image

from comfy_script.tests.lab import png
from comfy_script.tests.lab.paths import ROOT, venv_python
from comfy_script.tests.lab.server import Server

pytestmark = pytest.mark.server

DATA = ROOT / 'tests' / 'data'

# Another node pack, which imports comfy_script itself, and says at the end what is there how often.
WITNESS = '''
import asyncio
import json
import logging
import os
import sys

import server

try:
    import comfy_script.graph
except ImportError as error:
    logging.info('WITNESS cannot import: %s', error)

NODE_CLASS_MAPPINGS = {}


def roots():
    import comfy_script
    import folder_paths

    folder = folder_paths.get_folder_paths('custom_nodes')[0]
    packs = [os.path.join(folder, name) for name in os.listdir(folder)]
    copies = [place for place in packs if os.path.exists(os.path.join(place, 'graph', 'schema.py'))]
    return sorted({os.path.realpath(place) for place in [*comfy_script.__path__, *copies]})


async def later(app):
    asyncio.get_running_loop().call_later(0.2, testify)


def testify():
    import comfy_script.graph

    found = {}
    places = roots()
    for name, module in list(sys.modules.items()):
        file = os.path.realpath(getattr(module, '__file__', None) or '')
        for root in places:
            if file.startswith(root + os.sep) and os.path.relpath(file, root)[0] not in '._':
                found.setdefault(os.path.relpath(file, root), []).append(name)
    logging.info('WITNESS %s', json.dumps({
        'copies': len(places),
        'modules': len(found),
        'names': sorted({name.partition('.')[0] for names in found.values() for name in names}),
        'twice': [names for names in found.values() if len(names) > 1],
    }))

    from comfy_script.runtime.client import current as client
    default = client.find_client()
    logging.info('WITNESS client %s %s', default and default.in_process, default and default.url)

server.PromptServer.instance.app.on_startup.append(later)
'''


def default_workflow(size: int = 64, steps: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    """ComfyUI's default workflow, small: the prompt, and the web UI workflow."""
    prompt = json.loads((DATA / 'default_prompt.json').read_text(encoding='utf-8'))
    workflow = json.loads((DATA / 'default_workflow.json').read_text(encoding='utf-8'))
    prompt['5']['inputs'] |= {'width': size, 'height': size}
    prompt['3']['inputs'] |= {'steps': steps}
    nodes = {node['id']: node for node in workflow['nodes']}
    nodes[5]['widgets_values'][:2] = [size, size]
    nodes[3]['widgets_values'][2] = steps
    return prompt, workflow


DEFAULT_SCRIPT = """\
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
conditioning = CLIPTextEncode('beautiful scenery nature glass bottle landscape, , purple galaxy bottle,', clip)
conditioning2 = CLIPTextEncode('text, watermark', clip)
latent = EmptyLatentImage(64, 64, 1)
latent = KSampler(model, 156680208700286, 2, 8, 'euler', 'normal', conditioning, conditioning2, latent, 1)
image = VAEDecode(latent, vae)
SaveImage(image, 'ComfyUI')
"""


def script_of(image: Path) -> str | None:
    """The script in a PNG, by Pillow and by a reader of our own."""
    info = Image.open(image).info
    assert info == {**info, **png.read_text(image)}
    return info.get('ComfyScript')


def warnings(log: str) -> list[str]:
    return [line for line in log.splitlines() if ': off, because of' in line or 'No script' in line]


# The script in the image


def test_the_image_of_the_default_workflow_holds_its_script(server):
    prompt, workflow = default_workflow()

    (image,) = server.images(server.queue(prompt, workflow))

    assert script_of(image) == DEFAULT_SCRIPT
    info: Any = Image.open(image).info
    assert json.loads(info['workflow']) == workflow
    saved = json.loads(info['prompt'])
    assert {key: node['inputs'] for key, node in saved.items()} == {key: node['inputs'] for key, node in prompt.items()}


def test_an_image_queued_without_a_workflow_holds_the_same_script(server):
    prompt, _ = default_workflow()

    (image,) = server.images(server.queue(prompt))

    assert script_of(image) == DEFAULT_SCRIPT


def test_two_savers_in_one_workflow_hold_two_scripts(server):
    prompt = {
        '1': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}},
        '2': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 2, 'color': 255}},
        '3': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'black'}},
        '4': {'class_type': 'SaveImage', 'inputs': {'images': ['2', 0], 'filename_prefix': 'blue'}},
    }
    images = server.images(server.queue(prompt, {'nodes': [], 'links': []}))

    scripts = {image.name.partition('_')[0]: script_of(image) for image in images}
    assert len(images) == 3
    assert scripts == {
        'black': "image = EmptyImage(8, 8, 1, 0)\nSaveImage(image, 'black')\n",
        'blue': "image = EmptyImage(8, 8, 2, 255)\nSaveImage(image, 'blue')\n",
    }


def test_a_workflow_that_cannot_be_read_costs_no_image(server):
    prompt = {
        '1': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 7}},
        '2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'unreadable'}},
    }
    (image,) = server.images(server.queue(prompt, {'nodes': 'not a list', 'links': [[1]], 'definitions': 3}))

    assert Image.open(image).size == (8, 8)


# Loading


def test_the_log_says_that_it_is_ready_and_nothing_else(server):
    log = server.log()

    assert warnings(log) == []
    assert 'IMPORT FAILED' not in log
    ready = [line for line in log.splitlines() if 'ComfyScript ' in line and ' is ready: ' in line]
    assert len(ready) == 1
    count = len(server.get('/object_info'))
    assert ready[0].endswith(f': {count} nodes')


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    folder = tmp_path / 'witness'
    folder.mkdir()
    (folder / '__init__.py').write_text(WITNESS, encoding='utf-8')
    return folder


def witnessed(server: Server) -> tuple[dict[str, Any], str]:
    deadline = time.monotonic() + 20
    while 'WITNESS client' not in (log := server.log()) and time.monotonic() < deadline:
        time.sleep(0.1)
    lines = [line.partition('WITNESS ')[2] for line in log.splitlines() if 'WITNESS ' in line]
    modules = next(line for line in lines if line.startswith('{'))
    return json.loads(modules), next(line for line in lines if line.startswith('client'))


def test_a_folder_with_an_odd_name(start_server, witness):
    server = start_server(folder_name='ComfyScript.main - Kopié (1)', packs={'witness': witness})
    modules, client = witnessed(server)
    log = server.log()
    assert modules['copies'] == 1
    assert modules['names'] == ['comfy_script']
    assert modules['twice'] == []
    assert client == f'client True {server.url}/'
    assert warnings(log) == []
    assert 'is ready' in log
    ours = [file for file in server.get('/extensions') if file.endswith('/comfyscript.js')]
    assert len(ours) == 1
    # The file of the plain address hands on the one of this version.
    (version,) = re.findall(r'^export \* from "(.+)"$', server.get(ours[0]).decode())
    assert b'registerExtension' in server.get(urljoin(ours[0], version))
    prompt, workflow = default_workflow()
    (image,) = server.images(server.queue(prompt, workflow))
    assert script_of(image) == DEFAULT_SCRIPT


def test_pip_installed_besides_there_is_one_copy_of_each_module(start_server, witness, installed):
    server = start_server(folder_name='comfyscript-main', packs={'a-witness': witness}, python=installed)
    modules, client = witnessed(server)
    log = server.log()
    assert 'cannot import' not in log
    assert modules['copies'] == 2
    assert modules['names'] == ['comfy_script']
    assert modules['twice'] == []
    assert client == f'client True {server.url}/'
    assert warnings(log) == []
    assert 'is ready' in log
    prompt, workflow = default_workflow()
    (image,) = server.images(server.queue(prompt, workflow))
    assert script_of(image) == DEFAULT_SCRIPT


@pytest.fixture
def installed(tmp_path: Path, lab: Any) -> Path:
    """An interpreter where `pip install -e` of another clone was run."""
    clone = tmp_path / 'clone'
    shutil.copytree(
        ROOT, clone, ignore=shutil.ignore_patterns('.*', 'js', 'tests', 'docs', '__pycache__', '*.egg-info', 'build')
    )
    venv = tmp_path / 'venv'
    subprocess.run([lab.python, '-m', 'venv', '--system-site-packages', '--without-pip', venv], check=True)
    # The new venv sees the lab's packages; `pip install -e` needs nothing from the network for that.
    site = next(venv.glob('**/site-packages'))
    own = subprocess.run(
        [lab.python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    (site / 'lab.pth').write_text(f'import site; site.addsitedir({own!r})\n', encoding='utf-8')
    install = ['pip', 'install', '--no-deps', '--no-build-isolation', '--no-index', '-q', '-e', str(clone)]
    done = subprocess.run([venv_python(venv), '-P', '-m', *install], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return venv_python(venv)


# Faults

SIGNATURE = '''
import execution

original = execution.get_input_data


def get_input_data(*arguments):
    return original(*arguments)

execution.get_input_data = get_input_data
NODE_CLASS_MAPPINGS = {}
'''

RAISING = '''
import sys

import server

NODE_CLASS_MAPPINGS = {}


async def breaks(app):
    import comfy_script.transpiler

    def write_script(*arguments, **options):
        raise RuntimeError('broken on purpose')

    comfy_script.transpiler.write_script = write_script

server.PromptServer.instance.app.on_startup.append(breaks)
'''


@pytest.fixture(scope='module')
def plain_image(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file that a ComfyUI without the pack saves."""
    from comfy_script.tests.lab.server import make_base

    base = make_base(tmp_path_factory.mktemp('plain'), lab.comfyui, {})
    server = Server.start(lab.comfyui, lab.python, base)
    try:
        (image,) = server.images(server.queue(*default_workflow()))
        return image.read_bytes()
    finally:
        server.close()


@pytest.mark.parametrize(
    ('fault', 'reason'),
    [(SIGNATURE, 'execution.get_input_data has no class_def'), (RAISING, 'RuntimeError: broken on purpose')],
    ids=['another signature', 'transpiler raises'],
)
def test_a_broken_hook_saves_the_same_file_as_without_the_pack(start_server, tmp_path, plain_image, fault, reason):
    breaker = tmp_path / 'breaker'
    breaker.mkdir()
    (breaker / '__init__.py').write_text(fault, encoding='utf-8')
    server = start_server(packs={'breaker': breaker})

    (image,) = server.images(server.queue(*default_workflow()))

    assert image.read_bytes() == plain_image
    assert len([line for line in server.log().splitlines() if reason in line]) == 1
    # The rest of the pack works.
    assert 'is ready' in server.log()
