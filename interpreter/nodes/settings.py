"""What the owner of a server allows scripts: `[script]` of `comfyscript.toml` in ComfyUI's user folder.

    [script]
    extra_modules = ["numpy"]
    seconds = 600
    steps = 100_000_000

Only this file widens anything; nothing in a prompt, request or workflow does. Without it the defaults hold, and
a file that cannot be read counts as none, with one line in the log.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..lang.bounds import Bounds

FILE = 'comfyscript.toml'
log = logging.getLogger('comfy_script')


@dataclass(frozen=True)
class Settings:
    """`bounds` and `extra_modules` of scripts; `cache_bytes` bounds what one node keeps of its inner nodes (0: none,
    None: a quarter of the machine's memory)."""

    bounds: Bounds = field(default_factory=Bounds)
    extra_modules: tuple[str, ...] = ()
    cache_bytes: int | None = None


def read_settings(user_folder: Path) -> Settings:
    """The settings on the server's disk. Never raises."""
    path = user_folder / FILE
    try:
        text = path.read_text(encoding='utf-8')
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeError) as error:
        log.warning('%s cannot be read: %s', path, error)
        return Settings()
    try:
        return _settings(parse_toml(text).get('script') or {})
    except (ValueError, TypeError, AttributeError) as error:
        log.warning('%s: %s; the defaults hold', path, error)
        return Settings()


def _settings(table: Mapping[str, Any]) -> Settings:
    known = {item.name: type(getattr(Bounds(), item.name)) for item in fields(Bounds)}
    changed: dict[str, Any] = {}
    modules: tuple[str, ...] = ()
    cache_bytes: int | None = None
    for name, value in table.items():
        if name == 'extra_modules':
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise ValueError('script.extra_modules must be a list of module names')
            modules = tuple(value)
        elif name == 'cache_bytes':
            cache_bytes = int(value)
        elif name in known:
            if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
                raise ValueError(f'script.{name} must be a positive number')
            changed[name] = known[name](value)
        else:
            raise ValueError(f'script.{name} is not a setting; there are: {", ".join([*known, "extra_modules"])}')
    return Settings(replace(Bounds(), **changed), modules, cache_bytes)


def parse_toml(text: str) -> dict[str, Any]:
    """TOML; before Python 3.11 the part of it that such a file needs. Raises ValueError."""
    try:
        import tomllib
    except ImportError:
        return parse_simple_toml(text)
    return tomllib.loads(text)


_HEADER = re.compile(r'\[\s*([\w.-]+)\s*\]')
_PAIR = re.compile(r'([\w-]+)\s*=\s*(.+)', re.DOTALL)
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#[^\n]*')


def parse_simple_toml(text: str) -> dict[str, Any]:
    """Tables, strings, numbers, booleans, and lists of those (also over several lines). Raises ValueError."""
    found: dict[str, Any] = {}
    table = found
    pending = ''
    for line in text.splitlines():
        line = _STRINGS.sub(lambda match: '' if match[0].startswith('#') else match[0], line).strip()
        pending = f'{pending} {line}'.strip()
        if not pending or _is_open(pending):
            continue
        header = _HEADER.fullmatch(pending)
        pair = _PAIR.fullmatch(pending)
        if header:
            table = found
            for part in header[1].split('.'):
                table = table.setdefault(part, {})
        elif pair:
            table[pair[1]] = _toml_value(pair[2].strip())
        else:
            raise ValueError(f'cannot read the line {pending[:80]!r}')
        pending = ''
    if pending:
        raise ValueError(f'cannot read the line {pending[:80]!r}')
    return found


def _is_open(text: str) -> bool:
    bare = _STRINGS.sub('', text)
    return not _HEADER.fullmatch(text) and bare.count('[') > bare.count(']')


def _toml_value(text: str) -> Any:
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1]
    if text.startswith('['):
        inner = text[1:-1].strip().rstrip(',')
        return [_toml_value(part.strip()) for part in _split(inner)] if inner else []
    if re.fullmatch(r'[+-]?[\d_]+', text):
        return int(text)
    if re.fullmatch(r'[+-]?[\d_]+(\.[\d_]+)?([eE][+-]?\d+)?', text):
        return float(text)
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f'cannot read the value {text[:80]!r}') from None


def _split(text: str) -> list[str]:
    """At the commas that are in no string."""
    parts = ['']
    position = 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|,', text):
        if match[0] == ',':
            parts[-1] += text[position : match.start()]
            parts.append('')
            position = match.end()
    parts[-1] += text[position:]
    return parts
