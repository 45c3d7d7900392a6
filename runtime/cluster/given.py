"""What callers give, as what a worker is sent: their work, and how its ComfyUI is to be."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import ClusterError
from .work import FunctionWork, PromptWork, ScriptWork, Work, WorkerOptions

MAX_FUNCTION = 10 << 20
"""Bytes of a pickled function: more is a model or an image that it closes over."""


def as_work(work: Callable[..., Any] | str | Mapping[str, Any]) -> Work:
    """What a worker is sent. Raises ClusterError for what it cannot be sent."""
    if isinstance(work, str):
        return ScriptWork(work)
    if isinstance(work, Mapping):
        return PromptWork(work)
    if not callable(work):
        raise ClusterError(f'{work!r} is no work: give a function, the text of a script or an API prompt.')
    from ray import cloudpickle

    name = getattr(work, '__name__', repr(work))
    try:
        with _by_value(cloudpickle, work):
            pickled = cloudpickle.dumps(work)
    except Exception as error:
        raise ClusterError(f'{name} cannot be sent to workers: {error}. It may close over plain data only.') from error
    if len(pickled) > MAX_FUNCTION:
        raise ClusterError(
            f'{name} closes over {len(pickled) >> 20} MiB, more than the {MAX_FUNCTION >> 20} that are sent: load '
            'models inside the function (workers keep them), and give data in the rows.'
        )
    return FunctionWork(pickled, name)


@contextmanager
def _by_value(cloudpickle: Any, function: Any) -> Iterator[None]:
    """Within, a function of the user's own module is pickled whole: other machines do not have the module.

    Where it begins with `from comfy_script.runtime.nodes import *` the names are those of the worker there.
    """
    module = inspect.getmodule(function)
    if module is None or not _is_users(module):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _is_users(module: ModuleType) -> bool:
    """Whether a module is a file of the user's, and not of an installed package."""
    file = getattr(module, '__file__', None)
    if file is None or module.__name__ == '__main__' or module.__name__.partition('.')[0] == 'comfy_script':
        return False
    path = Path(file).resolve()
    installed = {'site-packages', 'dist-packages'} & set(path.parts)
    return not installed and Path(os.__file__).resolve().parent not in path.parents


def worker_options(
    comfyui: str | os.PathLike[str] | bool | None,
    gpus: float,
    virtual: bool,
    args: Sequence[str],
    cache: bool | int,
    workers: int | None,
    python: str | os.PathLike[str] | None,
) -> WorkerOptions:
    """How a worker's ComfyUI is to be. Raises ClusterError for what is not a caller's to say."""
    arguments = [str(argument) for argument in args]
    for argument in arguments:
        option = argument.partition('=')[0]
        if option in ('--cuda-device', '--default-device'):
            raise ClusterError(f'{option} is not for workers: Ray gives each its own GPUs (gpus={gpus:g}).')
        if option in ('--output-directory', '--temp-directory', '--port'):
            raise ClusterError(f'{option} is not for workers: each has its own.')
    if comfyui is False:
        return WorkerOptions(None, 'python')
    if comfyui is True:
        raise ClusterError('comfyui takes a folder, None for the one around this pack, or False for none.')
    if gpus == 0 and '--cpu' not in arguments:
        arguments.append('--cpu')
    folder = None if comfyui is None else str(Path(comfyui).expanduser().absolute())
    interpreter = None if python is None else str(python)
    return WorkerOptions(
        folder, 'virtual' if virtual else 'real', tuple(arguments), _cache_bytes(cache, workers), interpreter
    )


def _cache_bytes(cache: bool | int, workers: int | None) -> int:
    if cache is not True:
        return int(cache)
    from ..real.cache import total_memory

    return total_memory() // 4 // max(1, workers or 4)
