"""Calls of torch: what each takes is known before it is made (`tensor_costs.py`), and refused if it is too much.

A tensor is never changed in place where nodes or ComfyUI's caches may hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..bounds import TENSOR_SIZE
from ..errors import OnlyInNodeDenied, ScriptDenied, ScriptLimit
from ..kinds import SCALARS, loaded_torch
from ..machine import Machine
from ..objects import type_name
from .tensor_costs import AS_GIVEN, COSTS, MAX_TIME, WIDEST, TensorCall, TensorCost

MAX_DIMENSIONS = 25
MAX_PIECES = 20_000
MAX_GEOMETRY = 1 << 31


def torch_module() -> Any:
    torch = loaded_torch()
    if torch is None:
        raise OnlyInNodeDenied('torch is available only inside ComfyUI: here no node runs')
    return torch


def argument(m: Machine, torch: Any, value: Any, meta: bool, depth: int = 0) -> Any:
    """An argument as torch may get it: tensors, plain values, lists of those. Raises TypeError."""
    kind = type(value)
    if isinstance(value, torch.Tensor):
        return value.to('meta') if meta else value
    if kind in (list, tuple):
        if depth > 1 or len(value) > 10_000 >> 4 * depth:
            raise ScriptLimit('a list that is too long or too deep for torch')
        m.meter.ticks(1 + (len(value) >> 3))
        return kind(argument(m, torch, item, meta, depth + 1) for item in value)
    if kind is slice:
        return value
    if kind in SCALARS and kind is not bytes and (kind is not str or len(value) < 100):
        return value
    if kind is torch.dtype:
        return value
    if kind is torch.device:
        return torch.device('meta') if meta else value
    raise TypeError(f'torch takes no {type_name(value)}')


def bounded_call(
    m: Machine,
    function: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any],
    name: str = '',
    cost: TensorCost | None = None,
) -> Any:
    """Calls a function of torch, once what it takes is known to be within the bounds. Raises ScriptLimit, TypeError."""
    torch = torch_module()
    name = name or function.__name__
    given = [argument(m, torch, value, False) for value in args]
    named = {key: argument(m, torch, value, False) for key, value in kwargs.items()}
    tensors = list(_tensors(torch, (*given, *named.values())))
    _check_values(torch, name, given, named, tensors)
    call = TensorCall(given, named, tensors, lambda: _try(m, torch, function, given, named))
    space = reserve(m, name, cost or COSTS[name], call)
    m.meter.check()
    try:
        if name in _INDEXING:
            return _result(torch, _indexed(torch, function, given, named))
        return _result(torch, function(*given, **named))
    finally:
        m.meter.refund(space)


def reserve(m: Machine, name: str, cost: TensorCost, call: TensorCall) -> int:
    """Accounts for a call that is about to be made; the bytes that are free again after it. Raises ScriptLimit."""
    made = cost.out(call)
    m.meter.element_count(made)
    pieces = cost.pieces(call)
    if pieces > MAX_PIECES:
        raise ScriptLimit(f'a tensor cut into more than {MAX_PIECES} pieces')
    # A processor does some hundred million of the smallest operations a second; two cores share them.
    time = cost.time * cost.of(call)
    if time > MAX_TIME / 25:
        time *= max((cost.by_type(str(tensor.dtype)) for tensor in call.tensors), default=1.0)
        if time > 2 * MAX_TIME:
            raise ScriptLimit(f'{name}() of tensors this large takes too long in one step: do it piece by piece')
    space = cost.space(call)
    itemsize = cost.itemsize
    if itemsize == AS_GIVEN:
        widest = max((tensor.element_size() for tensor in call.tensors), default=4)
        itemsize = WIDEST if 'dtype' in call.kwargs else max(widest, 4)
    m.charge(made * itemsize + TENSOR_SIZE * pieces + space, exact=True)
    m.meter.ticks(int(time) >> 12)
    return space


def _try(m: Machine, torch: Any, function: Callable[..., Any], args: list, kwargs: dict[str, Any]) -> list[Any]:
    """The results of a call with meta tensors. Raises what the call raises."""
    trial = [argument(m, torch, value, True) for value in args]
    named = {key: argument(m, torch, value, True) for key, value in kwargs.items()}
    if 'device' in named or next(_tensors(torch, [*trial, *named.values()]), None) is None:
        named['device'] = 'meta'
    return list(_tensors(torch, [function(*trial, **named)]))


def _tensors(torch: Any, values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(torch, value)


_INDEXING = frozenset({'gather', 'scatter', 'index_select', 'take', 'one_hot', 'quantile', 'indexed'})


def _indexed(torch: Any, function: Callable[..., Any], args: list, kwargs: dict[str, Any]) -> Any:
    """A call that looks elements up by number, made on the CPU.

    There a wrong number is an IndexError. A GPU does not look: it stops, and with it every later prompt of the server.
    """
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    if not any(map(is_away, tensors)):
        return function(*args, **kwargs)
    home = {name: value.cpu() if isinstance(value, torch.Tensor) else value for name, value in kwargs.items()}
    found = function(*(value.cpu() if isinstance(value, torch.Tensor) else value for value in args), **home)
    return found.to(tensors[0].device)


def is_away(tensor: Any) -> bool:
    return tensor.device.type != 'cpu'


def _result(torch: Any, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return checked(value)
    if type(value) is torch.Size:
        return tuple(value)
    if isinstance(value, (list, tuple)):
        for item in value[:1]:
            _result(torch, item)
        return value if type(value) in (list, tuple) else tuple(value)
    return value


def checked(tensor: Any) -> Any:
    """The tensor, if it is one that everything else can be done with. Raises ScriptLimit."""
    if tensor.dim() > MAX_DIMENSIONS:
        raise ScriptLimit(f'a tensor of more than {MAX_DIMENSIONS} dimensions')
    return tensor


# What no size tells


def _check_values(torch: Any, name: str, args: list, kwargs: dict[str, Any], tensors: list[Any]) -> None:
    """Refuses what would end the process, or is not bounded by the sizes. Raises ScriptDenied, ScriptLimit."""
    for value in (*args, *kwargs.values()):
        if type(value) is str and value == 'nuc':
            raise ScriptDenied(f"{name}() has no 'nuc' in scripts")
        # Sizes and strides are multiplied with each other: their products must stay within 64 bits.
        for item in value if type(value) in (list, tuple) else (value,):
            if type(item) is int and abs(item) > MAX_GEOMETRY and name in _GEOMETRIC:
                raise ScriptLimit(f'{item} is too large a size here')
    if name in _DIVIDING and tensors:
        _check_division(torch, args, kwargs)


_GEOMETRIC_NAMES = (
    'adaptive_avg_pool2d adaptive_max_pool2d affine_grid avg_pool2d conv2d interpolate max_pool2d one_hot pad '
    'pixel_shuffle pixel_unshuffle unfold'
)
_GEOMETRIC = frozenset(_GEOMETRIC_NAMES.split())
_DIVIDING = frozenset({'div', 'floordiv', 'fmod', 'mod', 'remainder'})


def _check_division(torch: Any, args: list, kwargs: dict[str, Any]) -> None:
    """The least integer by −1 is one more than the greatest: where a processor divides them, the process ends."""
    operands = [*args[:2], *(kwargs[key] for key in ('input', 'other') if key in kwargs)][:2]
    if len(operands) < 2 or not all(map(_is_whole, operands)):
        return
    if kwargs.get('rounding_mode', '') is None or (not kwargs and len(args) > 2):
        return
    dividend, divisor = operands
    kind = torch.result_type(dividend, divisor)
    if kind in (torch.int32, torch.int64) and _has(divisor, -1) and _has(dividend, torch.iinfo(kind).min):
        raise OverflowError('integer division result too large for an integer')


def _is_whole(value: Any) -> bool:
    if type(value) in (int, bool):
        return True
    return hasattr(value, 'is_floating_point') and not value.is_floating_point() and not value.is_complex()


def _has(value: Any, wanted: int) -> bool:
    if type(value) in (int, bool):
        return value == wanted
    return bool((value == wanted).any())


def refuse_out(kwargs: dict[str, Any]) -> None:
    for name in ('out', 'inplace', 'generator', 'requires_grad', 'pin_memory', 'layout'):
        if name in kwargs:
            raise ScriptDenied(f'{name}= is not available in scripts')
    device = kwargs.get('device')
    if device not in (None, 'cpu') and not isinstance(device, torch_module().device):
        raise ScriptDenied("device= takes another tensor's device or 'cpu' in scripts")
