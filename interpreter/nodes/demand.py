"""Which node calls of a script may wait: those whose values only lazy inputs of nodes can ask for.

In a graph, a node behind a lazy input (`ComfySwitchNode`'s) runs only if it is asked for. A script says the same with
the same calls, so a call waits where nothing but a lazy input could see its value, however many calls, variables and
functions of the script lie between. What else might see it makes it run where it stands, as Python would; so does
anything inside a loop, a condition, a `try` or a nested function, and a value that nobody uses.

All is decided on the tree, before it runs: which call waits does not depend on values.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...graph import InputKind, InputSchema, NodeSchema, SchemaError, Schemas
from ..lang.looks import EVERY, look, walk
from ..lang.scopes import COMPREHENSIONS, FUNCTIONS, comprehension_scope, function_scope, module_scope, names_bound_by

Values = tuple[int, ...]
"""The calls and parameters that a variable may hold the value of."""
Variables = dict[str, Values]

_NOW, _PERHAPS = -1, -2
"""Who uses a value, besides a call or parameter: something that sees it, and a lazy input of a call."""


def waiting_calls(tree: ast.Module, schemas: Schemas) -> frozenset[ast.Call]:
    """The calls that may wait."""
    nodes = _NodeNames(tree, schemas)
    calls = (node for node in walk(tree) if isinstance(node, ast.Call))
    found = (nodes.schema_of(call.func) for call in calls)
    if not any(_is_lazy(item) for schema in found if schema is not None for item in schema.inputs):
        return frozenset()
    return _Demand(tree, nodes).solve()


def _is_lazy(item: InputSchema) -> bool:
    return item.kind is InputKind.PLAIN and bool(item.options.get('lazy'))


class _NodeNames:
    """The nodes that a script's names stand for, where the script itself binds no such name."""

    def __init__(self, tree: ast.Module, schemas: Schemas) -> None:
        self._schemas = schemas
        self._bound = _bound_names(tree)

    def schema_of(self, called: ast.expr) -> NodeSchema | None:
        class_type = None
        if isinstance(called, ast.Name) and called.id not in self._bound:
            class_type = self._schemas.names.class_type_of(called.id)
        elif isinstance(called, ast.Subscript) and isinstance(called.value, ast.Name):
            index = called.slice
            if called.value.id in ('node', 'nodes') and called.value.id not in self._bound:
                class_type = index.value if isinstance(index, ast.Constant) else None
        try:
            return self._schemas.get(class_type) if isinstance(class_type, str) else None
        except SchemaError:
            return None

    def times_bound(self, name: str) -> int:
        return self._bound[name]


@dataclass(frozen=True)
class _Function:
    """A function of the script that is followed: its parameters as values, and one value for each that it returns."""

    node: ast.FunctionDef
    parameters: dict[str, int]
    results: Values
    single: bool
    """Whether it returns one value, not a tuple."""


