"""What the transpiler raises."""

from __future__ import annotations

from ..graph import ComfyScriptError


class TranspileError(ComfyScriptError):
    """A workflow, prompt or file that cannot be turned into a prompt or a script.

    The message names what is known of the place: the file, and the node by id, title and type.
    """

    def __init__(
        self,
        message: str,
        *,
        file: object = None,
        node: object = None,
        title: str | None = None,
        type: str | None = None,
    ):
        self.message = message
        self.file = None if file is None else str(file)
        self.node = None if node is None else str(node)
        self.title = title
        self.type = type
        super().__init__(self._text())

    def _text(self) -> str:
        place = []
        if self.file:
            place.append(self.file)
        if self.node is not None:
            named = f'node {_short(self.node)}'
            details = [_short(part) for part in (self.title, self.type) if part]
            place.append(f'{named} ({", ".join(dict.fromkeys(details))})' if details else named)
        return ': '.join([*place, self.message])

    def within(self, file: object) -> TranspileError:
        """The same error, said of this file."""
        error = TranspileError(self.message, file=file, node=self.node, title=self.title, type=self.type)
        return error.with_traceback(self.__traceback__)


def _short(text: str) -> str:
    shown = ' '.join(text.split())
    return shown if len(shown) <= 80 else shown[:79] + '…'
