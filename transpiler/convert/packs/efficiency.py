"""Efficiency nodes: a seed's control is a button, and the seed is drawn for −1 when a prompt is queued."""

from __future__ import annotations

from ..model import LiveNode, Widget
from ..node_types import Pack, SpecialType
from ..widgets import CONTROL
from .bricks import swap

_BUTTON = '🎲 Randomize / ♻️ Last Queued Seed'


def _seed_button(node: LiveNode) -> None:
    swap(node, CONTROL, lambda widget: Widget(_BUTTON, 'button', None, in_prompt=False))


EFFICIENCY = Pack(
    source='jags111/efficiency-nodes-comfyui 1.0.9, js/seedcontrol.js',
    types=dict.fromkeys(
        (
            *('KSampler (Efficient)', 'KSampler Adv. (Efficient)', 'KSampler SDXL (Eff.)'),
            *('Noise Control Script', 'HighRes-Fix Script', 'Tiled Upscaler Script'),
        ),
        SpecialType(created=_seed_button),
    ),
)
