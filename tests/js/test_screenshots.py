"""The pictures of docs/images: `COMFYSCRIPT_SCREENSHOTS=docs/images` writes them there, else a temporary folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel, data
from comfy_script.tests.js.test_panel import made_image

pytestmark = [pytest.mark.browser, pytest.mark.server]

# Another component in newer frontends.
EDGE = '.p-splitter-gutter, [data-resize-handle]'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(os.environ.get('COMFYSCRIPT_SCREENSHOTS') or tmp_path)


@pytest.fixture
def shown(panel: Panel) -> Panel:
    workflow = data('default_workflow.json')
    panel.load(workflow)
    set_width(panel, 440)
    panel.js('app.canvas.ds.scale = 0.6; app.canvas.ds.offset = [850, 120]; app.canvas.setDirty(true, true)')
    banner = panel.page.get_by_role('button', name='Try it out').locator('xpath=ancestor::div[2]//button').last
    if banner.is_visible():
        banner.click()
    panel.page.mouse.move(900, 700)
    return panel


def set_width(panel: Panel, width: int) -> None:
    """Drags the sidebar's edge."""
    box = panel.page.locator('.comfyscript').bounding_box()
    edge = panel.page.locator(EDGE).first.bounding_box()
    assert box is not None
    assert edge is not None
    panel.page.mouse.move(edge['x'] + edge['width'] / 2, 700)
    panel.page.mouse.down()
    panel.page.mouse.move(box['x'] + width + 2, 700, steps=4)
    panel.page.mouse.up()
    panel.settle()


def theme(panel: Panel, name: str) -> None:
    panel.js(f"await app.extensionManager.setting.set('Comfy.ColorPalette', {name!r})")
    panel.settle(500)


@pytest.mark.parametrize('name', ['dark', 'light'])
def test_panel(shown: Panel, folder: Path, name: str) -> None:
    theme(shown, name)
    try:
        shown.js('app.canvas.selectNode(app.graph.getNodeById(3))')
        shown.settle()
        shown.shot(folder, f'panel-{name}')
        shown.js('app.canvas.deselectAll()')

        shown.edit('steps=20', 'steps=30')
        shown.edit('image = VAEDecode(latent, vae)', 'image = VAEDecode(latent, vae)\nsharper = ImageSharpen(image, 2)')
        shown.edit('SaveImage(image', 'SaveImage(sharper')
        shown.wait_for_state('1 new node')
        shown.shot(folder, f'edited-{name}')
        shown.menu('Compare edits with the graph')
        shown.settle()
        shown.shot(folder, f'diff-{name}')
        shown.button('Back').click()

        shown.edit('cfg=8', 'cfgg=8')
        shown.wait_for_state('cfgg')
        shown.page.locator('.cm-lint-marker-error').hover()
        shown.settle(600)
        shown.shot(folder, f'error-{name}')
        shown.button('Discard').click()

        shown.edit('SaveImage(image', 'SaveImage(image, ')
        shown.page.locator('#cs-script .cm-line', has_text='VAEDecode').locator(
            'span', has_text='VAEDecode'
        ).first.hover()
        shown.page.wait_for_selector('.cs-help')
        shown.shot(folder, f'help-{name}')
        shown.page.mouse.move(900, 700)
        shown.button('Discard').click()
        made_image(shown, 64)
        shown.page.get_by_role('tab', name='Outputs').click()
        shown.settle(600)
        shown.shot(folder, f'outputs-{name}')
    finally:
        theme(shown, 'dark')


@pytest.mark.parametrize('name', ['dark', 'light'])
def test_node(shown: Panel, folder: Path, name: str) -> None:
    theme(shown, name)
    try:
        shown.js('app.canvas.selectItems([3, 5, 8].map(id => app.graph.getNodeById(id)))')
        shown.menu('Selection to one ComfyScript node')
        shown.wait_for_text('ComfyScript(')
        shown.settle(600)
        shown.js('app.canvas.deselectAll(); app.canvas.ds.offset = [870, 160]; app.canvas.setDirty(true, true)')
        shown.settle()
        shown.shot(folder, f'node-{name}')
    finally:
        theme(shown, 'dark')


def test_narrow(shown: Panel, folder: Path) -> None:
    set_width(shown, 320)
    shown.edit('steps=20', 'steps=30')
    shown.wait_for_state('1 value')
    shown.shot(folder, 'narrow-320')
    set_width(shown, 245)
    shown.shot(folder, 'narrow-245')
    assert shown.page.evaluate(
        "document.querySelector('.comfyscript').scrollWidth <= document.querySelector('.comfyscript').clientWidth"
    )
    set_width(shown, 440)


@pytest.fixture(params=[(1440, 900), (1920, 1080)], ids=['1440', '1920'])
def screen(shown: Panel, request: pytest.FixtureRequest) -> Iterator[Panel]:
    width, height = request.param
    shown.page.set_viewport_size({'width': width, 'height': height})
    shown.settle()
    yield shown
    shown.page.set_viewport_size({'width': 1400, 'height': 860})


@pytest.mark.parametrize('name', ['dark', 'light', 'solarized'])
def test_states(screen: Panel, folder: Path, name: str) -> None:
    size = screen.page.viewport_size['width']
    theme(screen, name)
    try:
        screen.edit('cfg=8', 'cfg=8.5')
        screen.wait_for_state('1 value')
        screen.js(f"app.graph.getNodeById(3).widgets.find(one => one.name === 'cfg').value = 3; {TRACK}")
        screen.page.wait_for_selector('.cs-choice')
        screen.shot(folder, f'conflict-{name}-{size}')
        screen.button("Take the graph's").click()

        line = screen.page.locator('#cs-script .cm-line', has_text='steps=').first
        line.locator('span', has_text=re.compile(r'^20$')).first.hover()
        screen.page.wait_for_selector('.cs-value')
        screen.shot(folder, f'value-{name}-{size}')
        screen.page.mouse.move(900, 700)

        screen.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        screen.page.keyboard.press('End')
        screen.page.keyboard.type('\nEmptyImage(64, ')
        screen.page.wait_for_selector('.cs-signature')
        screen.shot(folder, f'signature-{name}-{size}')
        screen.page.keyboard.press('Escape')
        screen.button('Discard').click()

        screen.js(f'app.graph.clear(); {TRACK}')
        screen.page.wait_for_selector('.cs-welcome')
        screen.shot(folder, f'empty-{name}-{size}')
    finally:
        theme(screen, 'dark')


def test_first_opening(shown: Panel, folder: Path) -> None:
    shown.close()
    shown.page.evaluate("localStorage.removeItem('ComfyScript.welcomed')")
    shown.js("await app.extensionManager.setting.set('Comfy.Locale', 'zh')")
    try:
        shown.settle(800)
        shown.open()
        shown.settle(600)
        shown.shot(folder, 'welcome-zh')
        shown.close()
    finally:
        shown.js("await app.extensionManager.setting.set('Comfy.Locale', 'en')")
        shown.settle(800)
    shown.open()
    shown.settle(600)
    shown.shot(folder, 'welcome')
