"""The node reads a script once, however often ComfyUI asks for it."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import Bounds, ScriptError
from comfy_script.nodes.script_node import changes, checked_scripts, node


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


def test_code_is_not_kept_for_as_many_other_classes() -> None:
    kinds = {'input': {'required': {}}, 'output': ['INT']}
    one, other = (Schemas.parse({name: {**kinds, 'name': name}}) for name in ('A', 'B'))
    before = checked_scripts.checked_script('x = A()', Bounds(), one)
    assert checked_scripts.checked_script('x = A()', Bounds(), other).compiled is not before.compiled


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


def test_whether_it_changes_is_told_without_parsing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    checked_scripts.checked_script('import random\nx = random.random()', Bounds(), Schemas.parse({}))
    monkeypatch.setattr(changes, 'parse_source', lambda text: pytest.fail('parsed again'))
    changes._known.clear()
    assert changes._uses('import random\nx = random.random()')[1]


class Interrupted(Exception):
    """As ComfyUI's."""


@pytest.mark.parametrize('ask', ['check_lazy_status', 'run'])
def test_reading_is_interrupted(ask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise Interrupted

    monkeypatch.setattr(node, 'interrupt_check', lambda: interrupt)
    monkeypatch.setattr(node, 'known_schemas', lambda: Schemas.parse({}))
    asked: Any = node.ComfyScript()
    dynprompt = SimpleNamespace(get_node=lambda node_id: {'inputs': {}})
    with pytest.raises(Interrupted):
        getattr(asked, ask)(script=f'{ask} = 1\n' * 2000, __unique_id='1', __dynprompt=dynprompt)


def test_an_interrupt_while_comfyui_asks_what_changed_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI catches all that `IS_CHANGED` raises: whoever raised its own exception there had taken it in."""
    monkeypatch.setattr(node, 'interrupt_waits', lambda: True)
    answer = node.ComfyScript.IS_CHANGED(script='changed = 1\n' * 2000)
    assert answer != answer


def test_validation_takes_no_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is meant for the prompt that runs meanwhile."""
    monkeypatch.setattr(node, 'interrupt_check', lambda: pytest.fail('the interrupt of another prompt'))
    monkeypatch.setattr(node, 'known_schemas', lambda: Schemas.parse({}))
    assert asyncio.run(node.ComfyScript.VALIDATE_INPUTS('valid = 1\n' * 2000)) is True
