"""One browser and one server for all tests of the panel; every test starts from a graph it loads itself."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.tests.conftest import ROOT, Lab, _server_factory
from comfy_script.tests.lab.server import Server

FLAGS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--force-color-profile=srgb',
]  # fmt: skip
# By class in older frontends, by test id in newer ones.
TAB = '.comfyscript-tab-button, [data-testid=comfyscript-tab-button]'
APP = 'window.comfyAPI.app.app'
# The answer to a prompt that the tests let the server refuse.
NOISE = re.compile(r'Failed to load resource')
# A deprecation is warned of by the frontend's own file: whose call it was is on the stack.
DEPRECATIONS = """
const { warn } = console
console.warn = (...words) => {
  const from = new Error().stack.split('\\n').find(line => line.includes('/extensions/ComfyScript/'))
  if (from && words.some(word => /deprecat/i.test(word))) warn(`comfyscript is deprecated: ${words[0]} ${from}`)
  else warn(...words)
}
"""
# "Nodes 2.0" of newer frontends.
VUE_NODES = """
const { setting } = app.extensionManager
if (argument !== Boolean(setting.get('Comfy.VueNodes.Enabled'))) await setting.set('Comfy.VueNodes.Enabled', argument)
"""
LOAD = 'await app.loadGraphData(argument[0], true, true, argument[1])'
TRACK = (
    'const tracker = app.extensionManager.workflow.activeWorkflow.changeTracker;'
    ' (tracker.captureCanvasState ?? tracker.checkState).call(tracker);'
)


def chromium() -> str:
    """The browser's path; skips where there is none."""
    for name in (os.environ.get('COMFYSCRIPT_CHROMIUM'), 'chromium', 'chromium-browser', 'google-chrome', 'chrome'):
        found = name and shutil.which(name)
        if found:
            return found
    pytest.skip('no Chromium: name one in COMFYSCRIPT_CHROMIUM')


def data(name: str) -> Any:
    return json.loads((ROOT / 'tests' / 'data' / name).read_text(encoding='utf-8'))


def small_workflow(cfg: float = 8) -> dict[str, Any]:
    """Text to image that takes a tenth of a second: 64 x 64, 2 steps."""
    workflow = data('default_workflow.json')
    for node in workflow['nodes']:
        if node['type'] == 'EmptyLatentImage':
            node['widgets_values'] = [64, 64, 1]
        if node['type'] == 'KSampler':
            node['widgets_values'][:4] = [1, 'fixed', 2, cfg]
        if node['type'] == 'SaveImage':
            node['widgets_values'] = ['panel']
    return workflow


