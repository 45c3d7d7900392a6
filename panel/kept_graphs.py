"""Graphs that pages have sent: of the next one, a page sends only what has changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from ..transpiler import Style
from .errors import RequestError

Json = Mapping[str, Any]

MOST = 8
"""Graphs that are kept, of all pages together. What they have in common is there once."""


class KeptGraph(dict[str, Any]):
    """A workflow that nobody changes any more: what was made of it, or of its nodes, is known by the object.

    `keys_by_style`: style → what its script in that style is found by.
    """

    def __init__(self, workflow: Json) -> None:
        super().__init__(workflow)
        self.keys_by_style: dict[Style, str] = {}


class KeptGraphs:
    """Workflows by the names that pages gave them. Asked from one thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptGraph] = OrderedDict()

    def complete(self, request: Json) -> Json:
        """The request with its whole workflow, where it tells only what has changed since one that is kept.

        Raises RequestError: 409 where that one is not kept any more, and the whole has to be sent.
        """
        workflow = request.get('workflow')
        since, changes = request.get('since'), request.get('changes')
        if since is not None:
            before = self._kept.get(str(since))
            if before is None:
                raise RequestError('this graph is not known here any more; send it whole', 409)
            if not isinstance(changes, dict):
                raise RequestError('changes must be an object')
            workflow = _changed(before, changes)
        name = request.get('keep')
        if isinstance(workflow, dict) and isinstance(name, str):
            workflow = workflow if isinstance(workflow, KeptGraph) else KeptGraph(workflow)
            self._keep(name, workflow)
        return request if workflow is request.get('workflow') else {**request, 'workflow': workflow}

    def _keep(self, name: str, workflow: KeptGraph) -> None:
        self._kept[name] = workflow
        self._kept.move_to_end(name)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)


def _changed(before: KeptGraph, changes: Json) -> KeptGraph:
    """The same object where nothing has changed, so that what was made of it can be found again.

    `nodes`: those that are new or others than before; `order`: the ids of all, where that is another; `set`: other keys
    of the workflow; `gone`: keys that it has no more. Raises RequestError.
    """
    nodes, order, values, gone = (changes.get(key) for key in ('nodes', 'order', 'set', 'gone'))
    if not (nodes or order is not None or values or gone):
        return before
    workflow = KeptGraph({key: value for key, value in before.items() if key not in (gone or ())} | (values or {}))
    if nodes or order is not None:
        try:
            known = {node['id']: node for node in (*before['nodes'], *(nodes or ()))}
            workflow['nodes'] = [known[key] for key in (order if order is not None else map(_id, before['nodes']))]
        except (KeyError, TypeError) as error:
            raise RequestError(f'the changes do not fit the graph: {error!r}', 409) from error
    return workflow


def _id(node: Json) -> Any:
    return node['id']
