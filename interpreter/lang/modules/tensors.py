"""Tensors: the functions of `torch` that scripts have, and the methods and subscripts of what nodes give.

Each call is first made on meta tensors, which have a shape and no memory: so the size of a result is known, and
refused if need be, before it exists. A tensor is never changed in place where nodes or ComfyUI's caches may hold it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from ..attributes import ATTRIBUTES, read
from ..errors import ScriptDenied, ScriptLimit
from ..machine import TENSOR_SIZE, Attributes, Machine
from ..objects import SCALARS, Builtin, ModuleRef, Property, type_name

MAX_DIMENSIONS = 25


def torch_module() -> Any:
    torch = sys.modules.get('torch')
    if torch is None:
        raise ScriptDenied('torch is available only inside ComfyUI: here no node runs')
    return torch


def _argument(m: Machine, torch: Any, value: Any, meta: bool, depth: int = 0) -> Any:
    """An argument as torch may get it: tensors, plain values, lists of those. Raises TypeError."""
    kind = type(value)
    if isinstance(value, torch.Tensor):
        return value.to('meta') if meta else value
    if kind in (list, tuple):
        if depth > 1 or len(value) > 10_000 >> 4 * depth:
            raise ScriptLimit('a list that is too long or too deep for torch')
        m.meter.ticks(1 + (len(value) >> 3))
        return kind(_argument(m, torch, item, meta, depth + 1) for item in value)
    if kind is slice:
        return value
    if kind in SCALARS and kind is not bytes and (kind is not str or len(value) < 100):
        return value
    if kind is torch.dtype:
        return value
    if kind is torch.device:
        return torch.device('meta') if meta else value
    raise TypeError(f'torch takes no {type_name(value)}')


def _measure(m: Machine, torch: Any, value: Any) -> int:
    """Elements in a result of meta tensors. Raises ScriptLimit."""
    if isinstance(value, torch.Tensor):
        _check_dimensions(value)
        count = value.numel()
        m.meter.element_count(count)
        return TENSOR_SIZE + count * value.element_size()
    if isinstance(value, (list, tuple)):
        m.meter.item_count(len(value))
        return sum(_measure(m, torch, item) for item in value)
    return 0


def _check_dimensions(tensor: Any) -> None:
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
    known = _known_count(torch, name, args, kwargs) if check else None
    if known is not None:
        m.meter.element_count(known)
        size = TENSOR_SIZE + known * 8
    elif check:
        trial = [_argument(m, torch, value, True) for value in args]
        named = {name: _argument(m, torch, value, True) for name, value in kwargs.items()}
        if 'device' in named:
            named['device'] = 'meta'
        made = function(*trial, **named)
        size = _measure(m, torch, made)
        _check_work(name, args, kwargs, made)
    m.charge(size)
    m.meter.check()
    given = [_argument(m, torch, value, False) for value in args]
    named = {name: _argument(m, torch, value, False) for name, value in kwargs.items()}
    if name in _INDEXING:
        return _result(torch, _indexed(torch, function, given, named))
    return _result(torch, function(*given, **named))


_INDEXING = frozenset({'gather', 'scatter', 'index_select', 'take', 'one_hot', 'quantile', 'indexed'})


def _indexed(torch: Any, function: Callable[..., Any], args: list, kwargs: dict[str, Any]) -> Any:
    """A call that looks elements up by number, made on the CPU.

    There a wrong number is an IndexError. A GPU does not look: it stops, and with it every later prompt of the server.
    """
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    if not any(map(_is_away, tensors)):
        return function(*args, **kwargs)
    home = {name: value.cpu() if isinstance(value, torch.Tensor) else value for name, value in kwargs.items()}
    found = function(*(value.cpu() if isinstance(value, torch.Tensor) else value for value in args), **home)
    return found.to(tensors[0].device)


def _is_away(tensor: Any) -> bool:
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


def _known_count(torch: Any, name: str, args: Any, kwargs: dict[str, Any]) -> int | None:
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


def _method(name: str, check: bool = True) -> Callable[..., Any]:
    def call(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        torch = torch_module()
        _refuse_out(kwargs)
        if name == 'view' and any(type(value) is torch.dtype for value in (*args, *kwargs.values())):
            raise ScriptDenied('tensor.view() takes a shape in scripts: use to(dtype)')
        return bounded_call(m, getattr(torch.Tensor, name), (owner, *args), kwargs, check)

    return call


def _refuse_out(kwargs: dict[str, Any]) -> None:
    for name in ('out', 'inplace', 'generator', 'requires_grad', 'pin_memory', 'layout'):
        if name in kwargs:
            raise ScriptDenied(f'{name}= is not available in scripts')
    device = kwargs.get('device')
    if device not in (None, 'cpu') and not isinstance(device, torch_module().device):
        raise ScriptDenied("device= takes another tensor's device or 'cpu' in scripts")


# Methods. Those whose result depends on values rather than shapes, and is no larger than the tensor, go unchecked.

_METHODS = (
    'abs acos add all amax amin any argmax argmin argsort asin atan atan2 bool broadcast_to ceil chunk clamp clip '
    'clone contiguous cos cosh cummax cummin cumprod cumsum deg2rad detach diff div double eq erf exp expand expm1 '
    'flatten flip float floor fmod frac gather ge gt half index_select int isclose isfinite isinf isnan kthvalue le '
    'lerp log log10 log1p log2 logical_and logical_not logical_or logical_xor logsumexp long lt masked_fill matmul max '
    'maximum mean median min minimum mm bmm mode movedim mul narrow ne neg norm permute pow prod '
    'quantile reciprocal remainder '
    'repeat repeat_interleave reshape roll rot90 round rsqrt scatter select sigmoid sign sin sinh softmax sort split '
    'sqrt square squeeze std sub sum swapaxes t take tan tanh tile topk transpose tril triu trunc type_as unbind '
    'unflatten unfold unsqueeze var view where'
)
_UNCHECKED = ('masked_select', 'nonzero', 'unique')
_WITHOUT_ARGUMENTS = ('dim', 'numel', 'is_floating_point', 'element_size')


def _size(m: Machine, owner: Any, dim: Any = None, /) -> Any:
    return tuple(owner.shape) if dim is None else owner.shape[m.index(dim)]


def _item(m: Machine, owner: Any, /) -> Any:
    return owner.item()


def _tolist(m: Machine, owner: Any, /) -> Any:
    m.meter.item_count(owner.numel())
    m.charge(64 * owner.numel())
    return owner.tolist()


def _to(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
    """To another dtype, or to where another tensor is. A device by name would be the script choosing hardware."""
    torch = torch_module()
    for value in (*args, *kwargs.values()):
        if not isinstance(value, (torch.dtype, torch.device, torch.Tensor)) and value != 'cpu':
            raise ScriptDenied("tensor.to() takes a dtype, another tensor, its device or 'cpu' in scripts")
    if not set(kwargs) <= {'dtype', 'device', 'other'}:
        raise ScriptDenied('tensor.to() takes dtype and device in scripts')
    m.charge(TENSOR_SIZE + owner.numel() * 16)
    return owner.to(*args, **kwargs)


def _cpu(m: Machine, owner: Any, /) -> Any:
    return owner.cpu()


def _repeat_interleave(m: Machine, owner: Any, repeats: Any, dim: Any = None) -> Any:
    return bounded_call(m, torch_module().Tensor.repeat_interleave, (owner, m.index(repeats)), {'dim': dim})


def tensor_attributes() -> Attributes:
    torch = torch_module()
    found: Attributes = {name: _method(name) for name in _METHODS.split() if hasattr(torch.Tensor, name)}
    found.update({name: _method(name, check=False) for name in (*_UNCHECKED, *_WITHOUT_ARGUMENTS)})
    found.update(
        {
            'shape': read(lambda x: tuple(x.shape)),
            'ndim': read(lambda x: x.ndim),
            'dtype': read(lambda x: x.dtype),
            'device': read(lambda x: x.device),
            'T': Property(lambda m, x: bounded_call(m, lambda y: y.T, (x,), {})),
            'mT': Property(lambda m, x: bounded_call(m, lambda y: y.mT, (x,), {})),
            'size': _size,
            'item': _item,
            'tolist': _tolist,
            'to': _to,
            'cpu': _cpu,
            'repeat_interleave': _repeat_interleave,
        }
    )
    return found


# Subscripts


def _index_parts(m: Machine, torch: Any, key: Any) -> tuple[Any, bool]:
    """A key as torch may get it, and whether its result's size depends on values (a mask)."""
    masked = False
    parts = []
    for part in key if type(key) is tuple else (key,):
        if type(part) in (int, bool, slice, type(None), type(...)):
            parts.append(part)
        elif isinstance(part, torch.Tensor):
            masked = masked or part.dtype in (torch.bool, torch.uint8)
            parts.append(part)
        elif type(part) is list:
            made = torch.tensor(_numbers(m, part))
            masked = masked or made.dtype is torch.bool
            parts.append(made)
        else:
            raise TypeError(f'a tensor is indexed by numbers, slices, lists and tensors, not {type_name(part)}')
    return (tuple(parts) if type(key) is tuple else parts[0]), masked


