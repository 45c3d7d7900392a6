"""Helpers for scripts: get values and images out of a workflow, put images and latents into one.

Those that run a workflow have an asynchronous twin with a leading underscore: `await util._get_images(image)`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from .client.current import default_client
from .client.fetching import (
    AskingScript,
    NoNumberError,
    UtilError,
    as_image,
    call_node,
    caller,
    client_of,
    fetch_images,
    is_output,
    result_of,
)
from .wire.background import run_sync
from .wire.results import ImageBatchResult, LatentResult, ResultFile

if TYPE_CHECKING:
    from PIL.Image import Image

_get_images = fetch_images

T = TypeVar('T')
N = TypeVar('N', int, float)

__all__ = [
    'concat_images',
    'concat_latents',
    'get_float',
    'get_images',
    'get_int',
    'get_str',
    'load_image',
    'load_image_from_paths',
    'load_latent',
    'load_latent_from_path',
    'load_latent_from_paths',
    'save_image',
    'save_image_and_get_paths',
    'save_image_cwd',
    'save_latent',
    'save_latent_and_get_path',
    'upload_image',
    'upload_mask',
]

# Nodes that show a value as text, with the input that takes it: ComfyUI's own first, then those of well-known packs.
_SHOW_TEXT = (
    ('PreviewAny', 'source'),
    ('ShowText|pysssss', 'text'),
    ('Show any to JSON [Crystools]', 'any_value'),
    ('ttN textDebug', 'text'),
)


# -- values


async def _get_str(value: Any) -> str:
    if not is_output(value):
        return str(value)
    client = client_of(value)
    for class_type, name in _SHOW_TEXT:
        if class_type in client.schemas:
            texts = (await result_of(client, call_node(client, class_type, **{name: value}))).texts
            return ''.join(texts)
    raise UtilError('The server has no node that shows a value as text; ComfyUI from 2025-07 on has PreviewAny.')


def get_str(value: Any) -> str:
    """The text that a node's output holds, by running what makes it. `util.get_str(node_output)`"""
    return _run(_get_str(_checked(value)))


async def _number(value: Any, kind: Callable[[Any], N], called: str) -> N:
    held = await _get_str(value) if is_output(value) else value
    try:
        return kind(held)
    except ValueError:
        gave = f'{value!r} gave {held!r:.100}' if is_output(value) else f'{held!r:.100}'
        raise NoNumberError(f'{gave}, which is no {called}') from None


async def _get_int(value: Any) -> int:
    return await _number(value, int, 'integer')


def get_int(value: Any) -> int:
    """The integer that a node's output holds, by running what makes it. Raises NoNumberError where it holds none."""
    return _run(_get_int(_checked(value)))


async def _get_float(value: Any) -> float:
    return await _number(value, float, 'number')


def get_float(value: Any) -> float:
    """The number that a node's output holds, by running what makes it. Raises NoNumberError where it holds none."""
    return _run(_get_float(_checked(value)))


# -- images


def get_images(value: Any, *, save: bool = False) -> list[Image]:
    """The PIL images that a node's output holds, or each of a list of them, by running what makes it.

    Nothing is left on the server: the images come over the connection (where the server lacks `SaveImageWebsocket`,
    through its folder for temporary files). `save=True` saves them in its output folder as `SaveImage` does.
    """
    return _run(fetch_images(_checked(value), save=save))


def concat_images(*images: Any) -> Any:
    """One batch of several images: a chain of `ImageBatch` nodes."""
    return _chain('ImageBatch', images)


def concat_latents(*latents: Any) -> Any:
    """One batch of several latents: a chain of `LatentBatch` nodes."""
    return _chain('LatentBatch', latents)


def _chain(class_type: str, values: tuple[Any, ...]) -> Any:
    if not values:
        raise UtilError(f'{class_type} needs at least one value')
    joined = values[0]
    for value in values[1:]:
        joined = client_of(joined).nodes[class_type](joined, value)
    return joined


async def _save_image(image: Any, prefix: str | None = None, *, temp: bool = False) -> ImageBatchResult:
    client = client_of(image)
    image = as_image(client, image)
    named = {} if prefix is None else {'filename_prefix': prefix}
    if temp:
        output = call_node(client, 'PreviewImage', images=image)
    else:
        output = call_node(client, 'SaveImage', images=image, **named)
    result = await result_of(client, output)
    if not isinstance(result, ImageBatchResult):
        raise UtilError(f'The value is no image: the server answered with {result!r}')
    return result


def save_image(image: Any, prefix: str | None = None, *, temp: bool = False) -> ImageBatchResult:
    """Save an image in the server's output folder, or (`temp`) in its folder for temporary files."""
    return _run(_save_image(_checked(image), prefix, temp=temp))


