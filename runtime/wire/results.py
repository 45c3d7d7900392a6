"""What output nodes give back: images, text, audio, video, 3D models, or the raw `ui` dict of another kind."""

from __future__ import annotations

import io
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from ...graph.printable import printable
from .background import run_async, run_sync
from .errors import NotLoadedError, ServerError
from .file_names import safe_file_name
from .html import images_html, in_notebook, player_html, show_html

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

__all__ = [
    'AudioResult',
    'EmptyResult',
    'FileResult',
    'ImageBatchResult',
    'LatentResult',
    'Model3DResult',
    'Result',
    'ResultFile',
    'TextResult',
    'VideoResult',
    'make_result',
]

IMAGE_SUFFIXES = frozenset(
    {'.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp', '.tiff', '.tif', '.avif', '.apng', '.exr'}
)
VIDEO_SUFFIXES = frozenset({'.mp4', '.webm', '.mov', '.mkv', '.avi', '.m4v'})
AUDIO_SUFFIXES = frozenset({'.flac', '.mp3', '.opus', '.ogg', '.wav', '.m4a', '.aac'})
MODEL_3D_SUFFIXES = frozenset({'.glb', '.gltf', '.obj', '.stl', '.ply', '.fbx', '.usdz', '.splat', '.spz', '.ksplat'})


class ResultFile(NamedTuple):
    """A file on the server: `type` is `output`, `temp` or `input`."""

    filename: str
    subfolder: str = ''
    type: str = 'output'

    @property
    def path(self) -> str:
        """Its path inside the folder of its type, with forward slashes."""
        return f'{self.subfolder}/{self.filename}'.replace('\\', '/').lstrip('/')

    def __str__(self) -> str:
        return f'{self.path} [{self.type}]'


Download = Callable[[ResultFile], Coroutine[Any, Any, bytes]]


_download_of_default: list[Download] = []


def set_default_download(download: Download | None) -> None:
    """Where the files of results come from that no task gave."""
    _download_of_default[:] = [] if download is None else [download]


async def _default_download(file: ResultFile) -> bytes:
    if not _download_of_default:
        raise NotLoadedError(f'{file} is on a server, and none is loaded: call load() first')
    return await _download_of_default[0](file)


def make_result(output: Mapping[str, Any] | None, download: Download) -> Result:
    """The result object for a node's `ui` output."""
    if not output:
        return EmptyResult(output, download)
    files = _files_of(output)
    suffixes = {PurePosixPath(file.filename).suffix.lower() for file in files}
    if 'images' in output and not suffixes & VIDEO_SUFFIXES:
        return ImageBatchResult(output, download, _files_of({'images': output['images']}))
    for kind, known in _KINDS:
        if suffixes and suffixes <= known:
            return kind(output, download, files)
    if 'text' in output:
        return TextResult(output, download, files)
    return FileResult(output, download, files) if files else Result(output, download, files)


def _files_of(output: Mapping[str, Any]) -> tuple[ResultFile, ...]:
    """Every file that an output names, whatever its keys: packs invent their own (`gifs`, `3d`, ...)."""
    found: list[ResultFile] = []
    for value in output.values():
        for item in value if isinstance(value, (list, tuple)) else ():
            if isinstance(item, Mapping) and isinstance(item.get('filename'), str):
                kind = str(item.get('type') or 'output')
                found.append(ResultFile(item['filename'], str(item.get('subfolder') or ''), kind))
    return tuple(found)


