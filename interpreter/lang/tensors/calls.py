"""Calls of torch: bounded before they are made.

Each call is first made on meta tensors, which have a shape and no memory: so the size of a result is known, and
refused if need be, before it exists. A tensor is never changed in place where nodes or ComfyUI's caches may hold it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..bounds import TENSOR_SIZE
from ..errors import ScriptDenied, ScriptLimit
from ..kinds import SCALARS, loaded_torch
from ..machine import Machine
from ..objects import type_name

MAX_DIMENSIONS = 25


def torch_module() -> Any:
    torch = loaded_torch()
    if torch is None:
        raise ScriptDenied('torch is available only inside ComfyUI: here no node runs')
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


def measure(m: Machine, torch: Any, value: Any) -> int:
    """Elements in a result of meta tensors. Raises ScriptLimit."""
    if isinstance(value, torch.Tensor):
        check_dimensions(value)
        count = value.numel()
        m.meter.element_count(count)
        return TENSOR_SIZE + count * value.element_size()
    if isinstance(value, (list, tuple)):
        m.meter.item_count(len(value))
        return sum(measure(m, torch, item) for item in value)
    return 0


def check_dimensions(tensor: Any) -> None:
    if tensor.dim() > MAX_DIMENSIONS:
        raise ScriptLimit(f'a tensor of more than {MAX_DIMENSIONS} dimensions')


def _result(torch: Any, value: Any) -> Any:
    if type(value) is torch.Size:
        return tuple(value)
    if isinstance(value, tuple) and type(value) is not tuple:
        return tuple(value)
    return value


def bounded_call(
    m: Machine, function: Callable[..., Any], args: Any, kwargs: dict[str, Any], check: bool = True
) -> Any:
    """Calls a function of torch, once its result is known to be within the bound."""
    torch = torch_module()
    name = getattr(function, '__name__', '')
    _check_pieces(name, args, kwargs)
    _check_values(m, torch, name, args, kwargs)
    size = TENSOR_SIZE
    known = known_count(torch, name, args, kwargs) if check else None
    if known is not None:
        m.meter.element_count(known)
        size = TENSOR_SIZE + known * 8
    elif check:
        trial = [argument(m, torch, value, True) for value in args]
        named = {name: argument(m, torch, value, True) for name, value in kwargs.items()}
        if 'device' in named:
            named['device'] = 'meta'
        made = function(*trial, **named)
        size = measure(m, torch, made)
        _check_work(name, args, kwargs, made)
    m.charge(size)
    m.meter.check()
    given = [argument(m, torch, value, False) for value in args]
    named = {name: argument(m, torch, value, False) for name, value in kwargs.items()}
    if name in _INDEXING:
        return _result(torch, _indexed(torch, function, given, named))
    return _result(torch, function(*given, **named))


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


_SAME_SHAPE_NAMES = (
    'abs acos add all amax amin any argmax argmin argsort asin atan atan2 bool ceil clamp clip clone contiguous cos '
    'cosh cumsum cumprod deg2rad detach div double eq erf exp expm1 flip fliplr flipud float floor floordiv fmod frac '
    'ge gt half hypot int invert isclose isfinite isinf isnan le lerp log log10 log1p log2 logical_and logical_not '
    'logical_or logical_xor logsumexp long lt masked_fill max maximum mean median min minimum mod mul ne neg norm pos '
    'pow prod rad2deg reciprocal remainder roll round rsqrt sigmoid sign sin sinh softmax sort sqrt square std sub sum '
    'tan tanh tril triu truediv trunc var where and_ or_ xor ones_like zeros_like full_like movedim permute transpose '
    't squeeze unsqueeze swapaxes flatten'
)

_SAME_SHAPE = frozenset(_SAME_SHAPE_NAMES.split())
"""Functions whose result has at most the elements of their tensors, broadcast against each other."""

_FILLED = frozenset({'zeros', 'ones', 'full', 'rand', 'randn'})

MAX_PIECES = 20_000


def known_count(torch: Any, name: str, args: Any, kwargs: dict[str, Any]) -> int | None:
    """The most elements that a call gives, where its arguments tell; None where it has to be tried.

    Only a short way: torch takes seconds to load what it needs for its first meta tensor.
    """
    if name in _SAME_SHAPE:
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
        return _broadcast_count([list(value.shape) for value in tensors]) if tensors else None
    joined = name in ('cat', 'concat', 'stack', 'hstack', 'vstack') and args and type(args[0]) in (list, tuple)
    if joined and all(isinstance(value, torch.Tensor) for value in args[0]):
        return sum(value.numel() for value in args[0])
    if name == 'interpolate' and args and isinstance(args[0], torch.Tensor):
        return _interpolated_count(args, kwargs)
    if name in _FILLED:
        shape = kwargs.get('size', args[0] if args and type(args[0]) in (list, tuple) else args)
        if type(shape) in (list, tuple) and all(type(size) is int and size >= 0 for size in shape):
            return math.prod(shape)
    return None


def _interpolated_count(args: Any, kwargs: dict[str, Any]) -> int | None:
    image = args[0]
    size = kwargs.get('size', args[1] if len(args) > 1 else None)
    factor = kwargs.get('scale_factor', args[2] if len(args) > 2 else None)
    old = image.shape[2:]
    if size is not None:
        new = [size] * len(old) if type(size) is int else size
    elif factor is not None:
        factors = factor if type(factor) in (list, tuple) else [factor] * len(old)
        if not all(type(item) in (int, float) and 0 < item < 1e9 for item in factors):
            return None
        new = [math.ceil(length * item) for length, item in zip(old, factors, strict=False)]
    else:
        return None
    if type(new) not in (list, tuple) or not all(type(item) is int and item > 0 for item in new):
        return None
    return math.prod(image.shape[:2]) * math.prod(new)


def _check_pieces(name: str, args: Any, kwargs: dict[str, Any]) -> None:
    """Bounds the calls that cut a tensor into many. Raises ScriptLimit."""
    if name not in ('split', 'chunk', 'unbind', 'unflatten'):
        return
    numbers = [value for value in (*args[1:], *kwargs.values()) if type(value) is int]
    longest = max(args[0].shape, default=1)
    smallest = min((abs(number) for number in numbers), default=0) if name == 'split' else 0
    if longest // max(smallest, 1) > MAX_PIECES:
        raise ScriptLimit(f'a tensor cut into more than {MAX_PIECES} pieces')


MAX_SORTED = 1 << 25

_SORTING = frozenset({'sort', 'argsort', 'topk', 'kthvalue', 'median', 'mode', 'quantile', 'unique'})

_BROADCASTING = frozenset({'l1_loss', 'mse_loss', 'cosine_similarity'})


def _check_values(m: Machine, torch: Any, name: str, args: Any, kwargs: dict[str, Any]) -> None:
    """Bounds what the size of a result does not tell. Raises ScriptLimit, TypeError."""
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    if name in _SORTING and any(value.numel() > MAX_SORTED for value in tensors):
        raise ScriptLimit(f'{name}() of more than {MAX_SORTED} elements')
    if name in ('nonzero', 'where', 'unique') and len(tensors) == 1:
        m.meter.element_count(tensors[0].numel() * max(tensors[0].dim(), 1))
        m.charge(8 * tensors[0].numel() * max(tensors[0].dim(), 1))
    elif name in _BROADCASTING or name == 'matmul':
        _check_broadcast(m, name, tensors)
    elif any(value == 'nuc' for value in (*args, *kwargs.values()) if type(value) is str):
        raise ScriptDenied(f"{name}() has no 'nuc' in scripts")


def _check_broadcast(m: Machine, name: str, tensors: list) -> None:
    """These spread their tensors over each other before they make a small result. Raises ScriptLimit."""
    if len(tensors) < 2:
        return
    shapes = [list(value.shape) for value in tensors]
    if name == 'matmul':
        if min(map(len, shapes)) < 2:
            return
        batch = _broadcast_count([shape[:-2] for shape in shapes])
        for shape in shapes:
            m.meter.element_count(batch * shape[-1] * shape[-2])
        return
    m.meter.element_count(_broadcast_count(shapes))


def _broadcast_count(shapes: list[list[int]]) -> int:
    count = 1
    for place in range(1, max(map(len, shapes), default=0) + 1):
        count *= max(shape[-place] if place <= len(shape) else 1 for shape in shapes)
    return count


MAX_WORK = 1 << 35
"""Multiplications of one call: a second or a few on a CPU, which nothing can interrupt."""


def _check_work(name: str, args: Any, kwargs: dict[str, Any], made: Any) -> None:
    """Bounds the calls that compute much more than the size of their result tells."""
    inner = 1
    if name in ('matmul', 'mm', 'bmm', 'dot') and args[0].dim():
        inner = args[0].shape[-1]
    elif name == 'conv2d':
        weight = args[1] if len(args) > 1 else kwargs['weight']
        inner = weight[0].numel()
    elif name in ('avg_pool2d', 'max_pool2d'):
        size = args[1] if len(args) > 1 else kwargs['kernel_size']
        inner = size * size if isinstance(size, int) else size[0] * size[-1]
    elif name == 'diff':
        inner = args[1] if len(args) > 1 else kwargs.get('n', 1)
    if inner > 1 and made.numel() * inner > MAX_WORK:
        raise ScriptLimit(f'{name}() of tensors this large takes too long')


def refuse_out(kwargs: dict[str, Any]) -> None:
    for name in ('out', 'inplace', 'generator', 'requires_grad', 'pin_memory', 'layout'):
        if name in kwargs:
            raise ScriptDenied(f'{name}= is not available in scripts')
    device = kwargs.get('device')
    if device not in (None, 'cpu') and not isinstance(device, torch_module().device):
        raise ScriptDenied("device= takes another tensor's device or 'cpu' in scripts")
