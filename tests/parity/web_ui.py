"""The real web UI in a real browser, asked what prompt it makes of a workflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, Route, sync_playwright

from comfy_script.tests.lab.paths import ROOT

ARGUMENTS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]

# A graph whose loading ended in the middle says nothing of the rules.
WATCH_LOADING = """() => {
  const { prototype } = LiteGraph.LGraph
  const { configure } = prototype
  prototype.configure = function (...given) {
    try { return configure.apply(this, given) } catch (error) { window.parityFailure = String(error); throw error }
  }
}"""

# What the panel sends of the open graph (`comfy.mjs: liveGraph`); the page allows no import of a text.
SEE_OPEN_GRAPH = """() => {
  %s
  const inputLink = (node, slot) => LiteGraph.LGraphNode.prototype.getInputLink.call(node, slot)
  window.parityOpenGraph = () => addLive(app.rootGraph, app.rootGraph.serialize(), inputLink)
}"""

# Loading goes on for a few frames: reroutes and match types settle after the first.
MAKE_PROMPT = """async (workflow) => {
  window.parityFailure = undefined;
  await app.loadGraphData(workflow);
  if (window.parityFailure) throw new Error(window.parityFailure);
  for (let frame = 0; frame < 3; frame++) await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => setTimeout(done, 80));
  const open = JSON.stringify(window.parityOpenGraph());
  return [JSON.stringify((await app.graphToPrompt()).output), open];
}"""


class WebUIError(Exception):
    """The web UI could not make a prompt of a workflow."""


class WebUI:
    def __init__(self, page: Page):
        self._page = page

    def prompt_of(self, workflow: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """`app.graphToPrompt()` of a workflow, and the open graph as the panel sends it. Raises WebUIError."""
        try:
            prompt, graph = self._page.evaluate(MAKE_PROMPT, workflow)
            return json.loads(prompt), json.loads(graph)
        except Error as error:
            raise WebUIError(str(error).splitlines()[0]) from error

    @property
    def version(self) -> str:
        return str(self._page.evaluate('window.__COMFYUI_FRONTEND_VERSION__ ?? ""'))


@contextmanager
def open_web_ui(url: str, browser: Path, object_info: str | None = None) -> Iterator[WebUI]:
    """The web UI of a server, shown the given `/object_info` instead of the server's where there is one."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(browser), args=ARGUMENTS)
        try:
            page = chromium.new_page()
            page.set_default_timeout(60_000)
            if object_info is not None:

                def answer(route: Route) -> None:
                    route.fulfill(body=object_info, content_type='application/json')

                page.route('**/object_info', answer)
            page.goto(url)
            page.wait_for_function('window.app?.graph && window.app.vueAppReady', timeout=180_000)
            page.wait_for_timeout(3000)
            page.evaluate(WATCH_LOADING)
            live = (ROOT / 'js' / 'panel' / 'live.mjs').read_text(encoding='utf-8')
            page.evaluate(SEE_OPEN_GRAPH % live.replace('export function', 'function'))
            yield WebUI(page)
        finally:
            chromium.close()