class Result:
    """The output of an output node. `output` is the raw `ui` dict."""

    def __init__(
        self, output: Mapping[str, Any] | None, download: Download, files: tuple[ResultFile, ...] = ()
    ) -> None:
        self.output: Mapping[str, Any] = output or {}
        self.files = files
        self._download = download

    @classmethod
    def from_output(cls, output: Mapping[str, Any] | None) -> Result:
        """The result for a node's raw `ui` output, as in comfy-script 0.6; files come from the default server."""
        return make_result(output, _default_download)

    @property
    def _output(self) -> Mapping[str, Any]:
        """The raw output, under the name that scripts for the first implementation use."""
        return self.output

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process it goes with the contents of its files, which are fetched for it."""
        contents = {file: run_sync(self._download(file)) for file in dict.fromkeys(self.files)}
        return _sent_result, (type(self), dict(self.output), self.files, contents)

    @property
    def texts(self) -> list[str]:
        """Its texts, empty where it has none."""
        text = self.output.get('text') or ()
        return [str(part) for part in ([text] if isinstance(text, str) else text)]

    def __getitem__(self, key: Any) -> Any:
        return self.output[key]

    def __repr__(self) -> str:
        return f'{type(self).__name__}({dict(self.output)!r})'

    async def _read(self, index: int) -> bytes:
        return await run_async(self._download(self._file(index)))

    def _file(self, index: int) -> ResultFile:
        """One of its files. Raises IndexError that says how many there are."""
        count = len(self.files)
        if not -count <= index < count:
            few = {0: 'none', 1: 'one, [0]'}.get(count, f'{count}, [0] to [{count - 1}]')
            raise IndexError(f'{type(self).__name__} has no [{index}]: of files it has {few}')
        return self.files[index]

    def read(self, index: int = 0) -> bytes:
        """The bytes of one of its files, metadata and all. Raises IndexError or ServerError."""
        return run_sync(self._download(self._file(index)))

    async def _save(self, folder: str | Path = '.') -> list[Path]:
        target = Path(folder)
        named = _is_file_name(target, self.files)
        folder = target.parent if named else target
        folder.mkdir(parents=True, exist_ok=True)
        if named:
            paths = [_numbered(target, index + 1) for index in range(len(self.files))]
            for index, path in enumerate(paths):
                path.write_bytes(await self._read(index))
            return paths
        saved: list[Path] = []
        errors: list[Exception] = []
        for index, file in enumerate(self.files):
            try:
                saved.append(_write(folder, file.filename, await self._read(index)))
            except (OSError, ServerError) as error:
                # The others are saved all the same.
                errors.append(error)
        if errors:
            raise errors[0]
        return saved

    def save(self, folder: str | Path = '.') -> list[Path]:
        """Save its files as the server made them, metadata and all: `save('first.png')`, or into a folder here.

        In a folder they keep their names, and none is written over an existing file. A file that is named is written
        over; further files get a number: `first (2).png`. Returns the paths. Raises ValueError for a name with the
        suffix of another kind of file. Asynchronous: `await result._save(folder)`.
        """
        return run_sync(self._save(folder))

    def display(self, **_: Any) -> None:
        """Show it in a notebook, or print it."""
        print(printable('\n'.join(self.texts)) if self.texts else repr(self))


def _sent_result(
    kind: type[Result], output: Mapping[str, Any], files: tuple[ResultFile, ...], contents: Mapping[ResultFile, bytes]
) -> Result:
    """A result that has come from another process, which holds its files."""

    async def held(file: ResultFile) -> bytes:
        return contents[file]

    return kind(output, held, files)


class EmptyResult(Result):
    """An output node ran and had nothing to show."""

    def __repr__(self) -> str:
        return 'EmptyResult()'

    def display(self, **_: Any) -> None:
        """Nothing to show."""

    def _ipython_display_(self) -> None:
        pass


class TextResult(Result):
    """Text of an output node; `str(result)` is the text."""

    def __str__(self) -> str:
        return '\n'.join(self.texts)


class FileResult(Result):
    """Files on the server. `read(i)` and `save(folder)` fetch them."""

    def __len__(self) -> int:
        return len(self.files)

    def __bool__(self) -> bool:
        return True

    def display(self, **options: Any) -> None:
        """Show its files in a notebook, or print what it is."""
        if not in_notebook():
            super().display(**options)
            return
        shown = [
            player_html(file.filename, partial(self.read, index), str(file)) for index, file in enumerate(self.files)
        ]
        show_html(''.join(shown), repr(self))

    def _ipython_display_(self) -> None:
        self.display()


class AudioResult(FileResult):
    """Audio files."""


class VideoResult(FileResult):
    """Video files."""


class Model3DResult(FileResult):
    """3D model files."""


class LatentResult(FileResult):
    """Saved latents."""


class ImageBatchResult(FileResult):
    """The images of an output node, fetched when asked for.

    `batch[i]`, `batch[1:]`, iteration, `len(batch)`, `batch.wait()` -> list of PIL images;
    asynchronous: `await batch.get(i)`, `await batch`.
    """

    async def get(self, index: int) -> Image:
        """One image, asynchronously. Raises IndexError or ServerError."""
        return decode_image(await self._read(index))

    def __await__(self) -> Generator[Any, None, list[Image]]:
        return self._get_all().__await__()

    async def _get_all(self) -> list[Image]:
        return [await self.get(index) for index in range(len(self.files))]

    def wait(self) -> list[Image]:
        """All images."""
        return run_sync(self._get_all())

    @overload
    def __getitem__(self, key: int) -> Image: ...
    @overload
    def __getitem__(self, key: slice) -> list[Image]: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: int | slice | str) -> Any:
        if isinstance(key, str):
            return self.output[key]
        if isinstance(key, slice):
            return [self[index] for index in range(*key.indices(len(self.files)))]
        return decode_image(self.read(key))

    def __iter__(self) -> Iterator[Image]:
        for index in range(len(self.files)):
            yield self[index]

    def numpy(self) -> numpy.ndarray:
        """All images as one uint8 array [batch, height, width, channels]. Raises ValueError where sizes differ."""
        import numpy

        arrays = [numpy.asarray(image.convert('RGBA' if _has_alpha(image) else 'RGB')) for image in self]
        if len({array.shape for array in arrays}) > 1:
            shapes = ', '.join(str(array.shape) for array in arrays)
            raise ValueError(f'The images have different sizes ({shapes}); take them one by one: list(batch)')
        return numpy.stack(arrays) if arrays else numpy.zeros((0, 0, 0, 3), dtype=numpy.uint8)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    async def _contents(self) -> list[bytes]:
        """Its image files, as they are on the server."""
        return [await self._read(index) for index in range(len(self.files))]

    def display(
        self,
        rows: int | None = None,
        cols: int | None = None,
        height: int | None = None,
        width: int | None = None,
        *,
        titles: list[str] | None = None,
        **_: Any,
    ) -> None:
        """Show the images in a notebook, in `rows` or `cols`, each `height` or `width` pixels large."""
        show_html(images_html(run_sync(self._contents()), rows, cols, height, width, titles), f'Images({self!r})')

    async def _display(
        self,
        rows: int | None = None,
        cols: int | None = None,
        height: int | None = None,
        width: int | None = None,
        *,
        titles: list[str] | None = None,
        **_: Any,
    ) -> None:
        show_html(images_html(await self._contents(), rows, cols, height, width, titles), f'Images({self!r})')


_KINDS: tuple[tuple[type[FileResult], frozenset[str]], ...] = (
    (ImageBatchResult, IMAGE_SUFFIXES),
    (VideoResult, VIDEO_SUFFIXES),
    (AudioResult, AUDIO_SUFFIXES),
    (Model3DResult, MODEL_3D_SUFFIXES),
    (LatentResult, frozenset({'.latent'})),
)


def decode_image(data: bytes) -> Image:
    """A PIL image of an image file's bytes."""
    from PIL import Image

    Image.init()  # the formats that this Pillow has are known after it
    image = Image.open(io.BytesIO(data), formats=[name for name in PICTURE_FORMATS if name in Image.OPEN])
    image.load()
    return image


