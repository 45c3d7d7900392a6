"""What a change of the graph costs with the panel open, and what a key costs in its editor.

    python dev.py bench panel [NODES...]

Refresh: one value is changed, eight times. `server` is from the request to its answer, `page` what the page itself
works before and after, `seen` the time from the change to the new text, `long` the longest task of the page (below
50 ms: 0).
Typing: from a key to the end of the frame that shows it, all nodes in view: in the editor, and in ComfyUI's own
search for nodes, by turns.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from comfy_script.tests.js.conftest import FLAGS, TRACK, Panel, chromium, small_workflow
from comfy_script.tests.js.test_panel import large_script
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base

ROUNDS = 8
TURNS = 4
WORD = 'sampler and then '
SEARCH = '.comfy-vue-node-search-container input, .litesearchbox input, [role=dialog] input'
CHANGE = """
    window.long = [0]
    window.observer?.disconnect()
    const note = list => window.long.push(...list.getEntries().map(entry => entry.duration))
    window.observer = new PerformanceObserver(note)
    window.observer.observe({ entryTypes: ['longtask'] })
    const node = app.graph.getNodeById(argument[0])
    node.widgets.find(widget => widget.name === 'steps').value = argument[1]
    %s
    const start = performance.now()
    const content = document.querySelector('#cs-script .cm-content')
    const text = () => (content.cmTile?.view ?? content.cmView.view).state.doc.toString()
    while (!text().includes(`steps=${argument[1]},`)) await new Promise(resolve => setTimeout(resolve, 4))
    const seen = performance.now() - start
    await new Promise(resolve => setTimeout(resolve, 50))
    const panel = await (await import('/extensions/ComfyScript/panel/panel.mjs')).openedPanel()
    return { seen, ...panel.timing, long: Math.max(...window.long) }
"""
DOUBLE_CLICK = """
    const originalEvent = new MouseEvent('dblclick', { clientX: 900, clientY: 300, bubbles: true })
    app.canvas.emitEvent({ subType: 'empty-double-click', originalEvent })
"""
LISTEN = """
    window.keys = []
    window.addEventListener('keydown', event => {
      const began = event.timeStamp
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => window.keys.push(performance.now() - began)
        port2.postMessage(0)
      })
    }, true)
"""


def main() -> None:
    from playwright.sync_api import sync_playwright

    sizes = [int(size) for size in sys.argv[1:]] or [200, 500, 2000]
    comfyui = paths.comfyui_folder()
    base = make_base(Path(tempfile.mkdtemp()), comfyui, pack_links('ComfyScript', comfyui, testing=False))
    server = Server.start(comfyui, paths.comfyui_python(), base)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            context = browser.new_context(bypass_csp=True, viewport={'width': 1400, 'height': 860})
            panel = Panel(context.new_page(), server)
            panel.goto()
            panel.load(small_workflow())
            panel.open()
            panel.js(LISTEN)
            for size in sizes:
                read = server.post('/comfyscript/prompt', {'script': large_script(size)})
                panel.load(read['workflow'])
                panel.wait_for_text(f"'number {size // 5 - 1}'", timeout=120000)
                report(size, measure_refresh(panel))
                if size <= 600:
                    report_typing(size, *measure_typing(panel))
            browser.close()
    finally:
        server.close()
        remove_base(base)


def measure_refresh(panel: Panel) -> list[dict[str, float]]:
    sampler = next(node['id'] for node in panel.graph()['nodes'] if node['type'] == 'KSampler')
    rounds: list[dict[str, float]] = []
    for step in range(ROUNDS):
        panel.settle(700)
        rounds.append(panel.js(CHANGE % TRACK, [sampler, 10 + step]))
    return rounds


def measure_typing(panel: Panel) -> tuple[list[float], list[float]]:
    """From key to frame in ms: in the editor, and in ComfyUI's search for nodes."""
    panel.js("await app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    panel.settle(1500)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        panel.page.click('#cs-script .cm-line:nth-child(3)')
        panel.page.keyboard.press('Home')
        ours += typed(panel)
        panel.page.keyboard.press('Escape')
        panel.settle(1500)
        panel.js(DOUBLE_CLICK)
        panel.page.wait_for_selector(SEARCH)
        panel.settle(1000)
        theirs += typed(panel)
        panel.page.keyboard.press('Escape')
        panel.page.wait_for_selector(SEARCH, state='hidden')
        panel.settle(1000)
    return ours, theirs


def typed(panel: Panel) -> list[float]:
    panel.js('window.keys.length = 0')
    for key in WORD:
        panel.page.keyboard.type(key)
        panel.settle(120)
    panel.settle(1000)
    return panel.js('return [...window.keys]')


def report(size: int, rounds: list[dict[str, Any]]) -> None:
    medians = ', '.join(f'{name} {statistics.median(one[name] for one in rounds):.0f} ms' for name in rounds[0])
    print(f'{size} nodes: {medians}{load()}', flush=True)


def report_typing(size: int, ours: list[float], theirs: list[float]) -> None:
    one, other = statistics.median(ours), statistics.median(theirs)
    medians = f"key to frame {one:.0f} ms, in ComfyUI's search {other:.0f} ms, ratio {one / other:.2f}"
    print(f'{size} nodes: {medians}, longest {max(ours):.0f} and {max(theirs):.0f} ms{load()}', flush=True)


def load() -> str:
    return '' if sys.platform == 'win32' else f'  (load {os.getloadavg()[0]:.1f})'


main()
