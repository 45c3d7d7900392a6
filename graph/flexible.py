"""Node types that take inputs of any name, which `/object_info` cannot say: their optional inputs are a dict that
answers for every key (rgthree-comfy `py/utils.py: FlexibleOptionalInputType` and its like), or their function takes
`**kwargs`. Links and values under further names reach them.
"""

from __future__ import annotations

FLEXIBLE_TYPES = frozenset(
    {
        # rgthree-comfy 1.0: py/*.py
        'Any Switch (rgthree)',
        'Context Merge (rgthree)',
        'Context Merge Big (rgthree)',
        'Context Switch (rgthree)',
        'Context Switch Big (rgthree)',
        'Image or Latent Size (rgthree)',
        'Power Lora Loader (rgthree)',
        'Power Primitive (rgthree)',
        'Power Puter (rgthree)',
        # VideoHelperSuite 1.7: videohelpersuite/nodes.py (ContainsAll)
        'VHS_VideoCombine',
        # Use Everywhere 7.8
        'Anything Everywhere',
        'Anything Everywhere3',
        'Anything Everywhere?',
        'Prompts Everywhere',
        # KJNodes 1.5: nodes whose inputs are as many as `inputcount` says
        'ConditioningMultiCombine',
        'CrossFadeImagesMulti',
        'ImageAddMulti',
        'ImageBatchMulti',
        'ImageConcatMulti',
        'JoinStringMulti',
        'MaskBatchMulti',
        'TransitionImagesMulti',
        # Impact 7.10, modules/impact/util_nodes.py; Inspire 1.21, inspire/conditioning_nodes.py
        'ConcatConditioningsWithMultiplier //Inspire',
        'ImpactCombineConditionings',
        'ImpactConcatConditionings',
        'ImpactInversedSwitch',
        'ImpactMakeAnyList',
        'ImpactMakeImageBatch',
        'ImpactMakeImageList',
        'ImpactMakeMaskBatch',
        'ImpactMakeMaskList',
        'ImpactSwitch',
        'LatentSwitch',
        'SEGSSwitch',
        # comfy_mtb 0.5
        'Debug (mtb)',
        'Stack Images (mtb)',
        # LoRA Manager 1.2: py/nodes/*.py
        'Lora Loader (LoraManager)',
        'Lora Stacker (LoraManager)',
        'TriggerWord Toggle (LoraManager)',
        'WanVideo Lora Select (LoraManager)',
    }
)
