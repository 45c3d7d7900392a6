"""What is told apart between versions of ComfyUI, feature by feature, on stand-ins for its modules."""

from __future__ import annotations

import asyncio
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from comfy_script.runtime.real import host
from comfy_script.runtime.real.errors import HostError
from comfy_script.runtime.real.saving import with_notes
from comfy_script.runtime.real.start import find_comfyui


class OfTodayCache:
    async def get(self, node_id: str) -> Any: ...


class OfYesterdayCache:
    def get(self, node_id: str) -> Any: ...


@pytest.mark.parametrize(('theirs', 'awaited'), [(OfTodayCache, True), (OfYesterdayCache, False)])
def test_caches_are_awaited_where_comfyui_awaits_them(theirs: type, awaited: bool) -> None:
    cache: Any = host._output_cache(SimpleNamespace(HierarchicalCache=theirs))()  # type: ignore[arg-type]
    set_, get = cache.set('1', 'value'), cache.get
    if awaited:

        async def use() -> Any:
            await set_
            return await get('1')

        assert asyncio.run(use()) == 'value'
    else:
        assert get('1') == 'value'
    assert cache.get_local('1') == 'value'
    assert cache.all_node_ids() == {'1'}


def fake_host(**management: Any) -> host.Host:
    made = host.Host.__new__(host.Host)
    made.nodes = SimpleNamespace(before_node_execution=lambda: checks.append(1))  # type: ignore[assignment]
    made.model_management = SimpleNamespace(**management)  # type: ignore[assignment]
    checks.clear()
    return made


checks: list[int] = []


def test_the_interrupt_is_looked_for_without_its_lock_where_that_can_be() -> None:
    with_flag = fake_host(interrupt_processing=False)
    with_flag._before_node()()
    assert checks == []
    vars(with_flag.model_management)['interrupt_processing'] = True
    with_flag._before_node()()
    assert checks == [1]
    fake_host()._before_node()()
    assert checks == [1]


@pytest.mark.parametrize(
    'management',
    [{'OOM_EXCEPTION': MemoryError}, {'is_oom': lambda error: isinstance(error, MemoryError)}],
    ids=['an exception class', 'a function'],
)
def test_models_are_freed_when_memory_runs_out(monkeypatch: pytest.MonkeyPatch, management: dict[str, Any]) -> None:
    freed: list[int] = []
    made = fake_host(unload_all_models=lambda: freed.append(1), **management)
    monkeypatch.setitem(sys.modules, 'comfy.model_management', made.model_management)
    made.on_error(ValueError())
    assert freed == []
    made.on_error(MemoryError())
    assert freed == [1]


@pytest.mark.skipif(sys.version_info < (3, 11), reason='exceptions have notes from 3.11 on')
@pytest.mark.parametrize(
    ('text', 'note'),
    [
        ('Inference tensors cannot be saved for backward.', 'Make this call inside of one'),
        ("Can't call numpy() on Tensor that requires grad.", 'or give the node `value.detach()`'),
    ],
)
def test_errors_of_gradients_say_what_to_do(text: str, note: str) -> None:
    error = RuntimeError(text)
    fake_host(OOM_EXCEPTION=MemoryError).on_error(error)
    assert note in getattr(error, '__notes__', [''])[0]


def test_after_a_node_only_where_weights_are_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    made = fake_host(reset_cast_buffers=lambda: done.append('buffers'))
    assert made._after_node() is None
    monkeypatch.setitem(sys.modules, 'comfy.memory_management', SimpleNamespace(aimdo_enabled=True))
    after = made._after_node()
    assert after is not None
    after()
    assert done == ['buffers']


def test_wrappers_that_packs_put_around_execute() -> None:
    def theirs(server, dynprompt, caches, current_item, extra_data, executed, prompt_id, execution_list): ...
    def reordered(caches, server, ui_outputs): ...
    def renamed(a, b, c): ...
    def open_ended(server, *args, **kwargs): ...

    assert host.execute_order(theirs) == host._EXECUTE[:8]
    assert host.execute_order(reordered) == ('caches', 'server', 'ui_outputs')
    assert host.execute_order(renamed) == host._EXECUTE[:3]
    assert host.execute_order(open_ended) == host._EXECUTE


def test_progress_is_booked_on_the_outer_node() -> None:
    seen: list[Any] = []
    registry = SimpleNamespace(update_progress=lambda *args: seen.append(args), prompt_id='p')
    made = fake_host()
    made._progress = SimpleNamespace(global_progress_registry=registry)
    with made.attributed_to('8'):
        inner = made._progress.global_progress_registry
        inner.start_progress('8.0.0.1')
        inner.update_progress('8.0.0.1', 1, 2, None)
        inner.finish_progress('8.0.0.1')
        assert inner.prompt_id == 'p'
    assert seen == [('8', 1, 2, None)]
    assert made._progress.global_progress_registry is registry


def test_only_the_executors_own_error_log_is_held_back(caplog: pytest.LogCaptureFixture) -> None:
    def record(module: str) -> logging.LogRecord:
        return logging.getLogger().makeRecord('root', logging.ERROR, f'{module}.py', 1, module, (), None, 'execute')

    with host._without_error_log():
        kept = [bool(logging.getLogger().filter(record(module))) for module in ('execution', 'other')]
    assert kept == [False, True]
    assert logging.getLogger().filter(record('execution'))


def test_a_blocker_with_a_message_is_noted() -> None:
    server = host._SilentServer()
    server.send_sync('execution_error', {'exception_type': 'ExecutionBlocked', 'exception_message': 'no'})
    server.send_sync('executing', {})
    assert server.blocked == ['no']


def test_without_comfyui_it_says_so(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostError, match=r'call load\(\) first'):
        host.Host()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('COMFYUI_PATH', raising=False)
    with pytest.raises(HostError, match='no ComfyUI found: give its folder'):
        find_comfyui()


def test_a_note_is_one_comment_whatever_is_in_it() -> None:
    note = 'a\nimport os\rb\x0bc\u2028d\x00e\x85f'
    assert with_notes('SaveImage()\n', (note,)) == '# Not in this script: a import os b c d e f\nSaveImage()\n'
