"""A ComfyUI that `load(path)` starts: its log, its end, and the work that is still queued then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from comfy_script.comfyui.own_folder import leftovers
from comfy_script.runtime import Client, ComfyUIArgs, LaunchError, load
from comfy_script.runtime.client import load as loading
from comfy_script.runtime.client.current import find_client, set_default_client
from comfy_script.tests.lab.server import make_base
from comfy_script.tests.runtime.client.test_tasks import wait_for

pytestmark = [pytest.mark.server, pytest.mark.launch]

SCRIPT = """
import os, sys
from comfy_script.runtime import *
client = load(args=ComfyUIArgs(*sys.argv[1:], env={'OMP_NUM_THREADS': '1'}), stubs=False)
from comfy_script.runtime.nodes import *
for color in range(3):
    queue.put(SaveImage(EmptyImage(64, 64, 1, color), 'at-exit'))
print(client.launched.process.pid, client.launched.log_path, 'To see the GUI' in client.launched.log(), flush=True)
if os.environ.get('LINGER'):
    sys.stdin.read()
"""


MUCH_WORK = """
import sys, time
from comfy_script.runtime import *
client = load(args=ComfyUIArgs(*sys.argv[1:], env={'OMP_NUM_THREADS': '1'}), stubs=False)
from comfy_script.runtime.nodes import *
for color in range(60):
    queue.put(SaveImage(ImageScale(EmptyImage(512, 512, 1, color), 'lanczos', 3072, 3072, 'disabled'), 'dropped'))
print(client.launched.process.pid, flush=True)
time.sleep(600)
"""


def arguments(lab: Any, base: Path) -> list[str]:
    make_base(base, lab.comfyui, {})
    database = f'sqlite:///{(base / "user/comfyui.db").as_posix()}'
    return ['--cpu', '--disable-api-nodes', '--base-directory', str(base), '--database-url', database]


def start(lab: Any, base: Path, linger: str = '', text: str = SCRIPT) -> subprocess.Popen[str]:
    env = {**lab.env, 'COMFYUI_PATH': str(lab.comfyui), 'COMFYUI_PYTHON': str(lab.python), 'LINGER': linger}
    command = [sys.executable, '-c', text, *arguments(lab, base)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=base)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f'/proc/{pid}/stat')
    return not (status.exists() and ' Z ' in status.read_text(encoding='utf-8', errors='replace'))


def test_what_is_queued_is_finished_at_the_end(lab: Any, tmp_path: Path) -> None:
    script = start(lab, tmp_path / 'base')
    out, errors = script.communicate(timeout=90)
    assert script.returncode == 0, errors
    pid, log_path, has_log = out.split()
    assert has_log == 'True'
    assert len(list((tmp_path / 'base/output').glob('at-exit*.png'))) == 3
    assert not is_running(int(pid))
    assert not Path(log_path).exists()
    assert 'Unclosed' not in errors


@pytest.mark.skipif(sys.platform == 'win32', reason='looks at process ids')
def test_it_ends_when_the_script_is_killed(lab: Any, tmp_path: Path) -> None:
    script = start(lab, tmp_path / 'base', linger='yes')
    assert script.stdout is not None
    pid, log_path, _ = script.stdout.readline().split()
    assert is_running(int(pid))
    script.kill()
    script.communicate()
    wait_for(lambda: not is_running(int(pid)), 20)
    log = Path(log_path)
    assert 'Stopped server' in log.read_text(encoding='utf-8'), 'it was ended, and did not end by itself'
    assert log.parent in leftovers(), 'the next start removes what it has left'


@pytest.mark.skipif(sys.platform == 'win32', reason='sends a signal')
def test_ctrl_c_cancels_what_is_queued(lab: Any, tmp_path: Path) -> None:
    script = start(lab, tmp_path / 'base', text=MUCH_WORK)
    assert script.stdout is not None
    pid = script.stdout.readline()
    script.send_signal(signal.SIGINT)
    _, errors = script.communicate(timeout=120)
    assert 'KeyboardInterrupt' in errors
    assert 'workflows that were still queued are cancelled' in errors
    assert not is_running(int(pid))
    assert len(list((tmp_path / 'base/output').glob('dropped*.png'))) < 60


WRITER = """
import sys
way, name, *args = sys.argv[1:]
if way == 'real':
    from comfy_script.runtime.real import *
    load(args=args, stubs=False)
    from comfy_script.runtime.real.nodes import *
