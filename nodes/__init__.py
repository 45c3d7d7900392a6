"""The nodes this pack adds to ComfyUI."""

from .load_image import LoadImageFromPath
from .script_node import ComfyScript

NODE_CLASS_MAPPINGS: dict[str, type] = {
    'ComfyScript': ComfyScript,
    'LoadImageFromPath': LoadImageFromPath,
}

NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    'ComfyScript': 'ComfyScript',
    'LoadImageFromPath': 'Load Image From Path',
}

__all__ = ['NODE_CLASS_MAPPINGS', 'NODE_DISPLAY_NAME_MAPPINGS', 'ComfyScript', 'LoadImageFromPath']
