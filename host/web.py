"""The page's files, such that files of two versions never meet in a browser.

ComfyUI (`middleware/cache_middleware.py`) tells browsers to ask again for `.js` and `.css` only. They keep `.mjs` for a
tenth of its age, through reloads and restarts, and after an update mix old modules with new ones. So every file has its
address under a folder named by what all of them hold, is served as it was at the start, and may be kept for ever. At
its plain address a script is one line that leads there.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

SCRIPTS = ('.js', '.mjs')
# Said here: on Windows the registry may call scripts plain text, and browsers run no such modules.
TYPES = {'.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.md': 'text/markdown'}


class Served(NamedTuple):
    """What a path is answered with; `keep`: the address never stands for anything else."""

    body: bytes
    keep: bool


class WebFolder:
    """The files of one folder, read once.

    tag: the folder's name in addresses, from the names and contents of all files.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)
        digest = hashlib.sha256()
        for path, body in sorted(self._files.items()):
            digest.update(f'{path}\0{len(body)}\0'.encode())
            digest.update(body)
        self.tag = digest.hexdigest()[:16]

    @staticmethod
    def read(folder: Path) -> WebFolder:
        """Raises OSError."""
        files = (file for file in folder.rglob('*') if file.is_file() and '.' in file.name)
        return WebFolder({file.relative_to(folder).as_posix(): file.read_bytes() for file in files})

    def find(self, path: str) -> Served | None:
        """What is at a path below the folder's address; None: nothing, also for files of another version."""
        first, _, rest = path.partition('/')
        if first == self.tag:
            return Served(self._files[rest], True) if rest in self._files else None
        if path not in self._files:
            return None
        if path.endswith(SCRIPTS):
            up = '../' * path.count('/') or './'
            return Served(f'export * from "{up}{self.tag}/{path}"\n'.encode(), False)
        return Served(self._files[path], False)


def add_routes(routes: web.RouteTableDef, name: str, folder: WebFolder) -> None:
    """Answers `/extensions/NAME/…`. ComfyUI adds its own static route for the same address after these."""

    @routes.get(f'/extensions/{name}/{{path:.*}}')
    async def file(request: web.Request) -> web.Response:
        path = request.match_info['path']
        served = folder.find(path)
        if served is None:
            raise web.HTTPNotFound
        kind = TYPES.get(posixpath.splitext(path)[1], 'application/octet-stream')
        keeping = 'public, max-age=31536000, immutable' if served.keep else 'no-cache'
        return web.Response(body=served.body, content_type=kind, charset='utf-8', headers={'Cache-Control': keeping})
