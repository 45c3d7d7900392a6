"""Nodes that are muted or bypassed: in a script they are comments at their place, which is how they become so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ..graph import Prompt, Schemas
from ..transpiler import convert_workflow
from ..transpiler.workflow_file import ALWAYS, BYPASS, NEVER
from .commented import CommentedCall, commented_calls
from .edits import Comparison, Edit
from .match import same_value
from .reading import ReadScript

Json = Mapping[str, Any]


@dataclass(frozen=True)
class ModeChanges:
    """`modes`: graph id → mode, for the nodes whose call became a comment or is none any more. `back`: node of the
    wanted script → graph id, of the latter. `lines`: graph id → line of the wanted script."""

    modes: dict[str, int] = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def edits(self) -> list[Edit]:
        return [Edit('mode', key, value=mode, line=self.lines.get(key)) for key, mode in self.modes.items()]


def inactive_nodes(workflow: Json) -> dict[str, str]:
    """Id → type of the nodes of the main graph that do not run."""
    nodes = workflow.get('nodes')
    return {
        str(node['id']): str(node.get('type'))
        for node in (nodes if isinstance(nodes, list) else ())
        if isinstance(node, dict) and node.get('mode') in (NEVER, BYPASS) and 'id' in node
    }


def with_modes(workflow: Json, modes: Mapping[str, int]) -> dict[str, Any]:
    """The workflow with other modes of nodes of its main graph."""
    nodes = [
        {**node, 'mode': modes[str(node['id'])]} if isinstance(node, dict) and str(node.get('id')) in modes else node
        for node in workflow.get('nodes') or ()
    ]
    return {**workflow, 'nodes': nodes}


def mode_changes(
    workflow: Json,
    shown: ReadScript,
    origins: Mapping[str, str],
    wanted: ReadScript,
    comparison: Comparison,
    schemas: Schemas,
) -> ModeChanges:
    """What is to become of nodes, going by the comments. `origins`: node of the shown script → graph id."""
    before, after = commented_calls(shown.text), commented_calls(wanted.text)
    fresh, gone = _only_in(after, before), _only_in(before, after)
    nodes = {key: node for node, key in origins.items()}
    off = _turned_off(fresh, nodes, comparison, shown, schemas)
    on = _turned_on(gone, workflow, wanted, comparison, schemas)
    lines = {**off, **{key: wanted.lines[node] for node, key in on.items() if node in wanted.lines}}
    return ModeChanges({**dict.fromkeys(off, BYPASS), **dict.fromkeys(on.values(), ALWAYS)}, on, lines)


def _only_in(calls: list[CommentedCall], others: list[CommentedCall]) -> list[CommentedCall]:
    """The calls that have no like among the others: the same text, else another call of the same node."""
    left, known = list(calls), list(others)
    for like in (attrgetter('text'), attrgetter('callee')):
        for call in list(left):
            other = next((other for other in known if like(other) == like(call)), None)
            if other is not None:
                left.remove(call)
                known.remove(other)
    return left


def _turned_off(
    fresh: list[CommentedCall],
    nodes: Mapping[str, str],
    comparison: Comparison,
    shown: ReadScript,
    schemas: Schemas,
) -> dict[str, int]:
    """Graph id → line of the comment, of the removed nodes of the main graph whose call stands in one now."""
    rows = shown.text.split('\n')
    waiting = list(fresh)
    found: dict[str, int] = {}
    removed = [edit.node for edit in comparison.edits if edit.op == 'remove' and ':' not in edit.node]
    for exactly in (True, False):
        for key in removed:
            node = nodes.get(key)
            if key in found or node is None:
                continue
            first = rows[shown.lines.get(node, 1) - 1].strip()
            class_type = shown.prompt.nodes[node].class_type
            for call in waiting:
                of_type = schemas.names.class_type_of(call.callee) == class_type
                if of_type and (not exactly or call.text.split('\n')[0].strip() == first):
                    waiting.remove(call)
                    found[key] = call.line
                    break
    return found


def _turned_on(
    gone: list[CommentedCall], workflow: Json, wanted: ReadScript, comparison: Comparison, schemas: Schemas
) -> dict[str, str]:
    """Node of the wanted script → id of the inactive node that it is: whose comment is gone, and whose values are
    its own."""
    types = inactive_nodes(workflow)
    left = [schemas.names.class_type_of(call.callee) for call in gone]
    added = [edit for edit in comparison.edits if edit.op == 'add' and not edit.place.parent and edit.key is not None]
    if not types or not left or not added:
        return {}
    prompt = Prompt.parse(convert_workflow(with_modes(workflow, dict.fromkeys(types, ALWAYS)), schemas).prompt)
    found: dict[str, str] = {}
    for edit in added:
        likes = [key for key, type_ in types.items() if type_ == edit.class_type and key not in found.values()]
        if edit.key is None or edit.class_type not in left or not likes:
            continue
        left.remove(edit.class_type)
        inputs = wanted.prompt.nodes[edit.key].inputs
        found[edit.key] = max(likes, key=lambda key: _likeness(inputs, prompt, key))
    return found


def _likeness(inputs: Json, prompt: Prompt, key: str) -> int:
    ours = prompt.nodes[key].inputs if key in prompt.nodes else {}
    return sum(same_value(value, inputs[name], {}) for name, value in ours.items() if name in inputs)
