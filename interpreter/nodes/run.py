"""Runs a script: text in, results out, whatever the text says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...comfyui.loaded import loaded
from ...graph import Schemas
from ...graph.collector import collector_paused
from ..lang.bounds import Bounds
from ..lang.builtins import NAMES
from ..lang.compile.compiler import Code
from ..lang.compile.program import compile_tree
from ..lang.errors import ScriptError, ScriptFailed, ScriptLimit
from ..lang.looks import walk
from ..lang.machine import Machine
from ..lang.memory import live_size
from ..lang.modules import MODULES
from ..lang.script_functions import Frame, ScriptFunction, run_function
from ..lang.showing import error_text
from ..lang.source import parse_source
from ..lang.tensors.methods import enable
from ..lang.types.tables import ATTRIBUTES
from .demand import waiting_calls


@dataclass(frozen=True)
class ScriptResult:
    """What a run left behind."""

    value: Any
    """What `main` returned, or the variable `out`; None without either."""
    printed: str
    steps: int
    seconds: float
    """Time of script code, without that of nodes."""
    names: Mapping[str, Any] = field(repr=False)
    """The script's global variables at its end."""


@dataclass(frozen=True)
class CompiledScript:
    """A script that is allowed; running it is what is left to do."""

    text: str
    tree: ast.Module = field(repr=False)
    code: Code = field(repr=False)
    main: ast.FunctionDef | None = field(repr=False)
    """The script's own `def main`, unless the script calls it itself."""


def compile_script(text: str, bounds: Bounds | None = None, schemas: Schemas | None = None) -> CompiledScript:
    """Reads a script. Raises ScriptSyntaxError or ScriptLimit with the place.

    With `schemas` of the nodes, calls that only lazy inputs need wait until they are asked for (`demand.py`).
    """
    text = text.replace('\r\n', '\n').replace('\r', '\n')
    with collector_paused():
        tree = parse_source(text, bounds)
        try:
            waiting = frozenset() if schemas is None else waiting_calls(tree, schemas)
            code = compile_tree(tree, waiting)
        except ScriptError as error:
            raise error.locate(text) from None
        except RecursionError:
            raise ScriptLimit('too many operators or blocks inside each other') from None
        return CompiledScript(text, tree, code, find_main(tree))


def find_main(tree: ast.Module) -> ast.FunctionDef | None:
    """The top-level `def main`, where the script does not call it itself."""
    found = next(
        (node for node in reversed(tree.body) if isinstance(node, ast.FunctionDef) and node.name == 'main'), None
    )
    if found is None:
        return None
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    for statement in outside:
        for node in walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'main':
                return None
    return found


def run_script(
    script: str | CompiledScript,
    environment: Mapping[str, Any] | None = None,
    *,
    bounds: Bounds | None = None,
    inputs: Mapping[str, Any] | None = None,
    find_node: Callable[[str], Any] | None = None,
    check_interrupt: Callable[[], object] | None = None,
    modules: Mapping[str, Any] | None = None,
    prepare: Callable[[Machine], None] | None = None,
) -> ScriptResult:
    """Runs a script to its end.

    `inputs` are the values of `main`'s parameters, or global variables where there is no `main`.
    `environment` adds names (values of the interpreter's own kinds) to the built-in ones, `find_node` answers for all
    other names. `check_interrupt` is called every few hundred steps and may raise; what it raises comes out unchanged.

    Raises ScriptError: what the script did wrong, with the line. Exceptions of `check_interrupt` and of the host's
    interrupt inside a node pass through.
    """
    bounds = bounds or Bounds()
    compiled = compile_script(script, bounds) if isinstance(script, str) else script
    m = Machine(
        bounds,
        {**NAMES, **(environment or {})},
        find_node,
        check_interrupt,
        {**MODULES, **(modules or {})},
        ATTRIBUTES,
    )
    m.meter.live_size = lambda: live_size(m)
    given = dict(inputs or {})
    for value in given.values():
        m.freeze(value)
    if compiled.main is None:
        m.globals.update(given)
    if loaded('torch') is not None:
        enable(m)
    if prepare is not None:
        prepare(m)
    try:
        value = _run(m, compiled, given)
        seconds = m.meter.seconds
    except ScriptError as error:
        raise error.locate(compiled.text, m.at) from error.__cause__
    except RecursionError:
        raise ScriptLimit('functions call each other too deep').locate(compiled.text, m.at) from None
    except MemoryError:
        raise ScriptLimit('the script ran out of memory').locate(compiled.text, m.at) from None
    except Exception as error:
        if not m.catchable(error):
            raise
        failed = ScriptFailed(error_text(m, error), error).locate(compiled.text, m.at)
        # Not as its cause: whoever logs that would show the values in it by their own methods.
        raise failed from None
    finally:
        m.meter.growth.ended()
    return ScriptResult(value, ''.join(m.printed), m.meter.steps, seconds, m.globals)


def _run(m: Machine, compiled: CompiledScript, given: dict[str, Any]) -> Any:
    m.meter.check()
    compiled.code(Frame(m, None, m.globals))
    if compiled.main is None:
        return m.globals.get('out')
    main = m.globals.get('main')
    if not isinstance(main, ScriptFunction):
        return m.globals.get('out')
    m.at = None
    taken = set(main.parameters.names) | set(main.parameters.keyword_only)
    if main.parameters.keywords is None:
        given = {name: value for name, value in given.items() if name in taken}
    return run_function(m, main, [], given)
