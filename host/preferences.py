"""What the owner (comfyscript.toml) and the user (ComfyUI's settings page) want saved with outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

FILE = 'comfyscript.toml'
ArgumentStyle = Literal['positional', 'auto', 'keyword']

# Ids of the settings page → ours. `js/comfyscript.js` declares them.
PAGE = {
    'ComfyScript.Save.Enabled': 'enabled',
    'ComfyScript.Save.Sidecar': 'sidecar',
    'ComfyScript.Save.Style': 'style',
    'ComfyScript.Save.Log': 'log',
}


@dataclass(frozen=True)
class SaveSettings:
    """`[save]` of comfyscript.toml.

    enabled: a script in each output; sidecar: also as a .py file beside it; style: `positional`, `auto` or
    `keyword`; log: the script in the server's log; max_wait: seconds that an output waits for its script at most;
    redact: regular expressions, what they find is never written.
    """

    enabled: bool = True
    sidecar: bool = False
    style: ArgumentStyle = 'positional'
    log: bool = False
    max_wait: float = 2.0
    redact: tuple[str, ...] = ()

    def merged(self, values: Mapping[str, Any]) -> SaveSettings:
        """With the values that have the right type; anything else is left as it was."""
        fitting = {}
        for item in fields(self):
            value = _fitting(item.name, values.get(item.name))
            if value is not None:
                fitting[item.name] = value
        return replace(self, **fitting)


def _fitting(name: str, value: Any) -> Any:
    """The value as this setting takes it, or None."""
    if name == 'redact':
        return tuple(str(pattern) for pattern in value) if isinstance(value, (list, tuple)) else None
    if name == 'style':
        return value if value in get_args(ArgumentStyle) else None
    if name == 'max_wait':
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return min(max(float(value), 0.0), 60.0) if is_number else None
    return value if isinstance(value, bool) else None


class Preferences:
    """Settings of one server, for each of its users, read again when their files change."""

    def __init__(self, user_folder: Path) -> None:
        self._folder = user_folder
        self._known: dict[str, tuple[Any, SaveSettings]] = {}

    def __call__(self, user: str = 'default') -> SaveSettings:
        """Never raises: a file that cannot be read counts as empty."""
        toml, page = self._folder / FILE, self._folder / user / 'comfy.settings.json'
        stamp = (_modified(toml), _modified(page))
        known = self._known.get(user)
        if known is None or known[0] != stamp:
            known = stamp, SaveSettings().merged(_toml_table(toml)).merged(_page_values(page))
            self._known[user] = known
        return known[1]


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _toml_table(path: Path) -> Mapping[str, Any]:
    try:
        from ..interpreter.nodes.settings import parse_toml

        table = parse_toml(path.read_text(encoding='utf-8')).get('save')
    except Exception:  # runtime.settings says what is wrong with the file
        return {}
    return table if isinstance(table, Mapping) else {}


def _page_values(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {ours: values[theirs] for theirs, ours in PAGE.items() if theirs in values}
