"""Imports, and the lines of scripts that are also files for the runtime."""

from __future__ import annotations

import ast
from typing import Any

from ..errors import Span
from ..lookup import find_module, get_attribute
from ..objects import NoOp
from ..script_functions import Frame
from ..source import span_of
from .compiler import Code, Compiler, Store
from .targets import target

RUNTIME_MODULES = ('comfy_script',)
"""Imports of these are accepted: what they bring is there already."""

SILENT_MODULES = ('__future__', 'typing')


def _is_silent(module: str) -> bool:
    return module.split('.')[0] in (*RUNTIME_MODULES, *SILENT_MODULES)


def _import(c: Compiler, node: ast.Import) -> Code:
    codes = []
    for item in node.names:
        if _is_silent(item.name):
            continue
        store = c.store(node, item.asname or item.name.split('.')[0])
        codes.append(_import_one(item.name, bool(item.asname), store, span_of(node)))

    def run(frame: Frame) -> None:
        for code in codes:
            code(frame)

    return run


def _import_one(name: str, whole: bool, store: Store, span: Span) -> Code:
    def run(frame: Frame) -> None:
        frame.m.at = span
        module = find_module(frame, name)
        store(frame, module if whole else find_module(frame, name.split('.')[0]))

    return run


def _import_from(c: Compiler, node: ast.ImportFrom) -> Code:
    if node.level or node.module is None:
        c.refuse(node, 'relative imports are not available in scripts')
    module_name = node.module
    if _is_silent(module_name):
        return lambda frame: None
    span = span_of(node)
    stores = []
    for item in node.names:
        if item.name == '*':
            c.refuse(node, f'`from {module_name} import *` is not available in scripts: name what you need')
        if item.name.startswith('_'):
            c.refuse(node, f'{module_name}.{item.name} is not available in scripts')
        stores.append((item.name, c.store(node, item.asname or item.name)))

    def run(frame: Frame) -> None:
        frame.m.at = span
        module = find_module(frame, module_name)
        for name, store in stores:
            store(frame, get_attribute(frame.m, module, name))

    return run


def _with(c: Compiler, node: ast.With) -> Code:
    stores = []
    for item in node.items:
        call = item.context_expr
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == 'Workflow'):
            c.unknown(node)
        if item.optional_vars is not None:
            stores.append(target(c, item.optional_vars))
    body = c.block(node.body)

    def run(frame: Frame) -> Any:
        for store in stores:
            store(frame, NoOp('Workflow'))
        return body(frame)

    return run


IMPORTS: dict[type[ast.stmt], Any] = {
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.With: _with,
}
