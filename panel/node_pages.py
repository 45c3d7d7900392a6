"""What an agent is told of nodes: one line when it searches, a page when it asks for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..graph import MISSING, InputKind, InputSchema, NodeSchema, Schemas, close_names, to_class_name, to_variable_name
from ..graph.types import PYTHON_TYPES, WIDGET_TYPES
from .bounded import SHORT, cut, listed, one_line
from .errors import RequestError

MOST_FOUND = 20
MOST_CHOICES = 10
MOST_NEIGHBOURS = 6
LONGEST_LINE = 280


def search(schemas: Schemas, text: str, input_type: str = '', output_type: str = '') -> str:
    """The nodes that fit best, a line each: `Name(inputs) -> outputs  # title`. Raises RequestError for an odd type."""
    takes, gives = _data_type(schemas, input_type), _data_type(schemas, output_type)
    words = [word for word in re.split(r'[^0-9a-z]+', text.lower()) if word]
    ranked: list[tuple[int, int, int, NodeSchema]] = []
    for schema in schemas.readable():
        if takes and takes not in {item.type for item in schema.inputs}:
            continue
        if gives and gives not in {item.type for item in schema.outputs}:
            continue
        fitting, score = _score(schema, words)
        if fitting or not words:
            known = (not schema.deprecated) + 2 * (schema.module == 'nodes')
            ranked.append((fitting, -score - known, len(schema.class_type), schema))
    most = max((fitting for fitting, *_ in ranked), default=-1)
    if 2 * most < len(words):
        close = close_names(text, schemas, most=5, cutoff=0.5)
        hint = f' Near: {", ".join(schemas.names.name_of(name) for name in close)}.' if close else ''
        return f'No node fits among {len(schemas)}. Try fewer or other words.{hint}'
    found = sorted((item for item in ranked if item[0] == most), key=lambda item: (*item[:3], item[3].class_type))
    best = (line(schemas, schema) for *_, schema in found[:MOST_FOUND])
    if most < len(words):
        return f'None has all {len(words)} words; with {most} of them:\n' + listed(best, len(found), SHORT - 80)
    return listed(best, len(found))


def _score(schema: NodeSchema, words: list[str]) -> tuple[int, int]:
    """How many words are found, and how well: names before titles, those before categories."""
    aliases = schema.info.get('search_aliases') or ()
    places = (
        (8, schema.class_type.lower()),
        (6, schema.display_name.lower()),
        (5, ' '.join(str(alias) for alias in aliases).lower()),
        (3, schema.category.lower()),
        (1, schema.description.lower()),
    )
    best = [
        max((weight * (2 if word == place else 1) for weight, place in places if word in place), default=0)
        for word in words
    ]
    return sum(weight > 0 for weight in best), sum(best)


def _data_type(schemas: Schemas, asked: str) -> str:
    if not asked:
        return ''
    known = set(schemas.output_types()) | set(WIDGET_TYPES)
    by_name = {to_class_name(raw): raw for raw in known}
    found = asked if asked in known else asked.upper() if asked.upper() in known else by_name.get(asked)
    if found is None:
        close = close_names(asked, sorted(known | set(by_name)))
        raise RequestError(f'no node gives {asked!r}' + (f'; near: {", ".join(close)}' if close else ''))
    return found


def line(schemas: Schemas, schema: NodeSchema) -> str:
    """`KSampler(model, seed, …) -> LATENT  # title`."""
    names = [item.python_name + ('' if item.required else '?') for item in schema.inputs]
    gives = ', '.join(item.type for item in schema.outputs) or ('saved or shown' if schema.output_node else 'nothing')
    title = schema.display_name if schema.display_name not in ('', schema.class_type) else ''
    mark = ' (deprecated)' if schema.deprecated else ''
    text = f'{schemas.names.name_of(schema.class_type)}({", ".join(names)}) -> {gives}{mark}'
    return one_line(text + (f'  # {title}' if title else ''), LONGEST_LINE)


def page(schemas: Schemas, name: str) -> str:
    """One node: an example, inputs with ranges and choices, outputs, what connects to it. Raises RequestError."""
    schema = find_node(schemas, name)
    own = schemas.names.name_of(schema.class_type)
    facts = [f'class type {schema.class_type!r}', schema.category]
    facts += [word for word, holds in _MARKS if holds(schema)]
    parts = [example(schemas, schema), f'# {schema.display_name or own}: {", ".join(filter(None, facts))}']
    if described := _plain(schema.description).strip():
        parts.append('# ' + one_line(described, 400))
    told: set[str] = set()
    for item in _all_inputs(schema.inputs):
        parts.append(_input_line(schemas, own, item, item.type not in told))
        told.add(item.type)
    if schema.takes_any:
        parts.append('- and inputs of other names, as the scripts of workflows with this node show')
    if schema.outputs:
        parts.append('gives:')
        parts += [_output_line(schemas, item.name, item.type, item.is_list) for item in _distinct(schema)]
    return cut('\n'.join(parts), SHORT, 'list_models("Node.input") has all choices of an input')


def _plain(text: str) -> str:
    """Without the HTML that some packs write for their own help."""
    return re.sub(r'<[^<>]*>', ' ', text)


_MARKS = (
    ('runs by itself (output node)', lambda schema: schema.output_node),
    ('deprecated', lambda schema: schema.deprecated),
    ('experimental', lambda schema: schema.experimental),
    ('costs money (API node)', lambda schema: schema.api_node),
)


def find_node(schemas: Schemas, name: str) -> NodeSchema:
    """By its name in scripts, its class type or its title. Raises RequestError with the near ones."""
    asked = name.strip().removesuffix('()')
    schema = schemas.find(schemas.names.class_type_of(asked) or asked)
    if schema is None:
        lowered = asked.lower()
        schema = next((item for item in schemas.readable() if item.display_name.lower() == lowered), None)
    if schema is None:
        known = [schemas.names.name_of(class_type) for class_type in schemas]
        close = close_names(asked, known, most=5)
        hint = f'; near: {", ".join(close)}' if close else '; search_nodes finds nodes by words'
        raise RequestError(f'this server has no node {asked[:100]!r}{hint}', 404)
    return schema


def example(schemas: Schemas, schema: NodeSchema) -> str:
    """A call with what must be given: `latent = KSampler(model, 0, 20, …)`."""
    values = []
    for item in schema.inputs:
        if not item.required:
            continue
        given = item.default is not MISSING and item.kind in (InputKind.PLAIN, InputKind.COMBO)
        values.append(_short(item.default) if given else _placeholder(item))
    names: list[str] = []
    for output in schema.outputs[:8]:
        name = to_variable_name(output.name or output.type)
        names.append(name if name not in names else f'{name}{len(names) + 1}')
    if len(schema.outputs) > len(names):
        names.append('*_')
    call = f'{schemas.names.name_of(schema.class_type)}({", ".join(values)})'
    return f'{", ".join(names)} = {call}' if names else call


def _placeholder(item: InputSchema) -> str:
    if item.kind is InputKind.AUTOGROW and item.template is not None:
        return f'[{to_variable_name(item.template.input.type)}]'
    if item.type in PYTHON_TYPES:
        return {'INT': '0', 'FLOAT': '0.0', 'BOOLEAN': 'False'}.get(item.type, "''")
    return item.python_name


def _all_inputs(inputs: Iterable[InputSchema]) -> Iterator[InputSchema]:
    """Also those behind the choices of a dynamic input, each name once."""
    seen: set[str] = set()
    for item in inputs:
        yield item
        for branch in item.branches:
            for inner in branch.inputs:
                if inner.python_name not in seen:
                    seen.add(inner.python_name)
                    yield inner


def _input_line(schemas: Schemas, node: str, item: InputSchema, with_makers: bool) -> str:
    notes = [_kind(node, item)]
    if span := item.range:
        notes.append(span)
    if item.default is not MISSING and item.kind is not InputKind.AUTOGROW:
        notes.append(f'default {_short(item.default)}')
    if not item.required:
        notes.append('optional')
    if with_makers and item.choices is None and item.type not in WIDGET_TYPES and item.kind is InputKind.PLAIN:
        makers = _neighbours(schemas, item.type, gives=True)
        notes += [f'from {makers}'] if makers else []
    tip = f': {one_line(item.tooltip, 100)}' if item.tooltip else ''
    return f'- {item.python_name} ({", ".join(notes)}){tip}'


def _kind(node: str, item: InputSchema) -> str:
    choices = [branch.key for branch in item.branches] or list(item.choices or ())
    if choices:
        shown = ', '.join(_short(choice) for choice in choices[:MOST_CHOICES])
        more = len(choices) - MOST_CHOICES
        return f'one of {shown}' + (f' and {more} more, list_models("{node}.{item.python_name}")' if more > 0 else '')
    if item.choices is not None:
        return 'a choice, and the server has none'
    if item.kind is InputKind.AUTOGROW and item.template is not None:
        return f'list of up to {len(item.template.keys)} {item.template.input.type}'
    return item.type


def _distinct(schema: NodeSchema) -> list:
    return list({(item.name, item.type): item for item in schema.outputs}.values())


def _output_line(schemas: Schemas, name: str, type_: str, is_list: bool) -> str:
    users = _neighbours(schemas, type_, gives=False) if type_ not in WIDGET_TYPES else ''
    kind = f' ({type_})' if name != type_ else ''
    return f'- {name}{kind}{", a list" if is_list else ""}' + (f', for {users}' if users else '')


def _neighbours(schemas: Schemas, type_: str, *, gives: bool) -> str:
    """Some nodes that give a type, or take it: ComfyUI's own first."""
    found: list[tuple[bool, int, str]] = []
    for schema in schemas.readable():
        slots = schema.outputs if gives else schema.inputs
        if type_ != '*' and not schema.deprecated and any(item.type == type_ for item in slots):
            own = schema.module == 'nodes'
            found.append((not own, len(found), schemas.names.name_of(schema.class_type)))
    found.sort()
    more = f' and {len(found) - MOST_NEIGHBOURS} more' if len(found) > MOST_NEIGHBOURS else ''
    return ', '.join(name for *_, name in found[:MOST_NEIGHBOURS]) + more


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + '…'


def choices(schemas: Schemas, place: str) -> list[str]:
    """The choices of one input, `Node.input`. Raises RequestError."""
    node, _, name = place.rpartition('.')
    schema = find_node(schemas, node)
    item = schema.input_of(name) or schema.input(name)
    if item is None or item.choices is None:
        which = [known.python_name for known in schema.inputs if known.choices is not None]
        raise RequestError(f'{node} has choices for {", ".join(which) or "no input"}, not for {name!r}')
    return [str(choice) for choice in item.choices]
