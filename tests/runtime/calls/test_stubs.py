"""Type stubs: sound for the type checkers, and of use to them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.runtime.calls import stubs
from comfy_script.tests.lab.paths import ROOT
from comfy_script.tests.runtime.seed.pages import blocks

from .conftest import OBJECT_INFO, node

HOSTILE = 'a """ b\\ \'\'\' \\" """\n\x00import os\r\n"'

SCRIPT = """\
from nodes import *

model, clip, vae = CheckpointLoaderSimple(Checkpoints.v1_5_pruned_emaonly)
model, clip, vae = CheckpointLoaderSimple('came later.safetensors')
text = CLIPTextEncode(f'{Embeddings.easynegative}, a dog', clip)
latent = KSampler(model, 1, 20, 8, KSampler.sampler_name.euler, 'normal', text, text, EmptyLatentImage(), 1)
latent = KSampler(model, 1, steps=15, sampler_name='ddim', positive=text, negative=text, latent_image=latent)
latent = KSamplerAdvanced(model, False, Samplers.ddim, latent)
image = ResizeImage(VAEDecode(latent, vae), 'size', mode__width=64)
image = BatchImages([image, image])
count, anything = Count(image)
odd = AnyNodeOddName(anything, class_='x')
SaveImage(Blur(odd, count), 'name').wait()
# As scripts of workflows for another version of a node have it.
image = VAEDecode(latent, vae, _inputs={'tile': 64})
first, second = Count(image, _inputs={'odd name': 1}, _outputs=4)
image = VAEDecode(latent, vae, _outputs=1)
one, two, three = Scripted('...', anything=image, _inputs={'a b': 5})
"""

MISTAKES = {
    'VAEDecode(vae, vae)': 'samples',
    'VAEDecode(latent)': 'vae',
    "KSampler(model, 'x', positive=text, negative=text, latent_image=latent)": 'seed',
    'EmptyLatentImage(widht=64)': 'widht',
    'Checkpoints.not_there': 'not_there',
    'KSampler.sampler_name.not_there': 'not_there',
    'Blur(image, radius=[1])': 'radius',
    'CLIPTextEncode(5, clip)': 'text',
    'NoSuchNode()': 'NoSuchNode',
    'VAEDecode(latent, vae, tile=64)': 'tile',
    "VAEDecode(latent, vae, _outputs='2')": 'Literal',
    'VAEDecode(latent, vae, _inputs=64)': '_inputs',
    'one, two = VAEDecode(latent, vae, _outputs=2)': 'iterable',
    'one, two, three = Count(image, _outputs=3)': 'tuple',
}


@pytest.fixture
def written(tmp_path: Path, schemas: Schemas) -> Path:
    path = stubs.refresh(schemas, ['easynegative', 'style/a b'], tmp_path)
    assert path is not None
    return path


def pyright(folder: Path, mode: str) -> list[dict[str, Any]]:
    pytest.importorskip('pyright')
    package = Path(stubs.__file__).resolve().parents[3]
    package = next(Path(p) for p in (*_sites(), str(package)) if (Path(p) / 'comfy_script').exists())
    config = {'typeCheckingMode': mode, 'pythonVersion': '3.10', 'extraPaths': [str(package)]}
    config |= {'reportMissingModuleSource': 'none', 'reportWildcardImportFromLibrary': 'none'}
    (folder / 'pyrightconfig.json').write_text(json.dumps(config), encoding='utf-8')
    command = [sys.executable, '-m', 'pyright', '--outputjson', '-p', str(folder), '--pythonpath', sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, encoding='utf-8', check=False)
    report = json.loads(done.stdout)
    return [item for item in report['generalDiagnostics'] if item['severity'] == 'error']


def _sites() -> list[str]:
    from comfy_script.tests.conftest import ROOT
    from comfy_script.tests.lab import paths

    paths.link(ROOT, paths.SITE / 'comfy_script')
    return [str(paths.SITE)]


def mypy(file: Path) -> str:
    pytest.importorskip('mypy')
    command = [sys.executable, '-m', 'mypy', '--strict', '--follow-imports=silent', '--python-version=3.10', file.name]
    env = {'MYPYPATH': _sites()[0], 'PATH': '', 'SYSTEMROOT': ''}
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False, env=env)
    return done.stdout if done.returncode else ''


@pytest.mark.server
def test_scripts_pass_and_mistakes_are_found(written: Path) -> None:
    (written.parent / 'script.py').write_text(SCRIPT, encoding='utf-8')
    lines = SCRIPT.count('\n')
    (written.parent / 'wrong.py').write_text(SCRIPT + '\n'.join(MISTAKES) + '\n', encoding='utf-8')
    found = pyright(written.parent, 'standard')
    assert [item for item in found if not item['file'].endswith('wrong.py')] == []
    by_line = {item['range']['start']['line'] - lines: item['message'] for item in found}
    assert sorted(by_line) == list(range(len(MISTAKES)))
    for (mistake, word), message in zip(MISTAKES.items(), (by_line[index] for index in range(len(MISTAKES)))):
        # Where a node has overloads, the message names the call only.
        assert word in message or ('KSampler' in mistake and 'No overloads' in message), (mistake, message)


