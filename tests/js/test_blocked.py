"""Whatever file of ours a browser does not get: a saved ComfyScript node keeps its values, sockets and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_script.tests.js.conftest import ROOT
from comfy_script.tests.js.kept_node import HELD, SCRIPT, VALUES, held, js, load, make_node, open_page
from comfy_script.tests.lab.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]

IMPORT = re.compile(r"""^(?:import|export)\b[^'"]*['"](\.[^'"]+)['"]""", re.MULTILINE)


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


@pytest.fixture(scope='module')
def workflow(browser: Any, panel_server: Server) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The workflow with the node, and what a page with all files holds of it."""
    page = browser.new_page()
    open_page(page, panel_server)
    made = make_node(page)
    load(page, made)
    whole = held(page)
    page.close()
    assert whole['prompt'].items() >= VALUES.items()
    assert [name for name, _ in whole['inputs']] == ['image', 'count']
    assert whole['outputs'][0] == ['image', 'IMAGE', 1] or whole['outputs'][0][2] == 1
    yield made, whole


@pytest.mark.parametrize('name', loaded_with_the_page())
def test_a_file_that_does_not_come_takes_nothing_of_a_saved_node(browser, panel_server, workflow, name):
    made, whole = workflow
    page = browser.new_page()
    blocked: list[str] = []
    page.route(lambda url: url.endswith(f'/{name}'), lambda route: (blocked.append(name), route.abort()))
    open_page(page, panel_server)
    load(page, made)
    now = held(page)
    page.close()

    assert blocked, f'the page did not ask for {name}'
    assert now == whole


def test_what_a_page_without_any_file_of_ours_saved_is_whole_in_one_with_them(browser, panel_server, workflow):
    made, whole = workflow
    page = browser.new_page()
    page.route(lambda url: '/extensions/ComfyScript/' in url, lambda route: route.abort())
    open_page(page, panel_server)
    load(page, made)
    saved, without = js(page, 'return app.graph.serialize()'), held(page)
    page.close()
    assert without['inputs'] == whole['inputs'], 'links, also those into widgets, stay in the page that has no file'
    assert without['prompt']['count'] == whole['prompt']['count']

    page = browser.new_page()
    open_page(page, panel_server)
    load(page, saved)
    now = held(page)
    page.close()
    assert now == whole


@pytest.mark.parametrize('name', ['script_editor.mjs', 'codemirror.mjs'])
def test_where_the_editor_does_not_come_the_text_field_stays(browser, panel_server, name):
    page = browser.new_page()
    with page.expect_event('requestfailed', lambda request: request.url.endswith(f'/{name}')):
        page.route(lambda url: url.endswith(f'/{name}'), lambda route: route.abort())
        open_page(page, panel_server)
        make_node(page)
    js(page, "app.canvas.centerOnNode(app.graph.nodes.find(node => node.comfyClass === 'ComfyScript'))")
    field = page.locator('textarea.comfyscript-node-text')
    field.click()
    field.press('Control+End')
    page.keyboard.type('# typed')
    script = js(page, HELD)['prompt']['script']
    page.close()
    assert script == f'{SCRIPT}# typed'
