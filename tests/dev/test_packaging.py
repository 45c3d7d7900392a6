"""pyproject.toml, against what is there."""

from __future__ import annotations

import ast
import fnmatch
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import comfy_script
from comfy_script.tests.lab.paths import ROOT

FLOORS = (
    'agents', 'client', 'comfyui', 'graph', 'host', 'interpreter', 'nodes', 'panel', 'runtime', 'transpiler', 'ui',
)  # fmt: skip


@pytest.fixture(scope='module')
def project() -> dict[str, Any]:
    tomllib = pytest.importorskip('tomllib')  # Python 3.11
    return tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))


def test_no_folder_of_tests_is_left_out(pytestconfig):
    """pytest's own list of folders that it does not look into has names such as `build`."""
    patterns = pytestconfig.getini('norecursedirs')
    folders = {parent.name for file in (ROOT / 'tests').rglob('test_*.py') for parent in file.relative_to(ROOT).parents}
    assert [name for name in folders for pattern in patterns if name and fnmatch.fnmatch(name, pattern)] == []


def test_every_package_is_listed(project):
    folders = {
        file.parent.relative_to(ROOT) for floor in FLOORS for file in (ROOT / floor).rglob('*.py')
    }  # fmt: skip
    expected = {'comfy_script', *('.'.join(('comfy_script', *folder.parts)) for folder in folders)}

    assert set(project['tool']['setuptools']['packages']) == expected


def test_every_package_has_its_table_of_contents(project):
    for name in project['tool']['setuptools']['packages']:
        init = ROOT.joinpath(*name.split('.')[1:], '__init__.py')
        assert init.is_file(), f'{name} has no __init__.py'
        assert ast.get_docstring(ast.parse(init.read_text(encoding='utf-8'))), f'{init} does not say what is in it'


def test_one_version(project):
    assert project['project']['version'] == comfy_script.__version__


def test_the_readme_at_pypi_leads_into_the_repository():
    spec = importlib.util.spec_from_file_location('setup', ROOT / 'setup.py')
    assert spec is not None
    assert spec.loader is not None
    setup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(setup)
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    [repository] = re.findall(r'^Repository = "(.*)"', project, re.MULTILINE)
    files = f'{repository}/blob/v{comfy_script.__version__}'

    text = setup.with_whole_links((ROOT / 'README.md').read_text(encoding='utf-8'), project)
    targets = re.findall(r'\]\(([^)\s]+)', text)
    assert f'{files}/docs/tutorial.md' in targets
    assert f'{files.replace("/blob/", "/raw/")}/docs/images/apply.webp' in targets
    assert [target for target in targets if not target.startswith('https://')] == []
    assert setup.with_whole_links('[![x](a.png)](b.md#c) [e](https://e/f) [g](#h)\n```\n[i](j)\n```', project) == (
        f'[![x]({files.replace("/blob/", "/raw/")}/a.png)]({files}/b.md#c) [e](https://e/f) [g](#h)\n```\n[i](j)\n```'
    )


def test_the_manager_installs_nothing_that_comfyui_has_not(project):
    lines = (ROOT / 'requirements.txt').read_text(encoding='utf-8').splitlines()
    wanted = {line for line in lines if line and not line.startswith('#')}

    assert wanted == set(project['project']['dependencies']) == {'aiohttp', 'numpy', 'pillow', 'tqdm'}


def test_what_the_registry_asks_for(project):
    assert 'comfyui' not in project['project']['name'].lower()
    assert project['project']['license'] == 'MIT'
    assert project['project']['urls']['Repository'].startswith('https://')
    assert {'PublisherId', 'DisplayName', 'Icon', 'requires-comfyui'} <= set(project['tool']['comfy'])
    # ComfyUI serves the folder that __init__.py names; this key would serve it a second time, under another name.
    assert 'web' not in project['tool']['comfy']


def test_the_registrys_archive_has_what_comfyui_serves():
    pathspec = pytest.importorskip('pathspec')
    left_out = pathspec.PathSpec.from_lines('gitignore', (ROOT / '.comfyignore').read_text('utf-8').splitlines())
    served = [file for name in ('js', 'locales', 'example_workflows') for file in (ROOT / name).rglob('*.*')]
    paths = [file.relative_to(ROOT).as_posix() for file in served]

    assert 'js/docs/ComfyScript.md' in paths
    assert not list(left_out.match_files(paths))
    assert left_out.match_file('tests/conftest.py')


def test_dev_py_starts_on_a_pythons_of_any_age():
    """An old Python must be able to read it, to say that it is too old."""
    source = (ROOT / 'dev.py').read_text(encoding='utf-8')

    ast.parse(source, feature_version=(3, 4))
    assert not re.search(r'\bf[\'"]', source)


def test_the_lab_is_standard_library_only():
    own = {'models.py'}  # run by the lab's interpreter
    for file in (ROOT / 'tests' / 'lab').glob('*.py'):
        if file.name in own:
            continue
        for name in imported(file):
            assert name in sys.stdlib_module_names, f'{file.name} imports {name}'


def imported(file: Path) -> set[str]:
    """The top-level names of absolute imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition('.')[0])
    return names


def test_the_command_tells_its_version(capsys):
    from comfy_script.__main__ import main

    assert main(['--version']) == 0
    assert capsys.readouterr().out.strip() == comfy_script.__version__
