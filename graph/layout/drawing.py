"""An API prompt as a web UI workflow that a person can read: columns by data flow, groups, widgets filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..collector import collector_paused
from ..prompt import Link, Prompt, PromptNode, decode_inputs
from ..schema import NodeSchema
from ..schemas import Schemas
from .columns import placed
from .constants import with_constants
from .layout_hints import LayoutGroup, LayoutHints
from .node_boxes import NodeBox, boxes_of
from .widget_places import Widgets, is_fixed, places_of


@collector_paused()
def lay_out(
    prompt: Prompt | Mapping[str, Any], schemas: Schemas | None = None, hints: LayoutHints | None = None
) -> dict[str, Any]:
    """The workflow file of a prompt. Ids stay where they are integers, else nodes are numbered from 1.

    Raises PromptError for links that run in a circle.
    """
    source = prompt if isinstance(prompt, Prompt) else Prompt.parse(prompt)
    hints = hints or LayoutHints()
    parsed, groups = with_constants(source, schemas, hints.groups)
    boxes = boxes_of(parsed.nodes, schemas)
    return _drawn(source, parsed, boxes, groups, hints.titles)[0]


class Template:
    """A laid-out workflow that takes other values: prompts that differ in nothing else look alike."""

    def __init__(self, workflow: dict[str, Any], nodes: Sequence[tuple[str, dict[str, Any], Widgets]]) -> None:
        self._workflow = workflow
        self._nodes = nodes

    @staticmethod
    def of(
        prompt: Mapping[str, Any], schemas: Schemas | None = None, hints: LayoutHints | None = None
    ) -> Template | None:
        """None where the look depends on values too: dynamic inputs, and values for sockets. Raises PromptError."""
        source = Prompt.parse(prompt)
        hints = hints or LayoutHints()
        for node in source.nodes.values():
            schema = schemas.find(node.class_type) if schemas is not None else None
            if schema is not None and not _looks_fixed(node, schema):
                return None
        boxes = boxes_of(source.nodes, schemas)
        workflow, order = _drawn(source, source, boxes, hints.groups, hints.titles)
        return Template(workflow, [(key, node, boxes[key].widgets) for key, node in zip(order, workflow['nodes'])])

    def filled(self, prompt: Mapping[str, Any]) -> dict[str, Any]:
        """The workflow of a prompt with the same nodes, links and names. It shares its parts: not to be changed."""
        inputs = {key: decode_inputs(node['inputs']) for key, node in prompt.items()}
        nodes = []
        for key, node, widgets in self._nodes:
            nodes.append({**node, 'widgets_values': widgets.values(inputs[key])})
        return {**self._workflow, 'nodes': nodes}


_LINKED = Link('', 0)


def _looks_fixed(node: PromptNode, schema: NodeSchema) -> bool:
    return is_fixed(schema) and all(
        places_of(item, schema) is not None or type(node.inputs.get(item.name, _LINKED)) is Link
        for item in schema.inputs
    )


def _drawn(
    source: Prompt,
    parsed: Prompt,
    boxes: Mapping[str, NodeBox],
    groups: Sequence[LayoutGroup],
    titles: Mapping[str, str],
) -> tuple[dict[str, Any], list[str]]:
    """The workflow, and the ids of its nodes in its order."""
    order = parsed.order()
    numbers = _numbers(source.nodes, parsed.nodes)
    links, incoming, outgoing = _links(parsed, boxes, numbers)
    places, frames = placed(parsed, order, boxes, groups)
    nodes = []
    for position, key in enumerate(order):
        node = _node_json(parsed.nodes[key], boxes[key], incoming[key], outgoing[key], titles.get(key))
        nodes.append({'id': numbers[key], **node, 'pos': list(places[key]), 'order': position})
    workflow = {
        'last_node_id': max(numbers.values(), default=0),
        'last_link_id': len(links),
        'nodes': nodes,
        'links': links,
        'groups': frames,
        'config': {},
        'extra': {},
        'version': 0.4,
    }
    return workflow, order


def _numbers(ids: Iterable[str], with_constants: Iterable[str]) -> dict[str, int]:
    keys = list(ids)
    plain = all(key.isascii() and key.isdigit() and len(key) < 10 and str(int(key)) == key for key in keys)
    numbers = {key: int(key) for key in keys} if plain else {key: number for number, key in enumerate(keys, 1)}
    following = max(numbers.values(), default=0) + 1
    for key in with_constants:
        if key not in numbers:
            numbers[key] = following
            following += 1
    return numbers


def _links(
    prompt: Prompt, boxes: Mapping[str, NodeBox], numbers: Mapping[str, int]
) -> tuple[list[list[Any]], dict[str, dict[str, int]], dict[str, dict[int, list[int]]]]:
    """All links, the link of each linked input, and the links of each output."""
    links: list[list[Any]] = []
    incoming: dict[str, dict[str, int]] = {key: {} for key in prompt.nodes}
    outgoing: dict[str, dict[int, list[int]]] = {key: {} for key in prompt.nodes}
    number = 0
    # Nodes of one class have the same list of slots.
    known: dict[int, dict[str, tuple[int, str]]] = {}
    for key, node in prompt.nodes.items():
        linked = node.links()
        slots = known.get(id(boxes[key].slots))
        if slots is None:
            slots = {slot.name: (index, slot.type) for index, slot in enumerate(boxes[key].slots)}
            known[id(boxes[key].slots)] = slots
        for name, (origin, output) in linked:
            box = boxes.get(origin)
            if box is None or name not in slots:
                continue
            index, type_ = slots[name]
            if 0 <= output < len(box.outputs):
                type_ = box.outputs[output][1]
            number += 1
            links.append([number, numbers[origin], output, numbers[key], index, type_])
            incoming[key][name] = number
            outgoing[origin].setdefault(output, []).append(number)
    return links, incoming, outgoing


def _node_json(
    node: PromptNode,
    box: NodeBox,
    incoming: Mapping[str, int],
    outgoing: Mapping[int, list[int]],
    title: str | None,
) -> dict[str, Any]:
    inputs = []
    for slot in box.slots:
        entry: dict[str, Any] = {'name': slot.name, 'type': slot.type, 'link': incoming.get(slot.name)}
        if slot.widget:
            entry['widget'] = {'name': slot.name}
        elif slot.optional:
            entry['shape'] = 7
        inputs.append(entry)
    outputs = list(box.outputs)
    # A node that nothing is known of has the outputs that are used.
    outputs.extend((f'output {slot}', '*') for slot in range(len(outputs), max(outgoing, default=-1) + 1))
    data: dict[str, Any] = {
        'type': node.class_type or '',
        'size': list(box.size),
        'flags': {},
        'mode': 0,
        'inputs': inputs,
        'outputs': [
            {'name': name, 'type': type_, 'links': outgoing.get(slot) or None}
            for slot, (name, type_) in enumerate(outputs)
        ],
        'properties': {'Node name for S&R': node.class_type or ''},
        'widgets_values': box.values,
    }
    if box.script_inputs is not None:
        # The sockets and widgets of a `ComfyScript` node are saved with it (`js/node/sockets.mjs`).
        sockets = {'main': True, 'any_input': False, 'inputs': box.script_inputs}
        sockets['outputs'] = [{'name': name, 'type': type_} for name, type_ in outputs]
        if isinstance(box.values, list):
            sockets['values'] = box.values[1:]  # as `js/node/keep.js` saves them
        data['properties']['comfyscript'] = sockets
    shown = title or node.title
    if shown:
        data['title'] = shown
    return data
