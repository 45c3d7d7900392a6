"""The public surface: what `from comfy_script.runtime import *` brings, and what it costs."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import comfy_script.runtime as runtime
from comfy_script.graph import RESERVED
from comfy_script.runtime import Client
from comfy_script.runtime.client.current import find_client, set_default_client
from comfy_script.tests.runtime.client.fake import OBJECT_INFO

SURFACE = """
AudioResult Client ComfyScriptError ComfyUIArgs ConnectError EmptyResult FileResult ImageBatchResult Images LatentResult
LaunchError LoadError Model3DResult NodeError NodeOutput NotLoadedError OfflineError PromptRefusedError Result
ServerError ServerLostError Task TaskCancelledError TaskError TaskEvent TaskProgress TaskQueue TaskState TextResult
VideoResult WaitTimeoutError Workflow as_completed load node queue run start_comfyui util
"""


def test_surface() -> None:
    assert sorted(runtime.__all__) == sorted(SURFACE.split())
    for name in runtime.__all__:
        assert getattr(runtime, name) is not None
    assert callable(runtime._load)


PATHS = {
    'comfy_script': 'read_script',
    'comfy_script.graph': 'CallError ComfyScriptError NodeSchema PromptError SchemaError Schemas as_schemas',
    'comfy_script.runtime.util': """
        concat_images concat_latents get_float get_images get_int get_str load_image load_image_from_paths load_latent
        load_latent_from_path load_latent_from_paths save_image save_image_and_get_paths save_image_cwd save_latent
        save_latent_and_get_path upload_image upload_mask _get_float _get_images _get_int _get_str _load_image
        _save_image _save_latent _upload_image _upload_mask
    """,
    'comfy_script.runtime.real': """
        Cache ComfyUIArgs ExecutionBlockedWarning HostError Lazy LostValueError NodeRefusedError RealSession ValueList
        Workflow load node run_prompt_real set_script_writer
    """,
    'comfy_script.transpile': 'WorkflowToScriptTranspiler',
    'comfy_script.transpiler': """
        Conversion Metadata Script Style SubgraphInstance TranspileError WorkflowFile convert_workflow read_metadata
        read_script transpile transpile_script workflow_to_prompt write_script
    """,
    'comfy_script.ui': 'ipy solara',
}
"""Where documents and scripts find things."""


@pytest.mark.parametrize('path', PATHS)
def test_import_paths(path: str) -> None:
    module = importlib.import_module(path)
    assert [name for name in PATHS[path].split() if getattr(module, name, None) is None] == []


def test_nodes_are_found_where_documents_say() -> None:
    before = find_client()
    set_default_client(Client.of_object_info(OBJECT_INFO))
    try:
        nodes = importlib.import_module('comfy_script.runtime.nodes')
        assert {'EmptyImage', 'PreviewImage', 'SaveImage'} <= set(nodes.__all__)
        assert nodes.EmptyImage(8, 8) is not None
    finally:
        set_default_client(before)
    assert importlib.util.find_spec('comfy_script.runtime.real.nodes') is not None


METHODS = """
base_url close task _task download embeddings nodes of_object_info queue refresh schemas session submit _submit upload
_upload upload_mask _upload_mask url launched
"""


def test_methods_of_a_client() -> None:
    client = Client.of_object_info(OBJECT_INFO)
    assert [name for name in METHODS.split() if not hasattr(client, name)] == []


def test_the_names_that_scripts_use_are_no_nodes() -> None:
    assert {'load', 'Workflow', 'ComfyUIArgs', 'Client', 'Task', 'queue', 'node', 'util'} <= RESERVED


def test_errors_are_one_tree() -> None:
    from comfy_script.runtime.wire import errors

    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert issubclass(kind, runtime.ComfyScriptError)


def test_importing_is_cheap() -> None:
    code = (
        'import sys; import comfy_script.runtime; from comfy_script.runtime import *; '
        'print([m for m in ("aiohttp", "numpy", "PIL", "torch", "tqdm", "IPython") if m in sys.modules])'
    )
    root = Path(runtime.__file__).parents[1]
    loader = (
        'import importlib.util, sys; '
        f'spec = importlib.util.spec_from_file_location("comfy_script", {str(root / "__init__.py")!r}, '
        f'submodule_search_locations=[{str(root)!r}]); '
        'module = importlib.util.module_from_spec(spec); sys.modules["comfy_script"] = module; '
        'spec.loader.exec_module(module); '
    )
    done = subprocess.run([sys.executable, '-c', loader + code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
