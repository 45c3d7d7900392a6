"""Inputs of any name and type: what a script's own signature says."""

from __future__ import annotations

from typing import Any

OWN = '__'
"""Hidden inputs begin with this, and no input of a script can: they never meet."""


class AnyType(str):
    """A type that fits every other. ComfyUI compares types with `!=` (`comfy_execution/validation.py`)."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False

    __eq__ = str.__eq__
    __hash__ = str.__hash__


ANY = AnyType('*')


class AnyInputs(dict[str, Any]):
    """Optional inputs of any name: what the script's own signature says.

    All are lazy. ComfyUI validates only the nodes behind inputs that a class lists, so the nodes behind these have
    not been checked when the node is first asked (`check_lazy_status`), and have not run either: they are checked
    there, and only then asked for.
    """

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and not name.startswith(OWN) and name != 'script'

    def __getitem__(self, name: str) -> Any:
        return (ANY, {'lazy': True, 'forceInput': True})

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401
