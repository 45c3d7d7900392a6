"""The script writer: an API prompt, with a web UI workflow as a hint, as Python.

`write` has the entry point. `source` reads the prompt, `hints` the workflow; `scopes` says which nodes stand in which
function and `plan` what functions take and return; `body` writes the statements of one scope with the help of `order`,
`naming`, `arguments` (a node's inputs as a call), `literals` and `layout`.
"""

from .style import Style
from .write import PromptWriter, Script, write_script

__all__ = ['PromptWriter', 'Script', 'Style', 'write_script']
