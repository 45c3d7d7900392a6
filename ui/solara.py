"""`ui.solara.MetadataViewer()`, as scripts for comfy-script 0.6 have it. It is `ui.ipy`'s, which needs no Solara."""

from __future__ import annotations

from .ipy import MetadataViewer

__all__ = ['MetadataViewer']