def save_image_cwd(image: Any, prefix: str = 'ComfyUI', *, temp: bool = False) -> ImageBatchResult:
    """Save an image in the current directory, which must lie inside the output folder of a local server."""
    return save_image(image, str(Path.cwd() / prefix), temp=temp)


def save_image_and_get_paths(
    image: Any, prefix: str | None = None, *, temp: bool = False, type: bool = True
) -> list[str]:
    """Save an image on the server and return the paths there (`a_00001_.png [output]`), for `load_image_from_paths`.

    `type=False` leaves out the folder's type.
    """
    result = save_image(image, prefix, temp=temp)
    return [str(file) if type else file.path for file in result.files]


def load_image_from_paths(paths: Iterable[str | PurePath]) -> Any:
    """Images as one batch: paths on the server (`a_00001_.png [output]`), or of files here, which are uploaded."""
    images = [load_image(path)[0] for path in paths]
    if not images:
        raise UtilError('load_image_from_paths was given no path: is there a file at all that a `glob` found?')
    return concat_images(*images)


def load_image(image: Any) -> tuple[Any, Any]:
    """An image and its mask as values for nodes, through `LoadImage`.

    `image`: a PIL image, an array or tensor, bytes, a file here by its path or open (these are uploaded), a result's
    file, or the name that a file has on the server.
    """
    client = default_client()
    local = _is_local(image)
    return client.nodes['LoadImage'](client.upload(image) if local else _there(image))


async def _load_image(image: Any) -> tuple[Any, Any]:
    client = default_client()
    local = _is_local(image)
    return client.nodes['LoadImage'](await client._upload(image) if local else _there(image))


def upload_image(image: Any, name: str | None = None, **options: Any) -> str:
    """Upload an image to the default server; see `Client.upload`."""
    return default_client().upload(image, name, **options)


async def _upload_image(image: Any, name: str | None = None, **options: Any) -> str:
    return await default_client()._upload(image, name, **options)


def upload_mask(mask: Any, original: str | ResultFile, name: str | None = None, **options: Any) -> str:
    """Upload a mask for an image on the default server; see `Client.upload_mask`."""
    return default_client().upload_mask(mask, original, name, **options)


async def _upload_mask(mask: Any, original: str | ResultFile, name: str | None = None, **options: Any) -> str:
    return await default_client()._upload_mask(mask, original, name, **options)


# -- latents


async def _save_latent(latent: Any, prefix: str | None = None) -> LatentResult:
    client = client_of(latent)
    prefix = 'latents/ComfyUI' if prefix is None else prefix
    result = await result_of(client, call_node(client, 'SaveLatent', samples=latent, filename_prefix=prefix))
    if not isinstance(result, LatentResult):
        raise UtilError(f'The value is no latent: the server answered with {result!r}')
    return result


def save_latent(latent: Any, prefix: str | None = None) -> LatentResult:
    """Save a latent in the server's output folder (as `latents/ComfyUI…`). `result.save(folder)` fetches the file."""
    return _run(_save_latent(_checked(latent), prefix))


def save_latent_and_get_path(latent: Any, prefix: str | None = None, *, type: bool = True) -> str:
    """Save a latent on the server and return the path there (`latents/a_00001_.latent [output]`), for `load_latent`.

    `type=False` leaves out the folder's type.
    """
    [file] = save_latent(latent, prefix).files
    return str(file) if type else file.path


def load_latent(latent: LatentResult | str | PurePath) -> Any:
    """A saved latent as a value for nodes.

    `latent`: `save_latent`'s result, a `.latent` file here (which is uploaded), or the path that a file has on the
    server.
    """
    client = default_client()
    if isinstance(latent, LatentResult):
        name = client.upload(latent.read(), latent.files[0].filename)
    else:
        name = client.upload(Path(latent)) if _is_local(latent) else _there(latent)
    return client.nodes['LoadLatent'](name)


load_latent_from_path = load_latent


def load_latent_from_paths(paths: Iterable[str | PurePath]) -> Any:
    """Latents as one batch; see `load_latent`."""
    return concat_latents(*map(load_latent, paths))


# -- how


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine for whoever calls, and wait for it."""
    token = caller.set(AskingScript.here())
    try:
        return run_sync(coroutine)
    finally:
        caller.reset(token)


def _checked(value: Any) -> Any:
    """Before a blocking call: not on a thread that the server needs."""
    for item in value if isinstance(value, (list, tuple)) and not is_output(value) else [value]:
        if is_output(item):
            client = client_of(item)
            if not client.offline:
                client.tracker.check_may_wait()
    return value


def _is_local(image: Any) -> bool:
    """Whether an image has to be uploaded: anything but the name of a file that the server has."""
    if isinstance(image, (str, PurePath)):
        return Path(image).is_file()
    return not isinstance(image, ResultFile)


def _there(file: str | PurePath | ResultFile) -> str | PurePath:
    """A file that the server has, as a node takes it."""
    return file if isinstance(file, PurePath) else str(file)