def _numbers(m: Machine, value: Any, depth: int = 0, count: list[int] | None = None) -> Any:
    """A nested list of numbers. Raises TypeError."""
    if type(value) in (list, tuple):
        count = [0] if count is None else count
        count[0] += 1 + len(value)
        if depth > MAX_DIMENSIONS or count[0] > 4 * m.bounds.items:
            raise ScriptLimit('a list that is too long or nested too deep for a tensor')
        m.meter.ticks(1 + (len(value) >> 3))
        return [_numbers(m, item, depth + 1, count) for item in value]
    if type(value) in (int, float, bool):
        return value
    if m.is_tensor(value) and value.numel() == 1:
        return value.item()
    raise TypeError(f'a tensor is made of numbers, not {type_name(value)}')


def get_tensor_item(m: Machine, tensor: Any, key: Any) -> Any:
    torch = torch_module()
    index, masked = _index_parts(m, torch, key)
    if masked:
        # A mask keeps at most what is there; beside other lists it could repeat, so there it stands alone.
        if type(index) is tuple and sum(isinstance(part, torch.Tensor) for part in index) > 1:
            raise ScriptDenied('a mask cannot be combined with other lists as an index in scripts')
        m.charge(TENSOR_SIZE + tensor.numel() * tensor.element_size())
        return tensor[index]
    parts = index if type(index) is tuple else (index,)
    if all(type(part) in (int, slice, type(None), type(...)) for part in parts):
        m.charge(TENSOR_SIZE)
        view = tensor[index]  # A view: its elements take no memory.
        _check_dimensions(view)
        return view
    many = type(index) is tuple
    parts = index if many else (index,)

    def indexed(owner: Any, *parts: Any) -> Any:
        return owner[parts if many else parts[0]]

    return bounded_call(m, indexed, (tensor, *parts), {})


