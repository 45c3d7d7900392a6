"""Type stubs of a server's nodes: `nodes.pyi`, for editors and type checkers.

Where an input without a default follows one with a default, Python has no single signature for it: such nodes get
overloads, from "all by position" to "the rest by keyword". Combos take any `str`, since model files come and go;
their choices are there for completion. Every node takes `_inputs` and `_outputs`, which scripts of
workflows for another version of it have; an output that the server's version lacks is an error where it is unpacked, as
it is on the server. (An overload for such calls would cost all others their exact messages: "no overloads match".)
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

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
from ...graph.types import PYTHON_TYPES, WIDGET_TYPES
from .docs import describe
from .enums import GLOBAL_ENUM_SOURCES, Embeddings, Enums, global_source, member_names
from .functions import data_type_table, inner_inputs, is_nominal
from .stub_file import list_for_pip, write

__all__ = ['StubOptions', 'generate', 'refresh', 'stub_path', 'write']

log = logging.getLogger('comfy_script')

_FORMAT = 4
_MOST_LITERALS = 60
_MOST_OVERLOADS = 6
_LONGEST_DEFAULT = 60
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
_HEADER = """\
# pyright: reportUnusedImport=false
from collections.abc import Mapping as _Mapping, Sequence as _Sequence
from enum import Enum as _Enum
from typing import Any as _Any, Literal as _Literal, overload as _overload

from comfy_script.runtime.calls.outputs import Handle as _Handle, Value as _Value
"""


class StubOptions(NamedTuple):
    """What differs between modes. `value_types`: data type → Python type, where values are not `Value`s."""

    module: str = 'nodes'
    header: str = _HEADER
    value_types: Mapping[str, str] | None = None
    no_output: str = '_Handle'
    hidden: bool = False


VIRTUAL = StubOptions()
REAL = StubOptions(
    module='real/nodes',
    header=_HEADER.partition('\nfrom comfy_script')[0].replace(', overload', ', TypeAlias as _TypeAlias, overload')
    + '\nfrom torch import Tensor as _Tensor\n',
    value_types={
        'IMAGE': '_Tensor',
        'MASK': '_Tensor',
        'LATENT': 'dict[str, _Any]',
        'CONDITIONING': 'list[_Any]',
        'AUDIO': 'dict[str, _Any]',
        **{data: python.__name__ for data, python in PYTHON_TYPES.items()},
    },
    no_output='dict[str, _Any]',
    hidden=True,
)
"""Real mode: values are what the nodes return, hidden inputs are keywords."""


def stub_path(folder: Path | None = None, options: StubOptions = VIRTUAL) -> Path:
    """Where the stubs go: beside the module, or in a folder of the user's choice."""
    return (folder or Path(__file__).resolve().parents[1]) / f'{options.module}.pyi'


def refresh(
    schemas: Schemas, embeddings: Embeddings = (), folder: Path | None = None, options: StubOptions = VIRTUAL
) -> Path | None:
    """Writes the stubs if they are out of date. Returns the file, or None where it could not be written."""
    path = stub_path(folder, options)
    names = tuple(embeddings() if callable(embeddings) else embeddings)
    mark = _mark(schemas, names)
    if mark is not None and _first_line(path) == mark:
        return path
    for error in schemas.problems().values():
        log.warning('Left out of the type stubs: %s', error)
    text = generate(schemas, names, options)
    if not write(path, f'{mark or "# comfy_script stubs"}\n{text}'):
        return None
    if folder is None:
        list_for_pip(path)
    return path


def _mark(schemas: Schemas, embeddings: tuple[str, ...]) -> str | None:
    digest = schemas.fingerprint(extra=embeddings)
    return None if digest is None else f'# comfy_script stubs {_FORMAT} {digest}'


def _first_line(path: Path) -> str | None:
    try:
        with path.open(encoding='utf-8') as file:
            return file.readline().rstrip('\n')
    except (OSError, UnicodeDecodeError):
        return None


def generate(schemas: Schemas, embeddings: Iterable[str] = (), options: StubOptions = VIRTUAL) -> str:
    """The text of the stubs. A node whose description is broken is left out."""
    return _Writer(schemas, tuple(embeddings), options).text()


