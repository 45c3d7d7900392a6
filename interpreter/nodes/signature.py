"""What sockets and widgets a script's `def main(…)` asks for: read from the tree, nothing runs.

def main(image: Image, strength: Annotated[float, Range(0, 1, 0.05)] = 0.5,
         mode: Literal['a', 'b'] = 'a', ckpt: Checkpoints = None) -> tuple[Image, Mask]:
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from ...graph import GLOBAL_ENUMS, Schemas, to_class_name
from ...graph.types import DATA_TYPES, PYTHON_TYPES
from ..lang.builtins import NAMES
from ..lang.errors import ScriptError, ScriptSyntaxError
from ..lang.looks import EVERY, look, walk
from ..lang.scopes import names_bound_by
from ..lang.source import parse_source, span_of
from .run import find_main

MAX_OUTPUTS = 32
"""How many outputs a ComfyScript node has at most: ComfyUI asks a class for their number, not a node."""

WIDGETS = {python.__name__: data for python, data in DATA_TYPES.items()}

_KNOWN_TYPES = (
    'IMAGE MASK LATENT MODEL CLIP VAE CONDITIONING CONTROL_NET CLIP_VISION CLIP_VISION_OUTPUT STYLE_MODEL GLIGEN '
    'UPSCALE_MODEL SAMPLER SIGMAS NOISE GUIDER AUDIO VIDEO WEBCAM POINT FACE_ANALYSIS BBOX SEGS LORA_MODEL LOSS_MAP '
    'VOXEL MESH HOOKS HOOK_KEYFRAMES TIMESTEPS_RANGE LATENT_OPERATION FLOATS LOAD_3D LOAD_3D_CAMERA SVG'
)
_TYPES = {to_class_name(raw): raw for raw in _KNOWN_TYPES.split()}


@dataclass(frozen=True)
class SignatureInput:
    """One parameter of `main`: a widget where it is a number, text, switch or choice, else a socket."""

    name: str
    type: str
    options: dict[str, Any] = field(default_factory=dict)
    choices: tuple[Any, ...] | None = None
    required: bool = True
    line: int = 1

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {'name': self.name, 'type': self.type, 'required': self.required, 'line': self.line}
        if self.options:
            found['options'] = self.options
        if self.choices is not None:
            found['choices'] = list(self.choices)
        return found


@dataclass(frozen=True)
class Signature:
    """The sockets and widgets of a script. `has_main` is False for bare statements."""

    inputs: tuple[SignatureInput, ...]
    outputs: tuple[tuple[str, str], ...]
    """Name and type of each; types are ComfyUI's (`IMAGE`), `*` where the script does not say."""
    has_main: bool
    any_input: bool = False
    """Whether inputs of any name may be linked: a bare script, or `main(**inputs)`."""
    lists: frozenset[int] = frozenset()
    """The outputs that are lists (`-> list[Image]`): what is behind them runs once for each value."""


def read_signature(text: str | ast.Module, schemas: Schemas | None = None) -> Signature:
    """The signature of a script. Raises ScriptError with the place."""
    source = text if isinstance(text, str) else ''
    tree = parse_source(text.replace('\r\n', '\n').replace('\r', '\n')) if isinstance(text, str) else text
    main = find_main(tree)
    if main is None:
        return Signature(_free_names(tree, schemas), _bare_outputs(tree), has_main=False, any_input=True)
    try:
        return _of_main(main, schemas)
    except ScriptError as error:
        raise error.locate(source) from None


def describe_signature(text: str, schemas: Schemas | None = None) -> dict[str, Any]:
    """For the browser: `{main, any_input, inputs: [{name, type, options?, choices?, required, line}], outputs:
    [{name, type, list?}], errors: [{line, column, end_column, message}]}`. A script with errors has neither inputs nor
    outputs.
    """
    from .run import compile_script

    try:
        signature = read_signature(text, schemas)
        compile_script(text)
    except ScriptError as error:
        place = {'line': error.line or 1, 'column': error.column or 1, 'end_column': error.end_column or 1}
        errors = [{**place, 'message': error.message}]
        return {'main': False, 'any_input': False, 'inputs': [], 'outputs': [], 'errors': errors}
    return {
        'main': signature.has_main,
        'any_input': signature.any_input,
        'inputs': [item.to_json() for item in signature.inputs],
        'outputs': [
            {'name': name, 'type': kind, **({'list': True} if index in signature.lists else {})}
            for index, (name, kind) in enumerate(signature.outputs)
        ],
        'errors': [],
    }


