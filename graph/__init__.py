"""What ComfyUI knows, as plain data: node schemas, prompts, names, calls. Standard library only, no I/O."""

from .call import bind, bind_unknown, check_branches, no_choice
from .class_info import class_info
from .colours import NodeColours, difference, same_prompt
from .errors import CallError, ComfyScriptError, PromptError, SchemaError
from .names import (
    GLOBAL_ENUMS,
    RESERVED,
    NameTable,
    hashed_name,
    to_class_name,
    to_identifier,
    to_variable_name,
    unique_names,
)
from .prompt import (
    Link,
    Prompt,
    PromptNode,
    decode_value,
    encode_value,
    is_link,
)
from .schema import (
    EXTRA_INPUTS,
    EXTRA_OUTPUTS,
    MISSING,
    MOST_OUTPUTS,
    Autogrow,
    Branch,
    InputKind,
    InputSchema,
    NodeSchema,
    OutputSchema,
)
from .schemas import Schemas, as_schemas, is_object_info
from .suggestions import close_names, near_misses

__all__ = [
    'EXTRA_INPUTS',
    'EXTRA_OUTPUTS',
    'GLOBAL_ENUMS',
    'MISSING',
    'MOST_OUTPUTS',
    'RESERVED',
    'Autogrow',
    'Branch',
    'CallError',
    'ComfyScriptError',
    'InputKind',
    'InputSchema',
    'Link',
    'NameTable',
    'NodeColours',
    'NodeSchema',
    'OutputSchema',
    'Prompt',
    'PromptError',
    'PromptNode',
    'SchemaError',
    'Schemas',
    'as_schemas',
    'bind',
    'bind_unknown',
    'check_branches',
    'class_info',
    'close_names',
    'decode_value',
    'difference',
    'encode_value',
    'hashed_name',
    'is_link',
    'is_object_info',
    'near_misses',
    'no_choice',
    'same_prompt',
    'to_class_name',
    'to_identifier',
    'to_variable_name',
    'unique_names',
]
