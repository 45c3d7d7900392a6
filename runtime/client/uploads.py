"""Files to and from a server: images as ComfyUI's upload routes take them (server.py `upload_image`, `upload_mask`)."""

from __future__ import annotations

import hashlib
import io
import json
import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from ..calls.pictures import check_picture, content_name, file_content, in_a_known_mode, png_of, to_pil
from ..wire.background import run_async
from ..wire.connection import Connection
from ..wire.errors import ServerError
from ..wire.results import ResultFile

__all__ = ['Uploads', 'file_reference', 'image_file', 'mask_image']


class Uploads:
    """Uploads to one server. `note_upload` is called after each that adds to the server's lists of files."""

    def __init__(self, connection: Callable[[], Connection], note_upload: Callable[[], object]) -> None:
        self._connection = connection
        self._note_upload = note_upload

    async def image(
        self, image: Any, name: str | None = None, *, subfolder: str = '', type: str = 'input', overwrite: bool = False
    ) -> str:
        """See `Client.upload`."""
        filename, data = image_file(image, name)
        if name is None and type == 'input' and not isinstance(image, (str, PurePath)):
            return await run_async(self._once(f'{subfolder}/{filename}'.lstrip('/'), data))
        fields = {'subfolder': subfolder, 'type': type, **({'overwrite': 'true'} if overwrite else {})}
        return await run_async(self._post('upload/image', filename, data, fields))

    async def missing(self, files: Mapping[str, bytes]) -> None:
        """Upload the files that the server does not have: their names say what is in them."""
        for path, data in files.items():
            await self._once(path, data)

    async def _once(self, path: str, data: bytes) -> str:
        status, _ = await self._connection().exchange('HEAD', 'view', params=file_reference(path))
        if status == 200:
            return path
        subfolder, _, name = path.rpartition('/')
        fields = {'subfolder': subfolder, 'type': 'input', 'overwrite': 'true'}
        return await self._post('upload/image', name, data, fields)

    async def mask(
        self,
        mask: Any,
        original: str | ResultFile,
        name: str | None = None,
        *,
        subfolder: str = '',
        overwrite: bool = True,
    ) -> str:
        """See `Client.upload_mask`."""
        _, data = image_file(mask_image(mask), name)
        reference = file_reference(original)
        await run_async(self._check_is_there(original, reference))
        fields = {
            'original_ref': json.dumps(reference),
            'subfolder': subfolder,
            'type': 'input',
            **({'overwrite': 'true'} if overwrite else {}),
        }
        name = name or f'mask-{hashlib.sha256(data + fields["original_ref"].encode()).hexdigest()[:16]}.png'
        return await run_async(self._post('upload/mask', name, data, fields))

    async def _check_is_there(self, original: str | ResultFile, reference: Mapping[str, str]) -> None:
        # Without this the server answers as if all was well, and has saved nothing.
        status, _ = await self._connection().exchange('HEAD', 'view', params=reference)
        if status == 404:
            raise ServerError(
                f'The server has no image {str(original)!r} that could get a mask: upload it first', status
            )

    async def _post(self, route: str, filename: str, data: bytes, fields: Mapping[str, str]) -> str:
        import aiohttp

        # Not quoted: ComfyUI takes a file name as it comes.
        form = aiohttp.FormData(quote_fields=False)
        for key, value in fields.items():
            form.add_field(key, value)
        kind = mimetypes.guess_type(filename)[0] or 'application/octet-stream'
        form.add_field('image', data, filename=filename, content_type=kind)
        answer = json.loads(await self._connection().request('POST', route, data=form))
        path = f'{answer["subfolder"]}/{answer["name"]}' if answer.get('subfolder') else answer['name']
        if answer.get('type', 'input') != 'input':
            return f'{path} [{answer["type"]}]'
        self._note_upload()
        return path


def file_reference(file: str | ResultFile) -> dict[str, str]:
    """A file as the server's upload routes name it: `sub/name.png [output]` or a ResultFile."""
    if isinstance(file, ResultFile):
        return {'filename': file.filename, 'subfolder': file.subfolder, 'type': file.type}
    path, kind = file, 'input'
    if file.endswith(']') and ' [' in file:
        path, _, rest = file.rpartition(' [')
        kind = rest[:-1]
    subfolder, _, filename = path.replace('\\', '/').rpartition('/')
    return {'filename': filename, 'subfolder': subfolder, 'type': kind}


def image_file(image: Any, name: str | None) -> tuple[str, bytes]:
    """File name and bytes for an upload."""
    if isinstance(image, (str, PurePath)):
        path = Path(image)
        if not path.is_file():
            raise FileNotFoundError(
                f'{str(path)!r} is no file here (in {Path.cwd()}), so it cannot be uploaded. A file that the server '
                "has needs no upload: LoadImage('name.png')"
            )
        return name or path.name, path.read_bytes()
    content = file_content(image)
    if content is not None:
        if name is None:
            check_picture(content)
        return name or content_name(content), content
    data = png_of(to_pil(image))
    return name or content_name(data), data


def mask_image(mask: Any) -> Any:
    """A mask as the server wants it: an RGBA image whose alpha is 0 where it is masked (server.py `upload_mask`)."""
    from PIL import Image, ImageOps

    if isinstance(mask, (str, PurePath)):
        mask = Image.open(mask)
    elif (content := file_content(mask)) is not None:
        check_picture(content)
        mask = Image.open(io.BytesIO(content))
    image = in_a_known_mode(to_pil(mask))
    if 'A' in image.getbands():
        return image.convert('RGBA')
    grey = image.convert('L')
    rgba = Image.new('RGBA', grey.size)
    rgba.putalpha(ImageOps.invert(grey))
    return rgba
