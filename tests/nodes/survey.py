"""Runs a prompt of the corpus and its script in the ComfyScript node, and compares all that they give."""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from comfy_script.graph import Schemas
from comfy_script.tests.lab.server import Server, ServerError
from comfy_script.transpiler import Style, transpile

from .small import Small, outputs, reasons, smaller, without

STYLES = (Style(), Style(runtime=True))
"""Bare, and with the runtime's header."""
STAND_INS = ('', 'image', 'wan', 'wan22', 'hunyuan', 'ltx', 'audio', 'voxel')
"""The models that are tried, in turn: the lab's, then those of the tests' pack."""
PACK = Path(__file__).parent / 'stand_ins'
TIMEOUT = 300
AGAIN = 4
UNSTEADY = 'the graph itself does not give the same every time'

Given = list[tuple[str, ...]]


class Result(NamedTuple):
    """What became of a prompt."""

    name: str
    models: str = ''
    """The stand-in it ran with; `lab` for the lab's own models; empty where nothing of it could run."""
    outputs: int = 0
    left_out: tuple[str, ...] = ()
    """Why outputs are missing."""
    difference: str = ''

    @property
    def ran(self) -> bool:
        return bool(self.models)


def make_inputs(folder: Path) -> None:
    """A small picture, sound and film, the same every time."""
    import av
    import numpy
    from PIL import Image

    ramp = Image.linear_gradient('L').resize((64, 48))
    ramp.paste(255, (8, 4, 40, 16))
    flipped, turned = ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM), ramp.rotate(90)
    Image.merge('RGBA', (ramp, turned, flipped, turned)).save(folder / 'small.png')
    with av.open(str(folder / 'small.wav'), 'w') as sound:
        stream: Any = sound.add_stream('pcm_s16le', rate=44100, layout='stereo')
        wave = (numpy.sin(numpy.arange(2 * 44100) / 50) * 8000).astype(numpy.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(wave, format='s16', layout='stereo')
        frame.sample_rate = 44100
        sound.mux([*stream.encode(frame), *stream.encode(None)])
    with av.open(str(folder / 'small.mp4'), 'w') as film:
        stream = film.add_stream('mpeg4', rate=8)
        stream.width = stream.height = 64
        stream.pix_fmt = 'yuv420p'
        for index in range(9):
            picture = numpy.roll(numpy.array(ramp.resize((64, 64)).convert('RGB')), index * 4, 1)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
        film.mux(stream.encode(None))


def check(server: Server, schemas: Schemas, name: str, prompt: Mapping[str, Any], models: Iterable[str]) -> Result:
    """Runs a prompt with the first of `models` that all of it runs with, else with the one that most of it does."""
    best = Result(name)
    for model in models:
        small, given = _runnable(server, schemas, prompt, model)
        if len(small.prompt) == 0:
            best = best if best.left_out else best._replace(left_out=tuple(reasons(small.left_out.values())))
            continue
        count = len(outputs(small.prompt, schemas))
        if count > best.outputs:
            difference = compare(server, schemas, small.prompt, given)
            if difference and not _is_steady(server, small.prompt, given):
                best = best if best.left_out else best._replace(left_out=(UNSTEADY,))
                continue
            best = Result(name, model or 'lab', count, tuple(reasons(small.left_out.values())), difference)
        if not small.left_out:
            break
    return best


def _is_steady(server: Server, prompt: Mapping[str, Any], given: Given) -> bool:
    """Whether a graph, run anew, gives the same again."""
    for _ in range(AGAIN):
        server.post('/free', {'unload_models': True, 'free_memory': True})
        time.sleep(1)
        if run(server, prompt) != given:
            return False
    return True


def _runnable(server: Server, schemas: Schemas, prompt: Mapping[str, Any], model: str) -> tuple[Small, Given]:
    """What of a prompt the server itself runs, and what that gives."""
    small = smaller(prompt, schemas, model)
    left_out = dict(small.left_out)
    while small.prompt:
        try:
            return small._replace(left_out=left_out), run(server, small.prompt)
        except ServerError as error:
            failed = _failed_nodes(str(error), small.prompt)
            rest = without(small.prompt, failed, small.prompt, schemas)
            if not rest.left_out:
                why = dict.fromkeys(outputs(small.prompt, schemas), f'the server: {str(error)[:200]}')
                return Small({}, left_out | why), []
            left_out |= rest.left_out
            small = rest
    return Small({}, left_out), []


def _failed_nodes(error: str, prompt: Mapping[str, Any]) -> dict[str, str]:
    """Node -> what the server says of it."""
    found = {}
    if error.startswith('the prompt failed: '):
        for kind, data in json.loads(error.partition(': ')[2]):
            if kind == 'execution_error':
                words = f'{data["exception_type"]}: {" ".join(data["exception_message"].split())[:110]}'
                found[data['node_id']] = f'the server fails in {data["node_type"]}: {words}'
        return found
    if ': 400 ' in error:
        for key, problem in json.loads(error.partition(': 400 ')[2]).get('node_errors', {}).items():
            first = problem['errors'][0]
            found[key] = f'the server refuses {prompt[key]["class_type"]}: {first["message"]}: {first["details"][:80]}'
    return found


def compare(server: Server, schemas: Schemas, prompt: dict[str, Any], given: Given) -> str:
    """Empty where the prompt's script gives the same in the node, bare and with the header; else what differs."""
    for style in STYLES:
        script = transpile(prompt, schemas=schemas, style=style)
        if ('from comfy_script.runtime import *' in script) != style.runtime:
            return f'no header where there should be one, or the other way round: {script[:200]}'
        try:
            found = run(server, {'1': {'class_type': 'ComfyScript', 'inputs': {'script': script}}})
        except ServerError as error:
            return f'{error}\n{script}'
        if found != given:
            return f'the graph gives {_few(given, found)}, the script {_few(found, given)}\n{script}'
    return ''


def _few(these: Given, others: Given) -> str:
    return f'{len(these)} results, of its own {[item for item in these if item not in others][:5]}'


# What a prompt gives


def run(server: Server, prompt: Mapping[str, Any]) -> Given:
    """What the nodes of a prompt save and show: its kind, its folder, and what it is without what tells who made it."""
    try:
        entry = server.queue(prompt, timeout=TIMEOUT)
    except ServerError as error:
        if 'is not done after' in str(error):
            _stop(server)
            raise ServerError(f'more than {TIMEOUT} s') from None
        raise
    found: Given = []
    for ui in entry['outputs'].values():
        for kind, values in ui.items():
            for value in values:
                if isinstance(value, dict) and 'filename' in value:
                    file = server.base / value['type'] / value['subfolder'] / value['filename']
                    found.append((kind, value['type'], *content(file)))
                elif kind == 'text':
                    found += [(kind, line) for line in str(value).splitlines()]
                else:
                    found.append((kind, json.dumps(value, sort_keys=True)))
    return sorted(found)


def _stop(server: Server) -> None:
    server.post('/interrupt', {})
    while server.get('/prompt')['exec_info']['queue_remaining']:
        time.sleep(0.2)


def content(file: Path) -> tuple[str, ...]:
    """A file's kind and a hash of what is in it, metadata left out."""
    digest = hashlib.sha256()
    suffix = file.suffix.lower()
    if suffix in ('.png', '.webp', '.jpg', '.gif'):
        what = _add_pictures(file, digest)
    elif suffix in ('.mp4', '.webm', '.mkv', '.mp3', '.flac', '.opus', '.wav'):
        what = _add_frames(file, digest)
    elif suffix == '.glb':
        what = _add_mesh(file, digest)
    elif suffix in ('.latent', '.safetensors'):
        data = file.read_bytes()
        digest.update(data[8 + struct.unpack('<Q', data[:8])[0] :])
        what = 'tensors'
    else:
        digest.update(file.read_bytes())
        what = f'{file.stat().st_size} bytes'
    return suffix, what, digest.hexdigest()


def _add_pictures(file: Path, digest: Any) -> str:
    from PIL import Image, ImageSequence

    with Image.open(file) as image:
        for frame in ImageSequence.Iterator(image):
            digest.update(frame.tobytes())
        return f'{image.mode} {image.size} {getattr(image, "n_frames", 1)}'


def _add_frames(file: Path, digest: Any) -> str:
    import av

    count = 0
    with av.open(str(file)) as container:
        for packet in container.demux():
            for frame in packet.decode():
                digest.update(frame.to_ndarray().tobytes())  # pyright: ignore[reportAttributeAccessIssue]
                count += 1
    return f'{count} frames'


def _add_mesh(file: Path, digest: Any) -> str:
    data = file.read_bytes()
    length = struct.unpack('<I', data[12:16])[0]
    head = json.loads(data[20 : 20 + length])
    head.get('asset', {}).pop('extras', None)
    digest.update(json.dumps(head, sort_keys=True).encode() + data[20 + length :])
    return 'mesh'
