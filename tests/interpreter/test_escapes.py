"""No script gets out: hundreds of attempts, under Python's own audit of files, sockets, processes and code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import ScriptError, describe_signature, run_script, script_to_prompt
from comfy_script.interpreter.lang.modules import MODULES as MODULE_TABLE
from comfy_script.interpreter.nodes.node_calls import ScriptNodes
from comfy_script.runtime.calls.functions import NodeNamespace

from .conftest import SMALL, run, watched
from .escapes import attempts

ATTEMPTS = attempts()
MODULES = [*MODULE_TABLE]


class Opaque:
    """A value of a node: every way of using it that is not passing it on is a way out."""

    secret = 'secret'

    def _used(self, *_: Any) -> Any:
        raise AssertionError('a method of a foreign value was called')

    __call__ = __getitem__ = __setitem__ = __delitem__ = __add__ = __radd__ = __lt__ = __gt__ = __neg__ = _used
    __len__ = __iter__ = __int__ = __float__ = __index__ = __bytes__ = __hash__ = __eq__ = _used  # type: ignore[assignment]
    __str__ = __repr__ = __format__ = __abs__ = __round__ = __bool__ = __contains__ = __reversed__ = _used
    __divmod__ = __pow__ = __mul__ = __rmul__ = __rpow__ = __rmod__ = __getstate__ = _used  # type: ignore[assignment]


def inputs() -> dict[str, Any]:
    return {'opaque': Opaque(), 'frozen': [1], 'nested': {'a': [1]}}


@pytest.fixture(scope='module', autouse=True)
def _warm(node_schemas: Schemas) -> None:
    """Modules that the interpreter loads by itself are loaded before anybody watches."""
    pytest.importorskip('torch')
    for name in MODULES:
        run(f'import {name}\nprint({name})')
    run("import re\nre.sub('a', 'b', 'a')\nout = f'{1:5}' + '%d' % 2 + str([1.5, {'a': (1,)}])")
    script_to_prompt("KSampler(None, seed=1)\nCheckpoints.xl\nnode['x']()", node_schemas)
    describe_signature('def main(a: Image, b: Checkpoints = None): pass', node_schemas)
    run("import torch\nout = str(torch.zeros(2).dtype)")


def test_there_are_at_least_150_attempts() -> None:
    assert len(set(ATTEMPTS)) >= 150


@pytest.mark.parametrize('text', ATTEMPTS)
def test_attempt_ends_in_an_error_and_touches_nothing(text: str, node_schemas: Schemas, canary: Path) -> None:
    called: list[str] = []

    def emit(schema: Any, given: dict[str, Any]) -> Any:
        called.append(schema.class_type)
        return Opaque()

    nodes = ScriptNodes(NodeNamespace(node_schemas, emit))
    with watched() as seen, pytest.raises(ScriptError) as caught:
        run_script(
            text.replace('CANARY', canary.as_posix()), bounds=SMALL, inputs=inputs(), find_node=nodes.find
        )
    assert str(caught.value)
    assert seen == []
    assert called == []
    assert not canary.exists()


@pytest.mark.parametrize('text', ATTEMPTS[::7])
def test_attempts_on_the_ways_that_run_nothing(text: str, node_schemas: Schemas, canary: Path) -> None:
    text = text.replace('CANARY', canary.as_posix())
    with watched() as seen:
        assert isinstance(describe_signature(text, node_schemas), dict)
        try:
            script_to_prompt(text, node_schemas)
        except ScriptError:
            pass
    assert [event for event in seen if not event.startswith('import')] == []
    assert not canary.exists()


def test_foreign_values_can_be_stored_compared_and_shown_without_running_their_code() -> None:
    result = run(
        "a = [opaque, {'x': opaque}]\nsame = opaque is a[0] and opaque == a[0] and a == [opaque, {'x': opaque}]\n"
        "other = opaque == 1 or opaque != opaque\nprint(opaque, a, f'{opaque}', repr(opaque))\n"
        'out = (same, other, bool(opaque), opaque in a, a.index(opaque), a.count(opaque))',
        inputs=inputs(),
    )
    assert result.value == (True, False, True, True, 0, 1)
    assert result.printed == "<Opaque> [<Opaque>, {'x': <Opaque>}] <Opaque> <Opaque>\n"


def test_a_script_cannot_catch_what_it_may_not_do() -> None:
    for handler in ('except Exception:', 'except:', 'except (ValueError, TypeError, RuntimeError):'):
        for attempt in ('import os', "open('x')", "'a' * 10 ** 9", "'{0.__class__}'.format(1)"):
            with pytest.raises(ScriptError):
                run(f'try:\n    {attempt}\n{handler}\n    pass\nfinally:\n    pass')


def test_finally_does_not_run_after_a_bound() -> None:
    with pytest.raises(ScriptError) as caught:
        run('while True:\n    try:\n        while True: pass\n    finally:\n        continue')
    assert 'steps' in str(caught.value)
