"""ComfyUI_essentials: buttons behind the widgets, and a node that shows a text."""

from __future__ import annotations

from ..node_types import Pack
from .bricks import SHOWS, with_buttons

ESSENTIALS = Pack(
    source='cubiq/ComfyUI_essentials 1.1.0, js/FluxAttentionSeeker.js, js/DisplayAny.js',
    types={
        'FluxAttentionSeeker+': with_buttons(('RESET ALL', None), ('ZERO ALL', None), ('REPEAT FIRST', None)),
        'SD3AttentionSeekerLG+': with_buttons(('RESET L', None), ('RESET G', None), ('REPEAT FIRST', None)),
        'SD3AttentionSeekerT5+': with_buttons(('RESET ALL', None), ('REPEAT FIRST', None)),
        'DisplayAny': SHOWS,
    },
)
