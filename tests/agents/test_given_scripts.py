"""A script as few edits of one that the agent has read."""

from __future__ import annotations

import pytest

from comfy_script.agents.errors import AgentError  # isort: skip
from comfy_script.agents.given_scripts import edited  # isort: skip

TEXT = "latent = KSampler(steps=20, cfg=8)\nlarger = KSampler(steps=20, cfg=7)\nSaveImage(image, 'a')\n"


def test_each_edit_takes_the_place_of_what_is_there_once() -> None:
    found = edited(TEXT, [['steps=20, cfg=8', 'steps=30, cfg=8'], ["SaveImage(image, 'a')", 'PreviewImage(image)']])
    assert found == TEXT.replace('20, cfg=8', '30, cfg=8').replace("SaveImage(image, 'a')", 'PreviewImage(image)')
    assert edited(TEXT, ()) == TEXT


def test_a_later_edit_sees_what_an_earlier_one_wrote() -> None:
    assert edited('a = 1\n', [['1', '2\nb = 3'], ['b = 3', 'b = 4']]) == 'a = 2\nb = 4\n'


@pytest.mark.parametrize(
    ('edits', 'reason'),
    [
        ([['cfg=9', 'cfg=8']], "edit 1: 'cfg=9' is not in the script"),
        ([['cfg=8', 'cfg=9'], ['steps=20', 'steps=30']], "edit 2: 'steps=20' is there 2 times: take more of its line"),
        ([['cfg=8']], r'edit 1 must be \[old, new\]'),
        ([['', 'cfg=8']], r'edit 1 must be \[old, new\]'),
    ],
)
def test_what_does_not_fit_is_named(edits: list[list[str]], reason: str) -> None:
    with pytest.raises(AgentError, match=reason):
        edited(TEXT, edits)
