"""A warning for output nodes that a script called and never ran: outside of a block only `.wait()` and its like do."""

from __future__ import annotations

import logging
import sys

from .node_call import NodeCall

__all__ = ['Unrun', 'has_been_used']

log = logging.getLogger('comfy_script')


class Unrun:
    """Lives as long as the call that it belongs to, and warns when both are thrown away. `dismiss` once it is used."""

    __slots__ = ('_text',)

    def __init__(self, node: NodeCall) -> None:
        self._text: str | None = repr(node)

    def dismiss(self) -> None:
        self._text = None

    def __del__(self) -> None:
        if self._text is not None and not sys.is_finalizing():
            log.warning(
                '%s never ran: it was made outside of a `with Workflow()` block, and nothing waited for it. '
                'Use .wait(), or a block; a thread is in no block before it enters it: `with wf:`.',
                self._text,
            )


def has_been_used(node: NodeCall) -> None:
    """The call goes into a prompt."""
    if node.unrun is not None:
        node.unrun.dismiss()
        node.unrun = None
