"""The HTTP routes under `/comfyscript/` that the panel talks to (docs/routes.md).

http       JSON in and out, bounds, errors as status and reason; work happens off ComfyUI's event loop
service    what the routes answer, as functions of plain data
reading    a script as a prompt, by the interpreter
shown      the script shown of a graph: written of it, or what somebody wrote as far as it holds
apply      what has to change in the open graph to become a script
values     what is to be noticed of the values in that
runnable   a script as a file that Python runs
catalog    the schemas, small enough for completion in the page
to_node    a selection of nodes as the text of one ComfyScript node
strings    where the texts of a script stand
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import Schemas


def register(routes: Any, get_schemas: Callable[[], Schemas]) -> None:
    """Adds the routes to ComfyUI's `PromptServer.instance.routes` (an aiohttp `RouteTableDef`).

    `get_schemas` is asked in a worker thread, once per request; it may be slow the first time.
    """
    from .http import add_routes

    add_routes(routes, get_schemas)


__all__ = ['register']
