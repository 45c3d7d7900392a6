"""A selection of nodes as the text of one ComfyScript node: `def main(image: Image, …): …`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..graph import Link, Prompt, PromptNode, Schemas, to_class_name
from ..interpreter.lang.source import parse_tree
from ..transpiler import Style, convert_workflow, write_script
from .errors import RequestError
from .strings import lines_inside_strings

_SOURCE = 'ComfyScript:source:'
_SINK = 'ComfyScript:sink'


class Port(NamedTuple):
    """A value that crosses the edge of the selection."""

    link: Link
    type: str
    users: tuple[tuple[str, str], ...]
    """Outside the selection, (node id, input): empty for what comes in."""


def to_node(workflow: Mapping[str, Any], keys: list[str], schemas: Schemas, style: Style) -> dict[str, Any]:
    """`{script, inputs: [{name, type, from}], outputs: [{name, type, to}]}`, in the order of the node's sockets.

    `keys` are graph ids; a subgraph's id stands for all that is inside. Raises RequestError where nothing of them
    is in the prompt.
    """
    prompt = Prompt.parse(convert_workflow(workflow, schemas).prompt)
    chosen = {key for key in prompt.nodes if any(key == one or key.startswith(one + ':') for one in keys)}
    if not chosen:
        raise RequestError('none of the selected nodes is part of the prompt (notes and muted nodes are not)')
    incoming, outgoing = _ports(prompt, chosen, schemas)
    script = write_script(
        _with_ends(prompt, chosen, incoming, outgoing).to_json(), schemas=schemas, workflow=workflow, style=style
    )
    body = _Body(script.text)
    names = [body.take_source(number) for number in range(len(incoming))]
    results = body.take_sink(len(outgoing))
    return {
        'script': _function(body, list(zip(names, incoming)), results, outgoing),
        'inputs': [{'name': name, 'type': port.type, 'from': list(port.link)} for name, port in zip(names, incoming)],
        'outputs': [{'type': port.type, 'to': [list(user) for user in port.users]} for port in outgoing],
    }


def _ports(prompt: Prompt, chosen: set[str], schemas: Schemas) -> tuple[list[Port], list[Port]]:
    incoming: dict[Link, None] = {}
    outgoing: dict[Link, list[tuple[str, str]]] = {}
    for key, node in prompt.nodes.items():
        for name, link in node.links():
            if key in chosen and link.node not in chosen:
                incoming[link] = None
            elif key not in chosen and link.node in chosen:
                outgoing.setdefault(link, []).append((key, name))
    return (
        [Port(link, _type(prompt, link, schemas), ()) for link in incoming],
        [Port(link, _type(prompt, link, schemas), tuple(users)) for link, users in outgoing.items()],
    )


def _type(prompt: Prompt, link: Link, schemas: Schemas) -> str:
    source = prompt.nodes.get(link.node)
    schema = schemas.find(source.class_type) if source else None
    return schema.outputs[link.slot].type if schema and link.slot < len(schema.outputs) else '*'


def _with_ends(prompt: Prompt, chosen: set[str], incoming: list[Port], outgoing: list[Port]) -> Prompt:
    """The selection as a prompt of its own, with stand-ins for what it takes and gives."""
    sources = {port.link: Link(f'source{number}', 0) for number, port in enumerate(incoming)}
    nodes: dict[str, PromptNode] = {
        link.node: PromptNode(f'{_SOURCE}{number}', {'type': port.type}, _title(prompt, port))
        for number, (port, link) in enumerate(zip(incoming, sources.values()))
    }
    for key in prompt.nodes:
        if key in chosen:
            node = prompt.nodes[key]
            inputs = {
                name: sources.get(value, value) if type(value) is Link else value for name, value in node.inputs.items()
            }
            nodes[key] = PromptNode(node.class_type, inputs, node.title)
    if outgoing:
        nodes['sink'] = PromptNode(_SINK, {f'value{number}': port.link for number, port in enumerate(outgoing)})
    return Prompt(nodes)


def _title(prompt: Prompt, port: Port) -> str | None:
    """A stand-in is named after what it hands in."""
    return to_class_name(port.type) if port.type != '*' else None


class _Body:
    """A written script that statements can be taken out of, by line."""

    def __init__(self, text: str) -> None:
        self._lines = text.split('\n')
        self._tree = parse_tree(text)

    def take_source(self, number: int) -> str:
        """The variable that holds the stand-in's output; its statement goes."""
        for statement in self._tree.body:
            if isinstance(statement, ast.Assign) and _raw_call(statement.value) == f'{_SOURCE}{number}':
                self._remove(statement)
                return ast.unparse(statement.targets[0]).split(',')[0].strip('()')
        raise RequestError('the selection cannot be written as a script: an input has no variable', 422)

    def take_sink(self, count: int) -> list[str]:
        """The expressions that leave the selection; their statement goes."""
        if not count:
            return []
        for statement in self._tree.body:
            call = getattr(statement, 'value', None)
            if isinstance(call, ast.Call) and _raw_call(call) == _SINK:
                self._remove(statement)
                given = _keywords(call)
                return [given[f'value{number}'] for number in range(count)]
        raise RequestError('the selection cannot be written as a script: its results have no variable', 422)

    def definitions(self) -> str:
        """Its functions."""
        return '\n'.join(self._lines[number - 1] for number in sorted(self._functions())).strip('\n')

    def block(self) -> list[str]:
        """All else as it stands in a function: indented, but for what is inside of texts, and with single gaps."""
        functions, inside = self._functions(), lines_inside_strings(self._tree)
        found: list[str] = []
        for number, line in enumerate(self._lines, 1):
            if number in functions:
                continue
            if number in inside:
                found.append(line)
            elif line.strip():
                found.append(f'    {line}')
            elif found and found[-1]:
                found.append('')
        while found and not found[-1]:
            found.pop()
        return found

    def _functions(self) -> set[int]:
        found: set[int] = set()
        for statement in self._tree.body:
            if isinstance(statement, ast.FunctionDef):
                found.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
        return found

    def _remove(self, statement: ast.stmt) -> None:
        for number in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
            self._lines[number - 1] = ''


