"""What a call of torch takes, told from the shapes of what it is given: for each function one entry, and none without.

A dimension of zero counts as one in all of this: a tensor without elements has a shape that others are made from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

MAX_TIME = 1e9
"""Nanoseconds of one call, which nothing can interrupt: one second on two cores."""
WIDEST = 8
"""Bytes of the largest element that a call makes of smaller ones."""
AS_GIVEN = -1
"""Elements as large as the largest that the call is given, and at least those of float32."""

Count = Callable[['TensorCall'], int]


class TensorCall:
    """A call that is about to be made: its arguments, and the shapes that it would give."""

    __slots__ = ('_try', 'args', 'kwargs', 'tensors')

    def __init__(self, args: Any, kwargs: dict[str, Any], tensors: list[Any], trial: Callable[[], list[Any]]):
        self.args = args
        self.kwargs = kwargs
        self.tensors = tensors
        """All tensors among the arguments, also in lists."""
        self._try = trial

    @property
    def first(self) -> Any:
        return self.tensors[0]

    def given(self, position: int, name: str, default: Any = None) -> Any:
        return self.args[position] if position < len(self.args) else self.kwargs.get(name, default)

    def tried(self) -> list[Any]:
        """The results, as meta tensors, which have a shape and no memory. torch takes a second or two for its first."""
        return self._try()


class TensorCost(NamedTuple):
    """What one function takes; there is no entry without one. Measured by tests/interpreter/test_tensor_costs.py."""

    out: Count
    """Elements of all results together, at most."""
    time: float
    """Nanoseconds for each element of `of`, on one core."""
    of: Count
    space: Count
    """Bytes that it takes beside its results, while it runs."""
    itemsize: int = WIDEST
    """Bytes of each element of the results, or AS_GIVEN; 0: a view, which has those of another tensor."""
    pieces: Count = lambda call: 1
    """Tensors that it makes."""
    by_type: Callable[[str], float] = lambda dtype: 1.0
    """How many times longer it takes with elements of this type."""


def product_by_type(dtype: str) -> float:
    """Matrix products are fast for two types on every processor; for the others there may be a plain loop."""
    return {'torch.float32': 1.0, 'torch.float64': 6.0}.get(dtype, 25.0)


def count(shape: Iterable[int]) -> int:
    return math.prod(shape) or math.prod(size or 1 for size in shape)


def elements(call: TensorCall) -> int:
    """Elements of the first tensor."""
    return count(call.first.shape) if call.tensors else 1


def all_elements(call: TensorCall) -> int:
    return sum(count(tensor.shape) for tensor in call.tensors)


def broadcast(call: TensorCall) -> int:
    """Elements of all tensors spread over each other."""
    tensors = call.tensors
    if len(tensors) == 1:
        return count(tensors[0].shape)
    if len(tensors) == 2 and tensors[0].shape == tensors[1].shape:
        return count(tensors[0].shape)
    return spread([tensor.shape for tensor in tensors])


def spread(shapes: list[Any]) -> int:
    found = 1
    for place in range(1, max(map(len, shapes), default=0) + 1):
        found *= max(shape[-place] or 1 if place <= len(shape) else 1 for shape in shapes)
    return found


def tried(call: TensorCall) -> int:
    return sum(count(made.shape) for made in call.tried())


def nothing(call: TensorCall) -> int:
    return 0


def one(call: TensorCall) -> int:
    return 1


def bytes_of(each: int, of: Count) -> Count:
    return lambda call: each * of(call)


def most(*counts: Count) -> Count:
    return lambda call: max(found(call) for found in counts)


# Families


def pointwise(time: float, space: int = 0) -> TensorCost:
    """Element by element, tensors spread over each other."""
    return TensorCost(broadcast, time, broadcast, bytes_of(space, broadcast), AS_GIVEN)


def copying(time: float = 2.5, space: int = 0, itemsize: int = AS_GIVEN) -> TensorCost:
    return TensorCost(elements, time, elements, bytes_of(space, elements), itemsize)


def viewing(out: Count = elements) -> TensorCost:
    """The same memory, seen otherwise."""
    return TensorCost(out, 0.0, one, nothing, 0)


def cutting(pieces: Count) -> TensorCost:
    return TensorCost(elements, 0.0, one, nothing, 0, pieces)


def reducing(
    time: float, position: int = 1, results: int = 1, default: int | None = None, space: int = 0
) -> TensorCost:
    """One element for all along some dimensions: those given as argument `dim`, at this position."""

    def out(call: TensorCall) -> int:
        if len(call.tensors) > 1:
            return results * broadcast(call)
        return results * kept(call.first.shape, call.given(position, 'dim', call.kwargs.get('axis', default)))

    of = most(broadcast, out)
    return TensorCost(out, time, of, bytes_of(space, broadcast))


def kept(shape: Any, dims: Any) -> int:
    """Elements that are left when these dimensions go."""
    if dims is None or type(dims) is bool or not len(shape):
        return 1
    gone = {dim % len(shape) for dim in (dims if type(dims) in (list, tuple) else (dims,)) if type(dim) is int}
    if not gone:
        return 1 if dims in ([], ()) else count(shape)
    return count([size for place, size in enumerate(shape) if place not in gone])


def both(call: TensorCall) -> int:
    """Values and their places."""
    return 2 * elements(call)


def sorting(space: int, out: Count = both) -> TensorCost:
    return TensorCost(
        out, 8.0, lambda call: elements(call) * max(elements(call).bit_length(), 8), bytes_of(space, elements)
    )


def looking_up(out: Count, space: int = 2 * WIDEST) -> TensorCost:
    """Elements by their number."""
    return TensorCost(out, 25.0, most(out, all_elements), bytes_of(space, most(out, all_elements)))


# Functions with a rule of their own


def _cast(call: TensorCall) -> int:
    """Tensors of different types are made alike first."""
    return WIDEST * all_elements(call) if len({tensor.dtype for tensor in call.tensors}) > 1 else 0


def _shape_given(call: TensorCall) -> int:
    size = call.kwargs.get('size', call.args[0] if call.args and type(call.args[0]) in (list, tuple) else call.args)
    if type(size) in (list, tuple) and all(type(item) is int and item >= 0 for item in size):
        return count(size)
    return tried(call)


def _last_size(call: TensorCall) -> int:
    """`randint`: after one bound or two."""
    lists = [value for value in (*call.args, *call.kwargs.values()) if type(value) in (list, tuple)]
    sizes = lists[-1] if lists else ()
    return count(sizes) if all(type(item) is int and item >= 0 for item in sizes) else 1


def _number(call: TensorCall) -> int:
    number = call.given(0, 'n', 1)
    return max(number, 1) if type(number) is int else 1


def _indexed_rows(call: TensorCall) -> int:
    """`index_select`: one row of the tensor for each number."""
    dim, shape = call.given(1, 'dim', 0), call.first.shape
    rows = count(call.tensors[-1].shape)
    return rows * (kept(shape, dim) if shape and type(dim) is int else 1)


def _multiplications(call: TensorCall) -> int:
    left, right = call.tensors[0].shape, call.tensors[-1].shape
    rows = left[-2] or 1 if len(left) > 1 else 1
    columns = right[-1] or 1 if len(right) > 1 else 1
    inner = left[-1] or 1 if left else 1
    return spread([left[:-2], right[:-2]]) * rows * columns * inner


def _product(call: TensorCall) -> int:
    left, right = call.tensors[0].shape, call.tensors[-1].shape
    return _multiplications(call) // (left[-1] or 1 if left else 1) if right else elements(call)


def _spread_factors(call: TensorCall) -> int:
    """The factors of a matrix product, each as often as the other's batch needs it, and both once more as floats."""
    left, right = call.tensors[0].shape, call.tensors[-1].shape
    batch = spread([left[:-2], right[:-2]])
    return batch * (count(left[-2:]) + count(right[-2:])) + all_elements(call) + _product(call)


