"""The command line of dev.py."""

from __future__ import annotations

import argparse
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from . import first_image, windows
from .browser import ensure_browser
from .lanes import Lane, run_lanes
from .make import LabError, ensure_lab
from .paths import CACHE, ROOT, SITE, venv_python

BENCHMARKS = ROOT / 'tests' / 'benchmarks'
PARITY = ROOT / 'tests' / 'parity' / '__main__.py'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code. Everything foreseeable ends with one sentence."""
    _prepare_process()
    try:
        options, rest = _parser().parse_known_args(arguments)
    finally:
        _end_output()
    if rest and options.command in ('try', 'make'):
        return _fail(f'{" ".join(rest)} is not an option of `dev.py {options.command}`.')
    try:
        return COMMANDS[options.command](options, rest)
    except LabError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail('Stopped. The next run goes on from here.', 130)


def _end_output() -> None:
    """Nothing is said where nobody reads on: `dev.py --help | head -1`."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare_process() -> None:
    # So that servers are stopped in order then, too.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # A console of another encoding shows a question mark rather than an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='replace')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='dev.py', description='ComfyScript in a real ComfyUI.')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    attempt = commands.add_parser('try', help='make one image in a real ComfyUI and print its script')
    attempt.add_argument('--keep', action='store_true', help='leave the server up')
    attempt.add_argument('--comfyui', type=Path, help='your own ComfyUI, with its models')
    attempt.add_argument('--python', type=Path, help='the interpreter that runs it')
    attempt.add_argument('--port', type=int, help='the port of the server (a free one if not given)')
    test = commands.add_parser('test', help='lint, types and all tests; further arguments go to pytest', add_help=False)
    test.add_argument('--comfyui', type=Path, help='test against this ComfyUI')
    test.add_argument('--python', type=Path, help='the interpreter that runs it')
    bench = commands.add_parser('bench', help='run one benchmark; further arguments go to it', add_help=False)
    bench.add_argument('name', nargs='?', help='which one; without it, their names')
    commands.add_parser('fuzz', help='attempts at random; `dev.py fuzz --help` names the kinds', add_help=False)
    commands.add_parser('parity', help='compare with the browser on real workflows', add_help=False)
    commands.add_parser('windows', help='the unit tests in a Windows Python under Wine', add_help=False)
    commands.add_parser('make', help='only make .venv and .cache')
    return parser


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _fail(sentence: str, code: int = 1) -> int:
    say(sentence)
    return code


def _environment() -> dict[str, str]:
    """For what runs in the lab's interpreter: this checkout as comfy_script, and nothing written outside of .cache."""
    return {
        **os.environ,
        'PYTHONPATH': str(SITE),
        'PYTHONIOENCODING': 'utf-8',
        'PLAYWRIGHT_BROWSERS_PATH': str(CACHE / 'playwright'),
        'RUFF_CACHE_DIR': str(CACHE / 'ruff'),
    }


def _python(*command: str | Path, env: dict[str, str] | None = None) -> int:
    return subprocess.call([venv_python(), '-P', *command], cwd=ROOT, env=env or _environment())


def _try(options: argparse.Namespace, _rest: list[str]) -> int:
    python = options.python.expanduser().absolute() if options.python else None
    first_image.run(first_image.Options(options.keep, options.comfyui, python, options.port), say)
    return 0


def _test(options: argparse.Namespace, rest: list[str]) -> int:
    ensure_lab(say)
    browser = ensure_browser(say)
    env = _environment()
    for name, place in (('COMFYSCRIPT_COMFYUI', options.comfyui), ('COMFYSCRIPT_PYTHON', options.python)):
        if place is not None:
            env[name] = str(place.expanduser().absolute())
    if isinstance(browser, Path):
        env['COMFYSCRIPT_CHROMIUM'] = str(browser)
    else:
        say(browser)
    lanes = [Lane('tests', (*PYTEST, *rest))] if rest else TESTS
    # Checks first, both halves of the tests at once then: each keeps one processor busy, as long as the other.
    codes = run_lanes(CHECKS, env, say) | run_lanes(lanes, env, say)
    failed = [name for name, code in codes.items() if code]
    return _fail(f'Failed: {" and ".join(failed)} (see above).') if failed else 0


PYTEST = ('-m', 'pytest', '-rs')

CHECKS = (
    Lane('types', ('-m', 'pyright', '--level', 'error')),
    Lane('types on Windows', ('-m', 'pyright', '--level', 'error', '--pythonplatform', 'Windows')),
    Lane('lint', ('-m', 'ruff', 'check', '.')),
)

OTHER_HALF = 'browser or ray or launch'

TESTS = (
    Lane('most tests', (*PYTEST, '-m', f'not ({OTHER_HALF})')),
    Lane('tests in a browser, on Ray and of launching', (*PYTEST, '-m', OTHER_HALF)),
)


def _bench(options: argparse.Namespace, rest: list[str]) -> int:
    names = sorted(file.stem for file in BENCHMARKS.glob('*.py') if not file.stem.startswith('_'))
    if options.name not in names:
        known = ', '.join(names) or 'none yet'
        return _fail(f'There is no benchmark {options.name}: there are {known}.' if options.name else known)
    ensure_lab(say)
    return _python(BENCHMARKS / f'{options.name}.py', *rest)


def _fuzz(_options: argparse.Namespace, rest: list[str]) -> int:
    ensure_lab(say)
    return _python('-m', 'comfy_script.tests.fuzz', *rest)


def _parity(_options: argparse.Namespace, rest: list[str]) -> int:
    if not PARITY.is_file():
        return _fail('This checkout has no tests/parity.')
    ensure_lab(say)
    return _python(PARITY.parent, *rest)


def _windows(_options: argparse.Namespace, rest: list[str]) -> int:
    return windows.run(rest, say)


def _make(_options: argparse.Namespace, _rest: list[str]) -> int:
    ensure_lab(say)
    return 0


COMMANDS = {
    'try': _try,
    'test': _test,
    'bench': _bench,
    'fuzz': _fuzz,
    'parity': _parity,
    'windows': _windows,
    'make': _make,
}