class _Parameter(NamedTuple):
    name: str
    types: Sequence[str]
    default: str | None

    def code(self, with_default: bool = True) -> str:
        tail = f' = {self.default}' if with_default and self.default is not None else ''
        return f'{self.name}: {_union(self.types)}{tail}'


class _Writer:
    def __init__(self, schemas: Schemas, embeddings: tuple[str, ...], options: StubOptions):
        self._schemas = schemas
        self._options = options
        self._embeddings = embeddings
        self._enums = Enums(schemas, embeddings)
        self._global_choices = {self._enums.choices(name): name for name in reversed(list(GLOBAL_ENUM_SOURCES))}
        self._global_choices.pop((), None)
        self._types: NameTable = data_type_table(schemas)
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
        code = enum_code('Embeddings', self._enums.members('Embeddings'), '')
        yield code.removesuffix(' ...\n') + '\n    def name(self) -> str: ...  # type: ignore\n'

    def _types_of(self, item: InputSchema) -> list[str]:
        """The types that an input takes, `None` aside."""
        if item.kind is InputKind.AUTOGROW and item.template:
            inner = _union(_or_none(self._types_of(item.template.input)))
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
        if 0 < len(choices) <= _MOST_LITERALS and self._global_of(choices) is None and _are_words(choices):
            types.append(f'_Literal[{", ".join(_string(choice) for choice in choices)}]')
        if item.switch is not None or bool in kinds:
            types.append('bool')
        types += [kind.__name__ for kind in (int, float) if kind in kinds]
        if str in kinds or not types or not kinds <= {int, float, bool}:
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
            return _functions(name, signatures, returns, docstring(text, '    '))
        cls = f'_{name}_node'
        doc = docstring(text.partition('\n\nInputs:')[0], '    ')
        methods = _functions('__call__', signatures, returns, docstring(text, '        '), '    ')
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
        if not types:
            return self._options.no_output
        return types[0] if len(types) == 1 else f'tuple[{", ".join(types)}]'

    def _signatures(self, schema: NodeSchema) -> Iterator[str]:
        positional = [self._parameter(item) for item in schema.inputs]
        keywords: dict[str, _Parameter] = {}
        taken = {parameter.name for parameter in positional}
        for item in inner_inputs(schema):
            if item.python_name not in taken:
                known = keywords.get(item.python_name)
                keywords[item.python_name] = _joined(known, self._inner(item))
        if self._options.hidden:
            for item in schema.hidden:
                if item.python_name not in taken:
                    keywords.setdefault(item.python_name, _Parameter(item.python_name, ['_Any'], 'None'))
        keywords[EXTRA_INPUTS] = _Parameter(EXTRA_INPUTS, ['_Mapping[str, _Any]', 'None'], 'None')
        keywords[EXTRA_OUTPUTS] = _Parameter(EXTRA_OUTPUTS, ['int', 'None'], 'None')
        if any(parameter.name.startswith('__') for parameter in (*positional, *keywords.values())):
            # Type checkers take such names for positional-only ones.
            return iter([_ANYTHING])
        if schema.any_inputs:
            return iter([f'{", ".join(item.code() for item in positional)}, **kwargs: _Any'])
        return _overloads(positional, list(keywords.values()))

    def _parameter(self, item: InputSchema) -> _Parameter:
        types = self._types_of(item)
        if not item.required:
            return _Parameter(item.python_name, _or_none(types), 'None')
        if item.default is MISSING:
            optional_group = item.kind is InputKind.AUTOGROW and item.template and item.template.minimum == 0
            return _Parameter(item.python_name, _or_none(types), '...' if optional_group else None)
        default = item.default
        if item.type == 'INT' and isinstance(default, float) and default.is_integer():
            default = int(default)  # ComfyUI's AudioAdjustVolume, for one
        return _Parameter(item.python_name, _or_none(types), _default(default, types))

    def _inner(self, item: InputSchema) -> _Parameter:
        return _Parameter(item.python_name, _or_none(self._types_of(item)), '...')


def _union(types: Sequence[str]) -> str:
    return '_Any' if '_Any' in types else ' | '.join(dict.fromkeys(types))


