"""Nodes by raw name: `node['KSampler (Efficient)']`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .client import default_client

if TYPE_CHECKING:
    from ..calls.functions import NodeFunction, NodeNamespace

__all__ = ['NodeLookup', 'node']


class NodeLookup:
    """The nodes of the default client by class type; `from comfy_script.runtime.nodes import *` has them by name."""

    def __getitem__(self, class_type: str) -> NodeFunction:
        """The node's function, also of a class type that the server does not list: that one takes keywords only."""
        return self.nodes[class_type]

    def get(self, class_type: str, default: Any = None) -> Any:
        """The node's function, or `default` where the server does not list the class type."""
        return self.nodes.get(class_type, default)

    def __contains__(self, class_type: object) -> bool:
        return class_type in self.nodes

    @property
    def nodes(self) -> NodeNamespace:
        """All nodes of the default client. Raises NotLoadedError."""
        return default_client().nodes


node = NodeLookup()
