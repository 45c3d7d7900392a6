"""The one real mode of a process: its session, or ComfyUI's classes as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...graph import NameTable
from ..calls.by_name import offer_nodes
from ..wire.errors import NotLoadedError
from .host import Host
from .session import RealSession


class _State:
    def __init__(self) -> None:
        self.session: RealSession | None = None
        self.naked: Mapping[str, Any] | None = None
        self.classes: Mapping[str, Any] = {}
        self.own_process = False


_state = _State()


def set_session(session: RealSession, own_process: bool) -> None:
    _state.session = session
    _state.naked = None
    _state.own_process = own_process


def set_naked(host: Host) -> None:
    """Nodes are ComfyUI's classes from now on."""
    classes = host.node_classes
    table = NameTable(classes)
    _state.classes = classes
    _state.naked = {table.name_of(class_type): node_class for class_type, node_class in classes.items()}
    _state.session = None


def session_or_none() -> RealSession | None:
    return _state.session


def session() -> RealSession:
    """Raises NotLoadedError before `load()`."""
    if _state.session is None:
        raise NotLoadedError('real mode is not loaded: call comfy_script.runtime.real.load() first')
    return _state.session


def is_own_process() -> bool:
    """Whether ComfyUI runs here for real mode alone, not as the server that we are in."""
    return _state.own_process


def find(name: str) -> Any:
    """A node function (or class), enum or data type by its Python name. Raises NotLoadedError, AttributeError."""
    if _state.naked is not None:
        try:
            return _state.naked[name]
        except KeyError:
            raise AttributeError(f'ComfyUI has no node {name!r}') from None
    return getattr(session().nodes, name)


def find_raw(class_type: str) -> Any:
    """A node function (or class) by its class type. Raises NotLoadedError, CallError, KeyError."""
    if _state.naked is not None:
        return _state.classes[class_type]
    return session().nodes[class_type]


def by_class_type() -> Mapping[str, Any]:
    """All node functions (or classes) by class type. Raises NotLoadedError."""
    return _state.classes if _state.naked is not None else session().nodes


def public_names() -> list[str]:
    if _state.naked is not None:
        return list(_state.naked)
    return session().nodes.public_names()


def nodes_here() -> Mapping[str, Any] | None:
    """The nodes by class type, or None before `load()`."""
    if _state.naked is not None:
        return _state.classes
    return None if _state.session is None else _state.session.nodes


offer_nodes('real', nodes_here)
