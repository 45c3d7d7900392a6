"""Helpers for scripts: get values and images out of a workflow, put images and latents into one.

Those that run a workflow have an asynchronous twin with a leading underscore: `await util._get_images(image)`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from contextvars import ContextVar
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..graph import ComfyScriptError, bind
from .calls.built import build
from .calls.outputs import NodeOutput
from .calls.recording import Recorder
from .calls.running import submit_options, unshown
from .calls.sites import RawSite, call_site
from .client.client import Client, default_client, find_source, to_pil
from .wire.background import run_async, run_sync
from .wire.results import ImageBatchResult, LatentResult, Result, ResultFile, decode_image

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar('T')

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


class UtilError(ComfyScriptError):
    """A helper needs a node that the server does not have, or got something that it cannot use."""


# -- values


async def _get_str(value: Any) -> str:
    if not _is_output(value):
        return str(value)
    client = _client_of(value)
    for class_type, name in _SHOW_TEXT:
        if class_type in client.schemas:
            texts = (await _result_of(client, _call(client, class_type, **{name: value}))).texts
            return ''.join(texts)
    raise UtilError('The server has no node that shows a value as text; ComfyUI from 2025-07 on has PreviewAny.')


def get_str(value: Any) -> str:
    """The text that a node's output holds, by running what makes it. `util.get_str(node_output)`"""
    return _run(_get_str(_checked(value)))


async def _get_int(value: Any) -> int:
    return int(await _get_str(value)) if _is_output(value) else int(value)


def get_int(value: Any) -> int:
    """The integer that a node's output holds, by running what makes it. Raises ValueError where it holds none."""
    return _run(_get_int(_checked(value)))


async def _get_float(value: Any) -> float:
    return float(await _get_str(value)) if _is_output(value) else float(value)


def get_float(value: Any) -> float:
    """The number that a node's output holds, by running what makes it. Raises ValueError where it holds none."""
    return _run(_get_float(_checked(value)))


# -- images


async def _get_images(value: Any, *, save: bool = False) -> list[Image]:
    if not _is_output(value):
        return _local_images(value)
    client = _client_of(value)
    value = _as_image(client, value)
    if save:
        return await _images_of(await _result_of(client, _call(client, 'SaveImage', images=value)))
    images = await _images_over_websocket(client, value)
    if images is None:
        images = await _images_of(await _result_of(client, _call(client, 'PreviewImage', images=value)))
    return images


def get_images(value: Any, *, save: bool = False) -> list[Image]:
    """The PIL images that a node's output holds, by running what makes it.

    Nothing is left on the server: the images come over the connection (where the server lacks `SaveImageWebsocket`,
    through its folder for temporary files). `save=True` saves them in its output folder as `SaveImage` does.
    """
    return _run(_get_images(_checked(value), save=save))


async def _images_over_websocket(client: Client, value: Any) -> list[Image] | None:
    """The images as binary messages, or None where the server cannot, or a message may have got lost."""
    connection = client.tracker.connection
    if 'SaveImageWebsocket' not in client.schemas or connection.polling:
        return None
    output = _call(client, 'SaveImageWebsocket', images=value)
    epoch = connection.epoch if connection.is_up else None
    task = await _submit(client, output, keep_images=True)
    await task
    node_id = task._id_of(output) if task._id_of else None
    images = (task.images or {}).get(str(node_id), [])
    dropped = epoch is not None and epoch != connection.epoch
    if dropped or not images or len(images) != task.image_counts.get(str(node_id), len(images)):
        return None
    return [decode_image(image) for image in images]


async def _images_of(result: Result) -> list[Image]:
    if not isinstance(result, ImageBatchResult):
        raise UtilError(f'The value is no image: the server answered with {result!r}')
    return await result


