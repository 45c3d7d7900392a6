"""The interpreter of the `ComfyScript` node: scripts as data, run without `exec`.

`run_script` runs one, `script_to_prompt` turns one into a prompt without running any node,
`describe_signature` tells what sockets and widgets its `def main(…)` asks for.
"""

from .lang.bounds import Bounds
from .lang.errors import (
    NodeFailed,
    OnlyInNodeDenied,
    ScriptDenied,
    ScriptError,
    ScriptFailed,
    ScriptLimit,
    ScriptSyntaxError,
    Span,
)
from .nodes.run import CompiledScript, ScriptResult, compile_script, run_script
from .nodes.script_prompt import Caller, ScriptPrompt, script_to_prompt
from .nodes.signature import MAX_OUTPUTS, Signature, SignatureInput, describe_signature, read_signature

__all__ = [
    'MAX_OUTPUTS',
    'Bounds',
    'Caller',
    'CompiledScript',
    'NodeFailed',
    'OnlyInNodeDenied',
    'ScriptDenied',
    'ScriptError',
    'ScriptFailed',
    'ScriptLimit',
    'ScriptPrompt',
    'ScriptResult',
    'ScriptSyntaxError',
    'Signature',
    'SignatureInput',
    'Span',
    'compile_script',
    'describe_signature',
    'read_signature',
    'run_script',
    'script_to_prompt',
]
