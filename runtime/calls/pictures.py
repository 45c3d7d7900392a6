"""Pictures of a script (PIL images, arrays, tensors, files here) as files for the server, named by their content."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Protocol

from ...graph import ComfyScriptError

__all__ = [
    'FileToSend',
    'HasArray',
    'HasArrayInterface',
    'PictureError',
    'check_picture',
    'content_name',
    'described',
    'file_content',
    'files_of',
    'in_a_known_mode',
    'is_picture',
    'png_of',
    'to_pil',
]

FOLDER = 'comfyscript'
"""The folder inside ComfyUI's `input` for what is given to nodes directly."""

_NAMED = 20

_OVERSHOOT = 0.5
"""How far the floats of an image go beyond 0 and 1 at most: scaling and sharpening pass them a little."""


class PictureError(ComfyScriptError, ValueError):
    """What was given as an image is none, or its file cannot be read."""


class HasArray(Protocol):
    """A numpy array or a tensor."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


class HasArrayInterface(Protocol):
    """A PIL image."""

    @property
    def __array_interface__(self) -> Any: ...


class FileToSend(str):
    """The name that a file has in ComfyUI's `input` folder once it is there, with what is in the file."""

    data: bytes

    @classmethod
    def of(cls, data: bytes, suffix: str) -> FileToSend:
        self = cls(f'{FOLDER}/{content_name(data, suffix)}')
        self.data = data
        return self


def content_name(data: bytes, suffix: str = '.png') -> str:
    """A file name that says what is in the file: the same for the same content, and no other."""
    return hashlib.sha256(data).hexdigest()[:_NAMED] + suffix


def is_picture(value: object) -> bool:
    """Whether a value is a PIL image, an array or tensor of two dimensions or more, or the path of a file here."""
    if isinstance(value, PurePath):
        return True
    if hasattr(value, 'dtype') and hasattr(value, 'shape'):
        return len(value.shape) >= 2  # type: ignore[attr-defined]
    return any(base.__module__ == 'PIL.Image' for base in type(value).__mro__)


def described(value: object) -> str:
    """A value as errors show it: of an array, what it is instead of what is in it."""
    if isinstance(value, list) and any(map(is_picture, value)):
        return f'[{", ".join(map(described, value[:3]))}{", …" if len(value) > 3 else ""}]'
    if is_picture(value) and hasattr(value, 'shape'):
        return f'<{type(value).__name__} {list(value.shape)} of {value.dtype}>'  # type: ignore[attr-defined]
    return f'{value!r:.200}'


def file_content(picture: Any) -> bytes | None:
    """The whole of an open file, or bytes as they are; None for anything else. Raises PictureError for open texts."""
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return bytes(picture)
    if not (hasattr(picture, 'read') and hasattr(picture, 'seek')):
        return None
    if picture.seekable():
        picture.seek(0)  # it may have just been written
    data = b'' if isinstance(picture, io.TextIOBase) else picture.read()
    if not isinstance(data, bytes) or isinstance(picture, io.TextIOBase):
        raise PictureError(f"{picture!r:.200} is open as text: open it with 'rb'")
    return data


def check_picture(data: bytes) -> None:
    """Raises PictureError for what is certainly not the content of a picture's file."""
    from PIL import Image

    if data[4:8] == b'ftyp':  # AVIF and HEIC, which not every Pillow reads
        return
    try:
        Image.open(io.BytesIO(data)).close()
    except Image.UnidentifiedImageError:
        raise PictureError(f'{len(data)} bytes that begin with {data[:16]!r} are not the file of a picture') from None


def files_of(picture: Any, mask: bool = False) -> list[FileToSend]:
    """The files of a picture, one per image of a batch. Raises PictureError.

    `picture`: a path; a PIL image; an array or tensor [H, W, C], [B, H, W, C] or [H, W]: integers from 0 to 255, uint16
    from 0 to 65535, or floats from 0 to 1.
    `mask`: an array is [H, W] or [B, H, W], and white is masked; of an image with alpha, what is transparent.
    """
    if isinstance(picture, PurePath) and not mask:
        return [FileToSend.of(_read(picture), picture.suffix.lower() or '.png')]
    if isinstance(picture, PurePath):
        from PIL import Image

        picture = Image.open(io.BytesIO(_read(picture)))
    return [FileToSend.of(png_of(_mask(image) if mask else image), '.png') for image in _single(picture, mask)]


def _read(path: PurePath) -> bytes:
    try:
        with open(path, 'rb') as file:
            return file.read()
    except OSError as error:
        raise PictureError(
            f'{str(path)!r} cannot be read here: {error.strerror or error}. A file that the server has is given by '
            "name: LoadImage('name.png')"
        ) from None