class Panel:
    """The panel as a user sees it, and the graph behind it."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page = page
        self.server = server
        self.problems: list[str] = []
        page.add_init_script(DEPRECATIONS)
        page.on('console', self._console)
        page.on('pageerror', lambda error: self.problems.append(f'{error}\n{error.stack}'))

    def _console(self, message: Any) -> None:
        """Errors and warnings by us, or about us (such as a deprecation that names our file)."""
        about = f'{message.text} {json.dumps(message.location)}'.lower()
        if message.type in ('error', 'warning') and 'comfyscript' in about and not NOISE.search(message.text):
            self.problems.append(message.text)

    # The page

    def forget(self) -> None:
        """Leaves the page, and nothing of it in the browser."""
        self.page.goto(f'{self.server.url}/system_stats')
        self.page.evaluate('localStorage.clear(); sessionStorage.clear()')

    def goto(self) -> None:
        self.page.goto(self.server.url)
        self.page.wait_for_selector('#graph-canvas')
        self.page.wait_for_selector(TAB)
        self.page.wait_for_function(f'{APP}.extensionManager?.workflow && {APP}.graph != null')
        # Else one caller's warning hides those of the others.
        self.page.evaluate('LiteGraph.alwaysRepeatWarnings = true')
        self.settle(500)

    def js(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(f'async argument => {{ const app = {APP}; {script} }}', argument)

    def load(self, workflow: Any, name: str | None = None) -> None:
        self.js(LOAD, [workflow, name])
        self.settle()

    def open(self) -> None:
        if not self.is_open():
            self.page.click(TAB)
        self.page.wait_for_selector('.comfyscript .cm-content')
        self.settle()

    def rest(self) -> None:
        """What an earlier test queued has ended: ComfyUI's messages of it would be taken for this one's."""
        self.until(lambda: not any(self.server.get('/queue').values()), 60)

    def start(self, workflow: Any) -> None:
        """Loads it and opens the panel, until that has its script."""
        self.js(LOAD, [workflow, None])
        self.page.click(TAB)
        self.wait_for_text('SaveImage', timeout=20_000)
        self.wait_for_state('Matches the graph')

    def close(self) -> None:
        if self.is_open():
            self.page.click(TAB)
            self.page.wait_for_selector('.comfyscript', state='detached')

    def is_open(self) -> bool:
        return self.page.query_selector('.comfyscript') is not None

    def settle(self, milliseconds: int = 350) -> None:
        self.page.wait_for_timeout(milliseconds)

    def until(self, holds: Callable[[], Any], seconds: float = 10) -> None:
        """For what takes as long as the machine needs."""
        for _ in range(round(seconds * 20)):
            if holds():
                return
            self.settle(50)
        assert holds()

    def shows(self, selector: str, part: str) -> None:
        """Waits until what the selector finds has this text in it."""
        self.page.locator(selector).filter(has_text=part).wait_for()

    def button(self, name: str) -> Any:
        return self.page.locator('.comfyscript').get_by_role('button', name=name, exact=True)

    def menu(self, item: str) -> None:
        self.button('More').click()
        self.page.locator('.comfyscript').get_by_role('menuitem', name=item, exact=True).click()

    # The script

    def text(self) -> str:
        return self.page.evaluate(
            "document.querySelector('#cs-script .cm-content').cmTile?.view?.state.doc.toString()"
            " ?? document.querySelector('#cs-script .cm-content').cmView.view.state.doc.toString()"
        )

    def lines(self) -> list[str]:
        return self.text().split('\n')

    def wait_for_text(self, part: str, timeout: float = 5000) -> None:
        self.page.wait_for_function(
            """part => { const content = document.querySelector('#cs-script .cm-content')
            return (content?.cmTile?.view ?? content?.cmView?.view)?.state.doc.toString().includes(part) }""",
            arg=part, timeout=timeout,
        )  # fmt: skip

    def edit(self, old: str, new: str) -> None:
        """Puts the cursor on the first `old`, selects it and types `new`."""
        self.page.evaluate(
            """([old, fresh]) => { const content = document.querySelector('#cs-script .cm-content')
            const view = content.cmTile?.view ?? content.cmView.view
            const from = view.state.doc.toString().indexOf(old)
            if (from < 0) throw new Error('not in the script: ' + old)
            view.focus()
            const changes = { from, to: from + old.length, insert: fresh }
            view.dispatch({ changes, selection: { anchor: from + fresh.length }, userEvent: 'input.type' }) }""",
            [old, new],
        )

    def state(self) -> str:
        return self.page.inner_text('.cs-state').replace('\n', ' ')

    def wait_for_state(self, part: str, timeout: float = 6000) -> None:
        self.page.wait_for_function(
            "part => document.querySelector('.cs-state')?.innerText.replace(/\\n/g, ' ').includes(part)",
            arg=part,
            timeout=timeout,
        )

    def apply(self, announced: str) -> None:
        """Applies the text once the panel says what that would change, and waits until it is done."""
        self.wait_for_state(announced)
        self.button('Apply').click()
        self.wait_for_state('Matches the graph')

    def marked(self, kind: str) -> list[str]:
        return self.page.eval_on_selector_all(f'.cs-line-{kind}', 'lines => lines.map(line => line.textContent)')

    # The graph

    def group(self, title: str, *ids: int) -> None:
        """Puts nodes into a new group, and waits for its heading."""
        self.js(
            f"""const group = new LiteGraph.LGraphGroup(argument.title)
            app.graph.add(group)
            group.resizeTo(argument.ids.map(id => app.graph.getNodeById(id)), 20); {TRACK}""",
            {'title': title, 'ids': ids},
        )
        self.wait_for_text(f'# {title}')

    def graph(self) -> dict[str, Any]:
        return self.js('return JSON.parse(JSON.stringify(app.graph.serialize()))')

    def prompt(self) -> dict[str, Any]:
        return self.js('return (await app.graphToPrompt()).output')

    def widget(self, node: int, name: str) -> Any:
        return self.js(f'return app.graph.getNodeById({node}).widgets.find(w => w.name === {name!r}).value')

    def set_widget(self, node: int, name: str, value: Any) -> None:
        """As the page does when a user enters a value."""
        self.js(
            f"""const node = app.graph.getNodeById({node}); const widget = node.widgets.find(w => w.name === {name!r})
            widget.value = argument; widget.callback?.(argument); {TRACK}""",
            value,
        )

    def undo(self) -> None:
        self.js('await app.extensionManager.workflow.activeWorkflow.changeTracker.undo()')
        self.settle()

    def shot(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(folder / f'{name}.png'))


# For all modules of this folder; ended with it, as Playwright's loop stands in the way of others'.


@pytest.fixture(scope='package')
def playwright() -> Iterator[Any]:
    sync_api = pytest.importorskip('playwright.sync_api')
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope='package')
def browser(playwright: Any) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope='package')
def panel_server(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """The session's server, or one with the frontend whose `static` folder COMFYSCRIPT_FRONTEND names."""
    frontend = os.environ.get('COMFYSCRIPT_FRONTEND')
    if not frontend:
        yield request.getfixturevalue('server')
        return
    servers = _server_factory(lab, tmp_path_factory)
    yield next(servers)(args=['--front-end-root', frontend])
    next(servers, None)


@pytest.fixture(scope='package')
def panel_of_all(browser: Any, panel_server: Server) -> Iterator[Panel]:
    """One tab: a page that is opened again in it needs a third of the time."""
    context = browser.new_context(bypass_csp=True, permissions=['clipboard-read', 'clipboard-write'])
    yield Panel(context.new_page(), panel_server)
    context.close()


@pytest.fixture(scope='module')
def opened(panel_of_all: Panel) -> Iterator[Panel]:
    """The page as it is opened the first time."""
    panel = panel_of_all
    panel.page.unroute_all(behavior='ignoreErrors')
    panel.page.set_viewport_size({'width': 1400, 'height': 860})
    panel.forget()
    panel.goto()
    panel.js(VUE_NODES, os.environ.get('COMFYSCRIPT_VUE_NODES') == '1')
    yield panel
    panel.js(VUE_NODES, False)


@pytest.fixture
def panel(opened: Panel) -> Iterator[Panel]:
    """The open panel with the default graph; nothing of the test before is left."""
    # It keeps its edits as it closes.
    opened.close()
    opened.page.evaluate(
        "for (const key of Object.keys(localStorage)) if (key.startsWith('ComfyScript.')) localStorage.removeItem(key);"
        "localStorage.setItem('ComfyScript.welcomed', '1')"
    )
    opened.rest()
    opened.start(small_workflow())
    opened.problems.clear()
    yield opened
    assert not opened.problems