def _local_images(value: Any) -> list[Image]:
    """PIL images of a batch that is here already: an array or tensor [B, H, W, C] or [H, W, C], or PIL images."""
    if isinstance(value, ImageBatchResult):
        return value.wait()
    if isinstance(value, (list, tuple)) or getattr(value, 'ndim', 0) == 4:
        return [to_pil(image) for image in value]
    return [to_pil(value)]


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
        joined = _client_of(joined).nodes[class_type](joined, value)
    return joined


async def _save_image(image: Any, prefix: str | None = None, *, temp: bool = False) -> ImageBatchResult:
    client = _client_of(image)
    image = _as_image(client, image)
    named = {} if prefix is None else {'filename_prefix': prefix}
    output = _call(client, 'PreviewImage', images=image) if temp else _call(client, 'SaveImage', images=image, **named)
    result = await _result_of(client, output)
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
    return concat_images(*(load_image(path)[0] for path in paths))


def load_image(image: Any) -> tuple[Any, Any]:
    """An image and its mask as values for nodes, through `LoadImage`.

    `image`: a PIL image, an array or tensor, bytes, a file here (these are uploaded), a result's file, or the name
    that a file has on the server.
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
    client = _client_of(latent)
    prefix = 'latents/ComfyUI' if prefix is None else prefix
    result = await _result_of(client, _call(client, 'SaveLatent', samples=latent, filename_prefix=prefix))
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


class _Caller(NamedTuple):
    """Who asks: the place in the script, for errors, and the script's text, for saved images."""

    site: RawSite | None
    source: str

    @classmethod
    def here(cls) -> _Caller:
        return cls(call_site(), find_source() or '')


# On the background loop nothing else tells.
_caller: ContextVar[_Caller | None] = ContextVar('comfy_script_caller', default=None)


def _locate() -> RawSite | None:
    caller = _caller.get()
    return caller.site if caller is not None else call_site()


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine for whoever calls, and wait for it."""
    token = _caller.set(_Caller.here())
    try:
        return run_sync(coroutine)
    finally:
        _caller.reset(token)


def _is_output(value: object) -> bool:
    return isinstance(value, NodeOutput)


def _client_of(value: Any) -> Client:
    """The client whose node made a value, else the default one."""
    runner = getattr(getattr(value, 'node', None), 'runner', None)
    return runner if isinstance(runner, Client) else default_client()


def _checked(value: Any) -> Any:
    """Before a blocking call: not on a thread that the server needs."""
    if _is_output(value):
        _client_of(value).check_may_wait()
    return value


def _call(client: Client, class_type: str, **inputs: Any) -> NodeOutput:
    """An output node's call that no surrounding Workflow records."""
    if class_type not in client.schemas:
        raise UtilError(f'The server has no node {class_type}.')
    schema = client.schemas[class_type]
    return Recorder(None, client, _locate)(schema, bind(schema, (), inputs))


async def _submit(client: Client, output: NodeOutput, keep_images: bool = False) -> Any:
    built = build([output])
    caller = _caller.get() or _Caller.here()
    options = {**submit_options(built), 'source': caller.source, 'keep_images': keep_images}
    with unshown():
        task = await run_async(client._submit(built.prompt, **options))
    for node_id, node in built.nodes.items():
        # A workflow around this has no reason to say that they were not queued.
        node.task_id = node.task_id or node_id
    return task


async def _result_of(client: Client, output: NodeOutput) -> Result:
    task = await _submit(client, output)
    return await task.result(output)


def _as_image(client: Client, value: Any) -> Any:
    """A mask as an image; anything else as it is."""
    if getattr(value, 'raw_type', None) == 'MASK':
        schema = client.schemas['MaskToImage']
        return Recorder(None, client, _locate)(schema, bind(schema, (value,), {}))
    return value


def _is_local(image: Any) -> bool:
    """Whether an image has to be uploaded: anything but the name of a file that the server has."""
    if isinstance(image, (str, PurePath)):
        return Path(image).is_file()
    return not isinstance(image, ResultFile)


def _there(file: str | PurePath | ResultFile) -> str | PurePath:
    """A file that the server has, as a node takes it."""
    return file if isinstance(file, PurePath) else str(file)
