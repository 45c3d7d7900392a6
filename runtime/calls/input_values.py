"""The values of a node call's inputs as a prompt has them: JSON, and links."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

from ...graph import InputKind, InputSchema
from ..wire.places import shown_place
from .node_call import PLAIN, NodeCall, OutputSocket
from .outputs import Handle, NodeOutput, Outputs
from .pictures import described, is_picture
from .running import BuildError

__all__ = ['check_linked', 'input_value', 'linked_inputs', 'refusal']

_MOST_NESTED = 100

_PICTURES = frozenset({'IMAGE', 'MASK'})
_LINKED = _PICTURES | {'CLIP', 'CONDITIONING', 'CONTROL_NET', 'LATENT', 'MODEL', 'VAE'}
"""ComfyUI's own types that no text is a value of. Of packs' types nobody knows: their widgets may enter them."""


def linked_inputs(items: Iterable[InputSchema]) -> Iterator[tuple[str, str]]:
    """The inputs that take the outputs of nodes alone, also inside dynamic ones, each with its type."""
    for item in items:
        if item.template is not None:
            yield from linked_inputs(item.template.at(key) for key in item.template.keys)
        elif _LINKED.issuperset(item.type.split(',')):
            yield item.name, item.type
        for branch in item.branches:
            yield from linked_inputs(branch.inputs)


def check_linked(node: NodeCall, linked: Mapping[str, str], names: Iterable[str], values: Iterable[Any]) -> None:
    """Raises BuildError for texts and lists of pictures where a node's output belongs: a server would only trip."""
    for name, value in zip(names, values, strict=False):
        if name in linked and _is_unlinked(value):
            raise BuildError(refusal(node, name, value, f'cannot go in: {_taken(linked[name])}'))


def _is_unlinked(value: Any) -> bool:
    if isinstance(value, NodeOutput):
        return False
    if isinstance(value, (list, tuple)):
        return any(isinstance(item, str) or is_picture(item) for item in value)
    return (isinstance(value, str) and value != '') or (hasattr(value, 'tolist') and not is_picture(value))


def _taken(raw_type: str) -> str:
    more = ', a PIL image, an array, or the Path of a file here' if _PICTURES & set(raw_type.split(',')) else ''
    return f"this input ({raw_type}) takes a node's output{more}"


def input_value(node: NodeCall, name: str, value: Any) -> Any:
    """A value as the prompt has it: links as they are, lists wrapped as the browser does (`{"__value__": …}`).

    Raises BuildError with the script's line for what no prompt can hold.
    """
    if isinstance(value, OutputSocket):
        return value
    value = _plain(node, name, value, 0)
    return {'__value__': value} if isinstance(value, list) else value


def _plain(node: NodeCall, name: str, value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return value.value
    if type(value) in PLAIN:
        return value
    if depth > _MOST_NESTED:
        raise BuildError(refusal(node, name, value, 'is nested too deeply'))
    if isinstance(value, NodeOutput):
        raise BuildError(refusal(node, name, value, _misuse(value)))
    if isinstance(value, tuple) and value and depth == 0 and isinstance(value[0], NodeOutput):
        raise BuildError(refusal(node, name, value, _misuse_of_tuple(value)))
    if isinstance(value, (list, tuple)):
        return [_plain(node, name, item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(node, name, item, depth + 1) for key, item in value.items()}
    if isinstance(value, (str, int, float)):
        return value
    if hasattr(value, '__fspath__'):
        return _path(node, name, value)
    if hasattr(value, 'item') and getattr(value, 'ndim', None) == 0:  # numpy and torch scalars
        return value.item()
    item = node.schema.input(name)
    if is_picture(value) and item is not None and item.kind is InputKind.COMBO:
        raise BuildError(refusal(node, name, value, _NO_NAME))
    if hasattr(value, 'tolist'):
        return value.tolist()
    raise BuildError(refusal(node, name, value, f'({type(value).__name__}) is nothing that {_wanted(node, name)}'))


_NO_NAME = (
    "is a picture, and this input takes the name of a file that the server has: use util.load_image(…), or give the "
    'picture itself where an IMAGE goes'
)


def _wanted(node: NodeCall, name: str) -> str:
    item = node.schema.input(name)
    if item is None:
        return 'a prompt can hold'
    return _taken(item.type) if _PICTURES & set(item.type.split(',')) else f'this input ({item.type}) takes'


def _misuse(value: NodeOutput) -> str:
    """Why an output cannot be an input's value."""
    if isinstance(value, Handle):
        return 'is of a node without outputs'
    if isinstance(value, Outputs):
        outputs = value.node.schema.outputs
        names = ', '.join(output.name or output.type for output in outputs)
        return f'has several outputs ({names}): pass one of them, such as [0], or unpack it'
    return 'is inside a list or dict: nodes can be linked to inputs only'


def _misuse_of_tuple(value: tuple[Any, ...]) -> str:
    if len(value) == 1:
        return 'is a tuple of one output: is there a comma at the end of the line that made it?'
    return f'is a tuple of {len(value)} outputs: pass one of them'


def refusal(node: NodeCall, name: str, value: Any, why: str) -> str:
    """What an error says of an input's value: node, line, input and reason."""
    origin = node.origin
    where = f' ({shown_place(*origin)})' if origin else ''
    shown = value.node if isinstance(value, Outputs) else value
    return f'{node.class_type}{where}, input {name!r}: {described(shown)} {why}'


def _path(node: NodeCall, name: str, value: Any) -> str:
    """A path of this system for one that may be another: as the server lists it, else with slashes, which all take."""
    text = value.as_posix() if isinstance(value, PurePath) else os.fspath(value)
    item = node.schema.input(name)
    choices = (item.choices if item is not None else None) or ()
    if text in choices:
        return text
    return next((choice for choice in choices if str(choice).replace('\\', '/') == text), text)
