"""What a file itself says of node types that no server has described: input, widget and output names.

The order of inputs is not the schema's, so scripts give everything by keyword.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..graph import NodeSchema, Schemas, is_link
from ..graph.types import DATA_TYPES, NUMBER_TYPES
from .convert import Conversion, convert_workflow
from .errors import TranspileError
from .workflow_file import WorkflowFile, WorkflowNode

_AFTER_GENERATE = frozenset({'fixed', 'increment', 'decrement', 'randomize', 'increment-wrap'})


def convert_with_guesses(workflow: WorkflowFile, schemas: Schemas) -> tuple[Conversion, Schemas]:
    """The conversion, with node types that the schemas lack read by what the file says; and the schemas with these."""
    conversion = convert_workflow(workflow, schemas)
    unknown = {
        conversion.node_types[key]
        for key, node in conversion.prompt.items()
        if 'class_type' not in node and key in conversion.node_types
    }
    if not unknown:
        return conversion, schemas
    guessed = _with(schemas, _from_workflow(workflow, unknown))
    again = convert_workflow(workflow, guessed)
    return Conversion(again.prompt, again.node_types, conversion.warnings, again.instances), guessed


def guessed_schemas(workflow: Any, prompt: Mapping[str, Any]) -> Schemas:
    """Schemas of a prompt's node types: names from the prompt, outputs as the workflow draws them."""
    types = {node['class_type'] for node in prompt.values() if _has_type(node)}
    drawn: dict[str, dict[str, Any]] = {}
    try:
        if workflow is not None:
            drawn = _from_workflow(WorkflowFile.parse(workflow), types)
    except TranspileError:
        drawn = {}
    for class_type, info in _from_prompt(prompt).items():
        known = drawn.setdefault(class_type, info)
        for name, spec in info['input']['optional'].items():
            known['input']['optional'].setdefault(name, spec)
        if len(known['output']) < len(info['output']):
            known['output'], known['output_name'] = info['output'], info['output_name']
    return _with(Schemas.parse({}), drawn)


def _has_type(node: Any) -> bool:
    return isinstance(node, Mapping) and isinstance(node.get('class_type'), str)


def _with(schemas: Schemas, guessed: Mapping[str, Any]) -> Schemas:
    def read(class_type: str) -> NodeSchema:
        return schemas[class_type] if class_type in schemas else NodeSchema.parse(class_type, guessed[class_type])

    return Schemas({**guessed, **dict.fromkeys(schemas)}, read)


def _from_workflow(workflow: WorkflowFile, types: Iterable[str]) -> dict[str, dict[str, Any]]:
    wanted = set(types)
    found: dict[str, dict[str, Any]] = {}
    for node in _all_nodes(workflow):
        if node.type not in wanted:
            continue
        info = found.setdefault(node.type, _empty())
        inputs = info['input']['optional']
        for name, spec in _inputs_of(node):
            inputs.setdefault(name, spec)
        if len(node.outputs) > len(info['output']):
            info['output'] = [slot.type for slot in node.outputs]
            info['output_name'] = [slot.name for slot in node.outputs]
    return found


def _all_nodes(workflow: WorkflowFile) -> Iterator[WorkflowNode]:
    yield from workflow.nodes
    for definition in workflow.subgraphs.values():
        yield from definition.nodes


def _inputs_of(node: WorkflowNode) -> Iterator[tuple[str, list[Any]]]:
    """Sockets, then widgets by name. Values beyond the named widgets are `widget_1` and so on."""
    for slot in node.inputs:
        if slot.widget is None:
            yield slot.name, [slot.type if slot.type != 'COMBO' else '*', {'forceInput': True}]
    values = node.widgets_values
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield str(name), [DATA_TYPES.get(type(value), 'STRING'), {}]
        return
    names = [slot.widget for slot in node.inputs if slot.widget is not None]
    if node.named_values and not names:
        names = [str(name) for name in node.named_values]
    values = list(values or ())
    slots = [slot for slot in node.inputs if slot.widget is not None]
    if not all(_agree(slot.type, value) for slot, value in zip(slots, values)):
        # Only some widgets are listed, who knows which: those with links are sockets, the values stay without names.
        names = []
        yield from ((slot.widget or '', [slot.type, {'forceInput': True}]) for slot in slots if slot.link is not None)
    at = 0
    for place, name in enumerate(names):
        value = values[at] if at < len(values) else None
        at += 1
        options: dict[str, Any] = {}
        more_than_names = len(values) - at > len(names) - place - 1
        if type(value) is int and more_than_names and str(values[at]) in _AFTER_GENERATE:
            options['control_after_generate'] = True
            at += 1
        yield name, [DATA_TYPES.get(type(value), 'STRING'), options]
    for number, value in enumerate(values[at:], len(names) + 1):
        yield f'widget_{number}', [DATA_TYPES.get(type(value), 'STRING'), {}]


def _agree(type_: str, value: Any) -> bool:
    if type(value) is bool or type_ == 'BOOLEAN':
        return type(value) is bool and type_ in ('BOOLEAN', '*')
    if type_ in NUMBER_TYPES:
        return isinstance(value, (int, float))
    return not (type_ in ('STRING', 'COMBO') and isinstance(value, (int, float)))


def _from_prompt(prompt: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    most: dict[str, int] = {}
    for node in prompt.values():
        if not _has_type(node):
            continue
        inputs = node.get('inputs')
        taken = found.setdefault(node['class_type'], _empty())['input']['optional']
        for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
            taken.setdefault(str(name), ['*', {}])
            source: Any = prompt.get(value[0]) if is_link(value) else None
            if _has_type(source) and 0 <= value[1] < 1000:
                most[source['class_type']] = max(most.get(source['class_type'], 0), int(value[1]) + 1)
    for class_type, count in most.items():
        if class_type in found:
            found[class_type]['output'] = ['*'] * count
            found[class_type]['output_name'] = [class_type if count == 1 else ''] * count
    return found


def _empty() -> dict[str, Any]:
    return {'input': {'optional': {}}, 'output': [], 'output_name': [], 'output_node': True}
