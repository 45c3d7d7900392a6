"""The real web UI in a real browser, asked what prompt it makes of a workflow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, Request, Route, sync_playwright

from comfy_script.panel.kept_graphs import KeptGraphs
from comfy_script.tests.parity.seen import Panel, Seen

ARGUMENTS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]

# A graph whose loading ended in the middle says nothing of the rules for files.
WATCH_LOADING = """() => {
  const { prototype } = LiteGraph.LGraph
  const { configure } = prototype
  prototype.configure = function (...given) {
    try { return configure.apply(this, given) } catch (error) { window.parityFailure = String(error); throw error }
  }
}"""

# The panel's own modules, as the server names their files.
LOAD_PANEL = """async () => {
  const entry = await (await fetch('/extensions/ComfyScript/comfyscript.js')).text();
  const [, version] = entry.match(/\\.\\/([0-9a-f]{16})\\//);
  const load = (name) => import(`/extensions/ComfyScript/${version}/panel/${name}.mjs`);
  const [{ openGraph }, server] = [await load('graph_script'), await load('server')];
  window.parityAsk = async () => server.transpile(await openGraph());
  window.parityRead = async (script) => server.readScript(script, await openGraph());
}"""

# The script that the panel would show of the open graph, and the prompt that it would run it as.
ASK_PANEL = 'async () => { const { script } = await parityAsk(); return [script, await parityRead(script)] }'

# Loading goes on for a few frames: reroutes and match types settle after the first.
OPEN = """async (workflow) => {
  window.parityFailure = undefined;
  await app.loadGraphData(workflow);
  for (let frame = 0; frame < 3; frame++) await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => setTimeout(done, 80));
}"""

# Two prompts with two draws: what differs was drawn, and is told with what its widget held before; so is a text with
# names that are filled in from anywhere in the graph.
MAKE_PROMPT = """async () => {
  const widgets = [];
  const visit = (graph, prefix) => {
    for (const node of graph.nodes) {
      const id = prefix + node.id;
      for (const widget of node.widgets ?? []) widgets.push([id, widget, widget.value]);
      if (node.subgraph) visit(node.subgraph, id + ':');
    }
  };
  visit(app.rootGraph, '');
  const { random } = Math;
  const draw = async (number) => {
    Math.random = () => number;
    try { return (await app.graphToPrompt()).output } finally { Math.random = random }
  };
  const text = JSON.stringify(await draw(0));
  const now = Date.now();
  for (const [, widget, value] of widgets) if (widget.value !== value) widget.value = value;
  const other = JSON.parse(JSON.stringify(await draw(0.5)));
  const drawn = [];
  for (const [id, { inputs }] of Object.entries(JSON.parse(text))) {
    for (const name of Object.keys(inputs)) {
      const [, , held] = widgets.find(([of, widget]) => of === id && widget.name === name) ?? [];
      const filled = typeof held === 'string' && held.includes('%') && held !== inputs[name];
      const same = JSON.stringify(inputs[name]) === JSON.stringify(other[id]?.inputs[name]);
      if (held !== undefined && (filled || !same)) drawn.push([id, name, held]);
    }
  }
  return [text, JSON.stringify(drawn), now, window.parityFailure ?? null];
}"""

TOLD = ('since', 'changes', 'keep')
"""What a request has instead of a whole workflow."""

MOST_WORKFLOWS = 100
"""Of one page: packs keep what they made for earlier ones."""


class WebUIError(Exception):
    """The web UI could not make a prompt of a workflow."""


class WebUI:
    def __init__(self, browser: Browser, url: str, object_info: str | None, panel: bool):
        self._browser = browser
        self._url = url
        self._object_info = object_info
        self._panel = panel
        self._graphs = KeptGraphs()
        self._count = 0
        self._page = self._new_page()

    def prompt_of(self, workflow: dict[str, Any]) -> Seen:
        """Raises WebUIError."""
        if self._count >= MOST_WORKFLOWS:
            self._renew()
        try:
            return self._ask(workflow)
        except Error:
            # Perhaps an earlier one has left something.
            self._renew()
        try:
            return self._ask(workflow)
        except Error as error:
            raise WebUIError(str(error).splitlines()[0]) from error

    def _ask(self, workflow: dict[str, Any]) -> Seen:
        self._count += 1
        self._page.evaluate(OPEN, workflow)
        panel = self._ask_panel() if self._panel else None
        prompt, drawn, now, failure = self._page.evaluate(MAKE_PROMPT)
        found = tuple((id, name, value) for id, name, value in json.loads(drawn))
        return Seen(json.loads(prompt), found, datetime.fromtimestamp(now / 1000), failure, panel)

    def _ask_panel(self) -> Panel:
        requests: list[Request] = []

        def keep(request: Request) -> None:
            requests.append(request)

        self._page.on('request', keep)
        try:
            script, read = self._page.evaluate(ASK_PANEL)
        finally:
            self._page.remove_listener('request', keep)
        asked: Mapping[str, Any] = {}
        for request in requests:
            # Each may be the one that the next tells changes of.
            if '/comfyscript/' in request.url and request.post_data:
                completed = self._graphs.complete(request.post_data_json)
                asked = completed if request.url.endswith('/transpile') else asked
        return Panel({key: value for key, value in asked.items() if key not in TOLD}, script, read)

    @property
    def version(self) -> str:
        return str(self._page.evaluate('window.__COMFYUI_FRONTEND_VERSION__ ?? ""'))

    def _renew(self) -> None:
        self._page.close()
        self._count = 0
        self._page = self._new_page()

    def _new_page(self) -> Page:
        page = self._browser.new_page()
        page.set_default_timeout(60_000)
        page.on('dialog', lambda dialog: dialog.dismiss())
        if self._object_info is not None:

            def answer(route: Route) -> None:
                route.fulfill(body=self._object_info or '', content_type='application/json')

            page.route('**/object_info', answer)
        page.goto(self._url)
        page.wait_for_function('window.app?.graph && window.app.vueAppReady', timeout=180_000)
        page.wait_for_timeout(3000)
        page.evaluate(WATCH_LOADING)
        if self._panel:
            page.evaluate(LOAD_PANEL)
        return page


@contextmanager
def open_web_ui(url: str, browser: Path, object_info: str | None = None, panel: bool = False) -> Iterator[WebUI]:
    """The web UI of a server, shown the given `/object_info` instead of the server's where there is one.

    `panel`: the server has ComfyScript, whose panel is asked too.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(browser), args=ARGUMENTS)
        try:
            yield WebUI(chromium, url, object_info, panel)
        finally:
            chromium.close()
