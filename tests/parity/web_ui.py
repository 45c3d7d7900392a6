"""The real web UI in a real browser, asked what prompt it makes of a workflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, Route, sync_playwright

ARGUMENTS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]

# Loading goes on for a few frames: reroutes and match types settle after the first.
MAKE_PROMPT = """async (workflow) => {
  await app.loadGraphData(workflow);
  for (let frame = 0; frame < 3; frame++) await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => setTimeout(done, 80));
  return JSON.stringify((await app.graphToPrompt()).output);
}"""


class WebUIError(Exception):
    """The web UI could not make a prompt of a workflow."""


class WebUI:
    def __init__(self, page: Page):
        self._page = page

    def prompt_of(self, workflow: dict[str, Any]) -> dict[str, Any]:
        """`app.graphToPrompt()` of a workflow. Raises WebUIError."""
        try:
            return json.loads(self._page.evaluate(MAKE_PROMPT, workflow))
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
            page.wait_for_function('window.app?.graph && window.app.vueAppReady')
            page.wait_for_timeout(3000)
            yield WebUI(page)
        finally:
            chromium.close()
