"""The node reads a script once, however often ComfyUI asks for it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import Bounds, ScriptError
from comfy_script.nodes.script_node import checked_scripts, node


def test_a_script_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    real = checked_scripts.read_signature
    monkeypatch.setattr(
        checked_scripts, 'read_signature', lambda text, schemas: read.append(text) or real(text, schemas)
    )
    schemas: Any = Schemas.parse({})
    for _ in range(3):
        assert checked_scripts.checked_script('x = 987', Bounds(), schemas).signature.has_main is False
    checked_scripts.checked_script('x = 987', Bounds(steps=5), schemas)
    assert len(read) == 2
    assert len(set(map(id, read))) == 2


def test_code_is_kept_when_the_lists_of_choices_are_read_anew() -> None:
    """Else a script that takes longer to compile than those lists are kept never gets to run."""
    first, second = Schemas.parse({}), Schemas.parse({})
    before = checked_scripts.checked_script('x = 986', Bounds(), first)
    after = checked_scripts.checked_script('x = 986', Bounds(), second)
    more = checked_scripts.checked_script('x = 986', Bounds(), Schemas.parse({'A': {}}))
    assert after.compiled is before.compiled
    assert after.schemas is second
    assert more.compiled is not before.compiled


def test_long_scripts_do_not_pile_up() -> None:
    for number in range(9):
        checked_scripts.checked_script(f'x = {number}\n' + '# ' * 100_000, Bounds(), Schemas.parse({}))
    assert sum(map(len, checked_scripts._read)) <= checked_scripts.MOST_CHARACTERS


def test_an_error_of_the_signature_has_its_place() -> None:
    with pytest.raises(ScriptError) as caught:
        checked_scripts.checked_script('x = 1\ndef main(*a): pass', Bounds(), Schemas.parse({}))
    assert caught.value.line == 2
    assert 'def main(*a): pass' in str(caught.value)


def test_comfyui_validates_beside_its_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:

    threads: list[Any] = []
    monkeypatch.setattr(node, '_problem', lambda script: threads.append(threading.current_thread()) or 'wrong')

    async def ask() -> Any:
        return await node.ComfyScript.VALIDATE_INPUTS('x = 1'), threading.current_thread()

    answer, loop_thread = asyncio.run(ask())
    assert answer == 'wrong'
    assert threads[0] is not loop_thread
