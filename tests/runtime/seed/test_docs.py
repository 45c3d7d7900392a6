"""Every example in docs/Runtime.md runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import comfy_script
from comfy_script.runtime import Client, Workflow, queue

pytestmark = pytest.mark.server

PAGE = Path(comfy_script.__file__).parent / 'docs' / 'Runtime.md'


def blocks() -> list[Any]:
    """The page's Python blocks, each with the last heading above it."""
    heading, found, skipped = '', [], False
    pattern = re.compile(
        r'^#+ (?P<heading>[^\n]+)$|^(?P<skip><!-- not run -->)$|^```python\n(?P<code>.*?)^```$', re.M | re.S
    )
    for match in pattern.finditer(PAGE.read_text(encoding='utf-8')):
        if match['heading']:
            heading = match['heading']
        elif match['skip']:
            skipped = True
        elif skipped:
            skipped = False
        else:
            found.append(pytest.param(match['code'], id=f'{len(found)} {heading}'))
    return found


@pytest.mark.parametrize('code', blocks())
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
