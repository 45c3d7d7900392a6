"""A real server with the pack, small models under the names that the examples use, and `load()` pointed at it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import Client
from comfy_script.runtime.client import load as loading
from comfy_script.runtime.client.current import find_client, set_default_client
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base
from comfy_script.tests.runtime.seed.pages import made_smaller

CHECKPOINTS = ('AOM3A1B_orangemixs.safetensors', 'CounterfeitV25_25.safetensors')

SEND_IMAGES = 'websocket_image_save.py'

Run = Callable[[Sequence[str]], list[Any]]


@pytest.fixture(scope='package')
def seed_server(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    here = tmp_path_factory.mktemp('seed')
    (here / 'checkpoints').mkdir()
    for name in CHECKPOINTS:
        (here / 'checkpoints' / name).symlink_to(lab.comfyui / 'models/checkpoints/v1-5-pruned-emaonly.safetensors')
    paths = here / 'paths.yaml'
    paths.write_text(f'examples:\n  base_path: {here.as_posix()}\n  checkpoints: checkpoints\n', encoding='utf-8')
    links = pack_links('ComfyScript', lab.comfyui, testing=True)
    links |= {name: Path(__file__).parent / name for name in ('inside', 'photoshop')}
    base = make_base(here / 'base', lab.comfyui, links)
    # A file, and part of ComfyUI: the base directory takes the place of the folder that has it.
    shutil.copyfile(lab.comfyui / 'custom_nodes' / SEND_IMAGES, base / 'custom_nodes' / SEND_IMAGES)
    args = ['--extra-model-paths-config', str(paths), '--preview-method', 'latent2rgb']
    server = Server.start(lab.comfyui, lab.python, base, args=args)
    yield server
    server.close()
    remove_base(base)


@pytest.fixture(scope='package')
def seed_client(seed_server: Server) -> Iterator[Client]:
    with Client(seed_server.url) as client:
        yield client


@pytest.fixture(autouse=True)
def loaded(seed_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """`load()` without arguments finds the server, and files are written into a folder that goes away."""
    before = find_client()
    loading.pin(seed_client)
    set_default_client(seed_client)
    monkeypatch.chdir(tmp_path)
    yield seed_client
    loading.pin(None)
    set_default_client(before)


@pytest.fixture
def names(loaded: Client) -> dict[str, Any]:
    """What a script has after its three lines of imports and `load()`."""
    found: dict[str, Any] = {'__name__': '__main__'}
    exec('from comfy_script.runtime import *\nfrom comfy_script.runtime.nodes import *', found)
    return found


@pytest.fixture
def run_block(names: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Run an example's text, made smaller, and give the variables that it leaves."""

    def run(text: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        text = made_smaller(text)
        variables = {**names, **(more or {})}
        exec(compile(text, '<example>', 'exec'), variables)
        return variables

    return run


@pytest.fixture
def run_cells(lab: Any, seed_server: Server, tmp_path: Path) -> Run:
    """Run cells in a kernel where `load()` finds the server, and give the outputs of each."""
    pytest.importorskip('nbclient')
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    if subprocess.run([lab.python, '-c', 'import ipykernel, ipywidgets'], env=lab.env, capture_output=True).returncode:
        pytest.skip("ComfyUI's interpreter has no ipykernel and ipywidgets")

    def run(cells: Sequence[str]) -> list[Any]:
        kernel = AsyncKernelManager(kernel_name='python3')
        kernel.kernel_spec.argv[0] = str(lab.python)  # pyright: ignore[reportOptionalMemberAccess]
        pin = f'from comfy_script.runtime.client.load import Client, pin\npin(Client({seed_server.url!r}))'
        new_cells = [nbformat.v4.new_code_cell(made_smaller(cell)) for cell in (pin, *cells)]
        notebook = nbformat.v4.new_notebook(cells=new_cells)
        resources = {'metadata': {'path': str(tmp_path)}}
        NotebookClient(notebook, km=kernel, timeout=120, resources=resources).execute(env=lab.env)
        return [cell.outputs for cell in notebook.cells[1:]]

    return run
