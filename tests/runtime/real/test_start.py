"""Starting ComfyUI in a process that is somebody's: the process is left as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from comfy_script.tests.conftest import ROOT, Lab
from comfy_script.tests.lab.server import make_base, pack_links

pytestmark = [pytest.mark.server, pytest.mark.launch]


@pytest.fixture
def base(lab: Lab, tmp_path: Path) -> Path:
    packs = pack_links('ComfyScript', lab.comfyui, testing=True)
    return make_base(tmp_path / 'base', lab.comfyui, packs | {'picky': PICKY})


PICKY = Path(__file__).with_name('picky_pack')

STATE = """
import asyncio, json, logging, os, signal, sys, threading
def state():
    return [list(sys.argv), os.getcwd(), [id(h) for h in logging.getLogger().handlers], logging.getLogger().level,
            [id(sys.stdout), id(sys.stderr)], [t.name for t in threading.enumerate()],
            [id(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM)]]
"""


def python(lab: Lab, code: str, cwd: Path, *arguments: str) -> str:
    command = [str(lab.python), '-W', 'error::ResourceWarning', '-c', textwrap.dedent(code), *arguments]
    done = subprocess.run(command, cwd=cwd, env={**lab.env, 'OMP_NUM_THREADS': '1'}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert 'Exception ignored' not in done.stderr
    assert 'IMPORT FAILED' not in done.stderr
    return done.stdout


def test_a_plain_process_is_left_as_it_was(lab: Lab, base: Path) -> None:
    """Also from this repository's own folder, whose `nodes` must not stand in for ComfyUI's; with picky packs."""
    code = (
        STATE
        + f"""
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
sys.path.insert(0, {str(ROOT)!r})
before = state()
from comfy_script.runtime.real import *
load({str(lab.comfyui)!r}, ComfyUIArgs('--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}), stubs=False)
after = state()
from comfy_script.runtime.real.nodes import *
sizes = [ImageInvert(EmptyImage(8, 16)).shape[1], TestSleep(EmptyImage(8, 4), 0.01).shape[1]]
import nodes
print(json.dumps({{'same': before == after, 'loop': asyncio.get_event_loop() is loop and not loop.is_closed(),
                  'sizes': sizes, 'nodes': nodes.__file__, 'picky': sorted(n for n in nodes.NODE_CLASS_MAPPINGS
                  if n.startswith('Picky')), 'before': before, 'after': after,
                  'threads': threading.active_count()}}))
loop.close()
"""
    )
    answer = json.loads(python(lab, code, ROOT, '--mine').splitlines()[-1])
    assert answer['same'], (answer['before'], answer['after'])
    assert answer['threads'] == 1
    assert answer['loop']
    assert answer['sizes'] == [16, 4]
    assert Path(answer['nodes']).resolve() == (lab.comfyui / 'nodes.py').resolve()
    assert answer['picky'] == ['PickyAboutLoops', 'PickyLate']


def test_in_a_running_loop_and_twice(lab: Lab, base: Path) -> None:
    code = (
        STATE
        + f"""
async def main():
    before = state()
    from comfy_script.runtime.real import load, Workflow
    for _ in range(2):
        load({str(lab.comfyui)!r}, ['--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}], stubs=False)
        after = state()
        same = before == after or [before, after]
    from comfy_script.runtime.real.nodes import EmptyImage, TestSleep
    async with Workflow():
        size = TestSleep(EmptyImage(8, 4), 0.01).shape[1]
    await asyncio.sleep(0)
    return [same, size]
print(json.dumps(asyncio.run(main())))
"""
    )
    assert json.loads(python(lab, code, base).splitlines()[-1]) == [True, 4]


def test_a_python_without_torch_says_so(lab: Lab, base: Path) -> None:
    code = f"""
import sys
sys.modules['torch'] = None
from comfy_script.runtime.real import *
try:
    load({str(lab.comfyui)!r}, ['--cpu', '--base-directory', {str(base)!r}], stubs=False)
except HostError as error:
    print(error)
"""
    text = python(lab, code, base).splitlines()[-1]
    assert "has no module 'torch': use ComfyUI's own Python, or install" in text


def test_without_a_gpu_it_says_so(lab: Lab, base: Path) -> None:
    code = f"""
import os
os.environ['CUDA_VISIBLE_DEVICES'] = ''
from comfy_script.runtime.real import *
try:
    load({str(lab.comfyui)!r}, ['--base-directory', {str(base)!r}], stubs=False)
except HostError as error:
    print(error)
"""
    text = python(lab, code, base).splitlines()[-1]
    assert 'finds no GPU' in text and 'give it --cpu, as in load(args=ComfyUIArgs("--cpu"))' in text


def test_a_stderr_that_is_no_file(lab: Lab, base: Path) -> None:
    """As in a notebook on Windows, or under pythonw."""
    code = f"""
import faulthandler, io, sys
enable, stderr = faulthandler.enable, sys.stderr
sys.stderr = io.StringIO()
from comfy_script.runtime.real import *
load({str(lab.comfyui)!r}, ['--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}], stubs=False)
print(faulthandler.enable is enable, faulthandler.is_enabled())
sys.stderr = stderr
"""
    assert python(lab, code, base).splitlines()[-1] == 'True False'


def test_loaded_again_and_naked_in_between(lab: Lab, base: Path) -> None:
    """A notebook's cell that is run again: what there was stays known; what has no effect any more is said."""
    code = f"""
import json, warnings
from comfy_script.runtime.real import *
arguments = ['--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}]
load({str(lab.comfyui)!r}, arguments, stubs=False)
from comfy_script.runtime.real import nodes, state
image = nodes.EmptyImage(8, 8)
found = []
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter('always')
    load({str(lab.comfyui)!r}, arguments, stubs=False)
    load(stubs=False)
    found.append(len(warned))
    load({str(base)!r}, stubs=False)
    load(args=['--cpu', '--lowvram'], stubs=False)
    found += [str(warning.message).partition('already: ')[2] for warning in warned]
    found.append(warned[-1].filename)
found.append(state.session().source(nodes.ImageInvert(image)).record.inputs['image'].record.class_type)
load(naked=True)
found += [nodes.EmptyImage is node['EmptyImage'], nodes.EmptyImage().generate(8, 8, 1, 0)[0].shape[1]]
load(stubs=False)
found.append(nodes.EmptyImage(8, 8).shape[1])
print(json.dumps(found))
"""
    found = json.loads(python(lab, code, base).splitlines()[-1])
    no_effect = 'given to load() has no effect until a restart'
    assert found[:3] == [0, f'the folder {base} {no_effect}', f'the arguments --cpu --lowvram {no_effect}']
    assert found[3:] == ['<string>', 'EmptyImage', True, 8, 8]


def test_a_pack_that_uses_comfy_script_and_a_folder_with_spaces(lab: Lab, base: Path, tmp_path: Path) -> None:
    """A pack may load real mode while it is imported; ComfyUI may lie anywhere."""
    comfyui = tmp_path / 'my folder' / 'Comfy UI ä'
    left_out = {'models', 'output', 'temp', 'tests', 'user', '.git', 'custom_nodes'}
    shutil.copytree(lab.comfyui, comfyui, ignore=lambda place, _: left_out if Path(place) == lab.comfyui else set())
    pack = base / 'custom_nodes' / 'uses'
    pack.mkdir()
    code = """
        from comfy_script.runtime import *
        from comfy_script.runtime import real
        real.load()
        from comfy_script.runtime.real import nodes
        SIZE = nodes.EmptyImage(8, 8).shape[1]
        class UsesIt:
            @classmethod
            def INPUT_TYPES(cls):
                return {'required': {'n': ('INT',)}}
            RETURN_TYPES = ('IMAGE',)
            FUNCTION = 'run'
            def run(self, n):
                return (nodes.EmptyImage(n, SIZE),)
        NODE_CLASS_MAPPINGS = {'UsesIt': UsesIt}
    """
    (pack / '__init__.py').write_text(textwrap.dedent(code), encoding='utf-8')
    code = (
        STATE
        + f"""
before = state()
from comfy_script.runtime.real import *
load('Comfy UI ä', ['--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}], stubs=False)
same = before == state()
from comfy_script.runtime.real.nodes import *
print(json.dumps([same, list(UsesIt(16).shape)]))
"""
    )
    assert json.loads(python(lab, code, comfyui.parent).splitlines()[-1]) == [True, [1, 8, 16, 3]]


def test_with_a_server_of_its_own(lab: Lab, base: Path) -> None:
    code = (
        STATE
        + f"""
import socket, time, urllib.request
with socket.socket() as probe:
    probe.bind(('127.0.0.1', 0))
    port = probe.getsockname()[1]
from comfy_script.runtime.real import *
load({str(lab.comfyui)!r}, ComfyUIArgs('--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}, '--port',
     str(port), '--disable-auto-launch'), no_server=False, stubs=False)
from comfy_script.runtime.real.nodes import *
size = ImageInvert(EmptyImage(8, 16)).shape[1]
for _ in range(200):
    try:
        stats = json.load(urllib.request.urlopen(f'http://127.0.0.1:{{port}}/system_stats'))
        break
    except OSError:
        time.sleep(0.05)
print(json.dumps([size, 'system' in stats]))
"""
    )
    assert json.loads(python(lab, code, base).splitlines()[-1]) == [16, True]


def test_what_cannot_work_says_why(lab: Lab, base: Path, tmp_path: Path) -> None:
    (tmp_path / 'utils.py').write_text('', encoding='utf-8')
    code = f"""
        import utils
        from comfy_script.runtime.real import load, HostError
        inside, file = {str(lab.comfyui / 'custom_nodes')!r}, {str(lab.comfyui / 'main.py')!r}
        for place in (inside, file, 'nowhere', {str(tmp_path)!r}, {str(lab.comfyui)!r}):
            try:
                load(place)
            except HostError as error:
                print(error)
    """
    inside, file, missing, first, second = python(lab, code, tmp_path).splitlines()
    for text in (inside, file):
        assert 'is no ComfyUI folder: it has no main.py' in text and f'did you mean {lab.comfyui.resolve()}?' in text
    assert missing.endswith('nowhere is no ComfyUI folder: it does not exist')
    assert 'no ComfyUI folder' in first
    assert "a module 'utils' that is not ComfyUI's is imported already" in second


def test_jupyter(lab: Lab, base: Path) -> None:
    """In a notebook: output goes to the cells, and the kernel, its loop included, is left as it was."""
    pytest.importorskip('nbclient')
    pytest.importorskip('ipykernel')
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    if subprocess.run([lab.python, '-c', 'import ipykernel'], env=lab.env, capture_output=True).returncode:
        pytest.skip("ComfyUI's interpreter has no ipykernel")
    kernel = AsyncKernelManager(kernel_name='python3')
    kernel.kernel_spec.argv[0] = str(lab.python)  # pyright: ignore[reportOptionalMemberAccess]

    cells = [
        STATE + 'loop = asyncio.get_running_loop()\nbefore = state()',
        f"""
from comfy_script.runtime.real import *
load({str(lab.comfyui)!r}, ComfyUIArgs('--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}), stubs=False)
from comfy_script.runtime.real.nodes import *
""",
        'with Workflow():\n    image = TestSleep(EmptyImage(8, 4), 0.01)\nprint(image.shape)',
        'import asyncio\nawait asyncio.sleep(0.01)\nasyncio.get_running_loop().is_running()',
        'with Workflow():\n    print(ImageInvert(image).shape)\nimage.shape',
        'import nodes as theirs\n'
        'same = before == state() and asyncio.get_running_loop() is loop and not loop.is_closed()\n'
        'same or (before, state()), sorted(name for name in theirs.NODE_CLASS_MAPPINGS if name.startswith("Picky"))',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    wrong = nbformat.v4.new_code_cell('EmptyImage(wide=8)', metadata={'tags': ['raises-exception']})
    notebook.cells.append(wrong)
    resources = {'metadata': {'path': str(base)}}
    NotebookClient(notebook, km=kernel, timeout=120, resources=resources).execute(env=lab.env)
    shown = '\n'.join(wrong.outputs[0].traceback)
    assert "EmptyImage has no input 'wide'" in shown
    # Frames of ours are left out, and theirs is there.
    assert 'real_functions' not in shown
    assert 'Cell' in shown
    texts = [''.join(o.get('text', '') or o.get('data', {}).get('text/plain', '') for o in c.outputs if
             o.get('name') != 'stderr') for c in notebook.cells[:-1]]  # fmt: skip
    assert texts[2:] == [
        'torch.Size([1, 4, 8, 3])\n',
        'True',
        'torch.Size([1, 4, 8, 3])\ntorch.Size([1, 4, 8, 3])',
        "(True, ['PickyAboutLoops', 'PickyLate'])",
    ]
