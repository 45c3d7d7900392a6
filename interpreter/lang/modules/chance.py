"""`random`: a generator of the run's own, so that a script's seed disturbs nobody else's."""

from __future__ import annotations

import random
from typing import Any

from ..costs import CONSTANT, COUNTED
from ..elements import collect, length
from ..errors import ScriptLimit
from ..machine import Machine
from ..objects import Builtin, ModuleRef, ScriptObject, as_index
from ..subscripts import get_item
from ..types.entries import plain
from .numeric import numbers_only


class Generator(ScriptObject):
    """`random.Random(seed)`."""

    __slots__ = ('members',)
    kind = 'Random'

    def __init__(self, generator: random.Random):
        self.members = _members(generator)

    def attribute(self, m: Machine, name: str) -> Any:
        if name in self.members:
            return self.members[name]
        raise AttributeError(f"'Random' object has no attribute '{name}'")


# Not gammavariate, betavariate and vonmisesvariate: with inf or nan they draw for ever.
_NUMBERS = 'expovariate gauss lognormvariate normalvariate triangular uniform'


def _members(generator: random.Random) -> dict[str, Any]:
    def plain_call(name: str) -> Builtin:
        function = getattr(generator, name)
        return Builtin(name, lambda m, *args: function(*numbers_only(m, args)), CONSTANT)

    def seed(m: Machine, value: Any = None, /) -> None:
        plain(m, (value,))
        if value is not None and type(value) not in (int, float, str, bytes, bool):
            raise TypeError('The only supported seed types are: None, int, float, str, bytes')
        generator.seed(value)

    def integer(name: str) -> Builtin:
        function = getattr(generator, name)
        return Builtin(name, lambda m, *args: function(*(as_index(arg) for arg in args)), CONSTANT)

    def getrandbits(m: Machine, bits: Any, /) -> int:
        m.meter.bit_count(as_index(bits))
        return generator.getrandbits(bits)

    def choice(m: Machine, values: Any, /) -> Any:
        if not length(m, values):
            raise IndexError('Cannot choose from an empty sequence')
        return get_item(m, values, generator.randrange(length(m, values)))

    def choices(m: Machine, values: Any, weights: Any = None, *, k: Any = 1) -> list:
        count = max(as_index(k), 0)
        m.meter.item_count(count)
        # Python adds the weights up before it looks at them: of texts it would make ever longer ones.
        wanted = None if weights is None else numbers_only(m, collect(m, weights))
        m.meter.ticks(count)
        m.charge(56 + 8 * count)
        return generator.choices(collect(m, values), wanted, k=count)

    def sample(m: Machine, values: Any, k: Any) -> list:
        if type(values) is not range:
            values = collect(m, values)
        count = as_index(k)
        m.meter.item_count(count)
        m.meter.ticks(max(count, 0))
        m.charge(56 + 40 * max(count, 0))
        return generator.sample(values, count)

    def shuffle(m: Machine, values: Any, /) -> None:
        if type(values) is not list:
            raise TypeError('shuffle() takes a list')
        m.changeable(values)
        m.meter.ticks(len(values))
        generator.shuffle(values)

    found: dict[str, Any] = {name: plain_call(name) for name in ('random', *_NUMBERS.split())}
    found.update({name: integer(name) for name in ('randint', 'randrange')})
    own = {
        'seed': seed,
        'getrandbits': getrandbits,
        'choice': choice,
        'choices': choices,
        'sample': sample,
        'shuffle': shuffle,
    }
    found.update({name: Builtin(name, function, COUNTED) for name, function in own.items()})
    return found


def _random(m: Machine, seed: Any = None, /) -> Generator:
    made = m.state['generators'] = m.state.get('generators', 0) + 1
    if made > 1000:
        raise ScriptLimit('more than 1000 random generators')
    plain(m, (seed,))
    return Generator(random.Random(seed))


def make(m: Machine, name: str) -> ModuleRef:
    members = _members(random.Random())
    members['Random'] = Builtin('Random', _random, CONSTANT)
    return ModuleRef(name, members)
