"""`comfy_script.runtime.data.Images` of comfy-script 0.6: images of results, and images side by side."""

from ..client.notebook import Images
from ..wire.results import ImageBatchResult

__all__ = ['ImageBatchResult', 'Images']
