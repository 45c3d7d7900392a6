"""Whatever file of ours a browser does not get: a saved ComfyScript node keeps its values, sockets and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from comfy_script.tests.js.conftest import ROOT, Panel
from comfy_script.tests.js.kept_node import HELD, SCRIPT, VALUES, held, js, load, make_node, open_page

pytestmark = [pytest.mark.browser, pytest.mark.server]

IMPORT = re.compile(r"""^(?:import|export)\b[^'"]*['"](\.[^'"]+)['"]""", re.MULTILINE)

PLACE = '/extensions/ComfyScript/'


def loaded_with_the_page() -> list[str]:
    """The files that ComfyUI imports, and what they import."""
    js = ROOT / 'js'
    found: list[str] = []
    waiting = sorted(js.rglob('*.js'))
    while waiting:
        file = waiting.pop(0)
        name = file.relative_to(js).as_posix()
        if name not in found:
            found.append(name)
            waiting += [(file.parent / path).resolve() for path in IMPORT.findall(file.read_text(encoding='utf-8'))]
    return found


class Visits:
    """One tab, opened anew each time: Playwright's routes would turn its cache off."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._devtools = panel.page.context.new_cdp_session(panel.page)
        self._devtools.send('Network.enable')

    def all(self) -> Any:
        self._block()
        return self._open()

    @contextmanager
    def without(self, pattern: str) -> Iterator[Any]:
        """A page that does not get our files of that name."""
        failed: list[str] = []
        note = lambda request: failed.append(request.url) if PLACE in request.url else None
        self._block(f'*{PLACE}*{pattern}')
        self._panel.page.on('requestfailed', note)
        try:
            yield self._open()
        finally:
            self._panel.page.remove_listener('requestfailed', note)
            self._block()
        assert failed, f'the page did not ask for {pattern}'

    def _block(self, *patterns: str) -> None:
        self._devtools.send('Network.setBlockedURLs', {'urls': patterns})

    def _open(self) -> Any:
        self._panel.forget()
        open_page(self._panel.page, self._panel.server)
        return self._panel.page


@pytest.fixture(scope='module')
def visits(opened: Panel) -> Visits:
    return Visits(opened)


@pytest.fixture(scope='module')
def workflow(visits: Visits) -> tuple[dict[str, Any], dict[str, Any]]:
    """The workflow with the node, and what a page with all files holds of it."""
    page = visits.all()
    made = make_node(page)
    load(page, made)
    whole = held(page)
    assert whole['prompt'].items() >= VALUES.items()
    assert [name for name, _ in whole['inputs']] == ['image', 'count']
    assert whole['outputs'][0] == ['image', 'IMAGE', 1] or whole['outputs'][0][2] == 1
    return made, whole


@pytest.mark.parametrize('name', loaded_with_the_page())
def test_a_file_that_does_not_come_takes_nothing_of_a_saved_node(visits, workflow, name):
    made, whole = workflow
    with visits.without(name) as page:
        load(page, made)
        assert held(page) == whole


def test_what_a_page_without_any_file_of_ours_saved_is_whole_in_one_with_them(visits, workflow):
    made, whole = workflow
    with visits.without('*') as page:
        load(page, made)
        saved, without = js(page, 'return app.graph.serialize()'), held(page)
    assert without['inputs'] == whole['inputs'], 'links, also those into widgets, stay in the page that has no file'
    assert without['prompt']['count'] == whole['prompt']['count']

    page = visits.all()
    load(page, saved)
    assert held(page) == whole


@pytest.mark.parametrize('name', ['node/script_editor.mjs', 'vendor/codemirror.mjs'])
def test_where_the_editor_does_not_come_the_text_field_stays(visits, name):
    with visits.without(name) as page:
        make_node(page)
        js(page, "app.canvas.centerOnNode(app.graph.nodes.find(node => node.comfyClass === 'ComfyScript'))")
        field = page.locator('textarea.comfyscript-node-text')
        field.click()
        field.press('Control+End')
        page.keyboard.type('# typed')
        script = js(page, HELD)['prompt']['script']
    assert script == f'{SCRIPT}# typed'
