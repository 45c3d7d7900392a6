"""A stand-in for the node of a well-known pack that the auto queue example uses: an image, and its size."""

import torch


class PhotoshopToComfyUI:
    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {'wait_for_photoshop_changes': ('BOOLEAN', {'default': False})}}

    RETURN_TYPES = ('IMAGE', 'INT', 'INT')
    FUNCTION = 'image'
    CATEGORY = 'photoshop'

    def image(self, wait_for_photoshop_changes):
        return torch.zeros(1, 64, 64, 3), 64, 64


NODE_CLASS_MAPPINGS = {'PhotoshopToComfyUI': PhotoshopToComfyUI}
