"""Every example in docs/Runtime.md and docs/batches.md runs (the batch itself in client/test_batches.py)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from comfy_script.runtime import Client, Workflow, queue
from comfy_script.tests.runtime.seed.pages import blocks

pytestmark = pytest.mark.server

EXAMPLES = [
    pytest.param(block.code, id=f'{number} {block.heading}')
    for page in ('Runtime.md', 'batches.md')
    for number, block in enumerate(blocks(page))
    if not block.mark
]


@pytest.mark.parametrize('code', EXAMPLES)
def test_example(code: str, run_block: Callable[..., dict[str, Any]], loaded: Client, capsys: Any) -> None:
    for name in re.findall(r'\b(LoadImageFromPath)\(', code):
        if name not in loaded.schemas:
            pytest.skip(f'the server has no {name}')
    runs_by_itself = not any(part in code for part in ('LoadImageFromPath', 'except PromptRefusedError'))
    with Workflow(queue=runs_by_itself) as around:
        run_block(code)
    if around.task is not None:
        assert around.task.wait(60)
    queue.join(60)
    queue.when_empty(None)
