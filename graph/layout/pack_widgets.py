"""What other people's packs change about the places of values: widgets that only their JavaScript makes or takes away.

(The transpiler's `convert/packs` has the same rules from the other side, with the packs' versions and files.)
"""

from __future__ import annotations

from ..schema import InputSchema, NodeSchema

WIDGETS = frozenset(
    {
        'MTB_COLOR',
        'VHSTIMESTAMP',
        'EASY_PROMPT_STYLES',
        'EASY_COMBO',
        'EASY_PROMPT_AWAIT_BAR',
        'EASY_MULTI_ANGLE',
        'EASY_TABLE_EDITOR',
        'AUTOCOMPLETE_TEXT_LORAS',
        'AUTOCOMPLETE_TEXT_PROMPT',
        'LORAS',
        'RANDOMIZER_CONFIG',
        'CYCLER_CONFIG',
        'LORA_POOL_CONFIG',
    }
)
"""Input types that are widgets with one value where their pack is installed."""

_POWER_PROMPTS = frozenset(
    {
        'Power Prompt (rgthree)',
        'Power Prompt - Simple (rgthree)',
        'SDXL Power Prompt - Positive (rgthree)',
        'SDXL Power Prompt - Simple / Negative (rgthree)',
    }
)


def saves_by_name(schema: NodeSchema) -> bool:
    """VideoHelperSuite keeps values as an object, each under its widget's name."""
    return schema.class_type.startswith('VHS_')


def is_taken_away(item: InputSchema, schema: NodeSchema) -> bool:
    """rgthree's prompts have no widgets for sizes, and combos only where there is something to insert."""
    if schema.class_type not in _POWER_PROMPTS:
        return False
    if item.name.startswith(('target_', 'crop_')):
        return True
    choices = item.choices or ()
    return item.name.startswith('insert_') and (
        len(choices) < 2 or (len(choices) == 2 and str(choices[1]).lower().startswith('disable '))
    )
