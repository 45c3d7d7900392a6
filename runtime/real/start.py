"""Starting ComfyUI inside this process, through its own `main.start_comfyui`, and leaving the process as it was.

What is left as it was: `sys.argv`, the working directory, event loops, signal handlers, logging, `sys.stdout`.
What stays: ComfyUI's folder at the front of `sys.path` (its modules import each other by bare names).
"""

from __future__ import annotations

import asyncio
import atexit
import collections
import faulthandler
import importlib
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from ...comfyui.checkout import installed_in, is_comfyui, named_in_environment, why_no_comfyui
from ...comfyui.loaded import folder_paths, import_file, is_comfyui_loaded, loaded
from ...comfyui.own_folder import OwnFolder
from ...comfyui.save_numbers import claim_numbers
from .errors import HostError
from .host import Host
from .loop import outside_running_loop

_TOP_LEVEL = ('nodes', 'execution', 'server', 'folder_paths', 'utils', 'app', 'comfy', 'comfy_execution', 'main')
"""ComfyUI's top-level modules that a user's own may shadow."""
_NO_GPU = (
    'Torch not compiled with',
    'Found no NVIDIA driver',
    'No CUDA GPUs are available',
    'No HIP GPUs are available',
)
"""What PyTorch says then, asked by ComfyUI for its device while it is imported (comfy/model_management.py)."""
_arguments_here: list[str] = []
"""What ComfyUI was started with in this process, if we started it."""


def start(comfyui: str | os.PathLike[str] | None = None, args: Sequence[str] = (), no_server: bool = True) -> Host:
    """The ComfyUI of this process: the one that runs here already, or one started now.

    - `comfyui`: its folder. Without it: `$COMFYUI_PATH`, the ComfyUI that this pack is installed in, the current
      folder and those around it.
    - `args`: its command line arguments.
    - `no_server`: no port, no queue, no thread. With False, ComfyUI's server runs in a background thread.

    Raises HostError.
    """
    if is_comfyui_loaded():
        _warn_if_another(comfyui, [str(argument) for argument in args])
        return Host()
    folder = find_comfyui(comfyui)
    _refuse_shadows(folder)
    arguments = [str(argument) for argument in args]
    with ExitStack() as stack:
        all_arguments = _with_defaults(folder, arguments, no_server)
        for scope in (_import_path, _arguments, _working_directory, _signal_handlers, _logging, _fault_handler):
            stack.enter_context(scope(folder, all_arguments))
        stack.enter_context(outside_running_loop())
        try:
            main = _import_main(folder)
            claim_numbers(folder_paths())
            loop, server, start_all = _start(main, no_server)
        except ModuleNotFoundError as error:
            raise HostError(
                f'ComfyUI in {folder} does not start in this Python ({sys.executable}), which has no module '
                f"{error.name!r}: use ComfyUI's own Python, or install {folder / 'requirements.txt'} in this one"
            ) from error
        except (AssertionError, RuntimeError) as error:
            if not any(words in str(error) for words in _NO_GPU):
                raise
            raise HostError(
                f'ComfyUI in {folder} finds no GPU ({error}): give it --cpu, as in load(args=ComfyUIArgs("--cpu")), in '
                'a new Python process or a restarted kernel'
            ) from error
        except SystemExit as error:
            raise HostError(f'ComfyUI in {folder} ended while it started (exit code {error.code})') from error
    _arguments_here[:] = arguments
    for name in ('last_prompt_id', 'last_node_id'):
        # The queue's thread sets these; progress bars without a context read them (main.py: hijack_progress).
        if not hasattr(server, name):
            setattr(server, name, None)
    if no_server:
        _silence(server)
    else:
        threading.Thread(target=_serve, args=(loop, start_all), name='ComfyUI', daemon=True).start()
    return Host()


def _warn_if_another(comfyui: str | os.PathLike[str] | None, arguments: list[str]) -> None:
    """A process has one ComfyUI: what a later `load()` says of it has no effect, which it should tell."""
    here = Path(getattr(loaded('execution'), '__file__', None) or '.').resolve().parent
    if comfyui is not None and Path(comfyui).expanduser().resolve() != here:
        said = f'the folder {comfyui}'
    elif arguments and arguments != _arguments_here:
        said = f'the arguments {" ".join(arguments)}'
    else:
        return
    text = f'ComfyUI from {here} runs in this process already: {said} given to load() has no effect until a restart'
    warnings.warn(text, stacklevel=4)


def find_comfyui(comfyui: str | os.PathLike[str] | None = None) -> Path:
    """ComfyUI's folder. Raises HostError with all that was tried."""
    if comfyui is not None:
        folder = Path(comfyui).expanduser().resolve()
        if not is_comfyui(folder):
            raise HostError(f'{folder} is no ComfyUI folder: {why_no_comfyui(folder)}')
        return folder
    here = Path.cwd()
    tried = [folder for folder in (named_in_environment(), installed_in()) if folder is not None]
    tried += [here, *here.parents, here / 'ComfyUI']
    for folder in tried:
        if is_comfyui(folder):
            return folder.resolve()
    raise HostError(
        'no ComfyUI found: give its folder, load(comfyui="path/to/ComfyUI"), or set COMFYUI_PATH. '
        f'Tried: {", ".join(str(folder) for folder in tried)}'
    )


def _refuse_shadows(folder: Path) -> None:
    """A user's own `utils` or `nodes`, imported before, would be taken for ComfyUI's by all of its modules."""
    for name in _TOP_LEVEL:
        module = loaded(name)
        if module is None or name == 'main':
            continue
        places = [getattr(module, '__file__', None), *getattr(module, '__path__', ())]
        paths = [Path(place).resolve() for place in places if place]
        if paths and not any(folder in path.parents for path in paths):
            raise HostError(
                f"a module {name!r} that is not ComfyUI's is imported already ({paths[0]}), and ComfyUI needs that "
                'name: call load() before importing it, or rename it'
            )


