"""`comfy_script.runtime.data` of comfy-script 0.6: outputs of nodes and their results."""

from ..calls.outputs import NodeOutput
from ..wire.results import EmptyResult, Result
from .Images import ImageBatchResult, Images

__all__ = ['EmptyResult', 'ImageBatchResult', 'Images', 'NodeOutput', 'Result']
