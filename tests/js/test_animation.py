"""The animation of the README: a line is edited, applied, and the graph changes.

`COMFYSCRIPT_SCREENSHOTS=docs/images` writes it there, else into a temporary folder.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_script.tests.js.conftest import Panel, data
from comfy_script.tests.js.test_screenshots import set_width, theme

pytestmark = [pytest.mark.browser, pytest.mark.server]

WIDTH = 1000
ADDED = "\nimage2 = ImageInvert(image)\nSaveImage(image2, 'inverted')"


class Film:
    """Frames of the page, each with the milliseconds that it stays."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.frames: list[Image.Image] = []
        self.times: list[int] = []

    def shot(self, milliseconds: int) -> None:
        image = Image.open(io.BytesIO(self.panel.page.screenshot(clip={'x': 0, 'y': 40, 'width': 1400, 'height': 760})))
        self.frames.append(image.convert('RGB').resize((WIDTH, WIDTH * 760 // 1400), Image.Resampling.LANCZOS))
        self.times.append(milliseconds)

    def save(self, file: Path) -> None:
        first, *others = self.frames
        first.save(file, save_all=True, append_images=others, duration=self.times, loop=0, quality=70, method=6)


def type_at_end(panel: Panel, film: Film, text: str, pieces: int) -> None:
    size = -(-len(text) // pieces)
    for start in range(0, len(text), size):
        panel.page.evaluate(
            """piece => { const content = document.querySelector('#cs-script .cm-content')
            const view = content.cmTile?.view ?? content.cmView.view
            const end = view.state.doc.length
            view.focus()
            view.dispatch({ changes: { from: end, insert: piece }, selection: { anchor: end + piece.length },
                            scrollIntoView: true, userEvent: 'input.type' }) }""",
            text[start : start + size],
        )
        panel.settle(60)
        film.shot(140)


def test_an_edit_becomes_a_graph(panel: Panel, tmp_path: Path) -> None:
    workflow: dict[str, Any] = data('default_workflow.json')
    panel.load(workflow)
    set_width(panel, 440)
    theme(panel, 'dark')
    banner = panel.page.get_by_role('button', name='Try it out').locator('xpath=ancestor::div[2]//button').last
    if banner.is_visible():
        banner.click()
    # Titles and values stay readable as far out as this.
    panel.js("""
        Object.assign(app.canvas, { low_quality_zoom_threshold: 0.1, min_font_size_for_lod: 0 })
        app.canvas.ds.scale = 0.55
        app.canvas.ds.offset = [900, 180]
        app.canvas.setDirty(true, true)
    """)
    panel.page.mouse.move(900, 760)
    panel.settle(500)

    film = Film(panel)
    film.shot(1600)
    for old, new in (('steps=20', 'steps=2'), ('steps=2', 'steps=28')):
        panel.edit(old, new)
        panel.settle(80)
        film.shot(350)
    type_at_end(panel, film, ADDED, 14)
    panel.wait_for_state('2')
    panel.settle(400)
    film.shot(1200)
    panel.button('Apply').click()
    panel.wait_for_state('Matches the graph')
    for _ in range(3):
        panel.settle(150)
        film.shot(250)
    panel.js("""
        const nodes = app.graph.nodes, left = Math.min(...nodes.map(node => node.pos[0]))
        const right = Math.max(...nodes.map(node => node.pos[0] + node.size[0]))
        app.canvas.ds.scale = 860 / (right - left)
        app.canvas.ds.offset = [520 / app.canvas.ds.scale - left, 100 / app.canvas.ds.scale - 100]
        app.canvas.setDirty(true, true)
    """)
    panel.settle(500)
    film.shot(3500)

    types = [node['type'] for node in panel.graph()['nodes']]
    assert types.count('SaveImage') == 2
    assert 'ImageInvert' in types
    assert panel.widget(3, 'steps') == 28
    folder = Path(os.environ.get('COMFYSCRIPT_SCREENSHOTS') or tmp_path)
    file = folder / 'apply.webp'
    film.save(file)
    assert file.stat().st_size <= 2 * 2**20
