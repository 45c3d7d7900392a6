"""LoRA Manager: lists of LoRAs and of trigger words, each the value of one widget."""

from __future__ import annotations

from ..model import LiveInput, LiveNode, Widget
from ..node_types import Pack, SpecialType
from .bricks import plain_widget, text_widget


def _trigger_words(node: LiveNode) -> None:
    """The words that are on or off, and the message that they came with (`trigger_word_toggle.js`)."""
    node.inputs.append(LiveInput('trigger_words', '*'))
    node.add_widget(Widget('toggle_trigger_words', 'custom', []))
    node.add_widget(Widget('orinalMessage', 'text', ''))


LORA_MANAGER = Pack(
    source='willmiao/ComfyUI-Lora-Manager 1.2.1, py/nodes/*.py, web/comfyui/*.js, vue-widgets/src/main.ts',
    types={'TriggerWord Toggle (LoraManager)': SpecialType(created=_trigger_words)},
    widgets={
        'AUTOCOMPLETE_TEXT_LORAS': text_widget,
        'AUTOCOMPLETE_TEXT_PROMPT': text_widget,
        'LORAS': plain_widget('custom', []),
        'RANDOMIZER_CONFIG': plain_widget('custom', None),
        'CYCLER_CONFIG': plain_widget('custom', None),
        'LORA_POOL_CONFIG': plain_widget('custom', None),
    },
)
