"""Raw names of ComfyUI (class types, inputs, data types, titles) as Python names, and the way back."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache

GLOBAL_ENUMS = frozenset(
    'Checkpoints CLIPs CLIPVisions ControlNets Diffusers Embeddings GLIGENs Hypernetworks Loras PhotoMakers '  # noqa: SIM905
    'StyleModels UNETs UpscaleModels VAEs Samplers Schedulers'.split()
)

RUNTIME_NAMES = frozenset(
    'load Workflow ComfyUIArgs Client Task queue node nodes util runtime display upload random_seed '  # noqa: SIM905
    'Annotated Literal Range Any main out'.split()
)

RESERVED = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | GLOBAL_ENUMS | RUNTIME_NAMES
"""Names a node function never gets: a node so called is written with its hash, `Workflow_1b2c`."""


@lru_cache(maxsize=65536)
def to_identifier(raw: str) -> str:
    """A raw name as an identifier in its own case: `'input_blocks.0.'` → `input_blocks_0`.

    A raw name that is an identifier already stays as it is. Python reads identifiers in NFKC form, so
    names are brought into it first; otherwise a keyword written into a script would come back changed.
    """
    name = unicodedata.normalize('NFKC', raw)
    if not name.isidentifier():
        name = _squeeze(name)
    return name + '_' if keyword.iskeyword(name) else name


def _squeeze(name: str) -> str:
    kept = ''.join(c if ('_' + c).isidentifier() else '_' for c in name.lstrip())
    kept = re.sub('__+', '_', kept).rstrip('_')
    # NFKC again: dropping characters can bring combining ones together.
    kept = unicodedata.normalize('NFKC', kept)
    return kept if kept.isidentifier() else '_' + kept


@lru_cache(maxsize=65536)
def to_class_name(raw: str) -> str:
    """A class type's or data type's name in CamelCase: `'KSampler (Efficient)'` → `KSamplerEfficient`."""
    name = _squeeze(unicodedata.normalize('NFKC', raw))
    if name.isupper():
        name = name.lower()
    name = name[0].upper() + name[1:]
    name = re.sub('_([a-zA-Z])', lambda match: match[1].upper(), name)
    if not name.strip('_'):
        return '_' + _digest(raw)[:4]
    return name + '_' if keyword.iskeyword(name) else name


@lru_cache(maxsize=65536)
def to_variable_name(raw: str) -> str:
    """Lower snake case: `'CONDITIONING'` → `conditioning`, `'Load Image'` → `load_image`."""
    name = re.sub('([a-z0-9])([A-Z])', r'\1_\2', _squeeze(unicodedata.normalize('NFKC', raw))).lower()
    return name + '_' if keyword.iskeyword(name) else name


def hashed_name(raw: str, digits: int = 4) -> str:
    """The name that is this class type's whatever else is installed: `'ImageResize+'` → `ImageResize_3f1a`."""
    return f'{to_class_name(raw)}_{_digest(raw)[:digits]}'


def _digest(raw: str) -> str:
    return hashlib.sha256(raw.encode('utf-8', 'surrogatepass')).hexdigest()


def unique_names(raws: Iterable[str], reserved: frozenset[str] = frozenset()) -> dict[str, str]:
    """Identifiers for the inputs of one node, no two alike: raw name → identifier."""
    found: dict[str, list[str]] = {}
    for raw in raws:
        found.setdefault(to_identifier(raw), []).append(raw)
    names = {}
    for name, sharing in found.items():
        for raw in sharing:
            alone = (len(sharing) == 1 or raw == name) and name not in reserved
            names[raw] = name if alone else f'{name}_{_digest(raw)[:4]}'
    return names


class NameTable:
    """Python names of a set of class types: one each, the same from run to run, with an exact way back.

    Where several class types share a name, the one that is spelled like it keeps it; the others carry a
    hash of their raw name.
    """

    def __init__(self, class_types: Iterable[str], reserved: frozenset[str] = RESERVED):
        self._class_types = tuple(class_types)
        self._reserved = reserved

    @cached_property
    def _names(self) -> dict[str, str]:
        shared: dict[str, list[str]] = {}
        for raw in self._class_types:
            shared.setdefault(to_class_name(raw), []).append(raw)
        names: dict[str, str] = {}
        hashed = []
        for name, raws in shared.items():
            for raw in raws:
                if name not in self._reserved and (len(raws) == 1 or raw == name):
                    names[raw] = name
                else:
                    hashed.append(raw)
        taken = set(names.values()) | self._reserved
        for raw in sorted(hashed):
            names[raw] = _first_free(raw, taken)
            taken.add(names[raw])
        return names

    @cached_property
    def _back(self) -> dict[str, str]:
        return {name: raw for raw, name in self._names.items()}

    @cached_property
    def _hashed(self) -> dict[str, str]:
        return {hashed_name(raw): raw for raw in self._class_types}

    def name_of(self, class_type: str) -> str:
        """Raises KeyError for a class type that is not in the table."""
        return self._names[class_type]

    def class_type_of(self, name: str) -> str | None:
        """The class type that a name stands for; the form with the hash always works."""
        found = self._back.get(name)
        return found if found is not None else self._hashed.get(name)

    def names(self) -> Iterable[str]:
        return self._names.values()


def _first_free(raw: str, taken: set[str]) -> str:
    digits = 4
    while hashed_name(raw, digits) in taken and digits < 64:
        digits += 4
    return hashed_name(raw, digits)
