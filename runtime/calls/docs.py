"""What a node's documentation says, for `help()` and for the type stubs."""

from __future__ import annotations

from typing import Any

from ...graph import MISSING, InputKind, InputSchema, NodeSchema

_MOST_CHOICES = 12


def describe(schema: NodeSchema) -> str:
    """A node's docstring: title, description, inputs with ranges and tooltips, outputs, where it comes from."""
    parts = [schema.display_name or schema.class_type]
    if schema.description.strip():
        parts.append(schema.description.strip())
    inputs = [_input_line(item) for item in schema.inputs]
    if inputs:
        parts.append('Inputs:\n' + '\n'.join(inputs))
    outputs = [
        f'- {item.name}' + (f' ({item.type})' if item.type != item.name else '') + _list_mark(item) + _tip(item.tooltip)
        for item in schema.outputs
    ]
    if outputs:
        parts.append('Outputs:\n' + '\n'.join(outputs))
    parts.append('\n'.join(_facts(schema)))
    return '\n\n'.join(part for part in parts if part)


def _facts(schema: NodeSchema) -> list[str]:
    facts = []
    marks = [
        word
        for word, holds in (
            ('output node', schema.output_node),
            ('deprecated', schema.deprecated),
            ('experimental', schema.experimental),
            ('API node', schema.api_node),
        )
        if holds
    ]
    if marks:
        facts.append(', '.join(marks).capitalize() + '.')
    if schema.category:
        facts.append(f'Category: {schema.category}')
    if schema.module:
        facts.append(f'Module: {schema.module}')
    facts.append(f'Class type: {schema.class_type}')
    return facts


def _list_mark(output: Any) -> str:
    return ', a list' if output.is_list else ''


def _tip(text: str) -> str:
    return f': {" ".join(text.split())}' if text else ''


def _input_line(item: InputSchema) -> str:
    notes = [_kind(item)]
    span = item.range
    if span:
        notes.append(span)
    if item.required and item.default is not MISSING and item.kind is not InputKind.AUTOGROW:
        notes.append(f'default {_short(item.default)}')
    if not item.required:
        notes.append('optional')
    return f'- {item.python_name} ({", ".join(notes)}){_tip(item.tooltip)}'


def _kind(item: InputSchema) -> str:
    if item.choices is not None:
        shown = ', '.join(_short(choice) for choice in item.choices[:_MOST_CHOICES])
        more = len(item.choices) - _MOST_CHOICES
        return f'one of {shown}' + (f' and {more} more' if more > 0 else '') if shown else 'a choice'
    if item.kind is InputKind.AUTOGROW and item.template:
        return f'list of up to {len(item.template.keys)} {item.template.input.type}'
    return item.type


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'
