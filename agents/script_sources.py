"""Workflows of the server as scripts, scripts as workflows of the server, and files to it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..panel.bounded import LONG, cut, listed
from ..panel.node_pages import choices
from ..panel.reading import ScriptRefused, read_script
from ..panel.service import answer_file
from ..runtime.client.uploads import file_reference
from ..runtime.wire.errors import ServerError
from ..runtime.wire.results import AUDIO_SUFFIXES, IMAGE_SUFFIXES, MODEL_3D_SUFFIXES, VIDEO_SUFFIXES
from ..transpiler import Metadata, read_metadata
from ..transpiler.files import metadata_of
from .errors import AgentError
from .script_checks import ScriptCheck
from .studio import Studio

KINDS = ('output', 'input', 'temp')
UPLOADED = IMAGE_SUFFIXES | VIDEO_SUFFIXES | AUDIO_SUFFIXES | MODEL_3D_SUFFIXES
LARGEST_UPLOAD = 256 << 20
_FORMS = (
    '"name.png" or "sub/name.png [output]" (also [input], [temp]), "workflows/NAME.json", "history/PROMPT_ID", '
    '"templates/PACK/NAME"'
)


def script_of(studio: Studio, source: str) -> str:
    """The script of a file or workflow of the server, as much of it as may be shown. Raises what `whole_script`
    does."""
    return cut(whole_script(studio, source), LONG, 'the script is too long to be shown')


def whole_script(studio: Studio, source: str) -> str:
    """The script of a file or workflow of the server, with what was to be noticed as comments.

    Raises AgentError, TranspileError, ConnectError, ServerError.
    """
    metadata = _metadata(studio, source.strip())
    if not (metadata.prompt or metadata.workflow or metadata.script):
        raise AgentError(f'{source} holds no workflow')
    answer = answer_file(metadata, {}, studio.schemas())
    notes = ''.join(f'# note: {" ".join(warning.split())}\n' for warning in answer['warnings'][:10])
    return notes + answer['script']


def _metadata(studio: Studio, source: str) -> Metadata:
    folder, _, name = source.partition('/')
    if folder == 'workflows' and name:
        return _of_json(studio.find(_userdata(source), f'there is no {source}'), source)
    if folder == 'history' and name:
        return _of_history(studio, name)
    if folder == 'templates' and name:
        pack, _, template = name.rpartition('/')
        return _of_json(template_bytes(studio, pack, template), source)
    return _of_file(studio, source)


def _userdata(path: str) -> str:
    """ComfyUI takes the whole path as one segment (app/user_manager.py)."""
    return f'userdata/{quote(path if path.endswith(".json") else path + ".json", safe="")}'


def _of_json(data: bytes, source: str) -> Metadata:
    try:
        return metadata_of(json.loads(data))
    except ValueError as error:
        raise AgentError(f'{source} is no JSON') from error


def _of_history(studio: Studio, prompt_id: str) -> Metadata:
    entry = studio.get(f'history/{quote(prompt_id, safe="")}').get(prompt_id)
    if not isinstance(entry, Mapping):
        raise AgentError(f'the history has no prompt {prompt_id!r}')
    prompt = entry.get('prompt') or ()
    extra = prompt[3] if len(prompt) > 3 and isinstance(prompt[3], Mapping) else {}
    workflow = (extra.get('extra_pnginfo') or {}).get('workflow')
    return Metadata(prompt=prompt[2] if len(prompt) > 2 else None, workflow=workflow)


def _of_file(studio: Studio, source: str) -> Metadata:
    file = server_file(source)
    data = studio.find('view', f'the server has no file {source!r}; script_of takes {_FORMS}', file)
    suffix = Path(file['filename']).suffix
    with tempfile.TemporaryDirectory(prefix='comfyscript-', ignore_cleanup_errors=True) as folder:
        path = Path(folder) / f'file{"".join(letter for letter in suffix if letter.isalnum() or letter == ".")}'
        path.write_bytes(data)
        return read_metadata(path)


def server_file(source: str) -> dict[str, str]:
    """`sub/name.png [output]` as ComfyUI's `/view` takes it; outputs where nothing is said. Raises AgentError."""
    named = source if source.endswith(']') else f'{source} [output]'
    file = file_reference(named)
    if file['type'] not in KINDS or not file['filename']:
        raise AgentError(f'{source!r} names no file of the server; it is one of {_FORMS}')
    return file