def set_tensor_item(m: Machine, tensor: Any, key: Any, value: Any) -> None:
    torch = torch_module()
    if not m.tensor_changeable(tensor):
        raise ScriptDenied(
            'this tensor came from a node or was given to one, and is shared with it: change x.clone() instead'
        )
    if not isinstance(value, torch.Tensor) and type(value) not in (int, float, bool):
        raise TypeError(f'a tensor holds numbers, not a {type_name(value)}')
    index, _ = _index_parts(m, torch, key)
    m.meter.check()
    if _is_away(tensor):
        changed = tensor.cpu()
        changed[index] = value
        tensor.copy_(changed)
    else:
        tensor[index] = value


# torch.…

_FUNCTIONS = (
    'abs acos add all amax amin any argmax argmin argsort asin atan atan2 broadcast_to cat ceil chunk clamp clip '
    'clone concat cos cosh cross cummax cummin cumprod cumsum deg2rad diff div dot eq erf exp expm1 flatten flip '
    'fliplr flipud floor fmod frac full_like gather ge gt hstack hypot index_select isclose isfinite isinf isnan le '
    'lerp linspace log log10 log1p log2 logical_and logical_not logical_or logical_xor logspace logsumexp lt '
    'masked_fill matmul max maximum mean median meshgrid min minimum mm bmm movedim mul ne neg norm ones_like outer '
    'permute pow prod quantile rad2deg reciprocal remainder reshape roll rot90 round rsqrt scatter sigmoid sign sin '
    'sinh softmax sort split sqrt square squeeze stack std sub sum swapaxes take tan tanh tile topk transpose tril '
    'triu trunc unbind unsqueeze var vstack where zeros_like arange eye full ones zeros'
)
_MAKERS = frozenset({'arange', 'eye', 'full', 'linspace', 'logspace', 'ones', 'zeros'})
_CHANCE = ('rand', 'randn', 'randint', 'randperm', 'rand_like', 'randn_like', 'bernoulli')
_DTYPES = 'bfloat16 bool float16 float32 float64 int16 int32 int64 int8 uint8 float half double long int'


