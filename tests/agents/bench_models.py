"""The templates' own models for `bench agent`: the lab's small ones under their names."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path

from comfy_script.tests.lab.paths import link, unlink

CLIP_PREFIX = 'cond_stage_model.transformer.'
TEXT_ENCODER = 'tiny text encoder'


def lay_models(base: Path, lab: Path, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """`base/models` with all of the lab's, and those that are wanted: `{folder: {name: the lab's that stands in}}`."""
    models = base / 'models'
    unlink(models)
    models.mkdir()
    for folder in lab.iterdir():
        if folder.is_dir() and folder.name not in wanted:
            link(folder, models / folder.name)
    tiny = lab / 'checkpoints' / 'tiny.safetensors'
    for folder, names in wanted.items():
        (models / folder).mkdir()
        for file in (lab / folder).glob('*.safetensors'):
            _same_file(file, models / folder / file.name)
        for name, stand_in in names.items():
            place = models / folder / name
            if stand_in == TEXT_ENCODER:
                place.write_bytes(part_of(tiny, CLIP_PREFIX))
            else:
                here = lab / folder / f'{stand_in}.safetensors'
                _same_file(here if here.is_file() else tiny, place)


def _same_file(file: Path, place: Path) -> None:
    try:
        place.symlink_to(file.resolve())
    except OSError:  # Windows asks for rights
        shutil.copyfile(file, place)


def part_of(file: Path, prefix: str) -> bytes:
    """The tensors of a safetensors file that are named so, as a file of their own, named without it."""
    data = file.read_bytes()
    (length,) = struct.unpack('<Q', data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    kept: dict[str, object] = {}
    parts: list[bytes] = []
    end = 0
    for name, tensor in header.items():
        if name.startswith(prefix):
            first, last = tensor['data_offsets']
            kept[name.removeprefix(prefix)] = {**tensor, 'data_offsets': [end, end + last - first]}
            parts.append(body[first:last])
            end += last - first
    written = json.dumps(kept).encode()
    written += b' ' * (-len(written) % 8)
    return struct.pack('<Q', len(written)) + written + b''.join(parts)


def clear_models(base: Path, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """First the links, so that nothing behind them can go with it."""
    models = base / 'models'
    for folder in models.iterdir():
        if folder.name not in wanted:
            unlink(folder)
    shutil.rmtree(models)