def _with_defaults(folder: Path, arguments: list[str], no_server: bool) -> list[str]:
    """Arguments that a second ComfyUI on the same folder needs.

    Each empties its folder for temporary files when it starts (main.py `cleanup_temp`), and the database of 2026
    versions is locked by one.
    """
    if not any(argument.startswith('--temp-directory') for argument in arguments):
        own = OwnFolder()
        atexit.register(own.remove)
        arguments = [*arguments, '--temp-directory', str(own.path)]
    if not no_server or any(argument.startswith('--database-url') for argument in arguments):
        return arguments
    known = (folder / 'comfy' / 'cli_args.py').read_text(encoding='utf-8')
    return [*arguments, '--database-url', 'sqlite:///:memory:'] if '--database-url' in known else arguments


def _import_main(folder: Path) -> ModuleType:
    """ComfyUI's `main`, which loads its settings, prestartup scripts and modules."""
    options = importlib.import_module('comfy.options')
    options.enable_args_parsing()
    _select_devices(importlib.import_module('comfy.cli_args').args)
    main = import_file('main' if loaded('main') is None else 'comfyui_main', folder / 'main.py')
    if not hasattr(main, 'start_comfyui'):
        raise HostError(f'the ComfyUI in {folder} is too old: its main.py has no start_comfyui')
    return main


def _select_devices(args: Any) -> None:
    """`main.py` does this only when it is run as a program."""
    device = getattr(args, 'cuda_device', None)
    if device is not None and device != 'all':
        os.environ['CUDA_VISIBLE_DEVICES'] = str(device)
        os.environ['HIP_VISIBLE_DEVICES'] = str(device)
        os.environ['ASCEND_RT_VISIBLE_DEVICES'] = str(device)
    selector = getattr(args, 'oneapi_device_selector', None)
    if selector is not None:
        os.environ['ONEAPI_DEVICE_SELECTOR'] = str(selector)
    if getattr(args, 'deterministic', False):
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    if loaded('torch') is None:
        try:
            importlib.import_module('cuda_malloc')
        except ImportError:
            return


def _start(main: Any, no_server: bool) -> tuple[asyncio.AbstractEventLoop, Any, Callable[[], Any]]:
    worker = getattr(main, 'prompt_worker', None)
    if no_server and worker is not None:
        # start_comfyui starts the queue's thread; without a server it has nothing to do and ends at once.
        main.prompt_worker = lambda *_: None
    try:
        return main.start_comfyui(asyncio_loop=asyncio.new_event_loop())
    finally:
        if no_server and worker is not None:
            main.prompt_worker = worker


def _silence(server: Any) -> None:
    """Messages to browsers would pile up in a queue that nobody empties, previews and all."""
    server.send_sync = lambda *_, **__: None


def _serve(loop: asyncio.AbstractEventLoop, start_all: Callable[[], Any]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(start_all())
    except Exception:
        logging.getLogger('comfy_script').exception("ComfyUI's server ended")


# What is left as it was


@contextmanager
def _import_path(folder: Path, arguments: list[str]) -> Iterator[None]:
    """ComfyUI's folder comes first, before any folder with a `nodes` or `utils` in it, and stays there."""
    path = str(folder)
    sys.path[:] = [path, *(entry for entry in sys.path if entry != path)]
    yield


@contextmanager
def _arguments(folder: Path, arguments: list[str]) -> Iterator[None]:
    before = sys.argv
    sys.argv = [str(folder / 'main.py'), *arguments]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _working_directory(folder: Path, arguments: list[str]) -> Iterator[None]:
    before = os.getcwd()
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _signal_handlers(folder: Path, arguments: list[str]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            if handler is not None and signal.getsignal(kind) != handler:
                signal.signal(kind, handler)


@contextmanager
def _logging(folder: Path, arguments: list[str]) -> Iterator[None]:
    """ComfyUI replaces `sys.stdout` (and fails on a notebook's) where its log has not been set up before."""
    try:
        logger = importlib.import_module('app.logger')
        if getattr(logger, 'logs', None) is None:
            logger.logs = collections.deque([{'t': '', 'm': ''}], maxlen=300)  # pyright: ignore[reportAttributeAccessIssue]
    except ImportError:
        logging.getLogger('comfy_script').debug('this ComfyUI has no app.logger')
    with unchanged_logging():
        yield


@contextmanager
def unchanged_logging() -> Iterator[None]:
    """The root logger and the standard streams are afterwards what they were.

    ComfyUI logs by `logging.info` and the like, which set up a handler where there is none.
    """
    root = logging.getLogger()
    before = (root.level, list(root.handlers), sys.stdout, sys.stderr)
    try:
        yield
    finally:
        root.setLevel(before[0])
        for handler in list(root.handlers):
            if handler not in before[1]:
                root.removeHandler(handler)
        sys.stdout, sys.stderr = before[2:]


@contextmanager
def _fault_handler(folder: Path, arguments: list[str]) -> Iterator[None]:
    """ComfyUI switches it on, for a file; a notebook's `sys.stderr` need not be one (on Windows it is not)."""
    before, enable = faulthandler.is_enabled(), faulthandler.enable

    def enable_if_possible(*args: Any, **kwargs: Any) -> None:
        with suppress(OSError, ValueError, AttributeError, RuntimeError):
            enable(*args, **kwargs)

    faulthandler.enable = enable_if_possible
    try:
        yield
    finally:
        faulthandler.enable = enable
        if not before and faulthandler.is_enabled():
            faulthandler.disable()
