"""Web UI workflow → API prompt, by the browser's rules (`app.graphToPrompt()`)."""

from .result import Conversion, SubgraphInstance

__all__ = ['Conversion', 'SubgraphInstance']
