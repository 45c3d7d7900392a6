"""Pictures given to nodes directly: loaded by nodes of their own, named by content, sent once."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from comfy_script.graph import Schemas
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.pictures import PictureError, files_of, to_pil
from comfy_script.runtime.calls.recording import Recorder, locate_call, record_call
from comfy_script.runtime.calls.running import BuildError, build
from comfy_script.runtime.client.uploads import image_file, mask_image
from comfy_script.runtime.client.workflow import Workflow
from comfy_script.runtime.real.util import get_images

from .conftest import OBJECT_INFO, node

LOADERS = {
    'LoadImage': node({'image': [['a.png'], {'image_upload': True}]}, ['IMAGE', 'MASK']),
    'ImageToMask': node({'image': ['IMAGE', {}], 'channel': [['red', 'green'], {}]}, ['MASK']),
    'ImageBatch': node({'image1': ['IMAGE', {}], 'image2': ['IMAGE', {}]}, ['IMAGE']),
    'Masked': node({'latent': ['LATENT', {}], 'mask': ['MASK', {}]}, ['LATENT']),
}


class Sender:
    """A client that keeps the files and prompts that it is given."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def submit(self, prompt: Any, **options: Any) -> Any:
        self.events.append([*prompt.files, 'prompt'])
        (prompt.on_accepted or (lambda task: None))(self)
        return self

    def wait_result(self, output: Any, timeout: float | None = None) -> str:
        return 'result'


@pytest.fixture
def sender() -> Sender:
    return Sender()


@pytest.fixture
def nodes(sender: Sender) -> NodeNamespace:
    schemas = Schemas.parse({**OBJECT_INFO, **LOADERS})
    runner: Any = sender
    return NodeNamespace(schemas, Recorder(record_call, runner, locate_call, schemas.find))


def red(size: int = 4) -> Image.Image:
    return Image.new('RGB', (size, size), (255, 0, 0))


def types_of(output: Any) -> list[str]:
    return [node['class_type'] for node in build([output]).prompt.values()]


