"""Scripts as prompts, by running them as Python in virtual mode."""

from __future__ import annotations

from typing import Any

from comfy_script.graph import Schemas
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.recording import PromptBuilder


def prompt_of(script: str, schemas: Schemas) -> dict[str, Any]:
    """The API prompt that a script builds."""
    builder = PromptBuilder()
    nodes = NodeNamespace(schemas, builder.emit)
    scope: dict[str, Any] = {'node': nodes}
    scope.update({schemas.names.name_of(class_type): nodes[class_type] for class_type in schemas})
    exec(compile(script, 'script', 'exec'), scope)
    return builder.build().prompt
