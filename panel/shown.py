"""The script that the panel shows of a graph: written of it, or theirs who wrote one, as far as that holds."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..graph import Prompt, Schemas
from ..transpiler import Conversion, Style, convert_workflow, write_script
from .comments import carry_comments
from .edits import compare
from .fit_values import fit_values
from .kept_graphs import KeptGraph
from .match import find_origins
from .reading import ReadScript, ScriptRefused, read_script
from .value_changes import ValueChange, value_changes
from .written import graph_writer

_KEPT = 4
_SEEN = ('ds', 'comfyscript')
"""What of a workflow's `extra` says nothing of the graph."""

State = Literal['kept', 'changed', 'rewritten']


@dataclass(frozen=True)
class Shown:
    """A script that says what a graph is. `origins`: node of the script → graph id.

    `state`: the text that was handed in, as it is (`kept`), with other values (`changed`), or written anew because
    more than values differs (`rewritten`).
    """

    schemas: Schemas
    prompt: Prompt
    reading: ReadScript
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    state: State = 'rewritten'
    inactive: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Graph id → lines of the comment that a node is which does not run."""
    differing: tuple[ValueChange, ...] = ()
    """Values of the graph that the text cannot say, by the script's nodes: it computes them otherwise."""

    @property
    def lines(self) -> dict[str, int]:
        """Graph id → line."""
        return {key: self.reading.lines[node] for node, key in self.origins.items() if node in self.reading.lines}

    @property
    def as_graph(self) -> ReadScript:
        """The text, as if it said what the graph holds."""
        if not self.differing:
            return self.reading
        nodes = dict(self.reading.prompt.nodes)
        for change in self.differing:
            inputs = {**nodes[change.node].inputs, change.input: change.value}
            nodes[change.node] = replace(nodes[change.node], inputs=inputs)
        return replace(self.reading, prompt=Prompt(nodes))


_written: OrderedDict[str, Shown] = OrderedDict()
_followed: OrderedDict[str, Shown] = OrderedDict()


def shown(workflow: Mapping[str, Any], schemas: Schemas, style: Style, text: str | None = None) -> Shown:
    """The graph's script. `text` is what somebody wrote: it stands as long as it says what the graph is."""
    if text is None:
        return _write(workflow, schemas, style)
    key = _key(text)
    before = _recall(_followed, key, schemas)
    if before is not None:
        conversion = graph_writer.convert(workflow, schemas)
        found = _with_changes(before, _prompt_of(conversion), _warnings(conversion))
        if found is not None:
            return found
    written = _write(workflow, schemas, style)
    try:
        read = read_script(text, schemas)
    except ScriptRefused:
        return written
    return _follow(read, written, workflow, style, key)


def _follow(read: ReadScript, written: Shown, workflow: Mapping[str, Any], style: Style, key: str) -> Shown:
    comparison = compare(written.prompt, written.reading, read, written.origins).without_drawn(read)
    found = replace(written, reading=read, origins=comparison.kept, state='kept', inactive={})
    if not comparison.edits:
        _remember(_followed, key, found)
        return found
    if all(edit.op == 'set' for edit in comparison.edits):
        inputs = {key: node.inputs for key, node in written.prompt.nodes.items()}
        places = [(edit.node, edit.input or '') for edit in comparison.edits]
        if all(name in inputs.get(node, ()) for node, name in places):
            changes = [ValueChange(node, name, inputs[node][name]) for node, name in places]
            changed = _with_values(found, changes)
            if changed is not None:
                return changed
    return _carried(found, written, read, workflow, style) or written


def _with_changes(before: Shown, prompt: Prompt, warnings: tuple[str, ...]) -> Shown | None:
    """The same text for a graph that has other values than when the text was known to be right."""
    changes = value_changes(before.prompt, prompt)
    if changes is None:
        return None
    found = replace(before, prompt=prompt, warnings=warnings)
    return _with_values(found, changes) if changes else found


def _with_values(before: Shown, changes: list[ValueChange]) -> Shown | None:
    nodes = {key: node for node, key in before.origins.items()}
    if any(change.node not in nodes for change in changes):
        return None
    drawn = {(before.origins[node], name) for node, name in before.reading.drawn if node in before.origins}
    changes = [change for change in changes if (change.node, change.input) not in drawn]
    wanted = [ValueChange(nodes[change.node], change.input, change.value) for change in changes]
    read, left = fit_values(before.reading, wanted, before.schemas)
    if read.text == before.reading.text:
        return replace(before, differing=left)
    found = replace(before, reading=read, state='changed', differing=left)
    if not left:
        _remember(_followed, _key(read.text), replace(found, state='kept'))
    return found


