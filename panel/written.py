"""A graph's script as it is written: straight from the writer, without reading it back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..graph import Prompt, Schemas
from ..transpiler import Conversion, Script, Style, TranspileError, convert_workflow, write_script
from ..transpiler.workflow_file import ALWAYS, WorkflowFile
from ..transpiler.workflow_reader import WorkflowReader
from .commented import comment_out
from .inactive import inactive_nodes, with_modes
from .kept_graphs import KeptGraph
from .same_code import say_the_same

Json = Mapping[str, Any]
Spans = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Written:
    """`inactive`: graph id → lines of the comment that a node is which does not run."""

    conversion: Conversion
    prompt: Prompt
    script: Script
    inactive: Spans = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.conversion.warnings, *self.script.warnings)))

    @property
    def left_out(self) -> list[dict[str, Any]]:
        """`[{line, column, message, node}]`: where saved values are that no input takes."""
        lines = self.script.lines
        return [
            {'line': lines[key][0], 'column': 1, 'message': message, 'node': key}
            for key, message in self.conversion.unplaced.items()
            if key in lines
        ]


class GraphWriter:
    """Writes one graph after another; of the last that nobody changes it knows what it made."""

    def __init__(self) -> None:
        self._reader = WorkflowReader()
        self._converted: tuple[Json, Schemas, WorkflowFile, Conversion] | None = None
        self._written: tuple[Conversion, Style, Written] | None = None
        self._lock = threading.RLock()

    def convert(self, workflow: Json, schemas: Schemas) -> Conversion:
        """What the graph would queue. Raises TranspileError."""
        return self._convert(workflow, schemas)[1]

    def _convert(self, workflow: Json, schemas: Schemas) -> tuple[WorkflowFile, Conversion]:
        with self._lock:
            known = self._converted
            if isinstance(workflow, KeptGraph) and known is not None and known[0] is workflow and known[1] is schemas:
                return known[2:]
            parsed = self._parse(workflow)
            conversion = convert_workflow(parsed, schemas)
            self._converted = (workflow, schemas, parsed, conversion)
            return parsed, conversion

    def _parse(self, workflow: Json) -> WorkflowFile:
        return self._reader.parse(workflow) if isinstance(workflow, KeptGraph) else WorkflowFile.parse(workflow)

    def write(self, workflow: Json, schemas: Schemas, style: Style) -> Written:
        """The script of what runs. Raises TranspileError."""
        with self._lock:
            parsed, conversion = self._convert(workflow, schemas)
            known = self._written
            if known is not None and known[0] is conversion and known[1] == style:
                return known[2]
            found = _write(parsed, conversion, schemas, style)
            self._written = (conversion, style, found)
            return found

    def write_whole(self, workflow: Json, schemas: Schemas, style: Style) -> Written | None:
        """With what does not run as comments at its place; None where only reading it could tell whether it still
        says what the graph is. Raises TranspileError."""
        plain = self.write(workflow, schemas, style)
        inactive = inactive_nodes(workflow)
        if not inactive:
            return plain
        try:
            with self._lock:
                running = with_modes(workflow, dict.fromkeys(inactive, ALWAYS))
                parsed = self._parse(KeptGraph(running) if isinstance(workflow, KeptGraph) else running)
            every = _write(parsed, convert_workflow(parsed, schemas), schemas, style).script
        except TranspileError:
            return None
        spans = {key: every.lines[key] for key in inactive if key in every.lines}
        lines = {key: span for key, span in every.lines.items() if key not in spans}
        if not spans or lines.keys() != plain.script.lines.keys():
            return None
        whole = Script(comment_out(every.text, spans), lines, plain.script.warnings)
        same = say_the_same(plain.script.text, whole.text, plain.script.lines, lines)
        return replace(plain, script=whole, inactive=spans) if same else None


graph_writer = GraphWriter()


def _write(parsed: WorkflowFile, conversion: Conversion, schemas: Schemas, style: Style) -> Written:
    prompt = Prompt.parse(conversion.prompt)
    script = write_script(prompt, schemas=schemas, workflow=parsed, conversion=conversion, style=style)
    return Written(conversion, prompt, script)