@pytest.mark.server
def test_stubs_of_887_nodes_are_sound(tmp_path: Path, schemas_of_comfyui: Schemas) -> None:
    path = stubs.refresh(schemas_of_comfyui, ['easynegative'], tmp_path)
    assert path is not None
    assert pyright(tmp_path, 'strict') == []
    assert mypy(path) == ''


NOT_PYTHON = {'script'}
"""Pages whose blocks are texts of the `ComfyScript` node, some only beginnings (tests/interpreter)."""


def scripts_of_docs() -> Iterator[tuple[str, str]]:
    """The Python blocks of the docs, each page's as one script where they go on from each other."""
    for page in sorted((ROOT / 'docs').glob('*.md')):
        found = [block for block in blocks(page.name) if block.mark != 'wrong']
        if page.stem in NOT_PYTHON:
            continue
        beginning = next((block.code for block in found if block.mark == 'beginning'), '')
        if page.stem == 'tutorial':
            yield page.stem, beginning + '\n'.join(block.code for block in found)
            continue
        for number, block in enumerate(found):
            yield f'{page.stem}_{number}', block.code if block.mark == 'beginning' else beginning + block.code


@pytest.mark.server
def test_corpus_scripts_and_those_of_the_docs_pass(tmp_path: Path, corpus: Path, object_info: dict[str, Any]) -> None:
    from comfy_script.transpiler import write_script

    with_models = json.loads(json.dumps(object_info))
    for class_type, name, models in (
        ('CheckpointLoaderSimple', 'ckpt_name', ['v1-5-pruned-emaonly.ckpt', 'tiny.safetensors']),
        ('LoraLoader', 'lora_name', ['my-lora.safetensors']),
    ):
        with_models[class_type]['input']['required'][name][0] = models
    with_models['LoadImageFromPath'] = node({'image': ['STRING', {}]}, ['IMAGE', 'MASK'])
    schemas_of_comfyui = Schemas.parse(with_models)
    stubs.refresh(schemas_of_comfyui, (), tmp_path)
    header = 'from comfy_script.runtime import node\nfrom nodes import *\n'
    for number, file in enumerate(sorted((corpus / 'prompts').glob('*.json'))):
        script = write_script(json.loads(file.read_text(encoding='utf-8')), schemas=schemas_of_comfyui)
        (tmp_path / f'script_{number}.py').write_text(header + script.text, encoding='utf-8')
    stubs.refresh(schemas_of_comfyui, (), tmp_path, stubs.REAL)
    header = 'from comfy_script.runtime import *\nfrom nodes import *\n'
    for name, text in scripts_of_docs():
        text = re.sub(r'comfy_script\.runtime\.(real\.)?nodes', r'\1nodes', text)
        (tmp_path / f'docs_{re.sub(r"[^a-z0-9]", "_", name)}.py').write_text(header + text, encoding='utf-8')
    found = [(Path(item['file']).name, item['message'], item['range']['start']['line'] + 1)
             for item in pyright(tmp_path, 'standard')]  # fmt: skip
    # The tutorial shows what a missing input looks like.
    assert [name for name, message, _ in found if message.startswith('No overloads')] == ['docs_tutorial.py']
    assert len(found) == 1, found


@pytest.fixture
def schemas_of_comfyui(object_info: dict[str, Any]) -> Schemas:
    return Schemas.parse(object_info)


def test_written_only_when_something_changed(written: Path, schemas: Schemas) -> None:
    before = written.stat().st_mtime_ns
    names = ['easynegative', 'style/a b']
    assert stubs.refresh(Schemas.parse(OBJECT_INFO), names, written.parent) == written
    assert written.stat().st_mtime_ns == before
    changed = {**OBJECT_INFO, 'New': node({}, ['IMAGE'])}
    stubs.refresh(Schemas.parse(changed), names, written.parent)
    assert 'def New(' in written.read_text(encoding='utf-8')
    assert list(written.parent.glob('*.tmp')) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, schemas: Schemas) -> None:
    blocked = tmp_path / 'file'
    blocked.write_text('', encoding='utf-8')
    assert stubs.refresh(schemas, (), blocked / 'folder') is None


def test_broken_nodes_are_left_out(written: Path) -> None:
    text = written.read_text(encoding='utf-8')
    assert 'Broken' not in text
    assert 'def VAEDecode(' in text


