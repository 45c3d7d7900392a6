"""What a chosen completion writes."""

from __future__ import annotations

import pytest

from comfy_script.tests.js.conftest import Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]


def choose(panel: Panel, typed: str, label: str) -> None:
    panel.page.keyboard.type(typed)
    panel.shows('.cm-tooltip-autocomplete [aria-selected=true] .cm-completionLabel', label)
    # CodeMirror takes no key for what has only just come up.
    panel.settle(150)
    panel.page.keyboard.press('Enter')


@pytest.fixture
def last_line(panel: Panel) -> Panel:
    """The cursor in a new last line."""
    panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
    panel.page.keyboard.press('End')
    panel.page.keyboard.type('\n')
    return panel


def test_a_nodes_name_comes_with_the_brackets_of_its_call(last_line: Panel) -> None:
    choose(last_line, 'image = ImageInv', 'ImageInvert')
    last_line.wait_for_text('image = ImageInvert()')
    last_line.shows('.cs-signature', 'ImageInvert(image')
    last_line.page.keyboard.type('image)')
    last_line.page.keyboard.press('Escape')
    assert last_line.text().rstrip().endswith('image = ImageInvert(image)')
    last_line.wait_for_state('1 new node')


def test_brackets_that_are_there_stay_alone(panel: Panel) -> None:
    panel.edit('VAEDecode(', 'VAEDec(')
    panel.page.keyboard.press('ArrowLeft')
    choose(panel, 'o', 'VAEDecode')
    panel.wait_for_text('VAEDecode(latent, vae)')
    assert 'VAEDecode()' not in panel.text()


def test_the_scripts_own_functions_and_pythons_come_with_brackets_and_variables_without(last_line: Panel) -> None:
    text = last_line.text()
    last_line.edit(text, f'def brighter(picture):\n    return picture\n\n\n{text}')
    choose(last_line, 'x = brigh', 'brighter')
    last_line.wait_for_text('x = brighter()')
    choose(last_line, 'imag', 'image')
    last_line.page.keyboard.type(')\n')
    last_line.wait_for_text('x = brighter(image)')
    choose(last_line, 'y = enumer', 'enumerate')
    last_line.wait_for_text('y = enumerate()')