class _Demand:
    """Finds the values that are needed for sure, backwards from what sees them."""

    def __init__(self, tree: ast.Module, nodes: _NodeNames) -> None:
        self._tree = tree
        self._nodes = nodes
        self._needs: list[list[int]] = []
        """Value → the values that are needed if it is."""
        self._used: set[int] = set()
        self._seen: list[int] = []
        self._passed = 0
        self._calls: dict[ast.Call, int] = {}
        self._captured = set(_captured_names(tree))
        definitions = [node for node in _straight(tree.body) if isinstance(node, ast.FunctionDef)]
        self._functions = {node.name: self._function(node) for node in definitions if self._is_followed(node)}

    def solve(self) -> frozenset[ast.Call]:
        variables: Variables = {}
        self._block(self._tree.body, variables)
        self._use(variables.get('out', ()), _NOW)
        for function in self._functions.values():
            self._body(function)
        unused = set(self._calls.values()) - self._used
        for function in self._functions.values():
            if not self._used.intersection(function.results):
                unused.update(function.results)
        needed = self._all_needed([*self._seen, *unused])
        return frozenset(call for call, value in self._calls.items() if value not in needed)

    def _all_needed(self, values: list[int]) -> set[int]:
        needed = set(values)
        waiting = list(needed)
        while waiting:
            for value in self._needs[waiting.pop()]:
                if value not in needed:
                    needed.add(value)
                    waiting.append(value)
        return needed

    # Values

    def _value(self) -> int:
        self._needs.append([])
        return len(self._needs) - 1

    def _use(self, values: Values, by: int) -> None:
        self._used.update(values)
        if by == _NOW:
            self._seen += values
        elif by != _PERHAPS:
            self._needs[by] += values

    # Functions

    def _is_followed(self, node: ast.FunctionDef) -> bool:
        if self._nodes.times_bound(node.name) != 1 or node.args.vararg or node.args.kwarg:
            return False
        returns = [item for item in walk(node) if isinstance(item, ast.Return)]
        return returns in ([], [node.body[-1]])

    def _function(self, node: ast.FunctionDef) -> _Function:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        last = node.body[-1]
        value = last.value if isinstance(last, ast.Return) else None
        single = not isinstance(value, ast.Tuple)
        count = len(value.elts) if isinstance(value, ast.Tuple) else 1
        parameters = {item.arg: self._value() for item in arguments}
        return _Function(node, parameters, tuple(self._value() for _ in range(count)), single)

    def _body(self, function: _Function) -> None:
        variables: Variables = {}
        for name, value in function.parameters.items():
            self._bind(name, (value,), variables)
        *body, last = function.node.body
        if not isinstance(last, ast.Return):
            self._block(function.node.body, variables)
            return
        self._block(body, variables)
        if last.value is not None:
            given = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
            for item, result in zip(given, function.results, strict=True):
                self._flow(item, variables, result)
        if function.node.name == 'main':
            self._use(function.results, _NOW)

    # Statements

    def _block(self, statements: Sequence[ast.stmt], variables: Variables) -> None:
        for node in _straight(statements):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._assign(node.targets[0], node.value, variables)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._assign(node.target, node.value, variables)
            elif isinstance(node, ast.Expr):
                self._see(node.value, variables)
            elif isinstance(node, ast.FunctionDef) and node.name in self._functions:
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    if default is not None:
                        self._see(default, variables)
            else:
                self._see_all(node, variables)

    def _assign(self, target: ast.expr, value: ast.expr, variables: Variables) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, self._carried(value, variables), variables)
            return
        names = _names_of(target)
        if names is None:
            self._see(value, variables)
            self._see_all(target, variables)
        elif isinstance(value, ast.Call):
            for name, values in zip(names, self._results(value, variables, len(names)), strict=True):
                self._bind(name, values, variables)
        elif isinstance(value, ast.Tuple) and len(value.elts) == len(names):
            carried = [self._carried(item, variables) for item in value.elts]
            for name, values in zip(names, carried, strict=True):
                self._bind(name, values, variables)
        else:
            self._see(value, variables)
            for name in names:
                self._bind(name, (), variables)

    def _bind(self, name: str, values: Values, variables: Variables) -> None:
        variables[name] = values
        if name in self._captured:
            self._use(values, _NOW)

    # Expressions

    def _flow(self, node: ast.expr, variables: Variables, by: int) -> None:
        """The value of an expression is used by a call or parameter."""
        self._use(self._carried(node, variables), by)

    def _carried(self, node: ast.expr, variables: Variables) -> Values:
        """What an expression hands on unseen: a variable's value, or a call's."""
        if isinstance(node, ast.Name) and node.id not in self._functions:
            return variables.get(node.id, ())
        if isinstance(node, ast.Call):
            return self._results(node, variables, None)[0]
        self._see(node, variables)
        return ()

    def _see(self, node: ast.AST, variables: Variables) -> None:
        """An expression whose value anything may be done with."""
        self._passed += 1
        if self._passed % EVERY == 0:
            look()
        if isinstance(node, ast.Call):
            self._use(self._results(node, variables, None)[0], _NOW)
        elif isinstance(node, (ast.Name, *FUNCTIONS, *COMPREHENSIONS)):
            self._see_all(node, variables)
        else:
            for child in ast.iter_child_nodes(node):
                self._see(child, variables)

    def _see_all(self, node: ast.AST, variables: Variables) -> None:
        """Code that is not followed: whatever it names is seen, and calls in it do not wait."""
        for item in walk(node):
            if isinstance(item, ast.Name):
                self._use(variables.get(item.id, ()), _NOW)
                function = self._functions.get(item.id)
                if function is not None:
                    self._use(function.results, _NOW)

    # Calls

    def _results(self, call: ast.Call, variables: Variables, count: int | None) -> list[Values]:
        """What a call gives, by the targets that it is unpacked into; `count` is None where it is one value."""
        schema = self._nodes.schema_of(call.func)
        if schema is not None:
            return [(self._node_call(call, schema, variables, count),)] * (count or 1)
        function = self._functions.get(call.func.id) if isinstance(call.func, ast.Name) else None
        plain = not any(isinstance(item, ast.Starred) for item in call.args) and all(item.arg for item in call.keywords)
        if function is None or not plain:
            for child in ast.iter_child_nodes(call):
                self._see(child, variables)
            return [()] * (count or 1)
        self._give(function, call, variables)
        if count == (None if function.single else len(function.results)):
            return [(value,) for value in function.results]
        self._use(function.results, _NOW)
        return [()] * (count or 1)

    def _give(self, function: _Function, call: ast.Call, variables: Variables) -> None:
        named = [*function.node.args.posonlyargs, *function.node.args.args]
        for position, item in enumerate(call.args):
            name = named[position].arg if position < len(named) else ''
            self._flow(item, variables, function.parameters.get(name, _NOW))
        for keyword in call.keywords:
            self._flow(keyword.value, variables, function.parameters.get(keyword.arg or '', _NOW))

    def _node_call(self, call: ast.Call, schema: NodeSchema, variables: Variables, count: int | None) -> int:
        value = self._calls[call] = self._value()
        outputs = len(schema.outputs)
        understood = not any(keyword.arg is None or keyword.arg.startswith('_') for keyword in call.keywords)
        if schema.output_node or not understood or outputs != (count or 1) or (count == 1):
            self._use((value,), _NOW)
        parameters: list[InputSchema | None] = [item for _, item in schema.parameters]
        if any(isinstance(item, ast.Starred) for item in call.args):
            parameters = []
        for position, item in enumerate(call.args):
            self._input(item, parameters[position] if position < len(parameters) else None, variables, value)
        for keyword in call.keywords:
            item = None if keyword.arg is None else schema.input_of(keyword.arg)
            self._input(keyword.value, item, variables, value)
        return value

    def _input(self, node: ast.expr, item: InputSchema | None, variables: Variables, value: int) -> None:
        if item is None or item.kind not in (InputKind.PLAIN, InputKind.COMBO):
            self._see(node, variables)
        else:
            self._flow(node, variables, _PERHAPS if _is_lazy(item) else value)


