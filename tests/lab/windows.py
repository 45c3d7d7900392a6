"""The unit tests in a Windows Python: on Windows, or under Wine where somebody has set one up.

    python dev.py windows [pytest args]

COMFYSCRIPT_WINDOWS_PYTHON is the command that starts it: `wine64 /path/to/python.exe`. It needs what unit.txt lists.
A few files of tests run in a process of their own, so that one that Wine ends takes no other with it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from .paths import CACHE, ROOT, SITE

LEFT_OUT = shutil.ignore_patterns('.git', '.venv', '.cache', '__pycache__', 'node_modules')
FILES_AT_ONCE = 4
"""In one process: Wine ends one with a page fault in its ntdll some time after torch has raised errors of C++."""
WINES_OWN = {
    'tests/interpreter/test_resources.py::test_integers_are_divided_as_ever': (
        "torch 2.4.1 alone ends with a page fault in Wine's ntdll, too: torch.tensor([7]) // 0, a hundred times"
    ),
    'tests/interpreter/test_tensor_costs.py::test_no_more_is_taken_than_said': (
        'the same: it calls what torch 2.4.1 refuses with an error of C++, many times'
    ),
}
"""Tests that Wine ends, and why: left out, and said. What a test finds out itself (no links, say) is no entry."""
DISK = 'Z:'
"""Where Wine shows this machine's files."""
PASSED = (0, 5)
"""pytest's exit codes: all passed, and none of these is a unit test."""


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
    env = {
        **os.environ,
        'PYTHONPATH': _windows_path(copy.parent),
        'WINEDEBUG': '-all',
        # Wine's debugger would wait for somebody to look at what crashed.
        'WINEDLLOVERRIDES': 'winedbg.exe=d',
        'DISPLAY': '',
    }
    tests = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-m', 'not server and not browser', '-rs']
    for test, reason in WINES_OWN.items():
        say(f'Left out: {test}: {reason}')
        tests += ['--deselect', test]
    failed = [part for part in _parts(copy, arguments) if _run([*command, *tests, *part], copy, env) not in PASSED]
    say(f'Failed: {"; ".join(" ".join(part) for part in failed)}' if failed else 'No test failed.')
    return len(failed) and 1


def _parts(copy: Path, arguments: Sequence[str]) -> list[list[str]]:
    """The arguments of each pytest: those given where they say what to run, else a few of all files."""
    if any(argument.startswith('tests') for argument in arguments):
        return [list(arguments)]
    files = sorted(file.relative_to(copy).as_posix() for file in (copy / 'tests').rglob('test_*.py'))
    files = [file for file in files if not file.startswith('tests/js/')]
    return [[*files[at : at + FILES_AT_ONCE], *arguments] for at in range(0, len(files), FILES_AT_ONCE)]


def _run(command: Sequence[str], folder: Path, env: dict[str, str]) -> int:
    """Runs it and prints what it prints; its exit code."""
    # Neither a terminal nor an inherited one: Wine waits for those.
    piped: dict[str, Any] = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=folder, env=env, **piped)
    assert process.stdout is not None
    printing = threading.Thread(target=_print_all, args=(process.stdout,), daemon=True)
    printing.start()
    code = process.wait()
    # Wine's own services hold the pipe, too, and stay as long as any other Windows program runs.
    printing.join(10)
    return code


def _print_all(lines: Iterable[bytes]) -> None:
    for line in lines:
        print(line.decode('utf-8', 'replace').rstrip(), flush=True)


def _windows_path(path: Path) -> str:
    return f'{DISK}{path}'.replace('/', '\\')
