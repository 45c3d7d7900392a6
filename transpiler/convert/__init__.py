"""Web UI workflow → API prompt, by the browser's rules (`app.graphToPrompt()`).

`load` rebuilds what the web UI holds after opening the file (`model`): `specs` and `build` make nodes from their
descriptions, `widgets` has the widget types, `hosts` the instances of subgraphs, `primitives` PrimitiveNode.
`special` is the registry of node types with rules of their own. `emit` follows the links and writes the prompt.
"""

from .convert import convert_workflow, workflow_to_prompt
from .result import Conversion, SubgraphInstance

__all__ = ['Conversion', 'SubgraphInstance', 'convert_workflow', 'workflow_to_prompt']