def _single(picture: Any, mask: bool) -> Iterator[Any]:
    """The images of a batch, each as a PIL image."""
    batched = getattr(picture, 'ndim', 0) == (3 if mask else 4)
    try:
        for image in picture if batched else [picture]:
            yield to_pil(image)
    except (TypeError, ValueError) as error:
        raise PictureError(str(error)) from None


def _mask(image: Any) -> Any:
    """White where it is masked."""
    from PIL import ImageOps

    image = in_a_known_mode(image)
    if 'A' in image.getbands():
        return ImageOps.invert(image.getchannel('A'))
    return image.convert('L')


_IN_COLOUR = {'1': 'RGB', 'L': 'RGB', 'LA': 'RGBA'}
"""Grey images are written in colour: ComfyUI 0.33 reads those of one channel nearly a level too dark (`nodes.py:
LoadImage`, by PyAV), colours as they are."""


_OTHER_MODES = {'CMYK': 'RGB', 'HSV': 'RGB', 'YCbCr': 'RGB', 'RGBX': 'RGB', 'PA': 'RGBA', 'La': 'LA', 'RGBa': 'RGBA'}


def in_a_known_mode(image: Any) -> Any:
    """A PIL image as one that a PNG file can hold with 8 bits. Raises PictureError where its white is not known."""
    mode: str = image.mode
    if mode in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA'):
        return image
    if mode in _OTHER_MODES:
        return image.convert(_OTHER_MODES[mode])
    if mode.startswith('I;16') or (mode == 'I' and image.format == 'PNG'):  # as older Pillows read 16 bits
        return image.convert('I').point(lambda value: value * (1 / 257)).convert('L')
    if mode in ('I', 'F'):
        raise PictureError(
            f'A PIL image of mode {mode!r} does not say which of its values is white: give '
            'numpy.asarray(image) / WHITE instead, an array of floats from 0 to 1'
        )
    raise PictureError(f'A PIL image of mode {mode!r} cannot be given to a node: make it RGB or RGBA')


def png_of(image: Any) -> bytes:
    """A PIL image as a PNG file that every ComfyUI reads as it is. Raises PictureError."""
    image = in_a_known_mode(image)
    buffer = io.BytesIO()
    colour = _IN_COLOUR.get(image.mode)
    (image if colour is None else image.convert(colour)).save(buffer, 'PNG', compress_level=1)
    return buffer.getvalue()


def to_pil(image: Any) -> Any:
    """A PIL image of a PIL image, or of an array or tensor: [H, W, C], [H, W], one of a batch; floats from 0 to 1.

    Raises PictureError for an array that is no picture, TypeError for what is no array either.
    """
    from PIL import Image

    if isinstance(image, Image.Image):
        return image
    import numpy

    if hasattr(image, 'detach'):
        image = image.detach().cpu().float().numpy() if image.dtype.is_floating_point else image.cpu().numpy()
    array = numpy.asarray(image)
    if array.dtype.kind not in 'buif' or array.ndim == 0:
        raise TypeError(f'{image!r:.200} is no image: give a PIL image, or an array [H, W, C] or [H, W]')
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    _check_shape(array.shape)
    return Image.fromarray(_bytes(array))


def _check_shape(shape: tuple[int, ...]) -> None:
    """Raises PictureError where an array of this shape is no picture."""
    if len(shape) not in (2, 3):
        raise PictureError(f'An image has the shape [H, W, C] or [H, W], not {list(shape)}; give one of a batch')
    if 0 in shape:
        raise PictureError(f'An image of the shape {list(shape)} has no pixels')
    if len(shape) == 3 and shape[2] not in (2, 3, 4):
        first = shape[0] in (1, 3, 4)
        what = ', channels first: array.transpose(1, 2, 0) puts them last' if first else ', not 1 to 4 channels'
        raise PictureError(f'An image has the shape [H, W, C]; this one is {list(shape)}{what}')


def _bytes(array: Any) -> Any:
    """The values of a picture as uint8, whatever says how bright it is. Raises PictureError where nothing does."""
    import numpy

    if array.dtype == numpy.uint8:
        return array
    if array.dtype == bool:
        return array.astype(numpy.uint8) * 255
    low, high = array.min(), array.max()
    if array.dtype == numpy.uint16:
        array = array / numpy.float32(65535)
    elif array.dtype.kind in 'ui' and low >= 0 and high <= 255:
        return array.astype(numpy.uint8)
    elif array.dtype.kind in 'ui' or not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):  # also where one is NaN
        held = f'values from {low} to {high}' if numpy.isfinite([low, high]).all() else 'NaN or infinity in it'
        raise PictureError(
            f'An array of {array.dtype} that has {held} does not say which are black and white: give floats from 0 to '
            '1, integers from 0 to 255, or uint16 from 0 to 65535'
        )
    return numpy.clip(array.astype(numpy.float32) * 255.0 + 0.5, 0, 255).astype(numpy.uint8)
