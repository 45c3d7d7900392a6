"""A pack that compares, inside a server, its schemas from the loaded classes with those from its `/object_info`.

`StrangeDescriptions` has what packs and ComfyUI have in their descriptions and JSON turns into something else.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum, IntEnum
from typing import Any

from aiohttp import web
from server import PromptServer  # pyright: ignore[reportMissingImports]


class Kind(str, Enum):
    BIG = 'big one'
    SMALL = 'small one'


class Level(IntEnum):
    LOW = 1


class AnyType(str):
    """As many packs have it: equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class StrangeDescriptions:
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        choices = [
            {'key': Kind.BIG, 'inputs': {'required': {'width': ('INT', {'default': Level.LOW, 'min': True})}}},
            {'key': Kind.SMALL, 'inputs': {'optional': {'image': (AnyType('*'),)}}},
        ]
        return {
            'required': {
                'kind': ('COMFY_DYNAMICCOMBO_V3', {'options': choices}),
                'plain': ((Kind.BIG, Kind.SMALL), {'default': Kind.SMALL, 3: None}),
                'level': (tuple(Level), {}),
            },
            'optional': {Kind.BIG: ('STRING', {'default': AnyType('text')})},
        }

    RETURN_TYPES = (AnyType('*'), ['a', 'b'])
    RETURN_NAMES = ('anything', Kind.BIG)
    OUTPUT_TOOLTIPS = ('first', None)
    FUNCTION = 'run'
    DEPRECATED = 1

    def run(self, **_: Any) -> Any:
        raise NotImplementedError


NODE_CLASS_MAPPINGS = {'StrangeDescriptions': StrangeDescriptions}
NODE_DISPLAY_NAME_MAPPINGS = {'StrangeDescriptions': AnyType('Strange')}

# What servers before 0.33 do not say of V1 classes.
NEWER_KEYS = {'is_input_list', 'has_intermediate_output', 'search_aliases', 'dev_only', 'essentials_category'}


@PromptServer.instance.routes.post('/test/schemas')
async def compare(request: web.Request) -> web.Response:
    return web.json_response(await asyncio.to_thread(differences, await request.json()))


def differences(object_info: dict[str, Any]) -> dict[str, list[str]]:
    from comfy_script.comfyui.loaded import nodes_module
    from comfy_script.comfyui.loaded_schemas import loaded_schemas
    from comfy_script.graph import Schemas

    ours, theirs = loaded_schemas(nodes_module())(max_age=0), Schemas.parse(object_info)
    found = {'': list(unequal(list(ours), list(theirs), 'nodes'))}
    for class_type in theirs:
        own, sent = ours[class_type], theirs[class_type]
        untold = NEWER_KEYS - sent.info.keys()
        info = {key: value for key, value in own.info.items() if key not in untold}
        if 'is_input_list' in untold:
            own = dataclasses.replace(own, is_input_list=sent.is_input_list)
        found[class_type] = [*unequal(info, dict(sent.info), 'info'), *unequal(parts(own), parts(sent), 'schema')]
    return {class_type: list(lines) for class_type, lines in found.items() if lines}


def parts(value: Any) -> Any:
    """A schema as plain values, with the types of its parts."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: parts(getattr(value, field.name)) for field in dataclasses.fields(value) if field.name != 'info'
        }
    return [parts(item) for item in value] if isinstance(value, tuple) else value


def unequal(own: Any, sent: Any, where: str) -> Iterator[str]:
    """Members of `str` enums are equal to their text, so types are compared, too."""
    if type(own) is not type(sent):
        yield f'{where}: {own!r:.80} ({type(own).__name__}), sent as {sent!r:.80} ({type(sent).__name__})'
    elif isinstance(own, Mapping):
        # In which order a class is described is nobody's concern; that of its inputs is.
        if own.keys() != sent.keys() or (where != 'info' and list(own) != list(sent)):
            yield f'{where}: has {list(own)!r:.300}, sent were {list(sent)!r:.300}'
        for key in own.keys() & sent.keys():
            yield from unequal(own[key], sent[key], f'{where}.{key}')
    elif isinstance(own, list):
        if len(own) != len(sent):
            yield f'{where}: {len(own)} entries, sent were {len(sent)}'
        for index, (one, other) in enumerate(zip(own, sent)):
            yield from unequal(one, other, f'{where}[{index}]')
    elif own != sent and own == own:
        yield f'{where}: {own!r:.80}, sent was {sent!r:.80}'
