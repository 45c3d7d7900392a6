"""What tensors offer after a dot."""

from __future__ import annotations

from typing import Any

from ..costs import CONSTANT, Function, constant, counted
from ..errors import ScriptDenied
from ..kinds import loaded_torch
from ..machine import Machine
from ..objects import Attributes, Property, as_index
from ..types.entries import read
from ..types.tables import ATTRIBUTES
from .calls import bounded_call, refuse_out, reserve, torch_module
from .tensor_costs import COSTS, OF_METHODS_ONLY, TensorCall, count

_METHODS = (
    'abs acos add all amax amin any argmax argmin argsort asin atan atan2 bool broadcast_to ceil chunk clamp clip '
    'clone contiguous cos cosh cummax cummin cumprod cumsum deg2rad detach diff div double eq erf exp expand expm1 '
    'flatten flip float floor fmod frac gather ge gt half index_select int isclose isfinite isinf isnan kthvalue le '
    'lerp log log10 log1p log2 logical_and logical_not logical_or logical_xor logsumexp long lt masked_fill '
    'masked_select matmul max maximum mean median min minimum mm bmm mode movedim mul narrow ne neg nonzero norm '
    'permute pow prod quantile reciprocal remainder repeat reshape roll rot90 round rsqrt scatter select sigmoid sign '
    'sin sinh softmax sort split sqrt square squeeze std sub sum swapaxes t take tan tanh tile topk transpose tril '
    'triu trunc type_as unbind unflatten unfold unique unsqueeze var view where'
)
_WITHOUT_ARGUMENTS = ('dim', 'numel', 'is_floating_point', 'element_size')
_METHOD_COSTS = {**COSTS, **OF_METHODS_ONLY}


def _method(name: str) -> Function:
    cost = _METHOD_COSTS[name]
    function = getattr(loaded_torch().Tensor, name)

    def call(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        torch = torch_module()
        refuse_out(kwargs)
        if name == 'view' and any(type(value) is torch.dtype for value in (*args, *kwargs.values())):
            raise ScriptDenied('tensor.view() takes a shape in scripts: use to(dtype)')
        return bounded_call(m, function, (owner, *args), kwargs, name, cost)

    return Function(call, cost)


def _without_arguments(name: str) -> Function:
    return Function(lambda m, owner, /: getattr(owner, name)(), CONSTANT)


def _size(m: Machine, owner: Any, dim: Any = None, /) -> Any:
    return tuple(owner.shape) if dim is None else owner.shape[as_index(dim)]


def _item(m: Machine, owner: Any, /) -> Any:
    return owner.item()


def _tolist(m: Machine, owner: Any, /) -> Any:
    made = count(owner.shape)
    m.meter.item_count(made)
    m.meter.ticks(made >> 4)
    m.charge(64 * made)
    return owner.tolist()


def to(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
    """To another dtype, or to where another tensor is. A device by name would be the script choosing hardware."""
    torch = torch_module()
    for value in (*args, *kwargs.values()):
        if not isinstance(value, (torch.dtype, torch.device, torch.Tensor)) and value != 'cpu':
            raise ScriptDenied("tensor.to() takes a dtype, another tensor, its device or 'cpu' in scripts")
    if not set(kwargs) <= {'dtype', 'device', 'other'}:
        raise ScriptDenied('tensor.to() takes dtype and device in scripts')
    reserve(m, 'to', COSTS['to'], TensorCall(args, kwargs, [owner], list))
    return owner.to(*args, **kwargs)


def _cpu(m: Machine, owner: Any, /) -> Any:
    reserve(m, 'cpu', COSTS['to'], TensorCall((), {}, [owner], list))
    return owner.cpu()


def _repeat_interleave(m: Machine, owner: Any, repeats: Any, dim: Any = None) -> Any:
    return bounded_call(
        m, torch_module().Tensor.repeat_interleave, (owner, as_index(repeats)), {'dim': dim}, 'repeat_interleave'
    )


def tensor_attributes() -> Attributes:
    torch = torch_module()
    names = (name for name in _METHODS.split() if hasattr(torch.Tensor, name))
    found: dict[str, Property | Function] = {name: _method(name) for name in names}
    found.update({name: _without_arguments(name) for name in _WITHOUT_ARGUMENTS})
    found.update(
        {
            'shape': read(lambda x: tuple(x.shape)),
            'ndim': read(lambda x: x.ndim),
            'dtype': read(lambda x: x.dtype),
            'device': read(lambda x: x.device),
            'T': Property(lambda m, x: bounded_call(m, lambda y: y.T, (x,), {}, 'T')),
            'mT': Property(lambda m, x: bounded_call(m, lambda y: y.mT, (x,), {}, 'mT')),
            'to': Function(to, COSTS['to']),
            'cpu': Function(_cpu, COSTS['to']),
            'repeat_interleave': Function(_repeat_interleave, COSTS['repeat_interleave']),
            **constant({'size': _size, 'item': _item}),
            **counted({'tolist': _tolist}),
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
