"""What is said of each function of torch, against what it takes: bytes of its results and beside them.

Shapes are drawn: sizes of zero and one, tensors spread over each other, all types of elements. By hand, for longer:
`python -m comfy_script.tests.interpreter.test_tensor_costs MINUTES`, which looks at times as well.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip('torch')

from comfy_script.interpreter import Bounds, ScriptError
from comfy_script.interpreter.lang.builtins import NAMES
from comfy_script.interpreter.lang.machine import Machine
from comfy_script.interpreter.lang.modules.torch_functions import make
from comfy_script.interpreter.lang.objects import Builtin, Property
from comfy_script.interpreter.lang.tensors.methods import tensor_attributes
from comfy_script.interpreter.lang.tensors.tensor_costs import TensorCost

DTYPES = ('float32', 'float64', 'float16', 'bfloat16', 'int64', 'int32', 'uint8', 'bool')
SLACK = 1024
"""Bytes that are not worth saying: numbers that become tensors for the call."""
ROUNDS = 8
BOUNDS = Bounds(steps=10**12, seconds=1e6, memory=1 << 40)


class Drawn:
    """Arguments, drawn from a number."""

    def __init__(self, seed: int, largest: int = 40):
        self.random = random.Random(seed)
        self.largest = largest

    def size(self) -> int:
        return self.random.choice([0, 1, 2, *(self.random.randint(1, self.largest) for _ in range(4))])

    def shape(self, dims: int | None = None) -> list[int]:
        return [self.size() for _ in range(self.random.randint(1, 3) if dims is None else dims)]

    def tensor(self, shape: list[int] | None = None, dtype: str | None = None) -> Any:
        made = torch.rand(self.shape() if shape is None else shape) * 5
        return made.to(getattr(torch, dtype or self.random.choice(DTYPES)))

    def spread(self, shape: list[int]) -> list[int]:
        """A shape that goes with another."""
        return [size if self.random.random() < 0.6 else 1 for size in shape][self.random.randint(0, len(shape)) :]

    def arguments(self, name: str) -> tuple[list[Any], dict[str, Any]]:
        special = SPECIAL.get(name.rpartition('.')[2])
        if special is not None:
            return special(self), {}
        tensor = self.tensor()
        shape = list(tensor.shape)
        dim = self.random.randint(-len(shape), max(len(shape) - 1, 0)) if shape else 0
        kind = self.random.randint(0, 5)
        if kind == 0:
            return [tensor], {}
        if kind == 1:
            return [tensor, self.tensor(self.spread(shape))], {}
        if kind == 2:
            return [tensor, dim], {}
        if kind == 3:
            return [tensor, self.random.choice([0.5, 2, -1])], {}
        if kind == 4:
            return [tensor], {'dim': self.random.choice([dim, [dim]])}
        return [tensor, self.tensor(self.spread(shape)), self.tensor(self.spread(shape))], {}


def _matrices(drawn: Drawn) -> list[Any]:
    inner, dtype = drawn.size(), drawn.random.choice(DTYPES)
    batch = drawn.shape(drawn.random.choice([0, 0, 1, 2]))
    left, right = [*batch, drawn.size(), inner], [*drawn.spread(batch), inner, drawn.size()]
    return [drawn.tensor(left, dtype), drawn.tensor(right, dtype)]


def _batches(drawn: Drawn) -> list[Any]:
    batch, inner, dtype = drawn.size(), drawn.size(), drawn.random.choice(DTYPES)
    return [drawn.tensor([batch, drawn.size(), inner], dtype), drawn.tensor([batch, inner, drawn.size()], dtype)]


def _picture(drawn: Drawn) -> Any:
    side = drawn.random.randint(8, 8 + drawn.largest)
    return drawn.tensor([drawn.random.choice([0, 1, 2]), drawn.random.randint(1, 4), side, side], 'float32')


def _convolution(drawn: Drawn) -> list[Any]:
    picture = _picture(drawn).to(drawn.random.choice([torch.float32, torch.float64]))
    side = drawn.random.choice([1, 3, 5])
    weight = torch.rand(drawn.random.randint(1, 4), picture.shape[1], side, side, dtype=picture.dtype)
    return [picture, weight, None, drawn.random.choice([1, 2]), drawn.random.choice([0, 1, 2])]


def _places(drawn: Drawn) -> list[Any]:
    length = drawn.random.randint(1, drawn.largest)
    return [drawn.tensor([length, drawn.size()]), 0, torch.randint(0, length, [drawn.size()])]


SPECIAL: dict[str, Callable[[Drawn], list[Any]]] = {
    'matmul': _matrices,
    'mm': lambda drawn: [item.reshape(item.shape[-2:]) if item.dim() == 2 else item for item in _matrices(drawn)],
    'bmm': _batches,
    'conv2d': _convolution,
    'interpolate': lambda drawn: [_picture(drawn), drawn.random.randint(1, 60), None, drawn.random.choice(MODES)],
    'grid_sample': lambda drawn: [_picture(drawn), torch.rand(1, drawn.size(), drawn.size(), 2)],
    'avg_pool2d': lambda drawn: [_picture(drawn), drawn.random.randint(1, 5)],
    'max_pool2d': lambda drawn: [_picture(drawn), drawn.random.randint(1, 5)],
    'adaptive_avg_pool2d': lambda drawn: [_picture(drawn), drawn.random.randint(1, 50)],
    'adaptive_max_pool2d': lambda drawn: [_picture(drawn), drawn.random.randint(1, 9)],
    'pad': lambda drawn: [_picture(drawn), [drawn.random.randint(0, 5) for _ in range(4)]],
    'pixel_unshuffle': lambda drawn: [torch.rand(1, 2, 24, 24), drawn.random.choice([0, 1, 2, 3])],
    'pixel_shuffle': lambda drawn: [torch.rand(1, 36, 8, 8), drawn.random.choice([0, 1, 2, 3])],
    'one_hot': lambda drawn: [torch.randint(0, 7, drawn.shape()), drawn.random.choice([-1, 7, 50])],
    'index_select': _places,
    'gather': lambda drawn: [torch.rand(9, 9), 0, torch.randint(0, 9, [drawn.random.randint(0, 9) for _ in range(2)])],
    'scatter': lambda drawn: [torch.rand(9, 9), 0, torch.randint(0, 9, [drawn.random.randint(0, 9)] * 2), 1.0],
    'take': lambda drawn: [torch.rand(9, 9), torch.randint(0, 81, drawn.shape())],
    'masked_select': lambda drawn: [drawn.tensor(shape := drawn.shape()), drawn.tensor(drawn.spread(shape), 'bool')],
    'expand': lambda drawn: [drawn.tensor([1, 3]), drawn.random.randint(0, 50), 3],
    'repeat': lambda drawn: [drawn.tensor([2, 3]), drawn.random.randint(0, 50), drawn.random.randint(0, 50)],
    'tile': lambda drawn: [drawn.tensor([2, 3]), [drawn.random.randint(0, 50), 2]],
    'kthvalue': lambda drawn: [drawn.tensor([drawn.size(), 9]), 2],
    'topk': lambda drawn: [drawn.tensor([drawn.size(), 9]), 3],
    'quantile': lambda drawn: [drawn.tensor(None, 'float32'), torch.rand(drawn.random.randint(1, 9))],
    'diff': lambda drawn: [drawn.tensor([9, 9]), drawn.random.randint(0, 12)],
    'cat': lambda drawn: [[drawn.tensor([drawn.size(), 3]) for _ in range(3)]],
    'stack': lambda drawn: [[drawn.tensor(shape := drawn.shape()), drawn.tensor(shape)]],
    'full': lambda drawn: [drawn.shape(), 1.5],
    'unfold': lambda drawn: [_picture(drawn), drawn.random.randint(1, 5)],
    'broadcast_to': lambda drawn: [drawn.tensor([1, 3]), [drawn.random.randint(0, 50), 3]],
    'lerp': lambda drawn: [torch.rand(shape := drawn.shape()), torch.rand(drawn.spread(shape)), 0.5],
    'dot': lambda drawn: [torch.rand(length := drawn.size()), torch.rand(length)],
    'chunk': lambda drawn: [drawn.tensor([drawn.size() + 1]), drawn.random.randint(1, 9)],
    'split': lambda drawn: [drawn.tensor([drawn.size() + 1]), drawn.random.randint(1, 9)],
    'repeat_interleave': lambda drawn: [drawn.tensor([drawn.size(), 3]), drawn.random.randint(1, 9)],
    'outer': lambda drawn: [torch.rand(drawn.size()), torch.rand(drawn.size())],
    'isclose': lambda drawn: [torch.rand(shape := drawn.shape()), torch.rand(drawn.spread(shape))],
    'hypot': lambda drawn: [torch.rand(shape := drawn.shape()), torch.rand(drawn.spread(shape))],
    'masked_fill': lambda drawn: [drawn.tensor(shape := drawn.shape()), drawn.tensor(drawn.spread(shape), 'bool'), 1],
    'where': lambda drawn: [drawn.tensor(shape := drawn.shape(), 'bool'), drawn.tensor(shape), drawn.tensor(shape)],
    'movedim': lambda drawn: [drawn.tensor(drawn.shape(3)), 0, 2],
    'permute': lambda drawn: [drawn.tensor(drawn.shape(3)), [2, 0, 1]],
    'swapaxes': lambda drawn: [drawn.tensor(drawn.shape(3)), 0, 2],
    'transpose': lambda drawn: [drawn.tensor(drawn.shape(3)), 0, 2],
    'reshape': lambda drawn: [drawn.tensor([drawn.size(), 4]).mT, [4, -1] if drawn.largest else [2]],
    'flip': lambda drawn: [drawn.tensor(drawn.shape(3)), [0, 2]],
    'cross': lambda drawn: [torch.rand(drawn.size(), 3), torch.rand(1, 3)],
    'cosine_similarity': lambda drawn: [torch.rand(drawn.size(), 1, 9), torch.rand(1, drawn.size(), 9), 2],
    'affine_grid': lambda drawn: [torch.rand(2, 2, 3), [2, 1, drawn.random.randint(1, 50), 40]],
    'concat': lambda drawn: [[drawn.tensor([drawn.size(), 3]) for _ in range(3)]],
    'hstack': lambda drawn: [[drawn.tensor([9, drawn.size()]) for _ in range(3)]],
    'vstack': lambda drawn: [[drawn.tensor([drawn.size(), 3]) for _ in range(3)]],
    **{name: lambda drawn: [drawn.shape()] for name in ('ones', 'zeros', 'rand', 'randn')},
    'randint': lambda drawn: [0, 9, drawn.shape()],
    **{name: lambda drawn: [drawn.random.randint(1, 3000)] for name in ('arange', 'randperm')},
    'eye': lambda drawn: [drawn.size(), drawn.size()],
    **{name: lambda drawn: [0, 9, drawn.random.randint(1, 3000)] for name in ('linspace', 'logspace')},
    'sort': lambda drawn: [drawn.tensor()],
}
MODES = ['nearest', 'bilinear', 'bicubic', 'area', 'nearest-exact']


def peak_of(call: Callable[[], Any]) -> tuple[Any, int]:
    """What a call gives, and the most bytes that torch held for it at one time."""
    profiler = torch.autograd.profiler.profile(profile_memory=True, use_cpu=True)
    with profiler:
        found = call()
    events = [event for event in profiler.kineto_results.events() if event.name() == '[memory]']
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return found, most


def functions() -> Iterator[tuple[str, Any]]:
    m = Machine(BOUNDS, NAMES)
    for module in ('torch', 'torch.nn.functional'):
        for name, item in make(m, module).members.items():
            if isinstance(item, Builtin) and isinstance(item.cost, TensorCost):
                yield f'{module}.{name}', item
    for name, entry in tensor_attributes().items():
        if not isinstance(entry, Property) and isinstance(entry.cost, TensorCost):
            yield f'Tensor.{name}', entry


def tried(name: str, item: Any, seed: int, largest: int = 40) -> tuple[int, int, float, float] | None:
    """Bytes used and said, seconds used and said; None where there is no such call."""
    args, kwargs = Drawn(seed, largest).arguments(name)
    m = Machine(BOUNDS, NAMES)
    said = 0

    def charge(size: int, exact: bool = False) -> None:
        nonlocal said
        said += size

    m.charge = m.meter.charge = charge  # type: ignore[method-assign]
    try:
        began = time.process_time()
        item.implementation(m, *args, **kwargs)  # torch loads what it needs for its first meta tensor
        took = time.process_time() - began
        said, m.meter.steps = 0, 0
        _, used = peak_of(lambda: item.implementation(m, *args, **kwargs))
    except (ScriptError, RuntimeError, TypeError, ValueError, IndexError, OverflowError, AttributeError):
        return None
    return used, said, took, m.meter.steps * 4.096e-6


FUNCTIONS = list(functions())
SHAPES_ONLY = {f'Tensor.{name}' for name in ('narrow', 'select', 'unflatten', 'unfold')}
"""Views, whose arguments are not drawn here."""


@pytest.mark.parametrize(('name', 'item'), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_no_more_is_taken_than_said(name: str, item: Any) -> None:
    wrong = []
    tried_at_all = False
    for seed in range(ROUNDS):
        found = tried(name, item, seed)
        tried_at_all = tried_at_all or found is not None
        if found is not None and found[0] > found[1] + SLACK:
            wrong.append(f'{name}, drawn from {seed}: {found[0]} bytes, and said to take {found[1]}')
    assert wrong == []
    assert tried_at_all or name in SHAPES_ONLY


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    until = time.monotonic() + 60 * minutes
    seed = int(time.time())
    calls = found = 0
    while time.monotonic() < until:
        seed += 1
        for name, item in FUNCTIONS:
            result = tried(name, item, seed, 300)
            calls += result is not None
            if result is not None and (result[0] > result[1] + SLACK or result[2] > 2 * result[3] + 0.05):
                found += 1
                print(f'{name}, drawn from {seed}: {result}', flush=True)
    print(f'{calls} calls, {found} of which took more than said')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
