"""Answers as the Model Context Protocol has them."""

from __future__ import annotations

import base64
from urllib.parse import quote

from mcp.types import CallToolResult, ImageContent, ResourceLink, TextContent

from ..runtime.wire.results import ResultFile
from .reports import RunReport

MOST_LINKS = 20


def text_result(text: str, *, failed: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(type='text', text=text)], is_error=failed)


def report_result(report: RunReport) -> CallToolResult:
    """The text, small pictures, and links to the originals."""
    return CallToolResult(
        content=[
            TextContent(type='text', text=report.text),
            *(_image(picture.data) for picture in report.pictures),
            *(_link(file) for file in report.files[:MOST_LINKS]),
        ],
        is_error=report.failed,
    )


def _image(data: bytes) -> ImageContent:
    return ImageContent(type='image', data=base64.b64encode(data).decode(), mime_type='image/jpeg')


def _link(file: ResultFile) -> ResourceLink:
    return ResourceLink(type='resource_link', uri=file_uri(file), name=file.filename)


def file_uri(file: ResultFile) -> str:
    """The resource of a file on the server, as it is."""
    return f'comfyscript://{file.type}/{quote(file.path)}'
