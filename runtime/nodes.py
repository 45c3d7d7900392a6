"""The nodes of the default client, its global enums and data types: `from comfy_script.runtime.nodes import *`.

What is in it depends on the server: `load()` first. `nodes.pyi` beside it is written for editors and type checkers.
"""

from __future__ import annotations

from typing import Any

from .client import current as _client
from .old_nodes import OLD_NODES


def __getattr__(name: str) -> Any:
    if name == '__all__':
        return _names()
    if name.startswith('__'):
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    nodes = _client.default_client().nodes
    if name in OLD_NODES and nodes.find(name) is None:  # without asking the server for each of them
        return OLD_NODES[name]
    return getattr(nodes, name)


def _names() -> list[str]:
    names = _client.default_client().nodes.public_names()
    return [*names, *(OLD_NODES.keys() - set(names))]


def __dir__() -> list[str]:
    client = _client.find_client()
    return client.nodes.public_names() if client is not None else []