else:
    from comfy_script.runtime import *
    client = load(args=ComfyUIArgs(*args, env={'OMP_NUM_THREADS': '1'}), stubs=False, watch=False)
    from comfy_script.runtime.nodes import *
shown = PreviewImage(EmptyImage(64, 64, 1, 7))
if way == 'virtual':
    shown = shown.wait()
print('ready', flush=True)
sys.stdin.readline()
for color in range(20):
    with Workflow():
        SaveImage(EmptyImage(64, 64, 4, color), 'both')
if way == 'virtual':
    for task in queue.tasks:
        task.wait()
    assert shown.numpy().shape == (1, 64, 64, 3), 'what it had shown before the other started'
print('done', flush=True)
"""


def test_two_processes_on_one_folder_lose_nothing(lab: Any, tmp_path: Path) -> None:
    """A server and a real mode, which empty their temporary folders at the start, and count files when they save."""
    base = make_base(tmp_path / 'base', lab.comfyui, {})
    args = ['--cpu', '--disable-api-nodes', '--base-directory', str(base)]
    env = {**lab.env, 'COMFYUI_PATH': str(lab.comfyui), 'COMFYUI_PYTHON': str(lab.python)}
    pipe = subprocess.PIPE
    options: Any = {'env': env, 'stdin': pipe, 'stdout': pipe, 'text': True}
    writers = []
    for way, python, more in (
        ('virtual', sys.executable, ['--database-url', 'sqlite:///:memory:']),
        ('real', str(lab.python), []),
    ):
        writers.append(subprocess.Popen([python, '-c', WRITER, way, way, *args, *more], **options))
        assert writers[-1].stdout.readline() == 'ready\n'
    for writer in writers:
        writer.stdin.write('go\n')
        writer.stdin.flush()
    assert [writer.communicate(timeout=120)[0].strip() for writer in writers] == ['done', 'done']

    assert len(list((base / 'output').glob('both_*_.png'))) == 160
    assert len(list((base / 'output').iterdir())) == 160, 'and no claims'
    assert not (base / 'temp').exists() or not list((base / 'temp').iterdir())


@pytest.mark.skipif(sys.platform == 'win32', reason='blocks a signal')
@pytest.mark.parametrize('state', ['blocked', 'ignored'])
def test_it_stops_soon_also_where_ctrl_c_is_not_for_us(lab: Any, tmp_path: Path, state: str) -> None:
    """As in Ray's workers, which block it, and behind a shell's `&`, which has it ignored."""
    text = """
import signal, sys
from comfy_script.runtime import *
if sys.argv[1] == 'blocked':
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
else:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
launched = load(args=ComfyUIArgs(*sys.argv[2:], env={'OMP_NUM_THREADS': '1'}), stubs=False).launched
folder = launched.log_path.parent
launched.stop()
print(launched.process.returncode, folder.exists())
"""
    env = {**lab.env, 'COMFYUI_PATH': str(lab.comfyui), 'COMFYUI_PYTHON': str(lab.python)}
    command = [sys.executable, '-c', text, state, *arguments(lab, tmp_path / 'base')]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=True)
    assert ended.stdout.split() == ['0', 'False']


def test_one_that_does_not_start(lab: Any, tmp_path: Path) -> None:
    args = ComfyUIArgs('--no-such-option', python=lab.python)
    with pytest.raises(LaunchError) as caught:
        load(lab.comfyui, args)
    assert 'did not start: its process ended with code 2' in str(caught.value)
    assert 'unrecognized arguments: --no-such-option' in caught.value.log


def test_the_same_again_is_the_same_server(lab: Any, tmp_path: Path) -> None:
    before = find_client()
    args = ComfyUIArgs(*arguments(lab, tmp_path / 'base'), python=lab.python)
    client = load(lab.comfyui, args, stubs=False)
    try:
        assert load(str(lab.comfyui), args, stubs=False) is client
        assert isinstance(client, Client)
        assert client.launched is not None
        assert client.launched.ended() is None
        assert len(client.submit(trivial()).wait(30)) == 1
        client.launched.process.kill()
        client.launched.process.wait()
        with pytest.raises(Exception, match='its process ended with code'):
            client.submit(trivial())
    finally:
        set_default_client(before)
        client.close()
        if client.launched is not None:
            client.launched.stop()
        loading._launched.clear()


def trivial() -> dict[str, Any]:
    return {
        '1': {'class_type': 'EmptyImage', 'inputs': {'width': 16, 'height': 16, 'batch_size': 1, 'color': 0}},
        '2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}},
    }