def test_texts_of_a_server_stay_texts(tmp_path: Path) -> None:
    info = {
        HOSTILE: node(
            {HOSTILE: [[HOSTILE, 'x'], {'tooltip': HOSTILE}], 'text': ['STRING', {'default': HOSTILE}]},
            [HOSTILE],
            description=HOSTILE,
            category=HOSTILE,
        )
    }
    text = stubs.generate(Schemas.parse(info), [HOSTILE])
    tree = ast.parse(text)
    imported = [item.module for item in ast.walk(tree) if isinstance(item, ast.ImportFrom)]
    assert 'os' not in imported
    assert not any(isinstance(item, ast.Import) for item in ast.walk(tree))


@pytest.mark.server
def test_odd_nodes_are_sound_too(tmp_path: Path) -> None:
    """Names that the stubs themselves use, names of two kinds, defaults of the wrong type, choices that are no text."""
    inner = {'required': {'a b': ['INT', {}], 'self': [[['list']], {}]}}
    both = [{'key': key, 'inputs': {'required': {'x': [kind, {}]}}} for key, kind in (('a', 'INT'), ('b', 'IMAGE'))]
    growing = {'template': {'input': {'required': {'i': [['u', 'v'], {}]}}, 'prefix': 'i', 'min': 1, 'max': 5}}
    both.append({'key': 'c', 'inputs': {'required': {'x': ['COMFY_AUTOGROW_V3', growing]}}})
    info = {
        'Sequence': node({'Value': [['center', 'name', 'x'], {}], 'int': ['INT', {'default': 'x'}]}, ['Enum', 'a b']),
        'Enum': node({'str': [['a'], {}], 'overload': [[1, 2.5, None, 'x'], {}]}, ['a+b']),
        'Any': node({'self': ['FLOAT', {'default': float('inf')}], 'kind': [['x', 'y'], {}]}, ['Any', 'int']),
        'a b': node({'self': ['COMFY_DYNAMICCOMBO_V3', {'options': [{'key': 'k', 'inputs': inner}]}]}, ['IMAGE']),
        'a+b': node({'m': ['COMFY_DYNAMICCOMBO_V3', {'options': both}]}, ['IMAGE', 'IMAGE,MASK']),
        '"': node({'"': ['STRING', {}], '__y': [['z'], {}]}, ['"']),
        '': node({'': [[{'a': 1}], {}]}, []),
    }
    schemas = Schemas.parse(info)
    path = stubs.refresh(schemas, ['center', 'overload'], tmp_path)
    assert path is not None
    for name in schemas.names.names():
        assert f'def {name}(' in path.read_text(encoding='utf-8') or f'\n{name}: ' in path.read_text(encoding='utf-8')
    assert pyright(tmp_path, 'strict') == []
    assert mypy(path) == ''


def test_documentation(written: Path) -> None:
    tree = ast.parse(written.read_text(encoding='utf-8'))
    functions = (item for item in tree.body if isinstance(item, ast.FunctionDef))
    doc = next(map(ast.get_docstring, (item for item in functions if item.name == 'EmptyLatentImage')))
    assert doc is not None
    for part in ('16 to 16384', 'In pixels.', 'Category: latent', 'Module: nodes'):
        assert part in doc


def test_stubs_have_what_the_module_has(written: Path, nodes: Any) -> None:
    tree = ast.parse(written.read_text(encoding='utf-8'))
    listed = next(
        ast.literal_eval(item.value)
        for item in tree.body
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name) and item.targets[0].id == '__all__'
    )
    assert sorted(listed) == sorted(name for name in nodes.public_names() if name != 'Broken')


@pytest.mark.server
def test_stubs_of_real_mode(tmp_path: Path, schemas: Schemas) -> None:
    info = {
        **OBJECT_INFO,
        'Hides': {**node({'image': ['IMAGE', {}]}, ['IMAGE']), 'input': {'hidden': {'prompt': 'PROMPT'}}},
    }
    text = stubs.generate(Schemas.parse(info), (), stubs.REAL)
    (tmp_path / 'torch').mkdir()
    (tmp_path / 'torch' / '__init__.pyi').write_text('class Tensor:\n    shape: tuple[int, ...]\n', encoding='utf-8')
    (tmp_path / 'nodes.pyi').write_text(text, encoding='utf-8')
    script = (
        'from nodes import *\nVAEDecode({}, None).shape\nHides(prompt={})\nSaveImage(None)["ui"]\nVAEDecode(5, 5)\n'
    )
    (tmp_path / 'script.py').write_text(script, encoding='utf-8')
    assert [item['range']['start']['line'] for item in pyright(tmp_path, 'strict')] == [4]
    assert stubs.stub_path(None, stubs.REAL).parts[-2:] == ('real', 'nodes.pyi')
