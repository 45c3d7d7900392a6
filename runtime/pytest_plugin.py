"""A plugin for pytest: fixtures for those who write packs of nodes (docs/testing-packs.md).

    def test_it_inverts(real_nodes):
        image = real_nodes.EmptyImage(8, 8)
        assert real_nodes.MyInvert(image).min() == 1

Where ComfyScript is installed with pip, pytest finds the plugin itself (as `comfy_script.pytest`); else it is named:
`pytest -p comfy_script.runtime.pytest_plugin`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest  # pyright: ignore[reportMissingImports]

from ..comfyui.checkout import is_comfyui

if TYPE_CHECKING:
    from .client.client import Client

__all__ = ['comfyui_arguments', 'comfyui_client', 'comfyui_folder', 'comfyui_loaded', 'comfyui_packs', 'real_nodes']


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command line, and their like in pytest's configuration file."""
    group = parser.getgroup('comfyui', 'ComfyUI (ComfyScript)')
    group.addoption('--comfyui', metavar='FOLDER', help='the folder of ComfyUI')
    group.addoption('--comfyui-url', metavar='URL', help='a server that runs already, for comfyui_client')
    parser.addini('comfyui', 'the folder of ComfyUI, from the folder of the configuration file')
    parser.addini('comfyui_args', 'arguments for ComfyUI, such as --cpu')
    parser.addini('comfyui_packs', 'the packs that ComfyUI loads, or all', type='args')


@pytest.fixture(scope='session')
def comfyui_folder(pytestconfig: pytest.Config) -> Path | None:
    """ComfyUI's folder: `--comfyui`, or `comfyui` of the configuration; None to have it searched (see `load`)."""
    given = pytestconfig.getoption('comfyui')
    if given:
        return Path(given).absolute()
    configured = str(pytestconfig.getini('comfyui'))
    if configured:
        return pytestconfig.rootpath / configured
    pack = pytestconfig.rootpath
    around = pack.parent.parent
    return around if pack.parent.name == 'custom_nodes' and is_comfyui(around) else None


@pytest.fixture(scope='session')
def comfyui_packs(pytestconfig: pytest.Config) -> list[str] | None:
    """The packs that are loaded: `comfyui_packs` of the configuration, else the one that is tested; None for all."""
    configured: list[str] = pytestconfig.getini('comfyui_packs')
    if configured:
        return None if configured == ['all'] else configured
    pack = pytestconfig.rootpath
    return [pack.name] if pack.parent.name == 'custom_nodes' else None


@pytest.fixture(scope='session')
def comfyui_arguments(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Arguments for ComfyUI: `comfyui_args` of the configuration, and an output folder that pytest clears away."""
    arguments = shlex.split(str(pytestconfig.getini('comfyui_args')))
    if not any(argument.startswith('--output-directory') for argument in arguments):
        arguments += ['--output-directory', str(tmp_path_factory.mktemp('comfyui-output'))]
    return arguments


@pytest.fixture(scope='session')
def comfyui_loaded(comfyui_folder: Path | None, comfyui_arguments: list[str], comfyui_packs: list[str] | None) -> Any:
    """Real mode, loaded once per run: the module `comfy_script.runtime.real`."""
    from . import real

    real.load(comfyui_folder, comfyui_arguments, packs=comfyui_packs, stubs=False)
    return real


@pytest.fixture
def real_nodes(comfyui_loaded: Any) -> Iterator[Any]:
    """The nodes of real mode, `real_nodes.KSampler(…)`; the test runs inside of `with Workflow():`."""
    from .real import nodes

    with comfyui_loaded.Workflow():
        yield nodes


@pytest.fixture(scope='session')
def comfyui_client(
    pytestconfig: pytest.Config,
    comfyui_folder: Path | None,
    comfyui_arguments: list[str],
    comfyui_packs: list[str] | None,
) -> Client:
    """A server, started once per run (or `--comfyui-url`): nodes and workflows of virtual mode use it."""
    from . import ComfyUIArgs, load

    url = pytestconfig.getoption('comfyui_url')
    if url:
        return load(url, stubs=False, watch=False)
    arguments = ComfyUIArgs(*comfyui_arguments)
    return load(comfyui_folder, arguments, packs=comfyui_packs, stubs=False, watch=False)
