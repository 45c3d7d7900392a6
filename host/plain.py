"""Plain text for our keys in PNG files.

ComfyUI's savers write every value of EXTRA_PNGINFO as JSON (`add_text(key, json.dumps(value))`). A script is text, and
stays readable with any PNG tool only if it is written as that. Both hooks look at our keys only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..comfyui.loaded import loaded_where
from ..comfyui.savers import OUR_KEYS
from .png_text import text_chunk

log = logging.getLogger('comfy_script')


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
        plain = plain_text(value) if isinstance(key, str) and key in OUR_KEYS else None
        if plain is not None:
            try:
                return original(self, key, plain, *args, **kwargs)
            except Exception as error:  # no text of ours may cost an image
                log.debug('%s as ComfyUI writes it: %r', key, error)
        return original(self, key, value, *args, **kwargs)

    return add_text


def _text_chunk(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def png_text_chunk(keyword: Any, text: Any) -> Any:
        plain = plain_text(text) if keyword in OUR_KEYS else None
        if plain is not None:
            try:
                return text_chunk(keyword, plain)
            except Exception as error:
                log.debug('%s as ComfyUI writes it: %r', keyword, error)
        return original(keyword, text)

    return png_text_chunk


def plain_text(value: Any) -> str | None:
    """The text that a JSON string holds; None where it holds none that a PNG file can hold."""
    if not isinstance(value, str) or not value.startswith('"'):
        return None
    try:
        text = json.loads(value)
        text.encode('utf-8')
    except (ValueError, RecursionError, AttributeError):  # half a surrogate pair, too
        return None
    return None if '\0' in text else text
