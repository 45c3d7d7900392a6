"""Crystools: nodes that show a text, and one that the web UI keeps to itself."""

from __future__ import annotations

from ..node_types import Pack, VirtualType
from .bricks import SHOWS

CRYSTOOLS = Pack(
    source='crystian/ComfyUI-Crystools 1.27.4, web/extensions.js, common.js, debugger.js',
    types=dict.fromkeys(
        (
            *('Show any [Crystools]', 'Read JSON file [Crystools]', 'JSON extractor [Crystools]'),
            *('Get resolution [Crystools]', 'Preview from image [Crystools]', 'Preview from metadata [Crystools]'),
            *('Metadata comparator [Crystools]', 'Stats system [Crystools]', 'Show any to JSON [Crystools]'),
        ),
        SHOWS,
    ),
    virtual={'Show Metadata [Crystools]': VirtualType('🪛 Show Metadata')},
)
