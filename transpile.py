"""`comfy_script.transpile`, as scripts and command lines for comfy-script 0.6 have it. New ones use `transpiler`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    from .graph import Schemas

__all__ = ['WorkflowToScriptTranspiler']

_STYLES = {'pos': 'positional', 'pos2orkwd': 'auto', 'kwd': 'keyword'}
_DEFAULT_SERVER = 'http://127.0.0.1:8188/'


class WorkflowToScriptTranspiler:
    """A workflow or prompt, to be written as a script with the nodes of the server at `api_endpoint`."""

    def __init__(self, workflow: str | Mapping[str, Any] | Path, api_endpoint: str | None = None) -> None:
        self._source = workflow
        self._server = api_endpoint

    @staticmethod
    def from_image(image: Image, comfyui_api: str | None = None) -> WorkflowToScriptTranspiler:
        """What is in a PIL image that ComfyUI saved."""
        texts = {key: value for key, value in image.info.items() if key in ('prompt', 'workflow')}
        return WorkflowToScriptTranspiler(texts, comfyui_api)

    @staticmethod
    def from_file(path: str | Path, comfyui_api: str | None = None) -> WorkflowToScriptTranspiler:
        """What is in a workflow file or an output of ComfyUI."""
        return WorkflowToScriptTranspiler(Path(path), comfyui_api)

    def to_script(self, end_nodes: Iterable[int | str] | None = None, *, runtime: bool | None = None) -> str:
        """The script; with `runtime`, a file that runs as it is. Raises TranspileError, OSError, ConnectError."""
        from .transpiler import Style, transpile

        style = Style(runtime=bool(runtime), server=self._server)
        return transpile(self._source, schemas=self._schemas(), end_nodes=end_nodes, style=style)

    def _schemas(self) -> Schemas | None:
        if self._server is None:
            return None
        from .runtime import Client

        with Client(self._server) as client:
            return client.schemas


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m comfy_script.transpile`, with the options that it had."""
    parser = argparse.ArgumentParser(prog='python -m comfy_script.transpile', description='A workflow as a script.')
    parser.add_argument('workflow', metavar='WORKFLOW', help='a workflow file, an output of ComfyUI, or -')
    parser.add_argument('--api', default=_DEFAULT_SERVER, metavar='URL', help='the server (default: %(default)s)')
    parser.add_argument('--runtime', action='store_true', help='a file that runs as it is')
    parser.add_argument('--args', type=str.lower, choices=_STYLES, default='pos2orkwd', help='how inputs are given')
    options = parser.parse_args(argv)
    command = ['transpile', options.workflow, '--server', options.api, '--style', _STYLES[options.args]]
    return import_module('.transpiler.cli', __package__).main([*command, *(['--runtime'] if options.runtime else [])])


if __name__ == '__main__':
    sys.exit(main())
