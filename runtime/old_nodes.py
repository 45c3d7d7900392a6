"""Nodes that were installed along with comfy-script 0.6, by the names that scripts have for them.

They have been made for values on their way between a script and a server, which nodes take and give here without them.
A server that has the nodes, from a pack of that kind, goes before.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import util
from .client.current import default_client

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ['OLD_NODES']


def image_to_pil(images: Any) -> list[Image]:
    """`ImageToPIL`: the PIL images of an output, by running what makes it. `util.get_images(images)`"""
    return util.get_images(images)


def pil_to_image(images: Any) -> Any:
    """`PILToImage`: PIL images as one batch. Nodes take a PIL image as it is."""
    items = images if isinstance(images, (list, tuple)) else [images]
    return util.concat_images(*(util.load_image(item)[0] for item in items))


def pil_to_mask(images: Any) -> Any:
    """`PILToMask`: PIL images as masks, white where it is masked."""
    return default_client().nodes['ImageToMask'](pil_to_image(images), 'red')


def load_image_base64(image: str) -> tuple[Any, Any]:
    """`ETNLoadImageBase64`: an image file in Base64, as image and mask."""
    import PIL.Image

    data = base64.b64decode(image.partition(',')[2] if image.startswith('data:') else image)
    return util.load_image(PIL.Image.open(io.BytesIO(data)))


def load_mask_base64(mask: str) -> Any:
    """`ETNLoadMaskBase64`: an image file in Base64 as a mask, white where it is masked."""
    return default_client().nodes['ImageToMask'](load_image_base64(mask)[0], 'red')


def send_image_web_socket(images: Any) -> Any:
    """`ETNSendImageWebSocket`: an output node whose images come to the script and are not saved."""
    nodes = default_client().nodes
    return nodes['SaveImageWebsocket' if 'SaveImageWebsocket' in nodes else 'PreviewImage'](images)


OLD_NODES: Mapping[str, Callable[..., Any]] = {
    'ETNLoadImageBase64': load_image_base64,
    'ETNLoadMaskBase64': load_mask_base64,
    'ETNSendImageWebSocket': send_image_web_socket,
    'ImageToPIL': image_to_pil,
    'PILToImage': pil_to_image,
    'PILToMask': pil_to_mask,
}
