"""What stops a run in this process: the user's interrupt, and no more memory."""

from __future__ import annotations

from collections.abc import Callable

from .loaded import model_management


def interrupt_check() -> Callable[[], object] | None:
    """What raises ComfyUI's `InterruptProcessingException` where the user asked for it; None outside of its process."""
    return getattr(model_management(), 'throw_exception_if_processing_interrupted', None)


def interrupt_waits() -> bool:
    """Whether the user asked for it and nothing has taken it in yet: who raises it, in `interrupt_check`, does that."""
    return bool(getattr(model_management(), 'processing_interrupted', bool)())


def is_interrupt(error: BaseException) -> bool:
    """Whether this is the user's interrupt."""
    return isinstance(error, getattr(model_management(), 'InterruptProcessingException', ()))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device has no more memory (`comfy/model_management.py: is_oom`, `OOM_EXCEPTION` in older versions)."""
    management = model_management()
    is_oom = getattr(management, 'is_oom', None)
    if is_oom is not None:
        return bool(is_oom(error))
    return isinstance(error, getattr(management, 'OOM_EXCEPTION', ()))
