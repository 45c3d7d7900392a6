"""What a node without a title of its own is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The web UI's English texts win over the server's `display_name`. Only those that differ are here
# (web UI 1.49.6 beside ComfyUI 0.33.0; `dev.py parity` shows when there are more).
_TITLES = {
    'ByteDance2ReferenceNode': 'ByteDance Seedance 2.5 Reference to Video',
    'ByteDanceSeedreamNodeV2': 'ByteDance Seedream 4.5 & 5.0',
    'IdeogramPImage': 'Ideogram P-Image',
    'LTXVConcatAVLatent': 'LTXVConcatAVLatent',
    'LTXVSeparateAVLatent': 'LTXVSeparateAVLatent',
    'TopazImageEnhance': 'Topaz Image Enhance',
}


def title_of(class_type: str, info: Mapping[str, Any]) -> str:
    """The title the web UI gives a new node of this type (`app.ts: translateNodeDef`)."""
    shown = info.get('display_name')
    return _TITLES.get(class_type) or (shown if isinstance(shown, str) and shown else class_type)
