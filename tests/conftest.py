"""Fixtures for all tests.

This checkout's root is itself the package `comfy_script`, so pytest must not import its `__init__.py` under another
name: the checkout is registered as `comfy_script` first, and the root is collected as a plain folder.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _register_checkout() -> None:
    if 'comfy_script' in sys.modules:
        return
    init = ROOT / '__init__.py'
    spec = importlib.util.spec_from_file_location('comfy_script', init, submodule_search_locations=[str(ROOT)])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules['comfy_script'] = package
    spec.loader.exec_module(package)


_register_checkout()

from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base


class _RootIsNoPackage:
    """pytest would import every folder that has an `__init__.py` as a package of tests."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_RootIsNoPackage())


def pytest_collection_finish() -> None:
    # What was imported and collected stays to the end: the garbage collector need not walk it again and again.
    gc.freeze()


# The lab


class Lab(NamedTuple):
    comfyui: Path
    python: Path
    site: Path  # for PYTHONPATH: holds `comfy_script`

    @property
    def env(self) -> dict[str, str]:
        """The environment for a subprocess that imports comfy_script."""
        return {**os.environ, 'PYTHONPATH': str(self.site), 'PYTHONIOENCODING': 'utf-8'}


@pytest.fixture(scope='session')
def lab() -> Lab:
    """ComfyUI's folder and the interpreter that runs it; skips where there is none."""
    comfyui = paths.comfyui_folder()
    if not (comfyui / 'main.py').is_file():
        pytest.skip('no ComfyUI: run `python dev.py test`, or name one in COMFYSCRIPT_COMFYUI and COMFYSCRIPT_PYTHON')
    paths.link(ROOT, paths.SITE / 'comfy_script')
    return Lab(comfyui, paths.comfyui_python(), paths.SITE)


@pytest.fixture(scope='session')
def links(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where the system makes no links to folders: Wine says that it made one, and there is none."""
    folder = tmp_path_factory.mktemp('links')
    (folder / 'target').mkdir()
    if not any(_makes(link, folder / 'target', folder / name) for name, link in _ways_to_link().items()):
        pytest.skip('this system makes neither symlinks nor junctions')


def _ways_to_link() -> dict[str, Callable[[Path, Path], object]]:
    """The system's own, so that a fault of `paths.link` is no reason to skip."""
    ways: dict[str, Callable[[Path, Path], object]] = {'symlink': lambda target, place: place.symlink_to(target, True)}
    if sys.platform == 'win32':
        import _winapi

        ways['junction'] = lambda target, place: _winapi.CreateJunction(str(target), str(place))
    return ways


def _makes(link: Callable[[Path, Path], object], target: Path, place: Path) -> bool:
    try:
        link(target, place)
    except OSError:
        return False
    return place.is_dir()


class StartServer(Protocol):
    def __call__(
        self,
        folder_name: str = 'ComfyScript',
        pack: bool = True,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        *,
        testing: bool = False,
        packs: Mapping[str, Path] | None = None,
        main: Path | None = None,
        python: Path | None = None,
        api_nodes: bool = False,
    ) -> Server: ...


PATIENT = '[save]\nmax_wait = 30\n'
"""A loaded machine may take longer for a script than the two seconds for which an output waits otherwise."""


def _server_factory(lab: Lab, base_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    running: list[Server] = []

    def start(
        folder_name: str = 'ComfyScript',
        pack: bool = True,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        *,
        testing: bool = False,
        packs: Mapping[str, Path] | None = None,
        main: Path | None = None,
        python: Path | None = None,
        api_nodes: bool = False,
    ) -> Server:
        links = pack_links(folder_name if pack else None, lab.comfyui, testing=testing) | dict(packs or {})
        base = make_base(base_factory.mktemp('comfyui'), lab.comfyui, links)
        (base / 'user' / 'comfyscript.toml').write_text(PATIENT, encoding='utf-8')
        more = {'args': args, 'env': env, 'main': main, 'api_nodes': api_nodes}
        server = Server.start(lab.comfyui, python or lab.python, base, **more)
        running.append(server)
        return server

    yield start
    for server in reversed(running):
        server.close()
        remove_base(server.base)


@pytest.fixture
def start_server(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start servers of one's own; closed after the test.

    folder_name: the pack's folder in custom_nodes; pack=False: without it; testing: with ComfyUI's testing nodes;
    packs: further links into custom_nodes (name -> folder); args, env: for ComfyUI; main: run instead of main.py;
    python: the interpreter; api_nodes: with those of paid services.
    """
    yield from _server_factory(lab, tmp_path_factory)


@pytest.fixture(scope='module')
def start_module_server(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """As `start_server`; closed after the tests of the module."""
    yield from _server_factory(lab, tmp_path_factory)


@pytest.fixture(scope='session')
def server(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running ComfyUI with the pack and ComfyUI's testing nodes, for all tests of the session."""
    factory = _server_factory(lab, tmp_path_factory)
    yield next(factory)(testing=True)
    next(factory, None)


# Data


@pytest.fixture(scope='session')
def corpus() -> Path:
    """Schemas and prompts of real packs, beside the checkout; skips where they are missing."""
    folder = paths.corpus_folder()
    if not folder.is_dir():
        pytest.skip(f'no corpus at {folder} (COMFYSCRIPT_CORPUS names another place)')
    return folder


@pytest.fixture(scope='session')
def object_info(corpus: Path) -> dict[str, Any]:
    """`/object_info` of ComfyUI 0.33.0."""
    return json.loads((corpus / 'object_info-0.33.0.json').read_text(encoding='utf-8'))


@pytest.fixture(scope='session')
def schemas(object_info: dict[str, Any]) -> Any:
    """The `Schemas` of ComfyUI 0.33.0."""
    from comfy_script.graph import Schemas

    return Schemas.parse(object_info)
