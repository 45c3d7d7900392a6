"""What a server says of a node class, read from the class itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .json_values import as_json

_FLAGS = {'deprecated': 'DEPRECATED', 'experimental': 'EXPERIMENTAL', 'dev_only': 'DEV_ONLY'}
"""Said of a class only where they hold."""

_STATED = {
    'output_tooltips': 'OUTPUT_TOOLTIPS',
    'api_node': 'API_NODE',
    'essentials_category': 'ESSENTIALS_CATEGORY',
}
"""Said of a class only where it has them."""


def class_info(class_type: str, node_class: Any, display_name: str | None = None) -> Mapping[str, Any]:
    """The `/object_info` entry of a node class, V1 or V3, as clients of its server get it.

    The rule is ComfyUI's `server.py: node_info`; what older servers leave out is here all the same.
    """
    if hasattr(node_class, 'GET_NODE_INFO_V1'):
        return as_json(node_class.GET_NODE_INFO_V1())
    inputs = node_class.INPUT_TYPES()
    outputs = getattr(node_class, 'RETURN_TYPES', ())
    info = {
        'input': inputs,
        'input_order': {section: list(specs) for section, specs in inputs.items()},
        'is_input_list': getattr(node_class, 'INPUT_IS_LIST', False),
        'output': outputs,
        'output_is_list': getattr(node_class, 'OUTPUT_IS_LIST', [False] * len(outputs)),
        'output_name': getattr(node_class, 'RETURN_NAMES', outputs),
        'name': class_type,
        'display_name': display_name or class_type,
        'description': getattr(node_class, 'DESCRIPTION', ''),
        'python_module': getattr(node_class, 'RELATIVE_PYTHON_MODULE', 'nodes'),
        'category': getattr(node_class, 'CATEGORY', 'sd'),
        'output_node': getattr(node_class, 'OUTPUT_NODE', False) == True,  # noqa: E712
        'has_intermediate_output': getattr(node_class, 'HAS_INTERMEDIATE_OUTPUT', False) == True,  # noqa: E712
        'search_aliases': getattr(node_class, 'SEARCH_ALIASES', []),
    }
    info |= {key: True for key, name in _FLAGS.items() if getattr(node_class, name, False)}
    info |= {key: getattr(node_class, name) for key, name in _STATED.items() if hasattr(node_class, name)}
    return as_json(info)
