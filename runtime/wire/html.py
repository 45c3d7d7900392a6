"""Results as HTML: a grid of images, players for video and audio; and whether there is a notebook to show them in."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from ...comfyui.loaded import loaded

__all__ = ['grid_columns', 'image_kind', 'images_html', 'in_notebook', 'player_html', 'show_html']

INLINE_LIMIT = 32 * 1024 * 1024
_PLAYED = {
    '.mp4': 'video/mp4',
    '.webm': 'video/webm',
    '.mov': 'video/quicktime',
    '.flac': 'audio/flac',
    '.mp3': 'audio/mpeg',
    '.opus': 'audio/ogg',
    '.wav': 'audio/wav',
}
"""What browsers play: suffix to MIME type."""


def in_notebook() -> bool:
    """Whether this is a notebook's kernel."""
    ipython = loaded('IPython')
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, 'kernel', None) is not None


def show_html(text: str, plain: str) -> None:
    """Show HTML in a notebook; elsewhere print the plain text."""
    if not in_notebook():
        print(plain)
        return
    from IPython.display import HTML, display  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

    display(HTML(text))


def images_html(
    images: Sequence[bytes],
    rows: int | None = None,
    cols: int | None = None,
    height: int | None = None,
    width: int | None = None,
    titles: Sequence[str] | None = None,
) -> str:
    """A grid of image files as HTML; `height` and `width` of each image in pixels."""
    columns = grid_columns(len(images), rows, cols)
    size = (f'height:{int(height)}px;' if height else '') + (f'width:{int(width)}px;' if width else '')
    cells = []
    for index, data in enumerate(images):
        source = f'data:image/{image_kind(data)};base64,{base64.b64encode(data).decode()}'
        title = html.escape(str(titles[index])) if titles and index < len(titles) else ''
        caption = f'<figcaption style="text-align:center">{title}</figcaption>' if title else ''
        cells.append(f'<figure style="margin:0"><img style="max-width:100%;{size}" src="{source}">{caption}</figure>')
    return f'<div style="display:grid;gap:4px;grid-template-columns:{columns}">{"".join(cells)}</div>'


def grid_columns(count: int, rows: int | None, cols: int | None) -> str:
    """The columns of a grid (CSS): as many as `cols` or `rows` say, else as many as fit."""
    if cols is None:
        cols = -(-count // rows) if rows else None
    return f'repeat({cols}, max-content)' if cols else 'repeat(auto-fit, minmax(min(100%, 12em), max-content))'


def image_kind(data: bytes) -> str:
    """What kind of image a file is: the end of its MIME type."""
    if data.startswith(b'\xff\xd8'):
        return 'jpeg'
    if data[8:12] == b'WEBP':
        return 'webp'
    return 'gif' if data.startswith(b'GIF8') else 'png'


def player_html(filename: str, read: Callable[[], bytes], label: str) -> str:
    """A player for a video or audio file; the label of a file that browsers do not play, or that is too large."""
    kind = _PLAYED.get(PurePosixPath(filename).suffix.lower())
    data = read() if kind is not None else b''
    if kind is None or not 0 < len(data) <= INLINE_LIMIT:
        return f'<p>{html.escape(label)}</p>'
    tag = kind.partition('/')[0]
    return f'<{tag} controls src="data:{kind};base64,{base64.b64encode(data).decode()}"></{tag}>'