def _straight(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run one after the other, each once, those of `with Workflow():` among them."""
    for number, node in enumerate(statements):
        if number % EVERY == 0:
            look()
        if isinstance(node, ast.With):
            yield from (ast.copy_location(ast.Expr(item.context_expr), node) for item in node.items)
            yield from _straight(node.body)
        else:
            yield node


def _names_of(target: ast.expr) -> list[str] | None:
    """The variables that a value is unpacked into, where they are nothing but variables."""
    items = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    names = [item.id for item in items if isinstance(item, ast.Name)]
    return names if names and len(names) == len(items) else None


def _bound_names(tree: ast.Module) -> Counter[str]:
    """How many times a script binds each name, in whatever scope."""
    return Counter(name for node in walk(tree) for name in names_bound_by(node))


def _captured_names(tree: ast.Module) -> Iterator[str]:
    """Names that a scope reads or binds which are not its own: their values are seen from elsewhere, at any time."""
    module = module_scope(tree)
    stack: list[tuple[ast.AST, set[str] | None]] = [(tree, None)]
    passed = 0
    while stack:
        node, own = stack.pop()
        passed += 1
        if passed % EVERY == 0:
            look()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names
        elif isinstance(node, ast.Name) and own is not None and node.id not in own:
            yield node.id
        if isinstance(node, FUNCTIONS):
            own = function_scope(node, module).names
        elif isinstance(node, COMPREHENSIONS):
            own = comprehension_scope(node, module).names
        stack += [(child, own) for child in ast.iter_child_nodes(node)]