PICTURE_FORMATS = ('PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'AVIF', 'PPM', 'TGA', 'JPEG2000', 'ICO')
"""What a server's bytes may be, by Pillow's names: of all that it would try, EPS starts Ghostscript."""


def _has_alpha(image: Image) -> bool:
    return 'A' in image.getbands() or 'transparency' in image.info


def _write(folder: Path, name: str, data: bytes) -> Path:
    """Write a new file; one that is there gets no other content."""
    base = safe_file_name(name)
    path = folder / base
    number = 1
    while True:
        try:
            with path.open('xb') as file:
                file.write(data)
            return path
        except FileExistsError:
            number += 1
            path = _numbered(folder / base, number)


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f'{path.stem} ({number}){path.suffix}')


_SAME_SUFFIX = {'.jpeg': '.jpg', '.tiff': '.tif'}


def _is_file_name(target: Path, files: tuple[ResultFile, ...]) -> bool:
    """Whether a path to save to names a file, and not a folder. Raises ValueError for another kind of file."""
    suffix = target.suffix.lower()
    known = {suffix for _, suffixes in _KINDS for suffix in suffixes}
    made = {PurePosixPath(file.filename).suffix.lower() for file in files}
    if target.is_dir() or suffix not in known | made or not suffix:
        return False
    if not {_SAME_SUFFIX.get(item, item) for item in made} <= {_SAME_SUFFIX.get(suffix, suffix)}:
        raise ValueError(f'{target}: the server made {", ".join(sorted(made)) or "files without a suffix"}; save that')
    return True
