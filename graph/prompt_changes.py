"""Inputs of a prompt set by name: `{'3.seed': 5}`, or by a node's title, `{'KSampler.seed': 5}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .errors import PromptError
from .schemas import Schemas
from .suggestions import near_misses

__all__ = ['PromptPlace', 'changed_prompt', 'find_place']


class PromptPlace(NamedTuple):
    """An input of a node of a prompt."""

    node_id: str
    input: str


def changed_prompt(
    prompt: Mapping[str, Any],
    changes: Mapping[str, Any] | None,
    titles: Mapping[str, str] | None = None,
    schemas: Schemas | None = None,
) -> dict[str, Any]:
    """A copy of an API prompt with other values: `'NODE.INPUT'` → value, where NODE is what `find_place` takes.

    Raises PromptError for a place that is not there.
    """
    result = {key: {**node, 'inputs': dict(node.get('inputs', {}))} for key, node in prompt.items()}
    for name, value in (changes or {}).items():
        place = find_place(result, name, titles, schemas)
        result[place.node_id]['inputs'][place.input] = value
    return result


def find_place(
    prompt: Mapping[str, Any],
    name: str,
    titles: Mapping[str, str] | None = None,
    schemas: Schemas | None = None,
) -> PromptPlace:
    """The place that `'NODE.INPUT'` names: NODE is an id, else a title, else a display name or class type.

    `titles`: by node id, beside those in the prompt itself. `schemas` tell which inputs there are beside those that the
    prompt gives. Raises PromptError where none or several are named.
    """
    name = str(name)
    for known in (_ids(prompt), _titled(prompt, titles or {}), _typed(prompt, schemas)):
        for node_name, input_name in _splits(name):
            found = known.get(node_name, ())
            if len(found) > 1:
                raise PromptError(
                    f'{name!r} names several nodes: {", ".join(found)} are {node_name!r}; '
                    f"name one by its id, as '{found[0]}.{input_name}'"
                )
            if found:
                return PromptPlace(found[0], _input(prompt, found[0], input_name, name, schemas))
    names = [*_ids(prompt), *_titled(prompt, titles or {}), *_typed(prompt, schemas)]
    wanted = name.partition('.')[0]
    raise PromptError(
        f'{name!r} names no input of the prompt{near_misses(wanted, names)}: '
        f'it is "NODE.INPUT", of a node among {", ".join(dict.fromkeys(names))}'
    )


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """The ways to read it: titles and inputs may have dots, too. The longest node first."""
    parts = name.split('.')
    for count in range(len(parts) - 1, 0, -1):
        yield '.'.join(parts[:count]), '.'.join(parts[count:])


def _ids(prompt: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {key: (key,) for key in prompt}


def _titled(prompt: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    own = {key: (node.get('_meta') or {}).get('title') for key, node in prompt.items()}
    return _inverted({key: titles.get(key) or own[key] for key in prompt})


def _typed(prompt: Mapping[str, Any], schemas: Schemas | None) -> dict[str, tuple[str, ...]]:
    types = {key: node.get('class_type') for key, node in prompt.items()}
    found = {key: schemas.find(kind) if schemas is not None else None for key, kind in types.items()}
    shown = _inverted({key: schema.display_name for key, schema in found.items() if schema is not None})
    return {**shown, **_inverted(types)}


def _inverted(names: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, name in names.items():
        if isinstance(name, str) and name:
            found[name] = (*found.get(name, ()), key)
    return found


def _input(prompt: Mapping[str, Any], node_id: str, name: str, whole: str, schemas: Schemas | None) -> str:
    """The input's name. Raises PromptError where the node has no such input; what is not known is taken."""
    node = prompt[node_id]
    schema = schemas.find(node.get('class_type')) if schemas is not None else None
    if name in node['inputs'] or schema is None or not schema.info or schema.any_inputs:
        return name
    known = [*node['inputs'], *(item.name for item in schema.expand(node['inputs']))]
    if name in known or name in {item.name for item in schema.inputs}:
        return name
    raise PromptError(
        f'{whole!r}: {node.get("class_type")} (node {node_id}) has no input {name!r}{near_misses(name, known)}; '
        f'it has {", ".join(dict.fromkeys(known))}'
    )
