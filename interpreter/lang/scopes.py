"""Which scope each name of a script belongs to, by Python's rules."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .looks import EVERY, look, walk

FUNCTIONS = (ast.FunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class NameScope:
    """The names that one function or comprehension (or the script itself) binds."""

    def __init__(self, parent: NameScope | None, names: set[str], global_names: set[str], outer_names: set[str]):
        self.parent = parent
        self.names = names - global_names - outer_names
        self.global_names = global_names

    @property
    def is_module(self) -> bool:
        return self.parent is None

    def depth_of(self, name: str) -> int | None:
        """How many scopes out the name is bound; None where it is a global (or unknown) one."""
        depth = 0
        scope: NameScope | None = self
        while scope is not None and not scope.is_module:
            if name in scope.global_names:
                return None
            if name in scope.names:
                return depth
            scope = scope.parent
            depth += 1
        return None


def module_scope(tree: ast.Module) -> NameScope:
    return NameScope(None, _bound(tree.body)[0], set(), set())


def function_scope(node: ast.FunctionDef | ast.Lambda, parent: NameScope) -> NameScope:
    arguments = node.args
    names = {item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    names |= {item.arg for item in (arguments.vararg, arguments.kwarg) if item}
    body = node.body if isinstance(node.body, list) else [node.body]
    bound, global_names, outer_names = _bound(body)
    return NameScope(parent, names | bound, global_names, outer_names)


def comprehension_scope(node: ast.AST, parent: NameScope) -> NameScope:
    names: set[str] = set()
    for generator in node.generators:  # type: ignore[attr-defined]
        for item in walk(generator.target):
            names.update(names_bound_by(item))
    return NameScope(parent, names, set(), set())


def names_bound_by(node: ast.AST) -> Iterator[str]:
    """The names that this node alone, without the nodes in it, binds in the scope it stands in (`arg`: inside it)."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (item.asname or item.name.split('.')[0] for item in node.names if item.name != '*')
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        if node.name:
            yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _bound(body: list) -> tuple[set[str], set[str], set[str]]:
    """Names that these statements bind, declare global, declare nonlocal; inner functions left out."""
    bound: set[str] = set()
    global_names: set[str] = set()
    outer_names: set[str] = set()
    stack: list[tuple[ast.AST, bool]] = [(node, False) for node in body]
    seen = 0
    while stack:
        node, inside_comprehension = stack.pop()
        seen += 1
        if seen % EVERY == 0:
            look()
        if isinstance(node, ast.NamedExpr):
            # A walrus inside a comprehension binds in the function around it.
            bound.update(names_bound_by(node.target))
        elif isinstance(node, ast.Global):
            global_names |= set(node.names)
        elif isinstance(node, ast.Nonlocal):
            outer_names |= set(node.names)
        elif not inside_comprehension:
            bound.update(names_bound_by(node))
        inside = inside_comprehension or isinstance(node, COMPREHENSIONS)
        stack += [(child, inside) for child in _in_this_scope(node)]
    return bound, global_names, outer_names


def _in_this_scope(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, FUNCTIONS):
        return [*node.args.defaults, *(item for item in node.args.kw_defaults if item)]
    return ast.iter_child_nodes(node)
