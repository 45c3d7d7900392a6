"""What makes the repository a project: its workflows, site, pictures and changelog."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import comfy_script
from comfy_script.tests.lab.paths import ROOT, SAFE_PATH
from comfy_script.transpiler import transpile

PLACEHOLDER = 'OWNER-TO-SET'


def actionlint() -> Path | None:
    found = Path(sys.executable).with_name('actionlint.exe' if sys.platform == 'win32' else 'actionlint')
    return found if found.is_file() else None


@pytest.mark.server
@pytest.mark.skipif(sys.platform == 'darwin', reason='actionlint comes without a program for macOS')
def test_the_workflows_are_sound():
    program = actionlint()
    assert program is not None, 'actionlint is part of the lab'
    files = sorted((ROOT / '.github' / 'workflows').glob('*.yml'))
    assert len(files) > 1
    # Not with other linters that happen to be on this machine.
    done = subprocess.run(
        [program, '-no-color', '-shellcheck=', '-pyflakes=', *files], capture_output=True, text=True, encoding='utf-8'
    )
    assert (done.returncode, done.stdout) == (0, '')


@pytest.mark.server
def test_the_site_is_built_without_a_warning(tmp_path):
    # Not `--quiet`: then warnings do not count.
    command = [sys.executable, *SAFE_PATH, '-m', 'mkdocs', 'build', '--strict', '--site-dir', str(tmp_path)]
    env = {**os.environ, 'NO_MKDOCS_2_WARNING': '1'}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, encoding='utf-8')
    assert done.returncode == 0, done.stderr
    assert 'WARNING' not in done.stderr
    assert {f'{page.stem}.html' for page in (ROOT / 'docs').glob('*.md')} <= {page.name for page in tmp_path.iterdir()}


def test_the_owner_is_to_be_set_in_one_file():
    if shutil.which('git') is None:
        pytest.skip('no git')
    tracked = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, encoding='utf-8')
    texts = ('.md', '.toml', '.yml', '.py', '.ipynb')
    names = [name for name in tracked.stdout.split('\0') if Path(name).suffix in texts]
    if tracked.returncode or not names:
        pytest.skip('no git, or no clone')
    holding = {name for name in names if PLACEHOLDER in (ROOT / name).read_text(encoding='utf-8')}
    assert holding <= {'pyproject.toml', 'CONTRIBUTING.md', 'tests/dev/test_project.py'}


def test_the_changelog_begins_with_this_version():
    versions = re.findall(r'^## (\S+?),?(?: |$)', (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8'), re.MULTILINE)
    assert versions[0] == comfy_script.__version__


@pytest.mark.parametrize('page', ['README.md', 'CONTRIBUTING.md', 'SECURITY.md'])
def test_links_of_the_front_pages_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding='utf-8')
    targets = re.findall(r'\]\(([^)#\s]+)[^)]*\)', text)
    missing = [target for target in targets if '://' not in target and not (ROOT / target).exists()]
    assert missing == []


def test_pictures_are_small():
    sizes = {file.name: file.stat().st_size for file in (ROOT / 'docs' / 'images').iterdir()}
    assert {'icon.png', 'banner.png'} <= set(sizes)
    assert max(sizes.values()) <= 2 * 2**20


def test_the_readme_shows_the_default_graph_as_the_panel_does(schemas):
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    block = readme.partition('```python\n')[2].partition('```')[0]
    assert block == transpile(ROOT / 'tests' / 'data' / 'default_workflow.json', schemas=schemas)
