"""Edits in the panel and changes of the graph at the same time: none of them is lost."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.panel.merge import merge
from comfy_script.panel.requests import MergeRequest

BASE = """\
model, clip = Load('m')
positive = Text('a cat', clip)
negative = Text('', clip)
image = Sample(model, positive, negative, steps=20, cfg=8.0)
Save(image, 'out')
"""


def merged(ours: str, theirs: str, base: str = BASE) -> tuple[str, list[dict[str, Any]]]:
    found = merge(MergeRequest(base, ours, theirs))
    return found['script'], found['conflicts']


@pytest.mark.parametrize('ours, theirs, expected', [
    (('cfg=8.0', 'cfg=8.5'), ('steps=20', 'steps=30'), 'steps=30, cfg=8.5'),
    (("'a cat'", "'a dog'"), ('cfg=8.0', 'cfg=7.0'), "'a dog'"),
    (("'out'", "'mine'"), ("'out')", "'out')\nPreview(image)"), "Save(image, 'mine')\nPreview(image)"),
    (('cfg=8.0', 'cfg=8.5'), ('steps=20, cfg=8.0)', 'steps=30,\n    cfg=8.0,\n)'), 'steps=30,\n    cfg=8.5,\n)'),
    (('cfg=8.0', 'cfg=8.5'), ('cfg=8.0', 'cfg=8.5'), 'cfg=8.5'),
])  # fmt: skip
def test_both_changes_are_there(ours: tuple[str, str], theirs: tuple[str, str], expected: str) -> None:
    script, conflicts = merged(BASE.replace(*ours), BASE.replace(*theirs))
    assert conflicts == []
    assert expected in script
    # And nothing else.
    assert len(script.splitlines()) == max(BASE.replace(*one).count('\n') for one in (ours, theirs))


@pytest.mark.parametrize('ours, theirs', [
    ('cfg=8.5', 'cfg=9.0'),
    ('cfg=-8.0', 'cfg=8'),
    ("cfg='x y'", "cfg='y x'"),
])  # fmt: skip
def test_what_both_set_otherwise_is_a_conflict(ours: str, theirs: str) -> None:
    """Ours stands, theirs is at hand, and there is never half of each."""
    script, conflicts = merged(BASE.replace('cfg=8.0', ours), BASE.replace('steps=20, cfg=8.0', f'steps=30, {theirs}'))
    assert script == BASE.replace('steps=20, cfg=8.0', f'steps=30, {ours}')
    line = BASE.splitlines()[3].replace('steps=20, cfg=8.0', f'steps=30, {theirs}')
    assert conflicts == [{'line': 4, 'endLine': 4, 'theirs': line}]


def test_a_line_that_one_deletes_and_the_other_changes_is_a_conflict() -> None:
    ours = BASE.replace("Save(image, 'out')\n", '')
    script, conflicts = merged(ours, BASE.replace("'out'", "'new'"))
    assert conflicts
    assert conflicts[0]['theirs'].endswith("Save(image, 'new')")
    assert script.strip() == ours.strip()


def test_a_loop_around_lines_that_the_other_changes_is_a_conflict() -> None:
    base = 'Save(a)\nSave(b)\n'
    ours, theirs = 'for i in x:\n    Save(a)\n    Save(b)\n', 'Save(a)\nSave(z)\nSave(b)\n'
    script, conflicts = merged(ours, theirs, base)
    assert script == ours
    assert conflicts == [{'line': 1, 'endLine': 3, 'theirs': theirs.strip()}]


@pytest.mark.parametrize('text', ['', 'x', BASE])
def test_one_side_alone(text: str) -> None:
    end = '\n' if text and not text.endswith('\n') else ''
    assert merged(text, BASE) == (text + end, [])
    assert merged(BASE, text) == (text + end, [])
