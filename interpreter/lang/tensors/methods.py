"""What tensors offer after a dot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bounds import TENSOR_SIZE
from ..errors import ScriptDenied
from ..kinds import loaded_torch
from ..machine import Machine
from ..objects import Attributes, Property, as_index
from ..types.entries import read
from ..types.tables import ATTRIBUTES
from .calls import bounded_call, refuse_out, torch_module

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


def _method(name: str, check: bool = True) -> Callable[..., Any]:
    def call(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        torch = torch_module()
        refuse_out(kwargs)
        if name == 'view' and any(type(value) is torch.dtype for value in (*args, *kwargs.values())):
            raise ScriptDenied('tensor.view() takes a shape in scripts: use to(dtype)')
        return bounded_call(m, getattr(torch.Tensor, name), (owner, *args), kwargs, check)

    return call


def _size(m: Machine, owner: Any, dim: Any = None, /) -> Any:
    return tuple(owner.shape) if dim is None else owner.shape[as_index(dim)]


def _item(m: Machine, owner: Any, /) -> Any:
    return owner.item()


def _tolist(m: Machine, owner: Any, /) -> Any:
    m.meter.item_count(owner.numel())
    m.charge(64 * owner.numel())
    return owner.tolist()


def to(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
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
    return bounded_call(m, torch_module().Tensor.repeat_interleave, (owner, as_index(repeats)), {'dim': dim})


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
            'to': to,
            'cpu': _cpu,
            'repeat_interleave': _repeat_interleave,
        }
    )
    return found


def enable(m: Machine) -> None:
    """Gives tensors their attributes in this run, where torch is loaded."""
    torch = loaded_torch()
    if torch is None:
        return
    table = _TABLES.get('tensor')
    if table is None:
        table = _TABLES['tensor'] = tensor_attributes()
    m.attributes = {**ATTRIBUTES, torch.Tensor: table, torch.dtype: {}, torch.device: {'type': read(lambda x: x.type)}}


_TABLES: dict[str, Attributes] = {}
