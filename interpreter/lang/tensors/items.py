"""Subscripts of tensors."""

from __future__ import annotations

from typing import Any

from ..bounds import TENSOR_SIZE
from ..errors import ScriptDenied, ScriptLimit
from ..kinds import is_tensor
from ..machine import Machine
from ..objects import type_name
from .calls import MAX_DIMENSIONS, bounded_call, checked, is_away, reserve, torch_module
from .tensor_costs import COSTS, WIDEST, TensorCall, TensorCost, count, spread


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
            made = torch.tensor(numbers_in(m, part))
            masked = masked or made.dtype is torch.bool
            parts.append(made)
        else:
            raise TypeError(f'a tensor is indexed by numbers, slices, lists and tensors, not {type_name(part)}')
    return (tuple(parts) if type(key) is tuple else parts[0]), masked


def numbers_in(m: Machine, value: Any, depth: int = 0, count: list[int] | None = None) -> Any:
    """A nested list of numbers. Raises TypeError."""
    if type(value) in (list, tuple):
        count = [0] if count is None else count
        count[0] += 1 + len(value)
        if depth > MAX_DIMENSIONS or count[0] > 4 * m.bounds.items:
            raise ScriptLimit('a list that is too long or nested too deep for a tensor')
        m.meter.ticks(1 + (len(value) >> 3))
        return [numbers_in(m, item, depth + 1, count) for item in value]
    if type(value) in (int, float, bool):
        return value
    if is_tensor(value) and value.numel() == 1:
        return value.item()
    raise TypeError(f'a tensor is made of numbers, not {type_name(value)}')


def get_tensor_item(m: Machine, tensor: Any, key: Any) -> Any:
    torch = torch_module()
    index, masked = _index_parts(m, torch, key)
    if masked:
        # A mask keeps at most what is there; beside other lists it could repeat, so there it stands alone.
        if type(index) is tuple and sum(isinstance(part, torch.Tensor) for part in index) > 1:
            raise ScriptDenied('a mask cannot be combined with other lists as an index in scripts')
        call = TensorCall((tensor,), {}, [tensor, *_tensors_of(torch, index)], list)
        m.meter.refund(reserve(m, 'masked_select', COSTS['masked_select'], call))
        m.meter.check()
        return checked(tensor[index])
    parts = index if type(index) is tuple else (index,)
    if all(type(part) in (int, slice, type(None), type(...)) for part in parts):
        m.charge(TENSOR_SIZE)
        return checked(tensor[index])  # A view: its elements take no memory.
    many = type(index) is tuple
    parts = index if many else (index,)

    def indexed(owner: Any, *parts: Any) -> Any:
        return owner[parts if many else parts[0]]

    return bounded_call(m, indexed, (tensor, *parts), {}, 'indexed')


def _tensors_of(torch: Any, index: Any) -> list[Any]:
    return [part for part in (index if type(index) is tuple else (index,)) if isinstance(part, torch.Tensor)]


def _behind(tensor: Any, index: Any) -> int:
    """Elements of the dimensions that no list or tensor of an index stands for: at most so many for each place."""
    parts = index if type(index) is tuple else (index,)
    gone = sum(hasattr(part, 'shape') for part in parts)
    return count(sorted(tensor.shape)[gone:])


def set_tensor_item(m: Machine, tensor: Any, key: Any, value: Any) -> None:
    torch = torch_module()
    if not m.shared.is_changeable_tensor(tensor):
        raise ScriptDenied(
            'this tensor came from a node or was given to one, and is shared with it: change x.clone() instead'
        )
    if not isinstance(value, torch.Tensor) and type(value) not in (int, float, bool):
        raise TypeError(f'a tensor holds numbers, not a {type_name(value)}')
    index, masked = _index_parts(m, torch, key)
    looked_up = _tensors_of(torch, index)
    if looked_up:
        # As many places as the indices make together, each with what lies behind it.
        at_most = count(tensor.shape) if masked else spread([part.shape for part in looked_up]) * _behind(tensor, index)
        cost = TensorCost(lambda call: at_most, 25.0, lambda call: at_most, lambda call: 3 * WIDEST * at_most, 0)
        m.meter.refund(reserve(m, 'indexed', cost, TensorCall((tensor,), {}, [tensor, *looked_up], list)))
    else:
        m.meter.ticks(tensor.numel() >> 12)
    m.meter.check()
    if is_away(tensor):
        changed = tensor.cpu()
        changed[index] = value
        tensor.copy_(changed)
    else:
        tensor[index] = value
