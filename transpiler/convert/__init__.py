"""Web UI workflow → API prompt, by the browser's rules (`app.graphToPrompt()`).

`loader` rebuilds what the web UI holds after it has opened the file (`model`), and `emit` follows the links and writes
the prompt. Beside `loader`: `class_table`, `specs` and `build` make nodes from their descriptions, `widgets` has the
widget types, `saved_values` takes what the file has of a node, `unique_ids` and `link_repairs` mend ids and links,
`hosts` has the instances of subgraphs, `proxy_widgets` and `groups` what old files have in their place, `primitives`
PrimitiveNode. `new_values` has the conversion of a graph that only has other values than before. `special` is the
registry of node types with rules of their own.
"""

from .convert import convert_workflow, workflow_to_prompt
from .new_values import with_new_values
from .result import Conversion, SubgraphInstance

__all__ = [
    'Conversion',
    'SubgraphInstance',
    'convert_workflow',
    'with_new_values',
    'workflow_to_prompt',
]
