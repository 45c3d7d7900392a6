"""`torch`: the functions of it that scripts have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..costs import CONSTANT, COUNTED
from ..errors import ScriptDenied
from ..machine import Machine
from ..objects import Builtin, ModuleRef, as_index
from ..tensors.calls import bounded_call, refuse_out, reserve, torch_module
from ..tensors.items import numbers_in
from ..tensors.methods import to
from ..tensors.tensor_costs import COSTS, OF_FUNCTIONAL_ONLY, TensorCall

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

_CHANCE = ('rand', 'randn', 'randint', 'randperm', 'rand_like', 'randn_like', 'bernoulli')

_DTYPES = 'bfloat16 bool float16 float32 float64 int16 int32 int64 int8 uint8 float half double long int'

_BEFORE_OUT = {'norm': 4, 'normalize': 4, 'relu': 1}
"""How many arguments come before the one that says where to write: that is no keyword of these."""


def _function(name: str, function: Callable[..., Any]) -> Builtin:
    most = _BEFORE_OUT.get(name)
    cost = COSTS[name]

    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        refuse_out(kwargs)
        if most is not None and len(args) > most:
            raise ScriptDenied(f'torch.{name}() takes {most} arguments in scripts')
        return bounded_call(m, function, args, kwargs, name, cost)

    return Builtin(f'torch.{name}', call, cost)


def _tensor(m: Machine, values: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    torch = torch_module()
    if dtype is not None and type(dtype) is not torch.dtype:
        raise TypeError('dtype must be a torch dtype')
    if device not in (None, 'cpu') and not isinstance(device, torch.device):
        raise ScriptDenied("device= takes another tensor's device or 'cpu' in scripts")
    if isinstance(values, torch.Tensor):
        m.charge(values.numel() * values.element_size())
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
    cost = COSTS[name]

    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        torch = torch_module()
        refuse_out(kwargs)
        generator = _generator(m, torch)
        if name.endswith('_like') or name == 'bernoulli':
            if not args or not isinstance(args[0], torch.Tensor):
                raise TypeError(f'torch.{name} takes a tensor')
            like = args[0]
            m.meter.refund(reserve(m, name, cost, TensorCall(args, kwargs, [like], list)))
            if name == 'bernoulli':
                return torch.bernoulli(like.cpu(), generator=generator).to(like.device)
            make = torch.rand if name == 'rand_like' else torch.randn
            return make(like.shape, generator=generator, dtype=like.dtype).to(like.device)
        kwargs.pop('device', None)
        # Made on the CPU by the run's own generator: another device would have another.
        return bounded_call(m, partial(getattr(torch, name), generator=generator), args, kwargs, name, cost)

    return Builtin(f'torch.{name}', call, cost)


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
    cost = {**COSTS, **OF_FUNCTIONAL_ONLY}[name]

    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        refuse_out(kwargs)
        if most is not None and len(args) > most:
            raise ScriptDenied(f'{name}() changes nothing in place in scripts: it takes {most} arguments')
        return bounded_call(m, function, args, kwargs, name, cost)

    return Builtin(f'torch.nn.functional.{name}', call, cost)


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
    members['tensor'] = Builtin('torch.tensor', _tensor, COUNTED)
    members['manual_seed'] = Builtin('torch.manual_seed', _manual_seed, CONSTANT)
    members['nn'] = nn
    return ModuleRef('torch', members)