_BEFORE_OUT = {'norm': 4, 'normalize': 4, 'relu': 1}
"""How many arguments come before the one that says where to write: that is no keyword of these."""
MAX_GEOMETRY = 1 << 31


def _function(name: str, function: Callable[..., Any]) -> Builtin:
    most = _BEFORE_OUT.get(name)

    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        torch = torch_module()
        _refuse_out(kwargs)
        if most is not None and len(args) > most:
            raise ScriptDenied(f'torch.{name}() takes {most} arguments in scripts')
        if name in _MAKERS:
            _measure_made(m, torch, function, args, kwargs)
            return bounded_call(m, function, args, kwargs, check=False)
        return bounded_call(m, function, args, kwargs)

    return Builtin(f'torch.{name}', call)


def _measure_made(m: Machine, torch: Any, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
    known = _known_count(torch, getattr(function, '__name__', ''), args, kwargs)
    if known is not None:
        m.meter.element_count(known)
        m.charge(known * 8)
        return
    trial = [_argument(m, torch, value, True) for value in args]
    named = {name: _argument(m, torch, value, True) for name, value in kwargs.items()}
    m.charge(_measure(m, torch, function(*trial, **{**named, 'device': 'meta'})))


def _tensor(m: Machine, values: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    torch = torch_module()
    if dtype is not None and type(dtype) is not torch.dtype:
        raise TypeError('dtype must be a torch dtype')
    if device not in (None, 'cpu') and not isinstance(device, torch.device):
        raise ScriptDenied("device= takes another tensor's device or 'cpu' in scripts")
    if isinstance(values, torch.Tensor):
        return _to(m, values.clone(), *([dtype] if dtype is not None else []))
    made = torch.tensor(_numbers(m, values), dtype=dtype, device=device)
    m.charge(made.numel() * made.element_size())
    return made


def _generator(m: Machine, torch: Any) -> Any:
    generator = m.state.get('torch generator')
    if generator is None:
        generator = m.state['torch generator'] = torch.Generator()
        generator.seed()
    return generator


def _manual_seed(m: Machine, seed: Any, /) -> None:
    _generator(m, torch_module()).manual_seed(m.index(seed) & (2**63 - 1))


def _chance(name: str) -> Builtin:
    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        torch = torch_module()
        _refuse_out(kwargs)
        if name.endswith('_like') or name == 'bernoulli':
            if not args or not isinstance(args[0], torch.Tensor):
                raise TypeError(f'torch.{name} takes a tensor')
            like = args[0]
            m.meter.element_count(like.numel())
            m.charge(TENSOR_SIZE + like.numel() * max(like.element_size(), 4))
            if name == 'bernoulli':
                return torch.bernoulli(like.cpu(), generator=_generator(m, torch)).to(like.device)
            make = torch.rand if name == 'rand_like' else torch.randn
            return make(like.shape, generator=_generator(m, torch), dtype=like.dtype).to(like.device)
        function = getattr(torch, name)
        known = _known_count(torch, name, args, kwargs)
        if name == 'randperm':
            count = m.index(args[0]) if args else 0
            if count > MAX_SORTED:
                raise ScriptLimit(f'randperm() of more than {MAX_SORTED}')
            m.charge(TENSOR_SIZE + 8 * max(count, 0))
        elif known is not None:
            m.meter.element_count(known)
            m.charge(known * 8)
        else:
            _measure_made(m, torch, function, args, kwargs)
        kwargs.pop('device', None)
        given = [_argument(m, torch, value, False) for value in args]
        named = {key: _argument(m, torch, value, False) for key, value in kwargs.items()}
        return function(*given, **named, generator=_generator(m, torch))

    return Builtin(f'torch.{name}', call)


def _nn_functional(torch: Any) -> ModuleRef:
    functional = torch.nn.functional
    names = (
        'adaptive_avg_pool2d adaptive_max_pool2d avg_pool2d conv2d grid_sample interpolate l1_loss max_pool2d mse_loss '
        'normalize one_hot pad pixel_shuffle pixel_unshuffle relu sigmoid softmax unfold affine_grid cosine_similarity'
    )
    return ModuleRef(
        'torch.nn.functional', {name: _functional(name, getattr(functional, name)) for name in names.split()}
    )


def _functional(name: str, function: Callable[..., Any]) -> Builtin:
    most = _BEFORE_OUT.get(name)

    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        _refuse_out(kwargs)
        if most is not None and len(args) > most:
            raise ScriptDenied(f'{name}() changes nothing in place in scripts: it takes {most} arguments')
        for value in (*args, *kwargs.values()):
            _check_geometry(value)
        return bounded_call(m, function, args, kwargs, check=name != 'one_hot' or _check_one_hot(m, *args, **kwargs))

    return Builtin(f'torch.nn.functional.{name}', call)


def _check_geometry(value: Any) -> None:
    """Sizes and strides are multiplied with each other: their products must stay within 64 bits."""
    for item in value if type(value) in (list, tuple) else (value,):
        if type(item) is int and abs(item) > MAX_GEOMETRY:
            raise ScriptLimit(f'{item} is too large a size here')


def _check_one_hot(m: Machine, tensor: Any, num_classes: Any = -1) -> bool:
    classes = m.index(num_classes)
    if classes < 0:
        classes = int(tensor.max()) + 1 if tensor.numel() else 0
    m.meter.element_count(tensor.numel() * max(classes, 1))
    return False


def make(m: Machine, name: str) -> ModuleRef:
    torch = torch_module()
    functional = _nn_functional(torch)
    nn = ModuleRef('torch.nn', {'functional': functional})
    if name != 'torch':
        return functional if name == 'torch.nn.functional' else nn
    members: dict[str, Any] = {
        item: _function(item, getattr(torch, item)) for item in _FUNCTIONS.split() if hasattr(torch, item)
    }
    members.update({item: _chance(item) for item in _CHANCE})
    members.update({item: getattr(torch, item) for item in _DTYPES.split()})
    members.update({item: getattr(torch, item) for item in ('pi', 'inf', 'nan', 'e')})
    members['tensor'] = Builtin('torch.tensor', _tensor)
    members['manual_seed'] = Builtin('torch.manual_seed', _manual_seed)
    members['nn'] = nn
    return ModuleRef('torch', members)


def enable(m: Machine) -> None:
    """Gives tensors their attributes in this run, where torch is loaded."""
    torch = sys.modules.get('torch')
    if torch is None:
        return
    table = _TABLES.get('tensor')
    if table is None:
        table = _TABLES['tensor'] = tensor_attributes()
    m.attributes = {**ATTRIBUTES, torch.Tensor: table, torch.dtype: {}, torch.device: {'type': read(lambda x: x.type)}}


_TABLES: dict[str, Attributes] = {}
