"""Enums of a server's choices: one per combo input, and global ones for model folders, samplers and schedulers."""

from __future__ import annotations

import enum
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...graph import InputSchema, NodeSchema, Schemas, near_misses, to_identifier
from .by_name import received_enum

__all__ = ['GLOBAL_ENUM_SOURCES', 'Embeddings', 'Enums', 'GlobalEnum', 'make_enum', 'member_names']

GLOBAL_ENUM_SOURCES: Mapping[str, tuple[str, str]] = {
    'Checkpoints': ('CheckpointLoaderSimple', 'ckpt_name'),
    'CLIPs': ('CLIPLoader', 'clip_name'),
    'CLIPVisions': ('CLIPVisionLoader', 'clip_name'),
    'ControlNets': ('ControlNetLoader', 'control_net_name'),
    'Diffusers': ('DiffusersLoader', 'model_path'),
    'GLIGENs': ('GLIGENLoader', 'gligen_name'),
    'Hypernetworks': ('HypernetworkLoader', 'hypernetwork_name'),
    'Loras': ('LoraLoader', 'lora_name'),
    'PhotoMakers': ('PhotoMakerLoader', 'photomaker_model_name'),
    'StyleModels': ('StyleModelLoader', 'style_model_name'),
    'UNETs': ('UNETLoader', 'unet_name'),
    'UpscaleModels': ('UpscaleModelLoader', 'model_name'),
    'VAEs': ('VAELoader', 'vae_name'),
    'Samplers': ('KSampler', 'sampler_name'),
    'Schedulers': ('KSampler', 'scheduler'),
}
"""Which input's choices a global enum has; `Embeddings` has the server's list of embeddings."""

Embeddings = Iterable[str] | Callable[[], Iterable[str]]

_EXTENSIONS = re.compile(r'(\.vae)?\.(ckpt|pt|pt2|bin|pth|safetensors|sft|gguf|onnx|yaml|yml)$', re.IGNORECASE)
_UNUSABLE = frozenset({'mro', 'name', 'value', 'names', '_ignore_', '_order_'})
_PREFIX = 'embedding:'


def member_names(values: Iterable[Any]) -> dict[str, Any]:
    """Enum members of a list of choices: identifier → value.

    The name is that of the file without its extension. Where two files share it both are named with their
    extension, and where that is no name of their own with a hash, so that a name never comes to mean another file.
    """
    unique = list(dict.fromkeys(value for value in values if isinstance(value, (str, int, float))))
    by_name: dict[str, list[Any]] = {}
    for value in unique:
        by_name.setdefault(_member(_EXTENSIONS.sub('', str(value))), []).append(value)
    members: dict[str, Any] = {}
    clashing = []
    for name, sharing in by_name.items():
        exact = [value for value in sharing if str(value) == name]
        for value in exact[:1] or (sharing if len(sharing) == 1 else []):
            members[name] = value
        clashing.extend(value for value in sharing if value is not members.get(name, _NONE))
    full_names = [_member(str(value)) for value in clashing]
    shared = Counter(full_names)
    for name, value in zip(full_names, clashing):
        if name in members or shared[name] > 1:
            name = f'{name}_{hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()[:4]}'
        members.setdefault(name, value)
    return members


_NONE = object()


def _member(text: str) -> str:
    name = to_identifier(text) if text.strip() else '_'
    # Python's enums keep `_x_` and `__x__` for themselves, and `mro`, `name` and `value` mean something else.
    if name in _UNUSABLE or (name.startswith('_') and name.endswith('_')):
        name = f'{name.rstrip("_")}_' if name.strip('_') and not name.startswith('_') else f'x{name.rstrip("_")}'
    return f'x{name}' if name.startswith('__') else name


def is_private(name: str) -> bool:
    """Whether a name is one that Python and notebooks look for, and no choice or node has."""
    return name.startswith('__') or (name.startswith('_') and name.endswith('_'))


