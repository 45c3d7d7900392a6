"""KJNodes: wires with a name, and buttons behind the widgets."""

from __future__ import annotations

from ..node_types import Pack, VirtualType
from .bricks import with_buttons

_UPDATE = with_buttons(('Update inputs', None))
_SET_ALL = with_buttons(('Set all', None))
_EDITOR_BUTTONS = ('editor_buttons', '')

KJNODES = Pack(
    source='kijai/ComfyUI-KJNodes 1.5.0, web/js/jsnodes.js, setgetnodes.js, editors/editor_base.js',
    types={
        **dict.fromkeys(
            (
                *('ConditioningMultiCombine', 'ImageBatchMulti', 'ImageAddMulti', 'CrossFadeImagesMulti'),
                *('TransitionImagesMulti', 'ImageConcatMulti', 'MaskBatchMulti', 'JoinStringMulti'),
            ),
            _UPDATE,
        ),
        **dict.fromkeys(
            (
                *('FluxBlockLoraSelect', 'HunyuanVideoBlockLoraSelect', 'Wan21BlockLoraSelect'),
                'LTX2BlockLoraSelect',
            ),
            _SET_ALL,
        ),
        'SplineEditor': with_buttons(('SplineEditor', ''), _EDITOR_BUTTONS, in_prompt=False),
        'PointsEditor': with_buttons(('PointsEditor', ''), _EDITOR_BUTTONS, in_prompt=False),
    },
    virtual={'SetNode': VirtualType('Set'), 'GetNode': VirtualType('Get', finds='SetNode')},
)