def _of_main(main: ast.FunctionDef, schemas: Schemas | None) -> Signature:
    arguments = main.args
    if arguments.vararg is not None:
        raise ScriptSyntaxError('main cannot take *args: each input has a name', span_of(arguments.vararg))
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [
        *zip(positional, [*missing, *arguments.defaults], strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    inputs = tuple(_input(item, default, schemas) for item, default in pairs)
    outputs = _outputs(main, schemas)
    if len(outputs) > MAX_OUTPUTS:
        raise ScriptSyntaxError(f'main returns more than {MAX_OUTPUTS} values', span_of(main))
    lists = frozenset(index for index, item in enumerate(_returned_types(main) or ()) if _generic(item) == 'list')
    return Signature(inputs, outputs, has_main=True, any_input=arguments.kwarg is not None, lists=lists)


SEEDS = frozenset({'seed', 'noise_seed'})
RESERVED_INPUTS = frozenset({'script', 'printed'})


def _input(argument: ast.arg, default: ast.expr | None, schemas: Schemas | None) -> SignatureInput:
    if argument.arg in RESERVED_INPUTS:
        raise ScriptSyntaxError(
            f'{argument.arg!r} is a name of the node itself: call the parameter something else', span_of(argument)
        )
    options: dict[str, Any] = {}
    choices: tuple[Any, ...] | None = None
    value = _literal(default) if default is not None else None
    kind = '*'
    if argument.annotation is not None:
        kind, choices = _annotation(argument.annotation, options, schemas)
    elif type(value) in (int, float, str, bool):
        kind = WIDGETS[type(value).__name__]
    if kind in WIDGETS.values() or choices is not None:
        _default_of(argument, kind, choices, value, options)
        if kind == 'INT':
            # The editor's "control after generate" draws a seed within these bounds, and nodes take none below 0.
            options.setdefault('min', 0 if argument.arg in SEEDS else -(2**53) + 1)
            options.setdefault('max', 2**53 - 1)
        elif kind == 'FLOAT':
            options.setdefault('step', 0.01)
            options.setdefault('min', -1e9)
            options.setdefault('max', 1e9)
    elif default is not None and value is not None:
        raise ScriptSyntaxError(f'{argument.arg} is a socket: its default can only be None', span_of(default))
    return SignatureInput(argument.arg, kind, options, choices, required=default is None, line=argument.lineno)


def _default_of(
    argument: ast.arg, kind: str, choices: tuple[Any, ...] | None, value: Any, options: dict[str, Any]
) -> None:
    if value is None:
        if choices:
            options['default'] = choices[0]
        return
    if kind == 'FLOAT' and type(value) is int:
        value = float(value)
    expected = PYTHON_TYPES.get(kind)
    if choices is not None:
        if value not in choices:
            raise ScriptSyntaxError(
                f'the default {value!r} of {argument.arg} is not one of its choices', span_of(argument)
            )
    elif expected is not None and type(value) is not expected:
        raise ScriptSyntaxError(f'the default {value!r} of {argument.arg} does not fit its type', span_of(argument))
    options['default'] = value


def _literal(node: ast.expr) -> Any:
    """A literal default, or an enum member's name for `Checkpoints.v1_5` (resolved where the choices are known)."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, str, bool, type(None)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _literal(node.operand)
        return -value if type(value) in (int, float) else None
    if isinstance(node, ast.Constant) and node.value is ...:
        return None
    return None


def _annotation(node: ast.expr, options: dict[str, Any], schemas: Schemas | None) -> tuple[str, tuple[Any, ...] | None]:
    """A data type or widget type, and the choices of a combo. Options are added to `options`."""
    if isinstance(node, ast.Constant) and type(node.value) is str:
        return _named(node.value), None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [
            side for side in (node.left, node.right) if not (isinstance(side, ast.Constant) and side.value is None)
        ]
        kinds = [_annotation(side, options, schemas) for side in sides]
        if len(kinds) == 1:
            return kinds[0]
        return ','.join(kind for kind, _ in kinds), None
    if isinstance(node, ast.Name):
        if node.id in WIDGETS:
            return WIDGETS[node.id], None
        if node.id in GLOBAL_ENUMS:
            return 'COMBO', _enum_choices(node.id, schemas)
        return _data_type(node.id, schemas), None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return 'COMBO', _input_choices(node, schemas)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        if node.value.id == 'Literal':
            return 'COMBO', _literal_choices(node)
        if node.value.id == 'Annotated' and isinstance(node.slice, ast.Tuple) and node.slice.elts:
            found = _annotation(node.slice.elts[0], options, schemas)
            for extra in node.slice.elts[1:]:
                _annotated(extra, options)
            return found
        if node.value.id in ('Optional',):
            return _annotation(node.slice, options, schemas)
        if node.value.id == 'list':
            return _annotation(node.slice, options, schemas)
    raise ScriptSyntaxError('an annotation is a type such as Image, int, float, str, bool or Literal[…]', span_of(node))


def _named(raw: str) -> str:
    if not re.fullmatch(r'[\w ,*.-]{1,100}', raw):
        raise ScriptSyntaxError(f'{raw[:40]!r} is not a data type')
    return raw


def _data_type(name: str, schemas: Schemas | None) -> str:
    if name in ('Any', 'Value', 'object'):
        return '*'
    if schemas is not None:
        from ...runtime.calls.functions import data_type_table

        raw = data_type_table(schemas).class_type_of(name)
        if raw is not None:
            return raw
    return _TYPES.get(name, name)


def _enum_choices(name: str, schemas: Schemas | None) -> tuple[Any, ...]:
    if schemas is None:
        return ()
    from ...runtime.calls.enums import Enums

    return tuple(Enums(schemas).members(name).values())


def _input_choices(node: ast.Attribute, schemas: Schemas | None) -> tuple[Any, ...]:
    assert isinstance(node.value, ast.Name)
    if schemas is None:
        return ()
    class_type = schemas.names.class_type_of(node.value.id)
    schema = schemas.find(class_type)
    item = (schema.input_of(node.attr) or schema.input(node.attr)) if schema else None
    if item is None or item.choices is None:
        raise ScriptSyntaxError(f'{node.value.id}.{node.attr} is not a list of choices', span_of(node))
    return item.choices


def _literal_choices(node: ast.Subscript) -> tuple[Any, ...]:
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    choices = []
    for item in items:
        value = _literal(item)
        if type(value) not in (str, int, float):
            raise ScriptSyntaxError('Literal takes strings and numbers', span_of(item))
        choices.append(value)
    if not choices:
        raise ScriptSyntaxError('Literal needs at least one choice', span_of(node))
    return tuple(choices)


def _annotated(node: ast.expr, options: dict[str, Any]) -> None:
    """`Range(0, 1, 0.05)`, `Multiline()`, or a string: the tooltip."""
    if isinstance(node, ast.Constant) and type(node.value) is str:
        options['tooltip'] = node.value
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        values = [_literal(item) for item in node.args]
        named = {item.arg: _literal(item.value) for item in node.keywords if item.arg}
        if node.func.id == 'Range' and all(type(value) in (int, float) for value in (*values, *named.values())):
            options.update(zip(('min', 'max', 'step'), values, strict=False))
            options.update({key: value for key, value in named.items() if key in ('min', 'max', 'step')})
            return
        if node.func.id == 'Multiline' and not values:
            options['multiline'] = True
            return
    raise ScriptSyntaxError("an annotation's extras are Range(min, max, step), Multiline() or a text", span_of(node))


def _outputs(main: ast.FunctionDef, schemas: Schemas | None) -> tuple[tuple[str, str], ...]:
    items = _returned_types(main)
    if items is None:
        return tuple((name, '*') for name in _returned_names(main))
    kinds = [_annotation(item, {}, schemas)[0] for item in items]
    names = _returned_names(main)
    if len(names) != len(kinds):
        names = _numbered([kind.lower() if kind != '*' else 'out' for kind in kinds])
    return tuple(zip(names, kinds, strict=True))


def _returned_types(main: ast.FunctionDef) -> list[ast.expr] | None:
    """One annotation per output; None where `main` does not say what it returns."""
    node = main.returns
    if node is None:
        return None
    if isinstance(node, ast.Constant) and node.value is None:
        return []
    if _generic(node) == 'tuple':
        assert isinstance(node, ast.Subscript)
        return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [node]


def _generic(node: ast.expr) -> str | None:
    """`list` of `list[Image]`."""
    return node.value.id if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else None


def _returned_names(main: ast.FunctionDef) -> list[str]:
    """Output names from the last `return` of main: its variables' names where it returns variables."""
    returns = [node for node in _own_nodes(main) if isinstance(node, ast.Return) and node.value is not None]
    if not returns:
        return []
    return _names_of(max(returns, key=lambda node: node.lineno).value)


def _own_nodes(function: ast.FunctionDef) -> list[ast.AST]:
    found: list[ast.AST] = []
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        found.append(node)
        if len(found) % EVERY == 0:
            look()
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            stack += ast.iter_child_nodes(node)
    return found


def _names_of(node: ast.expr | None) -> list[str]:
    items = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
    return _numbered([item.id if isinstance(item, ast.Name) else 'out' for item in items[:MAX_OUTPUTS]])


def _numbered(names: list[str]) -> list[str]:
    found: list[str] = []
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for name in names:
        unique = name
        while unique in taken:
            # Where the last one of this name stopped: to count from 2 each time takes the square of their number.
            numbers[name] = numbers.get(name, 1) + 1
            unique = f'{name}{numbers[name]}'
        taken.add(unique)
        found.append(unique)
    return found


def _bare_outputs(tree: ast.Module) -> tuple[tuple[str, str], ...]:
    """A bare script's outputs: the parts of the last `out = …`."""
    assigned = [
        node
        for node in walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == 'out' for target in node.targets)
    ]
    if not assigned:
        return ()
    last = max(assigned, key=lambda node: node.lineno).value
    if isinstance(last, ast.Tuple):
        return tuple((name, '*') for name in _names_of(last))
    return (('out', '*'),)


def _free_names(tree: ast.Module, schemas: Schemas | None) -> tuple[SignatureInput, ...]:
    """The names that a bare script uses and nothing gives it: its sockets. Nodes begin with a capital letter."""
    bound = {'node', 'nodes', 'load', *(name for node in walk(tree) for name in names_bound_by(node))}
    ignored = _annotations(tree)
    found: dict[str, int] = {}
    for node in sorted(
        (node for node in walk(tree) if isinstance(node, ast.Name) and node not in ignored),
        key=lambda node: (node.lineno, node.col_offset),
    ):
        name = node.id
        if name in bound or name in NAMES or name in RESERVED_INPUTS or name.startswith('__'):
            continue
        known = schemas is not None and schemas.names.class_type_of(name) is not None
        if not (known or name[0].isupper() or name in GLOBAL_ENUMS):
            found.setdefault(name, node.lineno)
    return tuple(SignatureInput(name, '*', required=False, line=line) for name, line in found.items())


def _annotations(tree: ast.Module) -> set[ast.AST]:
    found: set[ast.AST] = set()
    for node in walk(tree):
        annotation = getattr(node, 'annotation', None) or getattr(node, 'returns', None)
        if isinstance(annotation, ast.AST):
            found |= set(walk(annotation))
    return found
