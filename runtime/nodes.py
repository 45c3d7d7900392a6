"""The nodes of the default client, its global enums and data types: `from comfy_script.runtime.nodes import *`.

What is in it depends on the server: `load()` first. `nodes.pyi` beside it is written for editors and type checkers.
"""

from __future__ import annotations

from typing import Any

from .client import current as _client


def __getattr__(name: str) -> Any:
    if name == '__all__':
        return _client.default_client().nodes.public_names()
    if name.startswith('__'):
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(_client.default_client().nodes, name)


def __dir__() -> list[str]:
    client = _client.find_client()
    return client.nodes.public_names() if client is not None else []
