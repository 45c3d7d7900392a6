"""What makes a script run again."""

from __future__ import annotations

import pytest

from comfy_script.nodes.script_node import changes
from comfy_script.nodes.script_node.changes import may_change


@pytest.mark.parametrize('text', ['x = 1\n' * 100_000, 'x = ' + '-' * 5_000 + '1', 'x = (', 'x = "\0"'])
def test_a_text_that_no_script_may_be_is_not_looked_into(text: str) -> None:
    assert may_change(text)


@pytest.mark.parametrize('size', [10, 100_000, 2_000_000])
def test_texts_do_not_pile_up(size: int) -> None:
    for number in range(30):
        changes._uses(f'(# {number}' + ' ' * size)
    assert sum(map(len, changes._known)) <= max(changes.MOST_CHARACTERS, size + 10)
    assert len(changes._known) >= min(30, changes.MOST_CHARACTERS // (size + 10)) or len(changes._known) == 1
