"""The unit tests in a Windows Python: on Windows, or under Wine where somebody has set one up.

    python dev.py windows [pytest args]

COMFYSCRIPT_WINDOWS_PYTHON is the command that starts it: `wine64 /path/to/python.exe`. It needs what unit.txt lists.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .paths import CACHE, ROOT, SITE

LEFT_OUT = shutil.ignore_patterns('.git', '.venv', '.cache', '__pycache__', 'node_modules')
DISK = 'Z:'
"""Where Wine shows this machine's files."""


def run(arguments: Sequence[str], say: Callable[[str], None]) -> int:
    command = shlex.split(os.environ.get('COMFYSCRIPT_WINDOWS_PYTHON', ''))
    if not command:
        say('COMFYSCRIPT_WINDOWS_PYTHON names no Windows Python (`wine64 /path/to/python.exe`): nothing was tested.')
        return 1
    if shutil.which(command[0]) is None:
        say(f'There is no program {command[0]}, which COMFYSCRIPT_WINDOWS_PYTHON names: nothing was tested.')
        return 1
    # A copy, because Wine has no links, and under its own name, so that the tests' child processes can import it.
    copy = CACHE / 'windows' / 'comfy_script'
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    # What tests give their child processes as PYTHONPATH: without links it cannot hold the package itself.
    site = copy / SITE.relative_to(ROOT)
    site.mkdir(parents=True)
    (site / 'sitecustomize.py').write_text(
        f'import sys\n\nsys.path.append({_windows_path(copy.parent)!r})\n', encoding='utf-8'
    )
    env = {**os.environ, 'PYTHONPATH': _windows_path(copy.parent), 'WINEDEBUG': '-all', 'DISPLAY': ''}
    tests = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-m', 'not server and not browser', *arguments]
    # Neither a terminal nor an inherited one: Wine waits for those.
    piped: dict[str, Any] = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}
    with subprocess.Popen([*command, *tests], cwd=copy, env=env, **piped) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line.decode('utf-8', 'replace').rstrip(), flush=True)
    return process.returncode


def _windows_path(path: Path) -> str:
    return f'{DISK}{path}'.replace('/', '\\')
