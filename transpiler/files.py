"""Prompt, workflow and script out of any file that ComfyUI writes them into."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import TranspileError
from .formats.containers import is_known, texts_of
from .formats.parts import Unreadable

LARGEST_JSON = 512 << 20
"""Bytes beyond which a JSON file is not read."""

_KEYS = {'prompt': 'prompt', 'workflow': 'workflow', 'comfyscript': 'script'}

_PARAMETERS = 'parameters'
_SAMPLED = re.compile(r'(^|\n)Steps: \d+, ')
"""How the last line of A1111's parameters begins (`modules/processing.py: create_infotext`): EXIF has no keys."""

_INSIDE = ('__metadata__', 'asset', 'extras', 'extra_data', 'extra_pnginfo', 'metadata')
"""Where in a JSON object prompt and workflow lie deeper: safetensors, glTF, requests to `/prompt`."""


@dataclass(frozen=True)
class Metadata:
    """What a file holds: the executed API prompt, the web UI's workflow, the script saved with it; the parameters that
    A1111 and its like write, as their text."""

    prompt: Mapping[str, Any] | None = None
    workflow: Mapping[str, Any] | None = None
    script: str | None = None
    parameters: str | None = None


def read_metadata(path: str | os.PathLike[str]) -> Metadata:
    """The metadata of an output (PNG, APNG, WebP, JPEG, FLAC, MP3, Opus, MP4, WebM, .latent, .safetensors, GLB, SVG)
    or of a JSON file; empty for a file without. Raises OSError, and TranspileError naming a file that is broken."""
    path = Path(path)
    try:
        with open(path, 'rb') as file:
            head = file.read(16)
            file.seek(0)
            if is_known(head):
                return _from_texts(dict(_with_known_keys(texts_of(file))))
            encoding = _encoding_of(head)
            if encoding is not None:
                if os.fstat(file.fileno()).st_size > LARGEST_JSON:
                    raise TranspileError(f'larger than {LARGEST_JSON >> 20} MB')
                return metadata_of(parse_json(file.read().decode(encoding)))
    except (Unreadable, struct.error, UnicodeDecodeError, OverflowError, IndexError) as error:
        raise TranspileError(f'the file is broken: {error}', file=path) from error
    except TranspileError as error:
        raise error.within(path) from error
    return Metadata()


def _encoding_of(head: bytes) -> str | None:
    """The encoding of a JSON text that begins so; None for anything else. PowerShell's `>` writes UTF-16."""
    if head[:2] in (b'\xff\xfe', b'\xfe\xff'):
        start = head[2:16].decode('utf-16-le' if head[:2] == b'\xff\xfe' else 'utf-16-be', 'replace')
        return 'utf-16' if start.lstrip()[:1] in ('{', '[') else None
    return 'utf-8-sig' if head.lstrip(b'\xef\xbb\xbf \t\r\n')[:1] in (b'{', b'[') else None


def read_script(path: str | os.PathLike[str]) -> str | None:
    """The script stored in an output of ComfyUI, or None where there is none. Raises OSError, TranspileError."""
    return read_metadata(path).script


def metadata_of(data: Any) -> Metadata:
    """What a JSON value is: a workflow, a prompt, or an object that holds them (a request to `/prompt`, a header)."""
    if not isinstance(data, Mapping):
        raise TranspileError(f'neither a workflow nor a prompt: a JSON {type(data).__name__}')
    if isinstance(data.get('nodes'), (list, tuple)):
        return Metadata(workflow=data)
    if _is_prompt(data):
        return Metadata(prompt=_nodes_of(data))
    found: dict[str, Any] = {}
    pending = [data]
    while pending:
        holder = pending.pop(0)
        for key, value in holder.items():
            name = 'prompt' if key == 'output' else _KEYS.get(str(key).lower())
            if name and name not in found and _fits(name, value := _parsed(name, value)):
                found[name] = _nodes_of(value) if name == 'prompt' else value
            elif key in _INSIDE and isinstance(value, Mapping):
                pending.append(value)
    if not found and not data:
        return Metadata(prompt={})
    return Metadata(**found)


def _is_prompt(data: Mapping[str, Any]) -> bool:
    return any(map(_is_whole_node, data.values())) or (bool(data) and all(map(_is_node, data.values())))


def _is_node(value: Any) -> bool:
    """Of a type that the browser knew or did not."""
    return isinstance(value, Mapping) and ('class_type' in value or 'inputs' in value)


def _is_whole_node(value: Any) -> bool:
    return isinstance(value, Mapping) and 'class_type' in value and isinstance(value.get('inputs'), Mapping)


def _nodes_of(prompt: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what others write beside the nodes (Civitai: `extra`, `extraMetadata`)."""
    return (
        prompt
        if all(map(_is_node, prompt.values()))
        else {key: value for key, value in prompt.items() if _is_node(value)}
    )


def _fits(name: str, value: Any) -> bool:
    if name == 'script':
        return isinstance(value, str)
    if not isinstance(value, Mapping):
        return False
    return isinstance(value.get('nodes'), (list, tuple)) if name == 'workflow' else _is_prompt(value) or not value


def _with_known_keys(texts: Any) -> Any:
    """The texts that matter, the first of each key; texts without a key are kept where they hold an object."""
    seen = set()
    for key, text in texts:
        name = key.lower()
        name = _PARAMETERS if name not in _KEYS and _SAMPLED.search(text) else name
        if name not in seen and (name in _KEYS or name == _PARAMETERS or text.lstrip()[:1] == '{'):
            seen.add(name)
            yield name, text


def _from_texts(texts: Mapping[str, str]) -> Metadata:
    found: dict[str, Any] = {}
    broken: list[TranspileError] = []
    for key, text in texts.items():
        name = _KEYS.get(key)
        if name is None:
            continue
        try:
            value = _parsed(name, text)
        except TranspileError as error:
            broken.append(error)
            continue
        if _fits(name, value):
            found[name] = _nodes_of(value) if name == 'prompt' else value
    for key, text in texts.items():
        if key == _PARAMETERS:
            found[_PARAMETERS] = text
        elif key not in _KEYS and not ('prompt' in found or 'workflow' in found):
            inner = _object_in(text)
            for name in ('prompt', 'workflow', 'script'):
                value = getattr(inner, name, None)
                if value is not None:
                    found.setdefault(name, value)
    if broken and not found:
        raise broken[0]
    return Metadata(**found)


def _object_in(text: str) -> Metadata | None:
    try:
        return metadata_of(json.loads(text))
    except (ValueError, RecursionError, TranspileError):
        return None


def _parsed(name: str, value: Any) -> Any:
    """A value that may be JSON text; a script may be plain text or a JSON string."""
    if not isinstance(value, str):
        return value
    if name == 'script':
        if value[:1] != '"':
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    try:
        return parse_json(value)
    except TranspileError as error:
        first = _first_fitting(name, value)
        if first is not None:
            return first
        raise TranspileError(f'its {name} is {error.message}') from error


def _first_fitting(name: str, text: str) -> Any:
    """Of JSON values that stand one after the other (WAS *Image Save* and others write all metadata into one text)."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, len(text) - len(text[place:].lstrip()))
        except (ValueError, RecursionError):
            return None
        if _fits(name, value):
            return value
    return None


def parse_json(text: str) -> Any:
    """JSON as the web UI reads it, or TranspileError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TranspileError(f'not readable as JSON: {error}') from error
