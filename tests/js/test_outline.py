"""Long scripts: a list of what is in them, what the first visible line is in, and how far a line has come."""

from __future__ import annotations

import base64
import re

import pytest

from comfy_script.tests.js.conftest import Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]

NUMBERS = ''.join(f'x{index} = {index}\n' for index in range(60))
LONG = f"""\
def blur(
    image,
    times=3,
):
    # Inside
{NUMBERS.replace('x', '    x')}    text = '''first
# no heading
'''
    return image


# Load
{NUMBERS}
# Save
# and more
# image = VAEDecode(latent, vae)
{NUMBERS}"""
PIXEL = base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
)


@pytest.fixture
def long(panel: Panel) -> Panel:
    panel.edit(panel.text(), LONG)
    panel.settle(700)
    return panel


def held(panel: Panel, line: int) -> list[str]:
    """What is held where this line is the first on screen."""
    panel.page.evaluate(
        """line => { const content = document.querySelector('#cs-script .cm-content')
        const view = content.cmTile?.view ?? content.cmView.view
        view.scrollDOM.scrollTop = view.lineBlockAt(view.state.doc.line(line).from).top + 1 }""",
        line,
    )
    panel.settle(120)
    return panel.page.eval_on_selector_all(
        '.cs-sticky:not([hidden]) .cs-sticky-line', 'all => all.map(one => one.textContent)'
    )


def test_what_the_first_line_is_in_stays_above_it(long: Panel) -> None:
    lines = LONG.split('\n')
    assert held(long, 1) == []
    assert held(long, lines.index('    x30 = 30') + 1) == ['def blur(', '# Inside']
    assert held(long, lines.index('# Load') + 20) == ['# Load']
    assert held(long, lines.index('# Save') + 20) == ['# Save']
    long.page.click('.cs-sticky-line')
    assert long.page.eval_on_selector('#cs-script .cm-activeLine', 'line => line.textContent') == '# Save'


def test_a_heading_is_gone_to_by_its_name(long: Panel) -> None:
    long.page.focus('#cs-script .cm-content')
    long.page.keyboard.press('Control+Shift+o')
    listed = "[...document.querySelectorAll('.cs-outline-list li span:first-child')].map(one => one.textContent)"
    long.until(lambda: long.page.evaluate(listed) == ['blur', 'Inside', 'Load', 'Save'])
    long.page.keyboard.type('sav')
    long.until(lambda: long.page.evaluate(listed) == ['Save'])
    long.page.keyboard.press('Enter')
    long.page.wait_for_selector('.cs-outline', state='detached')
    assert long.page.eval_on_selector('#cs-script .cm-activeLine', 'line => line.textContent') == '# Save'


def test_a_script_without_any_says_so(panel: Panel) -> None:
    panel.edit(panel.text(), 'x = 1\n')
    panel.page.keyboard.press('Control+Shift+o')
    panel.shows('.cs-outline-list', 'No headings or functions')
    panel.page.keyboard.press('Escape')


def test_a_name_that_none_has_is_told_as_such(long: Panel) -> None:
    long.page.focus('#cs-script .cm-content')
    long.page.keyboard.press('Control+Shift+o')
    long.page.keyboard.type('nope')
    long.shows('.cs-outline-list', 'Nothing of this name')
    long.page.keyboard.press('Escape')


FAR = "[...document.querySelectorAll('#cs-script .cs-result-far')].map(one => one.textContent)"
SEND = 'app.api.dispatchEvent(new CustomEvent(argument[0], { detail: argument[1] }))'


def test_a_line_of_a_loop_says_how_many_copies_are_done(panel: Panel) -> None:
    panel.edit("SaveImage(image, 'panel')", "for index in range(3):\n    SaveImage(image, f'panel{index}')")
    panel.apply('2 new nodes')
    saving = panel.js("return app.graph.nodes.filter(one => one.type === 'SaveImage').map(one => String(one.id))")
    states = {node: {'state': 'finished', 'value': 1, 'max': 1} for node in saving[:1]}
    panel.js(SEND, ['execution_start', {'prompt_id': 'p'}])
    panel.js(SEND, ['progress_state', {'prompt_id': 'p', 'nodes': states | {saving[1]: {'state': 'running', 'value': 0, 'max': 1}}}])  # fmt: skip  # noqa: E501
    panel.until(lambda: panel.page.evaluate(FAR) == ['1/3'])
    # A node of one line counts its own steps.
    panel.js(SEND, ['progress_state', {'prompt_id': 'p', 'nodes': {'3': {'state': 'running', 'value': 1, 'max': 20}}}])
    panel.until(lambda: panel.page.evaluate(FAR) == ['1/20', '1/3'])
    panel.js(SEND, ['execution_success', {'prompt_id': 'p'}])
    panel.until(lambda: panel.page.evaluate(FAR) == [])


def test_a_value_that_is_clicked_shows_its_widget(panel: Panel) -> None:
    panel.page.locator('#cs-script .cm-line', has_text='steps=').first.locator('span', has_text=re.compile('^2$')).first.click()  # fmt: skip  # noqa: E501
    mark = panel.page.wait_for_selector('.cs-widget-mark')
    assert mark is not None
    box = mark.bounding_box()
    assert box is not None
    x, y = panel.js(
        """const node = app.graph.getNodeById(3), widget = node.widgets.find(one => one.name === 'steps')
        const row = widget.element ?? document.querySelector(`[data-node-id="3"]`)
        const { ds, canvas } = app.canvas, page = canvas.getBoundingClientRect()
        return [page.left + (node.pos[0] + node.size[0] / 2 + ds.offset[0]) * ds.scale,
            page.top + (node.pos[1] + (widget.last_y ?? widget.y) + 10 + ds.offset[1]) * ds.scale]"""
    )
    assert box['x'] < x < box['x'] + box['width']
    assert box['y'] < y < box['y'] + box['height']


def test_a_models_picture_is_beside_its_name(panel: Panel) -> None:
    name = panel.widget(4, 'ckpt_name')
    asked: list[str] = []

    def picture(route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=PIXEL, content_type='image/png')

    panel.page.route(
        '**/experiment/models/checkpoints', lambda route: route.fulfill(json=[{'name': name, 'pathIndex': 1}])
    )
    panel.page.route('**/experiment/models/preview/**', picture)
    panel.page.locator('#cs-script .cm-line', has_text='CheckpointLoader').locator('span', has_text='v1').first.hover()
    panel.page.wait_for_selector('.cs-model-picture')
    assert asked[0].endswith(f'/experiment/models/preview/checkpoints/1/{name}')
    panel.page.unroute_all()
