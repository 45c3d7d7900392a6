"""Plain text for our keys in PNG files.

ComfyUI's savers write every value of EXTRA_PNGINFO as JSON (`add_text(key, json.dumps(value))`). A script is text, and
stays readable with any PNG tool only if it is written as that. Both hooks look at our keys only.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..comfyui.loaded import loaded_where

KEY = 'ComfyScript'
SOURCE_KEY = 'ComfyScriptSource'
PLAIN_KEYS = frozenset({KEY, SOURCE_KEY})


def install() -> None:
    """Put both in; each only where its place looks as expected, and only once."""
    from PIL.PngImagePlugin import PngInfo

    _wrap(PngInfo, 'add_text', _add_text)
    # ComfyUI 0.33 `comfy_extras/nodes_images.py`: SaveImageAdvanced puts its own chunks together.
    for module in loaded_where(lambda name: name.endswith(('nodes_images', 'nodes_images.py'))):
        if callable(getattr(module, '_png_text_chunk', None)):
            _wrap(module, '_png_text_chunk', _text_chunk)


def _wrap(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(owner, name)
    if not hasattr(original, 'comfy_script'):
        hooked = wrapper(original)
        hooked.comfy_script = True  # type: ignore[attr-defined]
        setattr(owner, name, hooked)


def _add_text(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def add_text(self: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if key in PLAIN_KEYS:
            value = plain_text(value)
        return original(self, key, value, *args, **kwargs)

    return add_text


def _text_chunk(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def png_text_chunk(keyword: Any, text: Any) -> Any:
        plain = plain_text(text) if keyword in PLAIN_KEYS else None
        return text_chunk(keyword, plain) if isinstance(plain, str) else original(keyword, text)

    return png_text_chunk


def text_chunk(keyword: str, text: str) -> bytes:
    """A PNG text chunk: tEXt where Latin-1 holds the text, else iTXt (PNG specification, 11.3.4)."""
    try:
        kind, body = b'tEXt', keyword.encode('latin-1') + b'\0' + text.encode('latin-1')
    except UnicodeEncodeError:
        kind, body = b'iTXt', keyword.encode('latin-1') + b'\0\0\0\0\0' + text.encode('utf-8', 'replace')
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def plain_text(value: Any) -> Any:
    """The text that a JSON string holds; anything else as it is."""
    if isinstance(value, str) and value.startswith('"'):
        try:
            text = json.loads(value)
        except ValueError:
            return value
        return text if isinstance(text, str) else value
    return value
