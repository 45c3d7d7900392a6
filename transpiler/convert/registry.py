"""All rules by node type: the web UI's own and those of the packs."""

from __future__ import annotations

from . import special
from .node_types import SpecialType, VirtualType
from .packs import PACKS
from .specs import Spec
from .widgets import WIDGETS, Constructor

SPECIAL_TYPES: dict[str, SpecialType] = {
    **special.SPECIAL_TYPES,
    **{type_: rule for pack in PACKS for type_, rule in pack.types.items()},
}

VIRTUAL_TYPES: dict[str, VirtualType] = {
    **special.VIRTUAL_TYPES,
    **{type_: rule for pack in PACKS for type_, rule in pack.virtual.items()},
}

WIDGET_TYPES: dict[str, Constructor] = {
    **WIDGETS,
    **{type_: make for pack in PACKS for type_, make in pack.widgets.items() if type_ not in WIDGETS},
}

TITLES: dict[str, str] = {type_: title for pack in PACKS for type_, title in pack.titles.items()}

_UPLOADS = ('image_upload', 'video_upload', 'animated_image_upload')


def extend(class_type: str, required: list[Spec]) -> None:
    """Adds the inputs that the web UI's extensions add to a type: upload buttons, players, 3D views."""
    special = SPECIAL_TYPES.get(class_type)
    for name, type_ in special.inputs if special else ():
        _put(required, Spec(name, type_, False, {}))
    if any(spec.name == 'audio' and spec.options.get('audio_upload') is True for spec in required):
        _put(required, Spec('upload', 'AUDIOUPLOAD', False, {}))
    for spec in required:
        if spec.type == 'COMBO' and any(spec.options.get(key) is True for key in _UPLOADS):
            _put(required, Spec('upload', 'IMAGEUPLOAD', False, {**spec.options, 'imageInputName': spec.name}))
            break


def _put(required: list[Spec], spec: Spec) -> None:
    for index, other in enumerate(required):
        if other.name == spec.name:
            required[index] = spec
            return
    required.append(spec)
