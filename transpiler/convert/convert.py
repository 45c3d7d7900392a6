"""The two entries of this package."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any

from ...graph import Schemas, as_schemas
from ...graph.collector import collector_paused
from ..workflow_file import WorkflowFile
from .class_table import ClassTable
from .emit import Emitter
from .loader import Loader
from .result import Conversion

_tables: dict[int, ClassTable] = {}
_lock = threading.Lock()


def workflow_to_prompt(
    workflow: Mapping[str, Any] | WorkflowFile, schemas: Schemas | Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The API prompt that the web UI makes of a workflow (`app.graphToPrompt()`), key for key.

    `schemas`: an `/object_info` dict, or what `graph` parses from it. Raises TranspileError.
    """
    return convert_workflow(workflow, schemas).prompt


def convert_workflow(
    workflow: Mapping[str, Any] | WorkflowFile, schemas: Schemas | Mapping[str, Any] | None = None
) -> Conversion:
    """`workflow_to_prompt` with everything else there is to know: node types, warnings, subgraph instances."""
    with collector_paused():
        parsed = workflow if isinstance(workflow, WorkflowFile) else WorkflowFile.parse(workflow)
        loader = Loader(parsed, _table_of(as_schemas(schemas)))
        try:
            return Emitter(loader.load(), loader.warnings).emit()
        finally:
            loader.close()


def _table_of(schemas: Schemas) -> ClassTable:
    """The web UI's view of these schemas, kept as long as they are."""
    key = id(schemas)
    with _lock:
        table = _tables.get(key)
        if table is None:
            table = _tables[key] = ClassTable(schemas)
            weakref.finalize(schemas, _tables.pop, key, None)
    return table