def _carried(found: Shown, written: Shown, read: ReadScript, workflow: Mapping[str, Any], style: Style) -> Shown | None:
    """Written anew, with the variables that the text named and its comments where they still belong."""
    titles = {found.origins[node]: title for node, title in read.titles.items() if node in found.origins}
    conversion = convert_workflow(workflow, found.schemas)
    named = write_script(
        found.prompt, schemas=found.schemas, workflow=_titled(workflow, titles), conversion=conversion, style=style
    )
    try:
        anew = read_script(named.text, found.schemas)
        # Node of the new text → graph id → node of the old text.
        origins = find_origins(found.prompt, anew)
        back = {key: node for node, key in found.origins.items()}
        text = carry_comments(found.reading, anew, {node: back[key] for node, key in origins.items() if key in back})
        reading = read_script(text, found.schemas)
    except (ScriptRefused, SyntaxError):
        return None
    comparison = compare(written.prompt, written.reading, reading, written.origins)
    if comparison.edits:
        return None
    return replace(written, reading=reading, origins=comparison.kept, inactive={})


def _titled(workflow: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    nodes = [
        {**node, 'title': titles[str(node.get('id'))]}
        if isinstance(node, dict) and str(node.get('id')) in titles
        else node
        for node in workflow.get('nodes', ())
    ]
    return {**workflow, 'nodes': nodes}


def _write(workflow: Mapping[str, Any], schemas: Schemas, style: Style) -> Shown:
    """While somebody types, every request brings the same graph: it is read once."""
    key = _key_of(workflow, style)
    known = _recall(_written, key, schemas)
    if known is None:
        written = graph_writer.write(workflow, schemas, style)
        reading = read_script(written.script.text, schemas)
        typed = _prompt_of(written.conversion)
        plain = Shown(schemas, typed, reading, find_origins(typed, reading), written.warnings)
        known = _with_inactive(plain, workflow, style)
        _remember(_written, key, known)
    return known


def _key_of(workflow: Mapping[str, Any], style: Style) -> str:
    known = workflow.keys_by_style if isinstance(workflow, KeptGraph) else {}
    if style not in known:
        extra = workflow.get('extra')
        extra = {key: extra[key] for key in extra if key not in _SEEN} if isinstance(extra, dict) else extra
        known[style] = _key(f'{style} {json.dumps({**workflow, "extra": extra}, default=str)}')
    return known[style]


def _with_inactive(plain: Shown, workflow: Mapping[str, Any], style: Style) -> Shown:
    """The same with the nodes that do not run as comments."""
    whole = graph_writer.write_whole(workflow, plain.schemas, style)
    if not whole.inactive:
        return plain
    read = read_script(whole.script.text, plain.schemas)
    comparison = compare(plain.prompt, plain.reading, read, plain.origins)
    return replace(plain, reading=read, origins=comparison.kept, inactive=whole.inactive)


def _prompt_of(conversion: Conversion) -> Prompt:
    """The graph's prompt. Nodes that the server does not know have no class type in it; a script writes their type."""
    prompt = Prompt.parse(conversion.prompt)
    unknown = {key: node for key, node in prompt.nodes.items() if node.class_type is None}
    typed = {key: replace(node, class_type=conversion.node_types.get(key)) for key, node in unknown.items()}
    return Prompt({**prompt.nodes, **typed}) if typed else prompt


def _warnings(conversion: Conversion) -> tuple[str, ...]:
    return tuple(dict.fromkeys(conversion.warnings))


def _key(text: str) -> str:
    return hashlib.sha1(text.encode('utf-8', 'surrogatepass')).hexdigest()


def _recall(kept: OrderedDict[str, Shown], key: str, schemas: Schemas) -> Shown | None:
    found = kept.get(key)
    if found is None or found.schemas is not schemas:
        return None
    kept.move_to_end(key)
    return found


def _remember(kept: OrderedDict[str, Shown], key: str, found: Shown) -> None:
    kept[key] = found
    while len(kept) > _KEPT:
        kept.popitem(last=False)