_MOST_LISTED = 12


def _instead(name: str, members: list[str]) -> str:
    """The members that may be meant: all of them where they are few, else those with a similar name."""
    if not members:
        return ': the server lists no choices'
    if len(members) <= _MOST_LISTED:
        return f'{near_misses(name, members)}: it has {", ".join(members)}'
    return f'{near_misses(name, members)}: the server lists {len(members)} choices'


class _ChoicesMeta(enum.EnumMeta):
    def __getattr__(cls, name: str) -> Any:
        if is_private(name):
            raise AttributeError(name)
        again = cls._look_again(name)
        if again is not None:
            return again
        raise AttributeError(f'{cls.__name__} has no {name!r}{_instead(name, list(cls.__members__))}')

    def __getitem__(cls, name: str) -> Any:
        try:
            return super().__getitem__(name)
        except KeyError:
            again = cls._look_again(name) if isinstance(name, str) else None
            if again is None:
                raise
            return again

    def _look_again(cls, name: str) -> Any:
        """The member of the same enum in fresh lists, or None."""
        look = cls.__dict__.get('_look_')
        return look(name) if look is not None else None


class _Choices(enum.Enum, metaclass=_ChoicesMeta):
    """Members go to other processes as the values that they are: the enum may be another one there."""

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return type(self.value), (self.value,)

    def __copy__(self) -> _Choices:
        return self

    def __deepcopy__(self, memo: object) -> _Choices:
        return self


class _StrChoices(str, _Choices):
    def __str__(self) -> str:
        return str.__str__(self.value)

    __format__ = str.__format__


class _IntChoices(int, _Choices):
    __str__ = int.__repr__
    __format__ = int.__format__


class _FloatChoices(float, _Choices):
    __str__ = float.__repr__
    __format__ = float.__format__


class _EmbeddingChoices(_StrChoices):
    def name(self) -> str:  # type: ignore[override]
        """The embedding's own name, without `embedding:`."""
        return str(self.value).removeprefix(_PREFIX)


def make_enum(name: str, members: Mapping[str, Any], base: Any = None) -> type[enum.Enum]:
    """An enum whose members are strings (or numbers, where all are) themselves."""
    kinds = {type(value) for value in members.values()}
    base = base or _StrChoices
    if kinds and kinds <= {int}:
        base = _IntChoices
    elif kinds and kinds <= {int, float}:
        base = _FloatChoices
    elif not all(isinstance(value, str) for value in members.values()):
        members = {key: str(value) for key, value in members.items()}
    return base(name, dict(members), module='comfy_script.runtime.nodes')


_SOURCES: Mapping[tuple[str, str], str] = {source: name for name, source in GLOBAL_ENUM_SOURCES.items()}


def global_source(schema: NodeSchema, item: InputSchema) -> str | None:
    """The global enum that is made of this very input."""
    return _SOURCES.get((schema.class_type, item.name))


_Key = str | tuple[str, str]


