"""mxToolkit: a reroute of its own."""

from __future__ import annotations

from ..node_types import Pack, VirtualType

MXTOOLKIT = Pack(
    source='Smirnov75/ComfyUI-mxToolkit; its type, as workflows have it',
    virtual={'mxReroute': VirtualType('Reroute')},
)
