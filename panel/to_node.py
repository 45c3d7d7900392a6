"""A selection of nodes as the text of one ComfyScript node: `def main(image: Image, …): …`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..graph import Prompt, Schemas
from ..transpiler import Style, convert_workflow, write_script
from .errors import RequestError
from .node_text import SelectionText, node_text
from .selection import ports_of, with_ends


def to_node(workflow: Mapping[str, Any], keys: Iterable[str], schemas: Schemas, style: Style) -> dict[str, Any]:
    """`{script, inputs: [{name, type, from}], outputs: [{name, type, to}]}`, in the order of the node's sockets.

    `keys` are graph ids; a subgraph's id stands for all that is inside. Raises RequestError where nothing of them
    is in the prompt.
    """
    prompt = Prompt.parse(convert_workflow(workflow, schemas).prompt)
    chosen = {key for key in prompt.nodes if any(key == one or key.startswith(one + ':') for one in keys)}
    if not chosen:
        raise RequestError('none of the selected nodes is part of the prompt (notes and muted nodes are not)')
    incoming, outgoing = ports_of(prompt, chosen, schemas)
    script = write_script(
        with_ends(prompt, chosen, incoming, outgoing).to_json(), schemas=schemas, workflow=workflow, style=style
    )
    body = SelectionText(script.text)
    names = [body.take_source(number) for number in range(len(incoming))]
    results = body.take_sink(len(outgoing))
    return {
        'script': node_text(body, list(zip(names, incoming)), results, outgoing),
        'inputs': [{'name': name, 'type': port.type, 'from': list(port.link)} for name, port in zip(names, incoming)],
        'outputs': [{'type': port.type, 'to': [list(user) for user in port.users]} for port in outgoing],
    }