class Enums:
    """The enums of one state of a server's lists, each made when it is first asked for."""

    def __init__(
        self,
        schemas: Schemas,
        embeddings: Embeddings = (),
        *,
        look_again: Callable[[bool, str | None], Enums | None] | None = None,
        before: Enums | None = None,
    ):
        self._schemas = schemas
        self._embeddings = embeddings
        self._look_again = look_again
        self._made: dict[_Key, type[enum.Enum]] = {}
        self._before: dict[_Key, type[enum.Enum]]
        self._before = {**before._before, **before._made} if before is not None else {}

    def _make(self, key: _Key, name: str, members: Mapping[str, Any], base: Any = None) -> type[enum.Enum]:
        """A list that did not change keeps its enum: what a script holds of it stays the very same."""
        made = self._made.get(key) or self._before.get(key)
        if made is None or {name: member.value for name, member in made.__members__.items()} != dict(members):
            made = make_enum(name, members, base)
        if self._look_again is not None:
            made._look_ = lambda name: self._find_again(key, name)  # type: ignore[attr-defined]
        self._made[key] = made
        return made

    def _find_again(self, key: _Key, name: str) -> enum.Enum | None:
        """A member that an enum lacks: of the lists that came since, or of those that are read now."""
        source = GLOBAL_ENUM_SOURCES.get(key) if isinstance(key, str) else key
        class_type = source[0] if source is not None else None
        for renew in (False, True):
            current = self._look_again(renew, class_type) if self._look_again is not None else None
            made = current.of_key(key) if current is not None else None
            if made is not None and name in made.__members__:
                return made.__members__[name]
        return None

    def of_key(self, key: _Key) -> type[enum.Enum] | None:
        """The enum that goes by this key, or None where the server does not have it any more."""
        if isinstance(key, str):
            return self.of_global(key)
        class_type, input_name = key
        schema = self._schemas.find(class_type)
        item = schema.input(input_name) if schema else None
        return self.of_input(schema, item) if schema is not None and item is not None else None

    def members(self, name: str) -> dict[str, Any]:
        """The members of a global enum."""
        if name == 'Embeddings':
            names = self._embeddings() if callable(self._embeddings) else self._embeddings
            return {key: _PREFIX + value for key, value in member_names(names).items()}
        return member_names(self.choices(name))

    def choices(self, name: str) -> tuple[Any, ...]:
        """The choices behind a global enum; none where the server lacks the node that lists them."""
        class_type, input_name = GLOBAL_ENUM_SOURCES[name]
        schema = self._schemas.find(class_type)
        item = schema.input(input_name) if schema else None
        return (item.choices or ()) if item else ()

    def of_global(self, name: str) -> type[enum.Enum]:
        made = self._made.get(name)
        if made is None:
            members = self.members(name)
            made = self._make(name, name, members, _EmbeddingChoices if name == 'Embeddings' else None)
        return made

    def global_of(self, choices: tuple[Any, ...]) -> str | None:
        """The global enum that has just these choices."""
        if not choices:
            return None
        return next((name for name in GLOBAL_ENUM_SOURCES if self.choices(name) == choices), None)

    def of_input(self, schema: NodeSchema, item: InputSchema) -> type[enum.Enum]:
        """The enum of a combo input; the global one where that has the same choices."""
        shared = global_source(schema, item) or self.global_of(item.choices or ())
        if shared is not None:
            return self.of_global(shared)
        key = (schema.class_type, item.name)
        made = self._made.get(key)
        if made is None:
            made = self._make(key, item.python_name, member_names(item.choices or ()))
        return made


class GlobalEnum:
    """A global enum as scripts import it: stands for the server's current list, read when first used.

    Its members are those of a real enum, `enum`.
    """

    __slots__ = ('_current', '_name')

    def __init__(self, name: str, current: Callable[[str], type[enum.Enum]]):
        self._name = name
        self._current = current

    @property
    def enum(self) -> Any:
        """The enum class of the current list."""
        return self._current(self._name)

    @property
    def __name__(self) -> str:
        return self._name

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') and name != '__members__':
            raise AttributeError(name)
        return getattr(self.enum, name)

    def __getitem__(self, name: str) -> Any:
        return self.enum[name]

    def __call__(self, value: Any) -> Any:
        return self.enum(value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.enum)

    def __len__(self) -> int:
        return len(self.enum)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, value: object) -> bool:
        return value in {member.value for member in self.enum}

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, self.enum)

    def __or__(self, other: Any) -> Any:
        return self.enum | other

    def __ror__(self, other: Any) -> Any:
        return other | self.enum

    def __dir__(self) -> list[str]:
        return [*self.enum.__members__, 'enum']

    def __reduce__(self) -> tuple[Any, ...]:
        return received_enum, (self._name, '')

    def __repr__(self) -> str:
        return f'<enum {self._name}>'
