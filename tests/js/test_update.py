"""An update of the pack, seen from one browser: what was made with the old version opens with the new as it was.

The old version is the last tag. As long as there is none it is the last commit before an update lost values of nodes.
Where there is no history it is made of this tree: its files are served as ComfyUI serves any, so that the browser keeps
them, and its modules call each other by other names, so that one of them beside one of the new would not even link.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.tests.conftest import Lab
from comfy_script.tests.js.conftest import FLAGS, ROOT, TAB, chromium
from comfy_script.tests.js.kept_node import VALUES, held, load, make_node, open_page
from comfy_script.tests.lab.server import Server, free_port, make_base, remove_base

pytestmark = [pytest.mark.browser, pytest.mark.server]

A_YEAR = 365 * 24 * 3600
LEFT_OUT = shutil.ignore_patterns('.*', 'tests', 'docs', 'examples', 'node_modules', '__pycache__')
FIRST = 'f075f0cb84db416d6b95718d34f2612a751ee7df'
"""Version 0.1.0: its browser files had no addresses of their own."""
IMPORTED = re.compile(r"^import \{([^}]*)\} from '(\./|\.\./)([\w/]+\.mjs)'", re.MULTILINE)
EXPORTED = re.compile(r'^export ((?:async )?(?:function|const|class) (\w+))', re.MULTILINE)
# Asked for as a whole: `import * as server`, `await import('./panel/panel.mjs')`.
AS_THEY_ARE = ('server.mjs', 'panel.mjs', 'codemirror.mjs')


def make_old(folder: Path) -> Path:
    """An old version, last changed a year ago: browsers keep a file for a tenth of its age."""
    if not any(checked_out(revision, folder) for revision in (last_tag(), FIRST)):
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        (folder / 'host' / 'web.py').unlink()
        for file in (folder / 'js').rglob('*.*js'):
            if 'vendor' not in file.parts:
                file.write_text(with_old_names(file.name, file.read_text(encoding='utf-8')), encoding='utf-8')
    for file in folder.rglob('*'):
        modified = file.stat().st_mtime - A_YEAR
        os.utime(file, (modified, modified))
    return folder


def last_tag() -> str:
    """Of the commits before this one; empty where there is none."""
    done = git('describe', '--tags', '--abbrev=0', '--match=v[0-9]*', 'HEAD~1')
    return done.stdout.decode().strip()


def checked_out(revision: str, folder: Path) -> bool:
    done = git('archive', revision) if revision else None
    if done is None or done.returncode:
        return False
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder)
    return True


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    # A folder around an unpacked copy may be a repository, too: that one's history is none of ours.
    command = ['git', f'--git-dir={ROOT / ".git"}', *arguments]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True)
    except OSError:  # no git
        return subprocess.CompletedProcess(command, 127, b'', b'')


def with_old_names(file: str, text: str) -> str:
    """Names as they are inside, others between modules: `import { old_attach as attach } from './script_node.mjs'`."""

    def imported(found: re.Match[str]) -> str:
        names, up, path = found.groups()
        if path.endswith(AS_THEY_ARE):
            return found[0]
        old = ', '.join(f'old_{name.strip()} as {name.strip()}' for name in names.split(',') if name.strip())
        return f"import {{ {old} }} from '{up}{path}'"

    text = IMPORTED.sub(imported, text)
    if file in AS_THEY_ARE or file.endswith('.js'):
        return text
    names = [name for _, name in EXPORTED.findall(text)]
    return EXPORTED.sub(r'\1', text) + ''.join(f'export {{ {name} as old_{name} }}\n' for name in names)


@pytest.fixture
def profile(playwright: Any, tmp_path: Path) -> Iterator[Any]:
    """A browser that keeps what it loaded, as a person's does."""
    folder = str(tmp_path / 'profile')
    context = playwright.chromium.launch_persistent_context(folder, executable_path=chromium(), args=FLAGS)
    yield context
    context.close()


def run(lab: Lab, base: Path, pack: Path, port: int) -> Server:
    make_base(base, lab.comfyui, {'ComfyScript': pack})
    return Server.start(lab.comfyui, lab.python, base, port=port)


def visit(context: Any, server: Server, workflow: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """(workflow with the node, what the page holds of it, what went wrong in the page); opens the panel, too."""
    page = context.new_page()
    problems: list[str] = []
    page.on('pageerror', lambda error: problems.append(str(error)))
    page.on('console', lambda message: problems.append(message.text) if 'does not provide' in message.text else None)
    open_page(page, server)
    if workflow is None:
        workflow = make_node(page)
    load(page, workflow)
    state = held(page)
    # Newer frontends may have a dialog of theirs open: a real click would wait for it.
    page.locator(TAB).first.dispatch_event('click')
    page.wait_for_selector('.comfyscript .cm-content')
    page.close()
    return workflow, state, problems


def test_what_was_made_before_an_update_opens_as_it_was(lab: Lab, profile: Any, tmp_path: Path) -> None:
    old, base, port = make_old(tmp_path / 'old'), tmp_path / 'base', free_port()
    try:
        server = run(lab, base, old, port)
        try:
            workflow, before, problems = visit(profile, server, None)
            assert problems == []
            assert before['prompt'].items() >= VALUES.items()
        finally:
            server.close()
        server = run(lab, base, ROOT, port)
        try:
            _, after, problems = visit(profile, server, workflow)
        finally:
            server.close()
    finally:
        remove_base(base)
    assert problems == []
    assert after == before
