"""The page's files: one version at a time, whatever browsers keep."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from comfy_script.host.web import WebFolder, add_routes
from comfy_script.tests.lab.paths import ROOT

FILES = {
    'page.js': b"import './node/own.mjs'",
    'node/own.mjs': b'export const a = 1',
    'panel.css': b'p {}',
    'docs/Node.md': b'# Node',
}


@pytest.fixture
async def client():
    """An aiohttp server as ComfyUI sets it up: packs' routes, then a static route for the same address."""
    app = web.Application()
    routes = web.RouteTableDef()
    add_routes(routes, 'Pack', WebFolder(FILES))
    app.add_routes(routes)
    app.add_routes([web.static('/extensions/Pack', ROOT / 'js')])
    async with TestClient(TestServer(app)) as client:
        yield client


async def get(client, path):
    answer = await client.get(f'/extensions/Pack/{path}')
    return answer.status, (await answer.text()).strip(), answer.headers.get('Cache-Control', '')


@pytest.mark.parametrize(('path', 'leads_to'), [('page.js', './{}/page.js'), ('node/own.mjs', '../{}/node/own.mjs')])
async def test_a_scripts_plain_address_leads_to_this_versions(client, path, leads_to):
    tag = WebFolder(FILES).tag

    assert await get(client, path) == (200, f'export * from "{leads_to.format(tag)}"', 'no-cache')
    status, text, keeping = await get(client, f'{tag}/{path}')
    assert (status, text) == (200, FILES[path].decode())
    assert 'immutable' in keeping


async def test_other_files_are_themselves_at_their_plain_address(client):
    assert await get(client, 'docs/Node.md') == (200, '# Node', 'no-cache')


@pytest.mark.parametrize('path', ['0123456789abcdef/page.js', 'none.js', '../__init__.py', '%2e%2e/__init__.py', ''])
async def test_nothing_else_is_there(client, path):
    """Also no file of another version: a page of that version must not go on with files of this one."""
    assert (await get(client, path))[0] == 404


async def test_scripts_have_the_type_that_browsers_ask_of_modules(client):
    for path in ('page.js', 'node/own.mjs'):
        answer = await client.get(f'/extensions/Pack/{path}')
        assert answer.content_type == 'text/javascript'


def test_the_folders_name_follows_names_and_contents():
    tags = [
        WebFolder(files).tag
        for files in (
            FILES,
            FILES | {'panel.css': b'p { }'},
            FILES | {'panel.css': b'q { }'},
            {('other.js' if path == 'page.js' else path): body for path, body in FILES.items()},
            {path: body for path, body in FILES.items() if path != 'panel.css'},
        )
    ]
    assert len(set(tags)) == len(tags)
    assert WebFolder(dict(reversed(FILES.items()))).tag == tags[0]


def test_every_file_that_comfyui_would_serve_is_served():
    folder = WebFolder.read(ROOT / 'js')
    for file in (ROOT / 'js').rglob('*.*'):
        path = file.relative_to(ROOT / 'js').as_posix()
        served = folder.find(f'{folder.tag}/{path}')
        assert served is not None
        assert served.body == file.read_bytes()


def test_no_script_has_a_default_export():
    """`export *`, which leads from plain addresses to a version's, does not hand one over."""
    for file in (ROOT / 'js').rglob('*.*js'):
        if 'vendor' not in file.parts:
            assert 'export default' not in file.read_text(encoding='utf-8'), file