def _or_none(types: Sequence[str]) -> list[str]:
    return [*types, 'None']


def _joined(known: _Parameter | None, added: _Parameter) -> _Parameter:
    """One keyword that lies in several branches of a dynamic combo."""
    return added if known is None else added._replace(types=[*known.types, *added.types])


def _overloads(positional: Sequence[_Parameter], keywords: Sequence[_Parameter]) -> Iterator[str]:
    """The parameter lists that together take what the node takes."""
    cuts = [
        index
        for index in range(1, len(positional))
        if positional[index].default is None and positional[index - 1].default is not None
    ]
    if len(cuts) >= _MOST_OVERLOADS:
        cuts = cuts[:1]
    for cut in [len(positional), *reversed(cuts)]:
        before = positional[:cut]
        last = max((index for index, item in enumerate(before) if item.default is None), default=-1)
        code = [item.code(with_default=index > last) for index, item in enumerate(before)]
        code.append('*')
        code += [item.code() for item in (*positional[cut:], *keywords)]
        yield ', '.join(code)


def _functions(name: str, signatures: Sequence[str], returns: str, doc: str, indent: str = '') -> str:
    taken = any('self: ' in signature for signature in signatures)
    own = ('_self, ' if taken else 'self, ') if indent else ''
    mark = f'{indent}@_overload\n' if len(signatures) > 1 else ''
    code = []
    for index, signature in enumerate(signatures):
        head = f'{mark}{indent}def {name}({own}{signature}) -> {returns}:'
        code.append(f'{head}\n{doc}' if index == 0 else f'{head} ...\n')
    return ''.join(code)


def enum_code(name: str, members: Mapping[str, Any], indent: str) -> str:
    """An enum class in a stub."""
    values = list(members.values())
    base = 'str'
    if values and all(type(value) is int for value in values):
        base = 'int'
    elif values and all(type(value) in (int, float) for value in values):
        base = 'float'
    if not members:
        # Type checkers want enums to have members.
        return f'{indent}class {name}(str): ...\n'
    lines = [f'{indent}class {name}({base}, _Enum):']
    for member, value in members.items():
        text = _string(value) if base == 'str' else repr(value)
        clash = '  # type: ignore' if member in _TAKEN[base] else ''
        lines.append(f'{indent}    {member} = {text}{clash}')
    return '\n'.join(lines) + '\n'


_TAKEN = {
    base.__name__: frozenset(name for name in (*dir(base), *dir(Enum)) if not name.startswith('__'))
    for base in (str, int, float)
}


def docstring(text: str, indent: str) -> str:
    """A text from a server as a docstring: whatever is in it, it stays inside."""
    kept = ''.join(c if c == '\n' or c.isprintable() else ' ' for c in text.replace('\r\n', '\n'))
    safe = kept.replace('\\', '\\\\').replace('"', '\\"') if '"""' in kept or kept.endswith('"') else kept
    if safe is kept:
        safe = kept.replace('\\', '\\\\')
    lines = [f'{indent}{line}'.rstrip() for line in safe.split('\n')]
    body = '\n'.join(lines).lstrip()
    return f'{indent}"""{body}\n{indent}"""\n'


def _string(value: Any) -> str:
    return ascii(str(value)) if not str(value).isprintable() else repr(str(value))


def _default(value: Any, types: Sequence[str]) -> str:
    """A default as it is shown; not where it is long, or of a type that the input would not take."""
    kind = type(value).__name__
    if kind in types or (kind == 'int' and 'float' in types):
        text = _string(value) if isinstance(value, str) else repr(value)
        return text if len(text) <= _LONGEST_DEFAULT and text not in ('inf', '-inf', 'nan') else '...'
    return '...'


def _are_words(choices: tuple[Any, ...]) -> bool:
    """Whether a combo's choices are words of the node, not files of the server."""
    return all(isinstance(choice, str) and not _is_file(choice) for choice in choices)


def _is_file(choice: str) -> bool:
    stem, dot, extension = choice.rpartition('.')
    return bool(stem and dot) and 2 <= len(extension) <= 12 and extension.isalnum() and not extension.isdigit()
