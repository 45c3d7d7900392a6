"""The text of a server's type stubs: data types, enums, and a function per node."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...graph import (
    EXTRA_INPUTS,
    EXTRA_OUTPUTS,
    MISSING,
    RESERVED,
    InputKind,
    InputSchema,
    NameTable,
    NodeSchema,
    Schemas,
)
from ...graph.types import WIDGET_TYPES
from .docs import describe
from .enums import GLOBAL_ENUM_SOURCES, Enums, global_source, member_names
from .functions import data_type_table, inner_inputs, is_nominal
from .stub_code import (
    StubParameter,
    default_code,
    docstring,
    enum_code,
    functions_code,
    joined,
    or_none,
    overloads,
    string_code,
    union,
)
from .stub_modes import VIRTUAL, StubOptions

__all__ = ['generate']

log = logging.getLogger('comfy_script')

_MOST_LITERALS = 60
_MOST_SHARED_LITERALS = 300
"""Choices that many inputs have are written once."""
_ANYTHING = '*args: _Any, **kwargs: _Any'
_JSON = ('str', 'int', 'float', 'bool', '_Sequence[_Any]', '_Mapping[str, _Any]')
_PYTHON_TYPES = {data: python.__name__ for data, python in WIDGET_TYPES.items() if data != 'COMBO'}
# Types whose values are entered in the web UI, as JSON.
_JSON_TYPES = frozenset(
    {
        'ARRAY',
        'AUDIO_RECORD',
        'BOUNDING_BOX',
        'BOUNDING_BOXES',
        'CHART',
        'COLORS',
        'COMPOSITOR',
        'CURVE',
        'DICT',
        'GALLERIA',
        'HISTOGRAM',
        'IMAGECOMPARE',
        'LOAD3D_CAMERA',
        'LOAD3D_MODEL_INFO',
        'LOAD_3D',
        'LOAD_3D_ADVANCED',
        'PAINTER',
        'RANGE',
        'VIDEO_EDIT',
        'WEBCAM',
    }
)

_RESULTS: Mapping[str, str] = {
    'MaskPreview': '_ImageBatchResult',
    'PreviewAny': '_TextResult',
    'PreviewAudio': '_AudioResult',
    'PreviewImage': '_ImageBatchResult',
    'SaveAnimatedPNG': '_ImageBatchResult',
    'SaveAnimatedWEBP': '_ImageBatchResult',
    'SaveAudio': '_AudioResult',
    'SaveAudioMP3': '_AudioResult',
    'SaveAudioOpus': '_AudioResult',
    'SaveGLB': '_Model3DResult',
    'SaveImage': '_ImageBatchResult',
    'SaveLatent': '_LatentResult',
    'SaveVideo': '_VideoResult',
    'SaveWEBM': '_VideoResult',
}
"""Output node of ComfyUI's own → the result that it gives. What others give is known once they have run."""


def generate(schemas: Schemas, embeddings: Iterable[str] = (), options: StubOptions = VIRTUAL) -> str:
    """The text of the stubs. A node whose description is broken is left out."""
    return _Writer(schemas, tuple(embeddings), options).text()


