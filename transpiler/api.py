"""Anything that holds a workflow → script."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..graph import SchemaError, Schemas, as_schemas
from ..graph.collector import collector_paused
from .errors import TranspileError
from .files import Metadata, metadata_of, parse_json, read_metadata
from .guess import convert_with_guesses, guessed_schemas
from .workflow_file import WorkflowFile
from .writer import Script, Style, write_script

WorkflowSource = Mapping[str, Any] | str | os.PathLike[str] | Metadata


def transpile(
    source: WorkflowSource,
    *,
    schemas: Schemas | Mapping[str, Any] | None = None,
    end_nodes: Iterable[Any] | None = None,
    style: Style | None = None,
) -> str:
    """The script of a workflow or prompt.

    `source` is a dict, JSON text, or the path of a JSON file or of any output that ComfyUI wrote. `schemas` is what
    `/object_info` gives; without it the script follows what the file itself says of its nodes. `end_nodes` limits the
    script to what these nodes (ids) need. Raises TranspileError, or OSError for a file that cannot be opened.
    """
    return transpile_script(source, schemas=schemas, end_nodes=end_nodes, style=style).text


@collector_paused()
def transpile_script(
    source: WorkflowSource,
    *,
    schemas: Schemas | Mapping[str, Any] | None = None,
    end_nodes: Iterable[Any] | None = None,
    style: Style | None = None,
) -> Script:
    """`transpile` with the lines of the nodes and the warnings."""
    try:
        known = as_schemas(schemas)
    except SchemaError as error:
        raise TranspileError(str(error)) from error
    try:
        found = metadata_from(source)
        if found.prompt is not None:
            if not known:
                known = guessed_schemas(found.workflow, found.prompt)
                style = replace(style or Style(), args='keyword')
            return write_script(found.prompt, schemas=known, workflow=found.workflow, end_nodes=end_nodes, style=style)
        workflow = WorkflowFile.parse(found.workflow or {})
        conversion, guessed = convert_with_guesses(workflow, known)
        if not known:
            known = guessed
            style = replace(style or Style(), args='keyword')
        script = write_script(
            conversion.prompt,
            schemas=known,
            workflow=workflow,
            conversion=conversion,
            end_nodes=end_nodes,
            style=style,
        )
        return Script(script.text, script.lines, (*conversion.warnings, *script.warnings))
    except TranspileError as error:
        if isinstance(source, Path) and error.file is None:
            raise error.within(source) from error
        raise


def metadata_from(source: WorkflowSource) -> Metadata:
    """Prompt and workflow of any source; at least one of the two is there. Raises TranspileError, OSError."""
    if isinstance(source, Metadata):
        found = source
    elif isinstance(source, Mapping):
        found = metadata_of(source)
    elif isinstance(source, str) and source.lstrip()[:1] in ('{', '['):
        found = metadata_of(parse_json(source))
    else:
        found = read_metadata(source)
    if found.prompt is None and found.workflow is None:
        what = 'holds neither a workflow nor a prompt'
        raise TranspileError(f'{what} of ComfyUI', file=None if isinstance(source, (Mapping, Metadata)) else source)
    return found
