"""Values of node outputs, fetched by running a node more: nodes that no workflow of the script has.

On the background loop nothing tells who asked: `AskingScript` is noted where the script calls.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ...graph import ComfyScriptError, bind
from ..calls.outputs import NodeOutput
from ..calls.pictures import to_pil
from ..calls.recording import Recorder
from ..calls.running import build, submission_of, unshown
from ..calls.sites import RawSite, call_site, find_source
from ..wire.background import run_async
from ..wire.results import ImageBatchResult, Result, decode_image
from .client import Client
from .current import default_client

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    'AskingScript',
    'NoNumberError',
    'UtilError',
    'as_image',
    'call_node',
    'caller',
    'client_of',
    'fetch_images',
    'is_output',
    'result_of',
]


class UtilError(ComfyScriptError):
    """A helper needs a node that the server does not have, or got something that it cannot use."""


class NoNumberError(UtilError, ValueError):
    """A number was asked for, and the value is none."""


class AskingScript(NamedTuple):
    """Who asks: the place in the script, for errors, and the script's text, for saved images."""

    site: RawSite | None
    source: str | None

    @classmethod
    def here(cls) -> AskingScript:
        return cls(call_site(), find_source())


# On the background loop nothing else tells.
caller: ContextVar[AskingScript | None] = ContextVar('comfy_script_caller', default=None)


def _locate() -> RawSite | None:
    asking = caller.get()
    return asking.site if asking is not None else call_site()


def is_output(value: object) -> bool:
    """Whether a value is a node's output, and not here yet."""
    return isinstance(value, NodeOutput)


def client_of(value: Any) -> Client:
    """The client whose node made a value, else the default one."""
    runner = getattr(getattr(value, 'node', None), 'runner', None)
    return runner if isinstance(runner, Client) else default_client()


def call_node(client: Client, class_type: str, **inputs: Any) -> NodeOutput:
    """An output node's call that no surrounding Workflow records."""
    if class_type not in client.schemas:
        raise UtilError(f'The server has no node {class_type}.')
    schema = client.schemas[class_type]
    return Recorder(None, client, _locate)(schema, bind(schema, (), inputs))


async def _submit(client: Client, output: NodeOutput, keep_images: bool = False) -> Any:
    built = build([output])
    asking = caller.get() or AskingScript.here()
    submission = submission_of(built)
    source = asking.source or find_source(submission.origins) or ''
    submission = replace(submission, source=source, keep_images=keep_images)
    with unshown():
        task = await run_async(client._submit(submission))
    for node_id, node in built.nodes.items():
        # A workflow around this has no reason to say that they were not queued.
        node.task_id = node.task_id or node_id
    return task


async def result_of(client: Client, output: NodeOutput) -> Result:
    task = await _submit(client, output)
    return await task.result(output)


def as_image(client: Client, value: Any) -> Any:
    """A mask as an image; anything else as it is."""
    if getattr(value, 'raw_type', None) == 'MASK':
        schema = client.schemas['MaskToImage']
        return Recorder(None, client, _locate)(schema, bind(schema, (value,), {}))
    return value


async def fetch_images(value: Any, *, save: bool = False) -> list[Image]:
    if not is_output(value):
        if isinstance(value, (list, tuple)) and any(map(is_output, value)):
            return [image for item in value for image in await fetch_images(item, save=save)]
        return _local_images(value)
    client = client_of(value)
    value = as_image(client, value)
    if save:
        return await _images_of(await result_of(client, call_node(client, 'SaveImage', images=value)))
    images = await _images_over_websocket(client, value)
    if images is None:
        images = await _images_of(await result_of(client, call_node(client, 'PreviewImage', images=value)))
    return images


async def _images_over_websocket(client: Client, value: Any) -> list[Image] | None:
    """The images as binary messages, or None where the server cannot, or a message may have got lost."""
    connection = client.tracker.connection
    if 'SaveImageWebsocket' not in client.schemas or connection.polling:
        return None
    output = call_node(client, 'SaveImageWebsocket', images=value)
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


