"""`torch`: the functions of it that scripts have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bounds import TENSOR_SIZE
from ..errors import ScriptDenied, ScriptLimit
from ..machine import Machine
from ..objects import Builtin, ModuleRef, as_index
from ..tensors.calls import MAX_SORTED, argument, bounded_call, known_count, measure, refuse_out, torch_module
from ..tensors.items import numbers_in
from ..tensors.methods import to

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
        refuse_out(kwargs)
        if most is not None and len(args) > most:
            raise ScriptDenied(f'torch.{name}() takes {most} arguments in scripts')
        if name in _MAKERS:
            _measure_made(m, torch, function, args, kwargs)
            return bounded_call(m, function, args, kwargs, check=False)
        return bounded_call(m, function, args, kwargs)

    return Builtin(f'torch.{name}', call)


def _measure_made(m: Machine, torch: Any, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
    known = known_count(torch, getattr(function, '__name__', ''), args, kwargs)
    if known is not None:
        m.meter.element_count(known)
        m.charge(known * 8)
        return
    trial = [argument(m, torch, value, True) for value in args]
    named = {name: argument(m, torch, value, True) for name, value in kwargs.items()}
    m.charge(measure(m, torch, function(*trial, **{**named, 'device': 'meta'})))


def _tensor(m: Machine, values: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    torch = torch_module()
    if dtype is not None and type(dtype) is not torch.dtype:
        raise TypeError('dtype must be a torch dtype')
    if device not in (None, 'cpu') and not isinstance(device, torch.device):
        raise ScriptDenied("device= takes another tensor's device or 'cpu' in scripts")
    if isinstance(values, torch.Tensor):
        return to(m, values.clone(), *([dtype] if dtype is not None else []))
    made = torch.tensor(numbers_in(m, values), dtype=dtype, device=device)
    m.charge(made.numel() * made.element_size())
    return made


def _generator(m: Machine, torch: Any) -> Any:
    generator = m.state.get('torch generator')
    if generator is None:
        generator = m.state['torch generator'] = torch.Generator()
        generator.seed()
    return generator


def _manual_seed(m: Machine, seed: Any, /) -> None:
    _generator(m, torch_module()).manual_seed(as_index(seed) & (2**63 - 1))


def _chance(name: str) -> Builtin:
    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        torch = torch_module()
        refuse_out(kwargs)
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
        known = known_count(torch, name, args, kwargs)
        if name == 'randperm':
            count = as_index(args[0]) if args else 0
            if count > MAX_SORTED:
                raise ScriptLimit(f'randperm() of more than {MAX_SORTED}')
            m.charge(TENSOR_SIZE + 8 * max(count, 0))
        elif known is not None:
            m.meter.element_count(known)
            m.charge(known * 8)
        else:
            _measure_made(m, torch, function, args, kwargs)
        kwargs.pop('device', None)
        given = [argument(m, torch, value, False) for value in args]
        named = {key: argument(m, torch, value, False) for key, value in kwargs.items()}
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
        refuse_out(kwargs)
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
    classes = as_index(num_classes)
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
