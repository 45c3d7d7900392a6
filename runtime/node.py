"""`comfy_script.runtime.node`: the nodes of the default client by class type; as a module, too, as in comfy-script 0.6.

The module is the object: `node['KSampler (Efficient)']`, `node.get(…)`, `node.nodes`.
"""

import sys

from .client.current import node

sys.modules[__name__] = node  # type: ignore[assignment]