def _raw_call(call: ast.expr) -> str | None:
    """'x' of `node['x'](…)`."""
    while isinstance(call, ast.Subscript) and isinstance(call.value, ast.Call):
        call = call.value
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Subscript):
        key = call.func.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
    return None


def _keywords(call: ast.Call) -> dict[str, str]:
    found: dict[str, str] = {}
    for keyword in call.keywords:
        if keyword.arg == '_inputs' and isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values):
                if isinstance(key, ast.Constant):
                    found[str(key.value)] = ast.unparse(value)
        elif keyword.arg:
            found[keyword.arg] = ast.unparse(keyword.value)
    return found


def _function(body: _Body, inputs: Iterable[tuple[str, Port]], results: list[str], outputs: list[Port]) -> str:
    definitions = body.definitions()
    listed = [f'{name}: {_annotation(port)}' for name, port in inputs]
    parameters = ', '.join(listed)
    if len(parameters) > 70:
        parameters = ''.join(f'\n    {one},' for one in listed) + '\n'
    gives = [_annotation(port) for port in outputs]
    returns = ''
    if gives:
        returns = f' -> {gives[0]}' if len(gives) == 1 else f' -> tuple[{", ".join(gives)}]'
    lines = body.block()
    if results:
        lines.append('    return ' + ', '.join(results))
    block = '\n'.join(lines or ['    pass'])
    head = f'{definitions}\n\n\n' if definitions else ''
    return f'{head}def main({parameters}){returns}:\n{block}\n'


def _annotation(port: Port) -> str:
    return to_class_name(port.type) if port.type != '*' else 'Any'
