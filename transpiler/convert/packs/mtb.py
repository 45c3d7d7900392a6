"""comfy_mtb: colours, notes, and buttons behind the widgets."""

from __future__ import annotations

from ..model import LiveNode
from ..node_types import Pack, SpecialType, VirtualType
from .bricks import SHOWS, buttons, constant, plain_widget, with_buttons


def _animation_builder(node: LiveNode) -> None:
    """Two texts that tell how far the animation is, and three buttons."""
    for name in ('value_preview', 'loop_preview'):
        node.add_widget(constant(name, 'DISPLAY', ''))
    buttons(('Reset', 'reset'), ('Queue', 'queue'), ('Cancel', 'cancel'))(node)


MTB = Pack(
    source='melMass/comfy_mtb 0.5.4, web/mtb_widgets.js, debug.js, note_plus.js',
    types={
        'Animation Builder (mtb)': SpecialType(created=_animation_builder),
        'Interpolate Clip Sequential (mtb)': with_buttons(('+', 'add'), ('-', 'remove')),
        'Debug (mtb)': SHOWS,
        'Save Gif (mtb)': SHOWS,
        'Save Animated Image (mtb)': SHOWS,
    },
    virtual={'Note Plus (mtb)': VirtualType('Note+')},
    widgets={'MTB_COLOR': plain_widget('COLOR', '#ff0000')},
)
