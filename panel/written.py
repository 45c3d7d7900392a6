"""A graph's script as it is written: straight from the writer, without reading it back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..graph import Prompt, Schemas
from ..graph.collector import collector_paused
from ..transpiler import (
    Conversion,
    PromptWriter,
    Script,
    Style,
    TranspileError,
    convert_workflow,
    with_new_values,
)
from ..transpiler.workflow_file import ALWAYS, WorkflowFile
from ..transpiler.workflow_reader import WorkflowReader
from .commented import comment_out, put_comments
from .inactive import inactive_nodes, with_modes
from .kept_graphs import KeptGraph
from .problems import Faults, faults_of
from .same_code import say_the_same

Json = Mapping[str, Any]
Spans = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Written:
    """`inactive`: graph id → lines of the comment that a node is which does not run."""

    conversion: Conversion
    prompt: Prompt
    script: Script
    faults: Faults = field(default_factory=dict)
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


class _Converted(NamedTuple):
    workflow: Json
    schemas: Schemas
    parsed: WorkflowFile
    conversion: Conversion
    line: object
    """The same for graphs of which each is the one before with other values."""


class _Kept(NamedTuple):
    line: object
    style: Style
    writer: PromptWriter
    written: Written


class _Compared(NamedTuple):
    """Whether a script that has some nodes as comments says the same as one without them. Values stand in both."""

    lines: tuple[object, object]
    style: Style
    nodes: tuple[str, ...]
    same: bool


class GraphWriter:
    """Writes one graph after another. Of the last that nobody changes it knows what it made, and where the next one
    is the same with other values, it makes anew what these values stand in."""

    def __init__(self) -> None:
        self._reader = WorkflowReader()
        self._converted: _Converted | None = None
        self._kept: _Kept | None = None
        self._running: GraphWriter | None = None
        self._compared: _Compared | None = None
        self._lock = threading.RLock()

    def convert(self, workflow: Json, schemas: Schemas) -> Conversion:
        """What the graph would queue. Raises TranspileError."""
        return self._convert(workflow, schemas).conversion

    def _convert(self, workflow: Json, schemas: Schemas) -> _Converted:
        with self._lock:
            known = self._converted if isinstance(workflow, KeptGraph) else None
            known = known if known is not None and known.schemas is schemas else None
            if known is not None and known.workflow is workflow:
                return known
            parsed = self._parse(workflow)
            conversion = with_new_values(known.conversion, known.parsed, parsed) if known is not None else None
            line = known.line if known is not None and conversion is not None else object()
            made = convert_workflow(parsed, schemas) if conversion is None else conversion
            self._converted = _Converted(workflow, schemas, parsed, made, line)
            return self._converted

    def _parse(self, workflow: Json) -> WorkflowFile:
        return self._reader.parse(workflow) if isinstance(workflow, KeptGraph) else WorkflowFile.parse(workflow)

    def write(self, workflow: Json, schemas: Schemas, style: Style) -> Written:
        """The script of what runs. Raises TranspileError."""
        with self._lock:
            converted = self._convert(workflow, schemas)
            known, self._kept = self._kept, None
            written = None
            if known is not None and known.line is converted.line and known.style == style:
                written = _rewrite(known, converted)
            if known is None or written is None:
                prompt = Prompt.parse(converted.conversion.prompt)
                writer = PromptWriter(prompt, schemas, converted.parsed, converted.conversion, None, style)
                written = Written(converted.conversion, prompt, writer.script, faults_of(prompt, schemas))
                known = _Kept(converted.line, style, writer, written)
            self._kept = known._replace(written=written)
            return written

    def write_whole(self, workflow: Json, schemas: Schemas, style: Style) -> Written:
        """With what does not run as comments at its place. Raises TranspileError."""
        plain = self.write(workflow, schemas, style)
        inactive = inactive_nodes(workflow)
        if not inactive:
            return plain
        running = with_modes(workflow, dict.fromkeys(inactive, ALWAYS))
        try:
            with self._lock:
                self._running = self._running or GraphWriter()
                as_kept = KeptGraph(running) if isinstance(workflow, KeptGraph) else running
                every = self._running.write(as_kept, schemas, style)
                named = self._running.with_inputs(plain.prompt) or every.script
                nodes = tuple(key for key in inactive if key in every.script.lines)
                return self._with_comments(plain, every.script, named, nodes)
        except TranspileError:
            return plain

    def _with_comments(self, plain: Written, every: Script, named: Script, nodes: tuple[str, ...]) -> Written:
        """`every`: the script of all nodes; `named`: the same, where what runs is given what it is given in `plain`."""
        script = plain.script
        spans = {key: named.lines[key] for key in nodes}
        lines = {key: span for key, span in named.lines.items() if key not in spans}
        whole = Script(comment_out(named.text, spans), lines, script.warnings)
        if lines.keys() == script.lines.keys() and self._is_same(script, whole, nodes):
            return replace(plain, script=whole, inactive=spans)
        # Without their lines, a name would mean something else.
        text, lines, comments = put_comments(script, every, nodes)
        return replace(plain, script=Script(text, lines, script.warnings), inactive=comments)

    def _is_same(self, script: Script, whole: Script, nodes: tuple[str, ...]) -> bool:
        """Asked again only where more than values has changed since."""
        kept, running = self._kept, self._running and self._running._kept
        if kept is None or not running:
            return say_the_same(script.text, whole.text, script.lines, whole.lines)
        lines, known = (kept.line, running.line), self._compared
        if known is None or known[:3] != (lines, kept.style, nodes):
            same = say_the_same(script.text, whole.text, script.lines, whole.lines)
            known = self._compared = _Compared(lines, kept.style, nodes, same)
        return known.same

    def with_inputs(self, prompt: Prompt) -> Script | None:
        """What was written last, with the names that it has, where nodes have the inputs of another prompt."""
        with self._lock:
            known = self._kept
            if known is None:
                return None
            nodes = known.written.prompt.nodes
            changed = {key: node for key, node in prompt.nodes.items() if nodes.get(key, node) != node}
            try:
                return known.writer.with_inputs(changed)
            except TranspileError:
                self._kept = None
                return None


graph_writer = GraphWriter()


def _rewrite(known: _Kept, converted: _Converted) -> Written | None:
    """Where nothing but values has changed: an entry of the prompt is the same object, or has other values."""
    written, prompt = known.written, converted.conversion.prompt
    before = written.conversion.prompt
    changed = {key: entry for key, entry in prompt.items() if entry is not before[key]}
    if not changed:
        return written
    nodes = Prompt.parse(changed).nodes
    try:
        with collector_paused():
            script = known.writer.rewrite(nodes)
    except TranspileError:
        return None
    if script is None:
        return None
    whole = Prompt({**written.prompt.nodes, **nodes})
    faults = {**written.faults, **faults_of(whole, converted.schemas, nodes)}
    return replace(written, conversion=converted.conversion, prompt=whole, script=script, faults=faults)
