"""An API prompt as a web UI workflow that a person can read.

`drawing` does it all: `constants` puts nodes before sockets that the prompt gives a value, `node_boxes` says what each
node shows (`widget_places`: the values of its widgets), and `columns` where it goes. `layout_hints` is what the caller
knows: titles and groups.
"""

from .drawing import Template, lay_out
from .layout_hints import LayoutGroup, LayoutHints

__all__ = ['LayoutGroup', 'LayoutHints', 'Template', 'lay_out']
