"""What can be read in the panel, in each of ComfyUI's palettes and at each width."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from comfy_script.tests.js.conftest import Panel, data, small_workflow
from comfy_script.tests.js.test_screenshots import set_width

pytestmark = [pytest.mark.browser, pytest.mark.server]

# Of everything that has a text of its own against what is behind it.
CONTRASTS = """
const brush = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
const paint = colors => {
  brush.clearRect(0, 0, 1, 1)
  for (const color of colors) { brush.fillStyle = color; brush.fillRect(0, 0, 1, 1) }
  const parts = [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => part / 255)
  const [r, g, b] = parts.map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
}
const behind = element => {
  const colors = []
  for (let at = element; at; at = at.parentElement) colors.unshift(getComputedStyle(at).backgroundColor)
  return colors
}
const own = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
const shown = element => element.getClientRects().length && getComputedStyle(element).opacity === '1'
const seen = [...document.querySelectorAll('.comfyscript *')].filter(one => own(one) && shown(one) && !one.disabled)
return Object.fromEntries(seen.map(element => {
  const [text, ground] = [paint([...behind(element), getComputedStyle(element).color]), paint(behind(element))]
  return [element.textContent.trim().slice(0, 40), Math.max(text, ground) / Math.min(text, ground)]
}))
"""


@pytest.mark.parametrize('palette', ['dark', 'light', 'solarized', 'arc', 'nord', 'github'])
def test_everything_is_readable_in_every_palette(panel: Panel, palette: str) -> None:
    panel.js("await app.extensionManager.setting.set('Comfy.ColorPalette', argument)", palette)
    try:
        set_width(panel, 440)
        panel.edit('image = VAEDecode', '# to pixels\nimage = VAEDecode')
        panel.edit('steps=2', 'steps=3')
        panel.wait_for_state('1 value')
        contrasts = panel.js(CONTRASTS)
        panel.page.get_by_role('tab', name='Outputs').click()
        panel.settle()
        contrasts |= panel.js(CONTRASTS)
    finally:
        panel.js("await app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")

    assert {'KSampler', "'euler'", '# to pixels', 'Run', 'Apply', 'Discard', 'Outputs', '5'} <= contrasts.keys()
    # What the guidelines for web content ask of text.
    assert {word: round(contrast, 2) for word, contrast in contrasts.items() if contrast < 4.5} == {}


@pytest.fixture
def narrow(panel: Panel) -> Iterator[Panel]:
    panel.load(data('default_workflow.json'))
    panel.wait_for_text('512')
    yield panel
    set_width(panel, 440)


def test_names_of_inputs_given_by_position(panel: Panel) -> None:
    names = "[...document.querySelectorAll('#cs-script .cs-inlay')].map(one => one.textContent)"
    assert panel.page.evaluate(names) == []
    panel.js("await app.extensionManager.setting.set('ComfyScript.Panel.InlayNames', true)")
    try:
        panel.page.wait_for_selector('#cs-script .cs-inlay')
        text = panel.text()
        assert {'ckpt_name:', 'text:', 'width:', 'height:', 'filename_prefix:'} <= set(panel.page.evaluate(names))
        # Where a variable says it already, it is not said again.
        assert 'model:' not in panel.page.evaluate(names)
        assert panel.text() == text
    finally:
        panel.js("await app.extensionManager.setting.set('ComfyScript.Panel.InlayNames', false)")
    panel.page.wait_for_selector('#cs-script .cs-inlay', state='detached')


@pytest.mark.parametrize('width', [310, 350, 400])
def test_no_line_begins_with_nothing(narrow: Panel, width: int) -> None:
    """A long word goes on in the next line rather than leave one empty."""
    narrow.edit('model, clip, vae', 'for x in (1,):\n        y = 1\n\nmodel, clip, vae')
    line = next(line for line in narrow.lines() if 'CheckpointLoaderSimple' in line)
    name = 'a_name_without_any_place_to_break_it_at_all_that_is_long'
    narrow.edit(line, f"model, clip, vae = CheckpointLoaderSimple(\n        '{name}'\n)")
    set_width(narrow, width)
    empty = narrow.page.evaluate(
        """name => { const line = [...document.querySelectorAll('#cs-script .cm-line')]
          .find(one => one.textContent.includes(name))
        const range = document.createRange()
        const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT)
        const tops = []
        for (let node; (node = walker.nextNode());) for (let at = 0; at < node.length; at++) {
          range.setStart(node, at); range.setEnd(node, at + 1)
          const [box] = range.getClientRects()
          if (box && node.data[at].trim()) tops.push(box.top) }
        return Math.min(...tops) - line.getBoundingClientRect().top }""",
        name,
    )
    assert empty < 12


def test_an_image_that_a_node_holds_takes_no_room(panel: Panel) -> None:
    image = 'data:image/png;base64,' + 'AB+/' * 100_000
    panel.set_widget(6, 'text', image)
    panel.page.wait_for_selector('#cs-script .cs-long')
    assert image in panel.text()
    assert '… 400,022 characters' in panel.page.inner_text('#cs-script')
    assert panel.page.evaluate("document.querySelector('#cs-script .cm-content').scrollHeight") < 2000
    panel.edit('steps=2', 'steps=6')
    panel.apply('1 value')
    assert (panel.widget(3, 'steps'), panel.widget(6, 'text')) == (6, image)
    # One character for the cursor.
    panel.edit('CLIPTextEncode(', 'CLIPTextEncode(')
    for _ in range(9):  # it may be in the next line
        if panel.page.locator('#cs-script .cs-long').count():
            panel.page.keyboard.press('Delete')
    panel.page.keyboard.insert_text('"a cat"')
    panel.apply('1 value')
    assert panel.widget(6, 'text') == 'a cat'


def test_words_of_the_editor_are_comfyuis(panel: Panel) -> None:
    panel.close()
    panel.js("await app.extensionManager.setting.set('Comfy.Locale', 'zh')")
    try:
        panel.load(small_workflow())
        panel.settle(800)
        panel.open()
        panel.page.focus('#cs-script .cm-content')
        panel.page.keyboard.press('Control+f')
        panel.page.wait_for_selector('.cm-search')
        assert '区分大小写' in panel.page.inner_text('.cm-search')
        assert panel.page.get_attribute('.cm-search [name=search]', 'placeholder') == '查找'
        # What the server says of the script has words of its own, too.
        panel.edit('steps=2', 'steps=20000')
        panel.wait_for_state('steps 最多为 10000')
    finally:
        panel.js("await app.extensionManager.setting.set('Comfy.Locale', 'en')")
        panel.close()
        panel.settle(800)
