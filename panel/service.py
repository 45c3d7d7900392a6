"""What the routes answer: plain data in, plain data out. Runs in a worker thread."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..graph import Schemas
from ..transpiler import Script, Style, convert_workflow, read_metadata, write_script
from .catalog import catalog
from .errors import RequestError
from .reading import ScriptRefused, errors_of, read_script

__all__ = ['apply', 'file', 'node', 'output', 'prompt', 'runnable', 'schemas', 'signature', 'transpile']


def transpile(request: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """`{workflow?, prompt?, style?, text?}` → `{script, lines, warnings, text?}`.

    The workflow alone will do: it is converted. With a `text` that somebody wrote, that text stands as far as it holds.
    """
    if request.get('text') is None:
        return _script_json(write_graph(request, schemas))
    from .apply import spans
    from .shown import shown

    found = shown(_workflow(request), schemas, read_style(request.get('style')), _text(request, 'text'))
    text = found.reading.text
    return {
        'script': text,
        'lines': spans(text, found.lines),
        'warnings': list(found.warnings),
        'text': found.state,
    }


def write_graph(request: Mapping[str, Any], schemas: Schemas) -> Script:
    workflow, prompt_ = _object(request, 'workflow'), _object(request, 'prompt')
    style = read_style(request.get('style'))
    if prompt_ is not None:
        return write_script(prompt_, schemas=schemas, workflow=workflow, style=style)
    if workflow is None:
        raise RequestError('neither a workflow nor a prompt was sent')
    conversion = convert_workflow(workflow, schemas)
    script = write_script(conversion.prompt, schemas=schemas, workflow=workflow, conversion=conversion, style=style)
    return Script(script.text, script.lines, tuple(dict.fromkeys((*conversion.warnings, *script.warnings))))


def prompt(request: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """`{script}` → `{prompt, workflow, lines}`, or `{errors}`. Nothing is executed."""
    try:
        read = read_script(_text(request, 'script'), schemas)
    except ScriptRefused as refused:
        return {'errors': refused.errors}
    return {'prompt': read.prompt.to_json(), 'workflow': read.workflow(), 'lines': dict(read.lines)}


def runnable(request: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """`{script}` → `{script}` as a file that runs, or `{errors}`."""
    from ..interpreter import ScriptError
    from .runnable import as_file

    text = _text(request, 'script')
    try:
        return {'script': as_file(text)}
    except ScriptError as error:
        return {'errors': errors_of(error)}


def apply(request: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """`{workflow, script, style?, text?}` → `{edits, lines}`, or `{errors}`: what makes the graph the script."""
    from .apply import plan

    text = None if request.get('text') is None else _text(request, 'text')
    style = read_style(request.get('style'))
    return plan(_workflow(request), _text(request, 'script'), schemas, style, text)


def node(request: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """`{workflow, nodes}` → `{script, inputs, outputs}`: the selected nodes as one ComfyScript node's text."""
    from .to_node import to_node

    workflow, nodes = _object(request, 'workflow'), request.get('nodes')
    if workflow is None or not isinstance(nodes, list):
        raise RequestError('a workflow and a list of node ids are needed')
    return to_node(workflow, [str(key) for key in nodes], schemas, read_style(request.get('style')))


def signature(request: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """`{script}` → `{main, any_input, inputs, outputs, errors}`: a ComfyScript node's sockets and widgets."""
    from ..interpreter import describe_signature

    return describe_signature(_text(request, 'script'), schemas)


def file(content: bytes, filename: str, query: Mapping[str, str], schemas: Schemas) -> dict[str, Any]:
    """The script of a file that was dropped on the panel."""
    import tempfile

    # Readers go by the file's suffix; nothing else of the name is used.
    suffix = ''.join(letter for letter in Path(filename).suffix if letter.isalnum() or letter == '.')[:16]
    with tempfile.TemporaryDirectory(prefix='comfyscript-') as folder:
        path = Path(folder) / f'file{suffix}'
        path.write_bytes(content)
        return _of_file(path, query, schemas)


def output(query: Mapping[str, str], schemas: Schemas) -> dict[str, Any]:
    """The script of a file in ComfyUI's output, input or temp folder, addressed as `/view` does."""
    return _of_file(output_path(query), query, schemas)


def output_path(query: Mapping[str, str]) -> Path:
    """The file that a `/view` address names. Raises RequestError 400, 403 or 404."""
    import folder_paths  # pyright: ignore[reportMissingImports]  # ComfyUI's

    filename = query.get('filename', '')
    if not filename or filename[0] == '/' or '\0' in filename:
        raise RequestError('no filename was given')
    root = folder_paths.get_directory_by_type(query.get('type') or 'output')
    if root is None:
        raise RequestError('type must be output, input or temp')
    root = os.path.abspath(root)
    path = os.path.abspath(os.path.join(root, query.get('subfolder', ''), filename))
    if not _inside(path, root):
        raise RequestError('the file lies outside its folder', 403)
    if not os.path.isfile(path):
        raise RequestError(f'there is no file {filename!r}', 404)
    return Path(path)


def _inside(path: str, root: str) -> bool:
    try:
        return os.path.commonpath((path, root)) == root
    except ValueError:  # another drive
        return False


def _of_file(path: Path, query: Mapping[str, str], schemas: Schemas) -> dict[str, Any]:
    """Made of the prompt or the workflow, in the style asked for, so that two can be compared; else the one saved."""
    metadata = read_metadata(path)
    if not metadata.prompt and not metadata.workflow:
        if metadata.script:
            return {'script': metadata.script, 'lines': {}, 'warnings': [], 'source': 'script'}
        raise RequestError('the file holds no workflow', 404)
    style = read_style({key: value for key, value in query.items() if key == 'args'})
    request = {'prompt': metadata.prompt or None, 'workflow': metadata.workflow or None}
    answer = _script_json(write_graph({**request, 'style': _style_json(style)}, schemas))
    return {**answer, 'source': 'prompt' if metadata.prompt else 'workflow'}


def schemas(schemas: Schemas) -> dict[str, Any]:
    """All nodes for completion and hover help; see `catalog.py`."""
    return catalog(schemas)


def read_style(data: Any) -> Style:
    """A Style from JSON; what it does not know is refused by name."""
    if data is None:
        return Style()
    if not isinstance(data, Mapping):
        raise RequestError('style must be an object')
    known = {field.name for field in fields(Style)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise RequestError(f'style has no {", ".join(unknown)}; it has {", ".join(sorted(known))}')
    try:
        return Style(**data)
    except (TypeError, ValueError) as error:
        raise RequestError(f'style: {error}') from error


def _style_json(style: Style) -> dict[str, Any]:
    return {field.name: getattr(style, field.name) for field in fields(Style)}


def _script_json(script: Script) -> dict[str, Any]:
    lines = {key: list(span) for key, span in script.lines.items()}
    return {'script': script.text, 'lines': lines, 'warnings': list(script.warnings)}


def _object(request: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    value = request.get(key)
    if value is not None and not isinstance(value, dict):
        raise RequestError(f'{key} must be an object')
    return value


def _workflow(request: Mapping[str, Any]) -> dict[str, Any]:
    workflow = _object(request, 'workflow')
    if workflow is None:
        raise RequestError('no workflow was sent')
    return workflow


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise RequestError(f'{key} must be a string')
    return value