def template_bytes(studio: Studio, pack: str, name: str) -> bytes:
    """A template of a pack, or of ComfyUI itself where `pack` is empty or `core`. Raises AgentError."""
    missing = f'there is no template {name!r}' + (f' of {pack}' if pack else '')
    if any(part in ('.', '..') or set(part) & set('/\\%?#') for part in (pack, name)):
        raise AgentError(missing)
    if pack in ('', 'core'):
        return studio.find(f'templates/{name}.json', missing)
    return studio.find(f'api/workflow_templates/{pack}/{name}.json', missing)


def template_names(studio: Studio) -> list[str]:
    """`PACK/NAME`, as `script_of("templates/…")` takes them."""
    found = [
        f'{pack}/{name}'
        for pack, names in sorted(studio.get('api/workflow_templates').items())
        for name in sorted(set(names))
    ]
    try:
        index = studio.get('templates/index.json')
    except ServerError:  # the package with ComfyUI's own is not installed
        return found
    categories = index if isinstance(index, list) else []
    return found + [f'core/{item["name"]}' for category in categories for item in category.get('templates', ())]


def save_workflow(studio: Studio, text: str, name: str, *, overwrite: bool = False) -> str:
    """The script as a workflow in ComfyUI's list of workflows, laid out. Raises AgentError."""
    path = _workflow_path(name)
    try:
        read = read_script(text, studio.schemas())
    except ScriptRefused as refused:
        raise AgentError(ScriptCheck(errors=tuple(refused.errors)).text()) from refused
    data = json.dumps(read.workflow()).encode()
    params = {'overwrite': str(overwrite).lower(), 'full_info': 'true'}
    try:
        studio.ask(lambda connection: connection.request('POST', _userdata(path), params=params, data=data))
    except ServerError as error:
        if error.status == 409:
            raise AgentError(f'{path} is there already: take another name, or overwrite=true') from error
        raise
    return f'Saved as {path}: {len(read.prompt.nodes)} nodes.'


def _workflow_path(name: str) -> str:
    parts = name.strip().removesuffix('.json').removeprefix('workflows/').replace('\\', '/').split('/')
    odd = [part for part in parts if not part.strip() or part.strip('. ') == '' or any(c in '<>:"|?*\0' for c in part)]
    if odd:
        raise AgentError(f'{name!r} is no name of a workflow: letters, digits, spaces, and / for a folder')
    return f'workflows/{"/".join(part.strip() for part in parts)}.json'


def upload(studio: Studio, path: str) -> str:
    """A file of this machine into the server's input folder; its name there. Raises AgentError."""
    folders = studio.permissions.upload_from
    if not folders:
        raise AgentError('uploads are off: start the server with --upload-from FOLDER to allow the files of a folder')
    file = Path(path).expanduser().resolve()
    if not any(file.is_relative_to(folder.resolve()) for folder in folders):
        raise AgentError(f'{path} lies outside of {", ".join(map(str, folders))}')
    if not file.is_file():
        raise AgentError(f'there is no file {path}')
    if file.suffix.lower() not in UPLOADED or file.stat().st_size > LARGEST_UPLOAD:
        raise AgentError(f'{path} is no image, video, sound or 3D model of at most {LARGEST_UPLOAD >> 20} MB')
    name = studio.client.upload(file)
    studio.refresh()
    return f'LoadImage({name!r}) has it.' if file.suffix.lower() in IMAGE_SUFFIXES else f'It is {name!r} there.'


def list_models(studio: Studio, kind: str, text: str = '') -> str:
    """Names, a line each: of a model folder, or the choices of `Node.input`. Raises AgentError."""
    found = choices(studio.schemas(), kind) if '.' in kind else model_names(studio, kind)
    wanted = [name for name in found if all(word in name.lower() for word in text.lower().split())]
    return listed(wanted, len(wanted), rest='give a text') or f'none of {len(found)}'


def model_names(studio: Studio, kind: str) -> list[str]:
    """The files of a model folder, newest list. Raises AgentError with the kinds that there are."""
    folders: list[Any] = studio.get('models')
    if kind not in folders:
        raise AgentError(f'there is no kind {kind!r}; there are {", ".join(map(str, folders))}, or "Node.input"')
    return [str(name) for name in studio.get(f'models/{kind}')]
