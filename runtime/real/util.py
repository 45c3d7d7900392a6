"""Images between nodes of real mode and PIL; also by names of nodes that were installed along with comfy-script 0.6.

ComfyUI's nodes of these names, from a pack, go before.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..calls.pictures import in_a_known_mode, to_pil

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

__all__ = ['OLD_NODES', 'get_images', 'to_image', 'to_mask']


def get_images(images: Any) -> list[Image]:
    """PIL images of an image [B, H, W, C] or mask [B, H, W], floats from 0 to 1. What is beyond is cut off."""
    if getattr(getattr(images, 'dtype', None), 'is_floating_point', False):
        images = images.clamp(0, 1)  # as ComfyUI saves what its nodes give
    return [to_pil(image) for image in images]


def to_image(images: Any) -> Tensor:
    """PIL images, of one size, as an image [B, H, W, C]: RGB, or RGBA where they have alpha. Raises PictureError."""
    items = _known(images)
    mode = 'RGBA' if any('A' in item.getbands() or 'transparency' in item.info for item in items) else 'RGB'
    return _tensor([item.convert(mode) for item in items])


def to_mask(images: Any) -> Tensor:
    """PIL images, of one size, as a mask [B, H, W]: 1 where they are white. Raises PictureError."""
    return _tensor([item.convert('L') for item in _known(images)])


def _known(images: Any) -> list[Image]:
    return [in_a_known_mode(item) for item in (images if isinstance(images, (list, tuple)) else [images])]


def _tensor(images: list[Image]) -> Tensor:
    import numpy
    import torch

    return torch.stack([torch.from_numpy(numpy.asarray(image, dtype=numpy.float32) / 255) for image in images])


def _decoded(text: str) -> Image:
    from PIL import Image, ImageOps

    data = base64.b64decode(text.partition(',')[2] if text.startswith('data:') else text)
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data)))


def _load_image_base64(image: str) -> tuple[Tensor, Tensor]:
    picture = _decoded(image)
    if 'A' in picture.getbands():
        mask = 1 - to_mask(picture.getchannel('A'))
    else:
        mask = to_mask(picture) * 0
    return to_image(picture.convert('RGB')), mask


def _send_image_web_socket(images: Any) -> Any:
    from . import state

    return state.find('PreviewImage')(images)


OLD_NODES: Mapping[str, Callable[..., Any]] = {
    'ETNLoadImageBase64': _load_image_base64,
    'ETNLoadMaskBase64': lambda mask: to_mask(_decoded(mask)),
    'ETNSendImageWebSocket': _send_image_web_socket,
    'ImageToPIL': get_images,
    'PILToImage': to_image,
    'PILToMask': to_mask,
}