class _Writer:
    def __init__(self, schemas: Schemas, embeddings: tuple[str, ...], options: StubOptions):
        self._schemas = schemas
        self._options = options
        self._embeddings = embeddings
        self._enums = Enums(schemas, embeddings)
        self._global_choices = {self._enums.choices(name): name for name in reversed(list(GLOBAL_ENUM_SOURCES))}
        self._global_choices.pop((), None)
        self._types: NameTable = data_type_table(schemas)
        self._shown: dict[str, str] = {}
        self._type_names = {raw: self._types.name_of(raw) for raw in schemas.output_types() if is_nominal(raw)}

    def text(self) -> str:
        parts = [self._options.header]
        parts.append('\n'.join(self._type_lines()))
        parts.extend(self._global_enum_lines())
        names = []
        for schema in self._schemas.readable():
            name = self._schemas.names.name_of(schema.class_type)
            try:
                parts.append(self._node(name, schema))
            except Exception as error:
                log.warning('Left out of the type stubs: node %r: %r', schema.class_type, error)
            else:
                names.append(name)
        parts.extend(self._shown.values())
        names += [*GLOBAL_ENUM_SOURCES, 'Embeddings', *self._type_names.values()]
        listed = ''.join(f'    {name!r},\n' for name in names)
        parts.insert(1, f'__all__ = [\n{listed}]\n')
        return '\n'.join(parts)

    # -- types and enums

    def _type_lines(self) -> Iterator[str]:
        given = self._options.value_types
        for raw, name in self._type_names.items():
            if given is None:
                yield f'class {name}(_Value): ...'
            else:
                yield f'{name}: _TypeAlias = {given.get(raw, "_Any")}'
        yield ''

    def _global_enum_lines(self) -> Iterator[str]:
        for name in GLOBAL_ENUM_SOURCES:
            yield enum_code(name, member_names(self._enums.choices(name)), '')
        for name in GLOBAL_ENUM_SOURCES:
            choices = self._enums.choices(name)
            if _are_literals(choices, _MOST_SHARED_LITERALS):
                yield f'_{name}Choice: _TypeAlias = {_literal(choices)}\n'
        code = enum_code('Embeddings', self._enums.members('Embeddings'), '')
        yield code.removesuffix(' ...\n') + '\n    def name(self) -> str: ...  # type: ignore\n'

    def _types_of(self, item: InputSchema) -> list[str]:
        """The types that an input takes, `None` aside."""
        if item.kind is InputKind.AUTOGROW and item.template:
            inner = union(or_none(self._types_of(item.template.input)))
            return [f'_Sequence[{inner}]', f'_Mapping[str, {inner}]']
        if item.choices is not None:
            return self._choice_types(item)
        return self._raw_types(item.type)

    def _choice_types(self, item: InputSchema) -> list[str]:
        choices = item.choices or ()
        if item.options.get('multi_select') or item.options.get('multiselect'):
            return ['_Sequence[str]']
        kinds = {type(choice) for choice in choices}
        types = []
        shared = self._global_of(choices)
        if shared is not None:
            types.append(shared)
            if _are_literals(choices, _MOST_SHARED_LITERALS):
                types.append(f'_{shared}Choice')
        elif _are_literals(choices, _MOST_LITERALS) and _are_words(choices):
            types.append(_literal(choices))
        is_closed = self._options.strict and any('Choice' in kind or '_Literal' in kind for kind in types)
        if item.switch is not None or bool in kinds:
            types.append('bool')
        types += [kind.__name__ for kind in (int, float) if kind in kinds]
        if not is_closed and (str in kinds or not types or not kinds <= {int, float, bool}):
            types.append('str')
        if 'COMBO' in self._type_names:
            types.append(self._type_names['COMBO'])
        return [*types, *self._links('STRING')]

    def _raw_types(self, raw: str) -> list[str]:
        types: dict[str, None] = {}
        for part in raw.split(','):
            part = part.strip()
            if part in ('*', '') or not (part in _PYTHON_TYPES or part in _JSON_TYPES or part in self._type_names):
                return ['_Any']
            if part in _PYTHON_TYPES:
                types[_PYTHON_TYPES[part]] = None
            elif part in _JSON_TYPES:
                types.update(dict.fromkeys(_JSON))
            types.update(dict.fromkeys(self._links(part)))
            if self._options.is_virtual and part in ('IMAGE', 'MASK'):
                types['_Picture'] = None
        return list(types)

    def _links(self, raw: str) -> list[str]:
        return [self._type_names[raw]] if raw in self._type_names else []

    # -- nodes

    def _node(self, name: str, schema: NodeSchema) -> str:
        enums = self._enum_members(schema)
        returns = self._returns(schema)
        signatures = list(self._signatures(schema))
        text = describe(schema)
        if not enums:
            return functions_code(name, signatures, returns, docstring(text, '    '))
        cls = f'_{name}_node'
        doc = docstring(text.partition('\n\nInputs:')[0], '    ')
        methods = functions_code('__call__', signatures, returns, docstring(text, '        '), '    ')
        return f'class {cls}:\n{doc}{enums}{methods}\n{name}: {cls}\n'

    def _enum_members(self, schema: NodeSchema) -> str:
        """The enums of a node's combos, as nested classes."""
        code = []
        for item in schema.inputs:
            if item.choices is None or item.kind is not InputKind.COMBO or not self._may_nest(item.python_name, schema):
                continue
            shared = global_source(schema, item) or self._global_of(item.choices)
            if shared is not None:
                code.append(f'    {item.python_name} = {shared}\n')
            else:
                code.append(enum_code(item.python_name, member_names(item.choices), '    '))
        return ''.join(code)

    def _global_of(self, choices: tuple[Any, ...]) -> str | None:
        """The global enum with these choices."""
        try:
            return self._global_choices.get(choices)
        except TypeError:  # choices that are lists or objects
            return None

    def _may_nest(self, name: str, schema: NodeSchema) -> bool:
        """Whether a class attribute of this name leaves the annotations beside it readable."""
        taken = name in RESERVED or name in self._types.names() or name.startswith('__')
        return not taken and schema.input_of('self') is None

    def _returns(self, schema: NodeSchema) -> str:
        if schema.any_inputs:
            return '_Any'  # as many as are asked for
        types = [self._type_names.get(output.type, '_Any') for output in schema.outputs]
        result = _RESULTS.get(schema.class_type) if self._options.is_virtual else None
        if not types:
            return f'_Shown[{result}]' if result else self._options.no_output
        if len(types) == 1 and result and types != ['_Any']:
            return self._shown_value(types[0], result)
        return types[0] if len(types) == 1 else f'tuple[{", ".join(types)}]'

    def _shown_value(self, kind: str, result: str) -> str:
        """The class of an output node's only value, which can also be waited for."""
        name = f'_{kind}_{result.lstrip("_")}'
        self._shown[name] = f'class {name}(_Gives[{result}], {kind}): ...\n'
        return name

    def _signatures(self, schema: NodeSchema) -> Iterator[str]:
        positional = [self._parameter(item, self._own_enum(item, schema)) for item in schema.inputs]
        keywords: dict[str, StubParameter] = {}
        taken = {parameter.name for parameter in positional}
        for item in inner_inputs(schema):
            if item.python_name not in taken:
                known = keywords.get(item.python_name)
                keywords[item.python_name] = joined(known, self._inner(item))
        if self._options.hidden:
            for item in schema.hidden:
                if item.python_name not in taken:
                    keywords.setdefault(item.python_name, StubParameter(item.python_name, ['_Any'], 'None'))
        keywords[EXTRA_INPUTS] = StubParameter(EXTRA_INPUTS, ['_Mapping[str, _Any]', 'None'], 'None')
        keywords[EXTRA_OUTPUTS] = StubParameter(EXTRA_OUTPUTS, ['int', 'None'], 'None')
        if any(parameter.name.startswith('__') for parameter in (*positional, *keywords.values())):
            # Type checkers take such names for positional-only ones.
            return iter([_ANYTHING])
        if schema.takes_any:
            return iter([f'{", ".join(item.code() for item in positional)}, **kwargs: _Any'])
        return overloads(positional, list(keywords.values()))

    def _own_enum(self, item: InputSchema, schema: NodeSchema) -> list[str]:
        """The enum of an input's choices that stands in the class of its node: strict stubs name it."""
        own = item.kind is InputKind.COMBO and self._may_nest(item.python_name, schema) and self._options.strict
        return [item.python_name] if own and item.choices and self._global_of(item.choices) is None else []

    def _parameter(self, item: InputSchema, more: Sequence[str] = ()) -> StubParameter:
        types = [*self._types_of(item), *more]
        if not item.required:
            return StubParameter(item.python_name, or_none(types), 'None')
        if item.default is MISSING:
            optional_group = item.kind is InputKind.AUTOGROW and item.template and item.template.minimum == 0
            return StubParameter(item.python_name, or_none(types), '...' if optional_group else None)
        default = item.default
        if item.type == 'INT' and isinstance(default, float) and default.is_integer():
            default = int(default)  # ComfyUI's AudioAdjustVolume, for one
        return StubParameter(item.python_name, or_none(types), default_code(default, types))

    def _inner(self, item: InputSchema) -> StubParameter:
        return StubParameter(item.python_name, or_none(self._types_of(item)), '...')


def _are_literals(choices: tuple[Any, ...], most: int) -> bool:
    return 0 < len(choices) <= most and all(isinstance(choice, str) for choice in choices)


def _literal(choices: tuple[Any, ...]) -> str:
    return f'_Literal[{", ".join(string_code(choice) for choice in choices)}]'


def _are_words(choices: tuple[Any, ...]) -> bool:
    """Whether a combo's choices are words of the node, not files of the server."""
    return all(isinstance(choice, str) and not _is_file(choice) for choice in choices)


def _is_file(choice: str) -> bool:
    stem, dot, extension = choice.rpartition('.')
    return bool(stem and dot) and 2 <= len(extension) <= 12 and extension.isalnum() and not extension.isdigit()
