"""What came of a prompt, for an agent: lines of text, small pictures, and where the originals are."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..panel.bounded import SHORT, cut, one_line
from ..runtime.wire.errors import NodeError, NodeProblem, PromptRefusedError
from ..runtime.wire.results import IMAGE_SUFFIXES, Download, Result, ResultFile, decode_image, make_result

MOST_PICTURES = 4
"""Pictures that are shown of one run; the others are named."""

PICTURE_SIZE = 512
"""Pixels of the longer side of a shown picture."""

MOST_TEXT = 2_000


@dataclass(frozen=True)
class Picture:
    """A small JPEG of an image on the server."""

    file: ResultFile
    data: bytes


@dataclass(frozen=True)
class RunReport:
    """`text` names every file; `pictures` are some of them."""

    text: str
    pictures: tuple[Picture, ...] = ()
    files: tuple[ResultFile, ...] = ()
    failed: bool = False


async def report(
    head: str,
    outputs: Mapping[str, Mapping[str, Any] | None],
    places: Mapping[str, str],
    download: Download,
    size: int = PICTURE_SIZE,
) -> RunReport:
    """The outputs of a prompt's nodes. `places`: node id → how the agent knows it (`line 9, SaveImage`)."""
    results = {key: make_result(output, download) for key, output in outputs.items()}
    lines = [head]
    files: list[ResultFile] = []
    for key, result in results.items():
        files += result.files
        said = [', '.join(str(file) for file in result.files)] if result.files else []
        said += [cut('\n'.join(result.texts), MOST_TEXT, 'print less')] if any(result.texts) else []
        if said:
            lines.append(f'{places.get(key, f"node {key}")}: ' + '\n'.join(said))
    pictures = await _pictures(results, size) if size > 0 else ()
    hidden = sum(_is_picture(file) for file in files) - len(pictures)
    if hidden > 0 and size > 0:
        lines.append(f'({hidden} more pictures are not shown)')
    return RunReport(cut('\n'.join(lines), SHORT, 'save less'), tuple(pictures), tuple(files))


async def _pictures(results: Mapping[str, Result], size: int) -> list[Picture]:
    found: list[Picture] = []
    for result in results.values():
        for index, file in enumerate(result.files):
            if len(found) < MOST_PICTURES and _is_picture(file):
                data = await asyncio.to_thread(small_jpeg, await result._read(index), size)
                found += [Picture(file, data)] if data else []
    return found


def _is_picture(file: ResultFile) -> bool:
    return any(file.filename.lower().endswith(suffix) for suffix in IMAGE_SUFFIXES)


def small_jpeg(data: bytes, size: int) -> bytes | None:
    """An image file as a JPEG of at most `size` pixels a side; None for what is no image that Pillow reads."""
    from PIL import Image

    try:
        with decode_image(data) as image:
            image.thumbnail((size, size))
            buffer = io.BytesIO()
            if image.has_transparency_data:
                ground = Image.new('RGBA', image.size, (255, 255, 255, 255))
                image = Image.alpha_composite(ground, image.convert('RGBA'))
            image.convert('RGB').save(buffer, 'JPEG', quality=80)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return buffer.getvalue()


def failure(error: Exception) -> RunReport:
    """An error of a run with the script's lines, without the server's traceback."""
    if isinstance(error, NodeError):
        node = 'the script' if error.class_type == 'ComfyScript' else error.class_type
        line = f'line {error.origin.line}: ' if error.origin and error.class_type != 'ComfyScript' else ''
        return RunReport(cut(f'{line}{node} failed: {error.exception_message.strip()}'), failed=True)
    if isinstance(error, PromptRefusedError) and error.problems:
        return RunReport(cut('ComfyUI refused it:\n' + '\n'.join(map(_problem, error.problems))), failed=True)
    return RunReport(cut(str(error)), failed=True)


def _problem(problem: NodeProblem) -> str:
    line = f'line {problem.origin.line}: ' if problem.origin else ''
    name = f'.{problem.input}' if problem.input else ''
    return one_line(f'{line}{problem.class_type}{name}: {problem.message}', 400)
