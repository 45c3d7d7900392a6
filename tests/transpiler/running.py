"""Scripts run back, and scripts looked at: what the tests of the writer share."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from comfy_script.graph import Schemas, difference
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.recording import PromptBuilder
from comfy_script.transpiler import Script

DATA = Path(__file__).resolve().parents[1] / 'data'


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding='utf-8'))


class _Globals(dict[str, Any]):
    """A script's names: its own, and every node's function."""

    def __init__(self, nodes: NodeNamespace):
        super().__init__(node=nodes)
        self._nodes = nodes

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(self._nodes, name)
        except AttributeError:
            raise KeyError(name) from None


def run(text: str, schemas: Schemas) -> dict[str, Any]:
    """The prompt that a script makes in virtual mode."""
    check_is_data(text)
    builder = PromptBuilder()
    exec(compile(text, 'script', 'exec'), _Globals(NodeNamespace(schemas, builder.emit)))
    return builder.build().prompt


def check_round_trip(prompt: dict[str, Any], script: Script, schemas: Schemas) -> None:
    assert difference(prompt, run(script.text, schemas)) is None, script.text


def check_lines(prompt: dict[str, Any], script: Script, schemas: Schemas) -> None:
    """Every node's lines hold the call of its type."""
    lines = script.text.split('\n')
    for key, node in prompt.items():
        first, last = script.lines[key]
        called = '\n'.join(lines[first - 1 : last])
        name = node['class_type']
        assert (schemas.names.name_of(name) if name in schemas else repr(name)) in called


def check_is_data(text: str) -> None:
    """A script has no statement but assignments, calls of nodes and of its own functions, and comments."""
    tree = ast.parse(text)
    functions = {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            _check_function(statement, functions)
        else:
            _check_statement(statement, functions)


def _check_function(function: ast.FunctionDef, functions: set[str]) -> None:
    arguments = function.args
    assert not function.decorator_list
    assert function.returns is None
    assert not (arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg)
    assert all(argument.annotation is None for argument in arguments.args)
    for default in arguments.defaults:
        _check_value(default)
    for statement in function.body:
        if isinstance(statement, ast.Return):
            values = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
            assert all(isinstance(value, (ast.Name, ast.Subscript)) for value in values)
            assert statement is function.body[-1]
        else:
            _check_statement(statement, functions)


def _check_statement(statement: ast.stmt, functions: set[str]) -> None:
    assert isinstance(statement, (ast.Assign, ast.Expr)), ast.dump(statement)[:200]
    if isinstance(statement, ast.Assign):
        assert len(statement.targets) == 1
        target = statement.targets[0]
        for name in target.elts if isinstance(target, ast.Tuple) else [target]:
            name = name.value if isinstance(name, ast.Starred) else name
            assert isinstance(name, ast.Name)
    call = statement.value
    assert isinstance(call, ast.Call)
    if isinstance(call.func, ast.Subscript):
        assert isinstance(call.func.value, ast.Name)
        assert call.func.value.id == 'node'
        assert isinstance(call.func.slice, ast.Constant)
    else:
        assert isinstance(call.func, ast.Name)
        assert call.func.id in functions or call.func.id not in dir(__builtins__)
    for argument in call.args:
        _check_value(argument)
    for keyword in call.keywords:
        assert keyword.arg is not None
        _check_value(keyword.value)


def _check_value(value: ast.expr) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.List):
            pending.extend(item.elts)
        elif isinstance(item, ast.Dict):
            assert all(isinstance(key, ast.Constant) for key in item.keys)
            pending.extend(item.values)
        elif isinstance(item, ast.UnaryOp):
            assert isinstance(item.op, ast.USub)
            assert isinstance(item.operand, ast.Constant)
        elif isinstance(item, ast.Call):
            assert ast.unparse(item) in ("float('nan')", "float('inf')", "float('-inf')")
        elif isinstance(item, ast.Subscript):
            assert isinstance(item.value, ast.Name)
            assert isinstance(item.slice, ast.Constant)
        else:
            assert isinstance(item, (ast.Constant, ast.Name)), ast.dump(item)[:200]