def shown(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


AS_ARRAYS = {
    'uint8': lambda: numpy.asarray(red()),
    'floats': lambda: numpy.asarray(red(), dtype=numpy.float32) / 255,
    'a batch of one': lambda: numpy.asarray(red())[None],
}


@pytest.mark.parametrize('kind', AS_ARRAYS)
def test_an_array_is_loaded(nodes: NodeNamespace, kind: str) -> None:
    built = build([nodes.SaveImage(AS_ARRAYS[kind]())])
    [(file, data)] = built.files.items()
    assert [node['class_type'] for node in built.prompt.values()] == ['LoadImage', 'SaveImage']
    assert built.prompt['1']['inputs'] == {'image': str(file)}
    assert built.prompt['2']['inputs']['images'] == ['1', 0]
    assert shown(data).getpixel((0, 0)) == (255, 0, 0)


def test_the_same_content_has_the_same_name(nodes: NodeNamespace) -> None:
    pictures = (red(), *(make() for make in AS_ARRAYS.values()))
    names = {tuple(build([nodes.SaveImage(picture)]).files) for picture in pictures}
    assert len(names) == 1
    assert tuple(build([nodes.SaveImage(red(8))]).files) not in names


def test_a_batch_is_joined(nodes: NodeNamespace) -> None:
    batch = numpy.stack([numpy.full((4, 4, 3), level, numpy.uint8) for level in (0, 9, 200)])
    output = nodes.SaveImage(batch)
    assert types_of(output) == ['LoadImage', 'LoadImage', 'ImageBatch', 'LoadImage', 'ImageBatch', 'SaveImage']
    assert [shown(data).getpixel((0, 0)) for data in build([output]).files.values()] == [(0,) * 3, (9,) * 3, (200,) * 3]


def test_a_tensor_is_loaded(nodes: NodeNamespace) -> None:
    torch = pytest.importorskip('torch')
    for tensor in (torch.ones(1, 4, 4, 3), torch.full((4, 4, 3), 255, dtype=torch.uint8)):
        [data] = build([nodes.SaveImage(tensor)]).files.values()
        assert shown(data).getpixel((0, 0)) == (255, 255, 255)


def test_a_mask_is_white_where_it_masks(nodes: NodeNamespace) -> None:
    array = numpy.zeros((4, 4), numpy.float32)
    array[0, 0] = 1
    see_through = red()
    see_through.putalpha(Image.fromarray((255 * (1 - array)).astype(numpy.uint8)))
    for mask in (array, array[None], Image.fromarray((255 * array).astype(numpy.uint8)), see_through):
        output = nodes.Masked(nodes.EmptyLatentImage(), mask)
        assert types_of(output) == ['EmptyLatentImage', 'LoadImage', 'ImageToMask', 'Masked']
        [data] = build([output]).files.values()
        assert [shown(data).getpixel(place) for place in ((0, 0), (1, 1))] == [(255,) * 3, (0,) * 3]


@pytest.mark.parametrize('mode', ['CMYK', 'HSV', 'YCbCr', 'RGBX', 'PA', 'RGBa', 'La', 'I;16'])
def test_other_modes_have_their_colours(mode: str) -> None:
    grey = Image.new('L', (3, 2), 200)
    if mode == 'I;16':
        picture = Image.frombytes('I;16', (3, 2), (200 * 257).to_bytes(2, 'little') * 6)
    else:
        through = {'RGBa': 'RGBA', 'La': 'LA', 'PA': 'RGBA'}.get(mode, 'RGB')
        picture = grey.convert(through).convert(mode)
    [file] = files_of(picture)
    with Image.open(io.BytesIO(file.data)) as sent:
        assert sent.mode in ('P', 'RGB', 'RGBA')
        assert all(abs(value - 200) <= 2 for value in sent.convert('RGB').getpixel((1, 1)))  # type: ignore[union-attr]
    [mask] = files_of(picture, mask=True)
    assert mask.data[:4] == b'\x89PNG'


@pytest.mark.parametrize('mode', ['I', 'F', 'LAB'])
@pytest.mark.parametrize('mask', [False, True])
def test_a_mode_that_does_not_say_what_is_white(mode: str, mask: bool) -> None:
    with pytest.raises(PictureError, match=f'A PIL image of mode {mode!r}'):
        files_of(Image.new(mode, (3, 2)), mask=mask)


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGB', 'RGBA'])
def test_no_picture_is_written_in_grey(mode: str) -> None:
    """ComfyUI 0.33 reads a grey file nearly a level too dark."""
    picture = red().convert(mode)
    [file] = files_of(picture)
    sent = shown(file.data)
    assert sent.mode in ('P', 'RGB', 'RGBA')
    assert sent.convert('RGBA').tobytes() == picture.convert('RGBA').tobytes()


def test_a_path_is_sent_as_it_is(nodes: NodeNamespace, tmp_path: Path) -> None:
    path = tmp_path / 'Mein Bild.jpg'
    red().save(path)
    [(file, data)] = build([nodes.SaveImage(path)]).files.items()
    assert data == path.read_bytes()
    assert file.endswith('.jpg')


def test_a_missing_file_is_named(nodes: NodeNamespace) -> None:
    with pytest.raises(BuildError, match=r"SaveImage .*test_pictures\.py:\d+.*'images'.*not-here\.png.*LoadImage\("):
        nodes.SaveImage(Path('not-here.png'))


def test_a_picture_for_another_input_is_refused(nodes: NodeNamespace) -> None:
    with pytest.raises(BuildError, match=r"VAEDecode .*'samples'.*this input \(LATENT\)"):
        nodes.VAEDecode(red(), None)
    assert nodes.Weights(numpy.ones((2, 2))).node.inputs == {'weights': {'__value__': [[1.0, 1.0], [1.0, 1.0]]}}


def test_inputs_inside_a_list_take_pictures(nodes: NodeNamespace) -> None:
    assert types_of(nodes.BatchImages([red(), red(8)])) == ['LoadImage', 'LoadImage', 'BatchImages']


def test_files_are_there_before_the_prompt(nodes: NodeNamespace, sender: Sender) -> None:
    [file] = files_of(red())
    nodes.SaveImage(red()).wait()
    with Workflow():
        nodes.SaveImage(red())
        nodes.Blur(red())
    with Workflow():
        nodes.SaveImage(None)
    assert sender.events == [[str(file), 'prompt'], [str(file), 'prompt'], ['prompt']]


def test_what_a_script_changes_later_is_not_sent(nodes: NodeNamespace) -> None:
    array = numpy.zeros((4, 4, 3), numpy.uint8)
    output = nodes.SaveImage(array)
    array[:] = 255
    assert shown(next(iter(build([output]).files.values()))).getpixel((0, 0)) == (0, 0, 0)


def level(array: Any) -> int:
    """How bright a picture of one brightness is sent."""
    [file] = files_of(array)
    pixel = shown(file.data).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return int(pixel[0])


@pytest.mark.parametrize('kind', ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint32', 'uint64'])
def test_integers_are_taken_as_bytes(kind: str) -> None:
    assert level(numpy.full((4, 4, 3), 100, kind)) == 100


def test_sixteen_bits_are_scaled() -> None:
    assert [level(numpy.full((4, 4), value, numpy.uint16)) for value in (0, 100 * 257, 65535)] == [0, 100, 255]


def test_floats_may_pass_white_and_black_a_little() -> None:
    assert [level(numpy.full((4, 4, 3), value)) for value in (-0.3, 0.5, 1.3)] == [0, 128, 255]
    assert level(numpy.ones((4, 4), bool)) == 255


@pytest.mark.parametrize(
    ('value', 'kind', 'named'),
    [
        (100, 'float32', 'float32 .*from 100.0 to 100.0'),
        (-1, 'float64', 'from -1.0'),
        (numpy.nan, 'float16', 'NaN'),
        (numpy.inf, 'float32', 'infinity'),
        (256, 'int32', 'int32 .*to 256'),
        (-1, 'int64', 'from -1 '),
    ],
)
def test_values_that_do_not_say_what_is_white(value: float, kind: str, named: str) -> None:
    array = numpy.zeros((4, 4, 3), kind)
    array[:] = value
    with pytest.raises(PictureError, match=rf'{named}.*floats from 0 to 1, integers from 0 to 255, or uint16'):
        files_of(array)


def test_one_nan_is_found() -> None:
    array = numpy.ones((4, 4, 3))
    array[0, 0, 0] = numpy.nan
    with pytest.raises(PictureError, match='NaN'):
        files_of(array)


def test_what_a_node_of_real_mode_gives_is_cut_off() -> None:
    torch = pytest.importorskip('torch')
    images = get_images(torch.tensor([-3.0, 0.5, 7.0]).reshape(3, 1, 1, 1).expand(3, 4, 4, 3))
    assert [image.getpixel((0, 0)) for image in images] == [(0,) * 3, (128,) * 3, (255,) * 3]


SHAPES = {
    'channels first': ((3, 64, 48), r'\[H, W, C\]; this one is \[3, 64, 48\], channels first'),
    'one channel first': ((1, 64, 48), 'channels first'),
    'five channels': ((64, 48, 5), r'\[64, 48, 5\], not 1 to 4 channels'),
    'no pixels': ((0, 0, 3), r'\[0, 0, 3\] has no pixels'),
}


@pytest.mark.parametrize('kind', SHAPES)
def test_a_shape_that_is_no_picture(nodes: NodeNamespace, kind: str) -> None:
    shape, message = SHAPES[kind]
    array = numpy.zeros(shape, numpy.uint8)
    with pytest.raises(PictureError, match=message):
        to_pil(array)
    with pytest.raises(BuildError, match=message) as refused:
        nodes.SaveImage(array)
    assert f"'images': <ndarray {list(shape)} of uint8>" in str(refused.value)


def test_a_loader_takes_no_picture(nodes: NodeNamespace) -> None:
    for picture in (red(), numpy.asarray(red())):
        with pytest.raises(BuildError, match=r'LoadImage .*a picture.*util\.load_image\(…\), or give the pic'):
            nodes.LoadImage(picture)


NO_LINKS: dict[str, Any] = {
    'a text': 'photos/1.png',
    'a list of texts': ['photos/1.png'],
    'a list of arrays': [numpy.zeros((4, 4, 3))] * 2,
    'an array of one dimension': numpy.zeros(5),
    'bytes': b'\x89PNG',
}


@pytest.mark.parametrize('kind', NO_LINKS)
def test_what_is_no_picture_is_refused_here(nodes: NodeNamespace, kind: str) -> None:
    with pytest.raises(BuildError, match=r"SaveImage .*this input \(IMAGE\) takes a node's output, a PIL image, an ar"):
        nodes.SaveImage(NO_LINKS[kind])


def test_no_text_goes_where_an_output_belongs(nodes: NodeNamespace) -> None:
    with pytest.raises(BuildError, match=r"'vae': 'a\.safetensors' .*this input \(VAE\) takes a node's output$"):
        nodes.VAEDecode(nodes.EmptyLatentImage(), 'a.safetensors')
    with pytest.raises(BuildError, match=r'this input \(IMAGE\)'):
        nodes.BatchImages([red(), 'photos/1.png'])


def test_a_graph_with_a_text_for_an_output_can_be_read() -> None:
    """What a prompt holds becomes a script, and that a prompt again, by calls without a server."""
    schemas = Schemas.parse(OBJECT_INFO)
    assert NodeNamespace(schemas, Recorder(record_call)).SaveImage('x').node.inputs['images'] == 'x'


def test_an_open_file_and_bytes_are_sent(tmp_path: Path) -> None:
    path = tmp_path / 'red.png'
    red().save(path)
    written = io.BytesIO()
    red().save(written, 'PNG')
    name, data = image_file(path.read_bytes(), None)
    assert data == path.read_bytes()
    with open(path, 'rb') as file:
        assert image_file(file, None) == image_file(written, None) == (name, data)
        assert mask_image(file).mode == 'RGBA'
    with open(path, encoding='utf-8') as file, pytest.raises(PictureError, match=r"open as text: open it with 'rb'"):
        image_file(file, None)


def test_bytes_that_are_no_picture() -> None:
    for junk in (b'junk', b'', io.BytesIO(b'junk')):
        for use in (lambda data: image_file(data, None), mask_image):
            with pytest.raises(PictureError, match=r'bytes .*are not the file of a picture'):
                use(junk)
    assert image_file(b'junk', 'a.latent') == ('a.latent', b'junk')
