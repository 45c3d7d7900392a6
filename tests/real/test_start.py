"""Starting ComfyUI in a process that is somebody's: the process is left as it was."""

from __future__ import annotations

import json
import subprocess
import textwrap
from pathlib import Path

import pytest

from comfy_script.tests.conftest import ROOT, Lab
from comfy_script.tests.lab.server import make_base, pack_links

pytestmark = pytest.mark.server


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
    code = STATE + f"""
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
    answer = json.loads(python(lab, code, ROOT, '--mine').splitlines()[-1])
    assert answer['same'], (answer['before'], answer['after'])
    assert answer['threads'] == 1
    assert answer['loop']
    assert answer['sizes'] == [16, 4]
    assert Path(answer['nodes']) == lab.comfyui / 'nodes.py'
    assert answer['picky'] == ['PickyAboutLoops', 'PickyLate']


def test_in_a_running_loop_and_twice(lab: Lab, base: Path) -> None:
    code = STATE + f"""
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
    assert json.loads(python(lab, code, base).splitlines()[-1]) == [True, 4]


def test_with_a_server_of_its_own(lab: Lab, base: Path) -> None:
    code = STATE + f"""
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
    assert json.loads(python(lab, code, base).splitlines()[-1]) == [16, True]


def test_what_cannot_work_says_why(lab: Lab, base: Path, tmp_path: Path) -> None:
    (tmp_path / 'utils.py').write_text('', encoding='utf-8')
    code = f"""
        import utils
        from comfy_script.runtime.real import load, HostError
        for place in ({str(tmp_path)!r}, {str(lab.comfyui)!r}):
            try:
                load(place)
            except HostError as error:
                print(error)
    """
    first, second = python(lab, code, tmp_path).splitlines()
    assert 'no ComfyUI folder' in first
    assert "a module 'utils' that is not ComfyUI's is imported already" in second


def test_jupyter(lab: Lab, base: Path) -> None:
    """In a notebook: output goes to the cells, and the kernel's loop goes on."""
    pytest.importorskip('nbclient')
    pytest.importorskip('ipykernel')
    import nbformat
    from nbclient import NotebookClient

    cells = [
        f"""
from comfy_script.runtime.real import *
load({str(lab.comfyui)!r}, ComfyUIArgs('--cpu', '--disable-api-nodes', '--base-directory', {str(base)!r}), stubs=False)
from comfy_script.runtime.real.nodes import *
""",
        'with Workflow():\n    image = TestSleep(EmptyImage(8, 4), 0.01)\nprint(image.shape)',
        'import asyncio\nawait asyncio.sleep(0.01)\nasyncio.get_running_loop().is_running()',
        'with Workflow():\n    print(ImageInvert(image).shape)\nimage.shape',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name='python3', resources={'metadata': {'path': str(base)}}).execute(
        env=lab.env
    )
    texts = [''.join(o.get('text', '') or o.get('data', {}).get('text/plain', '') for o in c.outputs if
             o.get('name') != 'stderr') for c in notebook.cells]  # fmt: skip
    assert texts[1:] == ['torch.Size([1, 4, 8, 3])\n', 'True', 'torch.Size([1, 4, 8, 3])\ntorch.Size([1, 4, 8, 3])']