def _outer(call: TensorCall) -> int:
    return count(call.tensors[0].shape) * count(call.tensors[-1].shape)


def _differences(call: TensorCall) -> int:
    times = call.given(1, 'n', 1)
    return elements(call) * max(times if type(times) is int else 1, 1)


def _pieces(position: int, name: str) -> Count:
    """`split` gives pieces of a size, or of the sizes in a list; `chunk` a number of them."""

    def pieces(call: TensorCall) -> int:
        size = call.given(position, name)
        if type(size) in (list, tuple):
            return len(size)
        if type(size) is not int or size < 1:
            return 1
        return size if name == 'chunks' else -(-_length(call, call.given(2, 'dim', 0)) // size)

    return pieces


def _length(call: TensorCall, dim: Any) -> int:
    shape = call.first.shape
    return shape[dim] if type(dim) is int and -len(shape) <= dim < len(shape) else max(shape, default=1)


def _classes(call: TensorCall) -> int:
    classes = call.given(1, 'num_classes', -1)
    if type(classes) is not int or classes < 0:
        classes = int(call.first.max()) + 1 if call.first.numel() else 1
    return elements(call) * max(classes, 1)


def _levels(call: TensorCall) -> int:
    """`quantile`: a result for each level that is asked for."""
    levels = call.given(1, 'q', 1)
    asked = count(levels.shape) if hasattr(levels, 'shape') else 1
    return asked * kept(call.first.shape, call.given(2, 'dim'))


def _resized(call: TensorCall) -> int:
    """`interpolate`: an image, to a size or by a factor."""
    shape = call.first.shape
    size, factor = call.given(1, 'size'), call.given(2, 'scale_factor')
    old = shape[2:]
    if size is not None:
        new = [size] * len(old) if type(size) is int else size
    else:
        factors = factor if type(factor) in (list, tuple) else [factor] * len(old)
        if not all(type(item) in (int, float) and 0 < item < 1e9 for item in factors):
            return tried(call)
        new = [math.ceil(length * item) + 1 for length, item in zip(old, factors, strict=False)]
    if type(new) not in (list, tuple) or not all(type(item) is int and item > 0 for item in new):
        return tried(call)
    return count(shape[:2]) * math.prod(new)


def _resize_work(call: TensorCall) -> int:
    """With `area` and antialiasing each pixel of the old image counts as well."""
    return 4 * elements(call) + _resized(call)


def _resize_space(call: TensorCall) -> int:
    """Antialiasing goes one dimension after the other, and has weights for each place in each."""
    new, old = _resized(call), elements(call)
    return WIDEST * (old + new + max(old, new)) + 64 * sum(call.first.shape)


def _window(call: TensorCall) -> int:
    size = call.given(1, 'kernel_size', 1)
    sides = [size, size] if type(size) is int else list(size) if type(size) in (list, tuple) else [1]
    return math.prod(side for side in (sides if len(sides) > 1 else sides * 2) if type(side) is int)


def _pooled(call: TensorCall) -> int:
    return tried(call) * max(_window(call), 1)


def _adapted(call: TensorCall) -> int:
    """Windows of an adaptive pool overlap by an element at most."""
    return 4 * (tried(call) + elements(call))


def _weights(call: TensorCall) -> Any:
    return call.given(1, 'weight')


def _convolved(call: TensorCall) -> int:
    return tried(call) * max(count(_weights(call).shape[1:]), 1)


def _unrolled(call: TensorCall) -> int:
    """A convolution may lay its windows out first, for all images at once."""
    out = call.tried()[0]
    channels = max(out.shape[-3], 1) if out.dim() > 2 else 1
    patches = count(out.shape) // channels * count(_weights(call).shape[1:])
    return call.first.element_size() * (patches + 2 * (count(out.shape) + all_elements(call)))


def each(cost: TensorCost, names: str) -> dict[str, TensorCost]:
    return dict.fromkeys(names.split(), cost)


COSTS: dict[str, TensorCost] = {
    # Views
    **each(viewing(), 'detach movedim narrow permute select squeeze swapaxes t transpose unflatten unsqueeze view'),
    **each(viewing(tried), 'broadcast_to expand'),
    'T': viewing(),
    'mT': viewing(),
    'broadcast_tensors': TensorCost(tried, 0.0, one, nothing, 0, lambda call: len(call.tensors)),
    'meshgrid': TensorCost(tried, 0.0, one, nothing, 0, lambda call: len(call.tensors)),
    'split': cutting(_pieces(1, 'split_size')),
    'chunk': cutting(_pieces(1, 'chunks')),
    'unbind': cutting(lambda call: _length(call, call.given(1, 'dim', 0))),
    # Copies
    **each(copying(), 'bool clone contiguous flatten float half int reshape tril triu'),
    **each(copying(itemsize=WIDEST), 'double long type_as'),
    'to': copying(itemsize=WIDEST),
    **each(copying(6.0, WIDEST), 'flip fliplr flipud roll rot90'),
    **each(TensorCost(all_elements, 2.5, all_elements, _cast, AS_GIVEN), 'cat concat hstack stack vstack'),
    **each(TensorCost(tried, 2.5, tried, nothing, AS_GIVEN), 'tile repeat repeat_interleave'),
    # Element by element
    **each(
        pointwise(3.0),
        'abs add ceil clamp clip deg2rad eq floor frac ge gt invert le logical_and logical_not logical_or logical_xor '
        'lt masked_fill maximum minimum mul ne neg pos rad2deg reciprocal round sign sqrt square sub and_ or_ xor '
        'trunc',
    ),
    'where': TensorCost(
        lambda call: broadcast(call) * (max(call.first.dim(), 1) if len(call.tensors) == 1 else 1),
        8.0,
        lambda call: broadcast(call) * (max(call.first.dim(), 1) if len(call.tensors) == 1 else 1),
        bytes_of(2 * WIDEST, broadcast),
    ),
    **each(pointwise(8.0), 'div floordiv fmod mod remainder rsqrt truediv'),
    **each(pointwise(10.0), 'acos asin atan cos cosh erf exp expm1 log log10 log1p log2 sigmoid sin sinh tan tanh'),
    **each(pointwise(12.0), 'atan2 hypot pow'),
    **each(pointwise(6.0, 2 * WIDEST), 'isfinite isinf isnan lerp'),
    'isclose': pointwise(30.0, 6 * WIDEST),
    # One for many
    **each(reducing(3.0), 'all amax amin any argmax argmin'),
    **each(reducing(3.0, space=WIDEST), 'mean prod sum'),
    **each(reducing(8.0, space=WIDEST), 'std var'),
    'logsumexp': reducing(20.0, space=3 * WIDEST),
    'norm': reducing(6.0, 2, space=3 * WIDEST),
    **each(reducing(8.0, results=2, space=WIDEST), 'max min'),
    **each(sorting(4 * WIDEST), 'argsort sort topk'),
    'kthvalue': sorting(4 * WIDEST),
    'median': sorting(4 * WIDEST),
    'mode': sorting(6 * WIDEST),
    'unique': sorting(8 * WIDEST, bytes_of(3, elements)),
    'quantile': sorting(6 * WIDEST, _levels),
    # One after the other
    **each(copying(8.0, 2 * WIDEST), 'cumprod cumsum'),
    **each(TensorCost(bytes_of(2, elements), 12.0, elements, bytes_of(2 * WIDEST, elements)), 'cummax cummin'),
    'diff': TensorCost(all_elements, 6.0, _differences, bytes_of(3 * WIDEST, all_elements)),
    'softmax': copying(12.0, WIDEST),
    # By number
    **each(looking_up(lambda call: count(call.tensors[-1].shape)), 'gather take'),
    'index_select': looking_up(_indexed_rows),
    'scatter': looking_up(elements),
    'masked_select': TensorCost(broadcast, 15.0, broadcast, bytes_of(4 * WIDEST, broadcast)),
    'nonzero': TensorCost(
        lambda call: elements(call) * max(call.first.dim(), 1),
        8.0,
        lambda call: elements(call) * max(call.first.dim(), 1),
        bytes_of(WIDEST, elements),
    ),
    'one_hot': TensorCost(_classes, 6.0, _classes, nothing),
    # Products. Of integers, and of floats of 16 bits, there is no fast one.
    **each(
        TensorCost(_product, 0.06, _multiplications, bytes_of(WIDEST, _spread_factors), by_type=product_by_type),
        'bmm dot matmul mm',
    ),
    'outer': TensorCost(_outer, 4.0, _outer, bytes_of(WIDEST, all_elements)),
    'cross': TensorCost(broadcast, 15.0, broadcast, bytes_of(3 * WIDEST, broadcast)),
    'conv2d': TensorCost(tried, 0.06, _convolved, _unrolled, by_type=product_by_type),
    # Made of nothing
    **each(TensorCost(_shape_given, 2.0, _shape_given, nothing), 'full ones zeros'),
    **each(TensorCost(tried, 10.0, tried, nothing), 'arange eye linspace logspace'),
    **each(copying(2.0, 0), 'full_like ones_like zeros_like'),
    **each(TensorCost(_shape_given, 8.0, _shape_given, nothing), 'rand randn'),
    'randint': TensorCost(_last_size, 8.0, _last_size, nothing),
    'randperm': TensorCost(_number, 40.0, _number, nothing),
    **each(copying(20.0), 'bernoulli rand_like randn_like'),
    # torch.nn.functional
    **each(TensorCost(tried, 10.0, _adapted, bytes_of(WIDEST, elements)), 'adaptive_avg_pool2d adaptive_max_pool2d'),
    **each(TensorCost(tried, 4.0, _pooled, bytes_of(2 * WIDEST, elements)), 'avg_pool2d max_pool2d'),
    'affine_grid': TensorCost(tried, 10.0, tried, bytes_of(3 * WIDEST, tried)),
    'grid_sample': TensorCost(tried, 25.0, tried, bytes_of(WIDEST, most(tried, all_elements))),
    'interpolate': TensorCost(_resized, 12.0, _resize_work, _resize_space),
    **each(pointwise(15.0, 4 * WIDEST), 'l1_loss mse_loss'),
    'cosine_similarity': TensorCost(broadcast, 60.0, broadcast, bytes_of(8 * WIDEST, broadcast)),
    'normalize': pointwise(30.0, 4 * WIDEST),
    'pad': TensorCost(tried, 10.0, tried, bytes_of(WIDEST, most(tried, elements))),
    **each(copying(10.0), 'pixel_shuffle pixel_unshuffle'),
    'relu': pointwise(6.0),
    # Subscripts with lists and tensors
    'indexed': looking_up(tried),
}
"""Each function that scripts can call, by its name in torch or in `operator`."""

OF_METHODS_ONLY: dict[str, TensorCost] = {
    # `Tensor.unfold` is a view; `torch.nn.functional.unfold` lays windows out.
    'unfold': viewing(tried),
}
OF_FUNCTIONAL_ONLY: dict[str, TensorCost] = {
    'unfold': TensorCost(tried, 10.0, tried, bytes_of(WIDEST, most(tried, elements))),
}
