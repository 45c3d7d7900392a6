"""What makes a script run again."""

from __future__ import annotations

import pytest

from comfy_script.nodes.script_node.changes import may_change


@pytest.mark.parametrize('text', ['x = 1\n' * 100_000, 'x = ' + '-' * 5_000 + '1', 'x = (', 'x = "\0"'])
def test_a_text_that_no_script_may_be_is_not_looked_into(text: str) -> None:
    assert may_change(text)
