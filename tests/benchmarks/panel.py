"""What a change of the graph costs with the panel open: in the page, on the server, and until it is seen.

    python dev.py bench panel [NODES...]

One value is changed, eight times. `server` is from the request to its answer, `page` what the page itself works
before and after, `seen` the time from the change to the new text, `long` the longest task of the page (below 50 ms: 0).
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


def main() -> None:
    from playwright.sync_api import sync_playwright

    sizes = [int(size) for size in sys.argv[1:]] or [200, 500]
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
            for size in sizes:
                report(measure(panel, size), size)
            browser.close()
    finally:
        server.close()
        remove_base(base)


def measure(panel: Panel, size: int) -> list[dict[str, float]]:
    read = panel.server.post('/comfyscript/prompt', {'script': large_script(size)})
    panel.load(read['workflow'])
    panel.wait_for_text(f"'number {size // 5 - 1}'", timeout=120000)
    sampler = next(node['id'] for node in panel.graph()['nodes'] if node['type'] == 'KSampler')
    rounds: list[dict[str, float]] = []
    for step in range(ROUNDS):
        panel.settle(700)
        rounds.append(panel.js(CHANGE % TRACK, [sampler, 10 + step]))
    return rounds


def report(rounds: list[dict[str, Any]], size: int) -> None:
    medians = ', '.join(f'{name} {statistics.median(one[name] for one in rounds):.0f} ms' for name in rounds[0])
    load = '' if sys.platform == 'win32' else f'  (load {os.getloadavg()[0]:.1f})'
    print(f'{size} nodes: {medians}{load}')


main()
