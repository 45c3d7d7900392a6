"""A node pack of the tests: sources that core ComfyUI lacks, and savers in the manner of third-party packs."""

import json
from io import BytesIO
from pathlib import Path

import folder_paths
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

try:
    from comfy_api.latest._util import MESH, SVG
except ImportError:  # 2026
    from comfy_api.latest import Types
    from comfy_extras.nodes_images import SVG

    MESH = Types.MESH


class TestSVG:
    RETURN_TYPES = ('SVG',)
    FUNCTION = 'make'
    CATEGORY = 'tests'

    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {'colour': ('STRING', {'default': 'red'})}}

    def make(self, colour):
        text = f'<svg xmlns="http://www.w3.org/2000/svg"><rect width="8" height="8" fill="{len(colour)}"/></svg>'
        return (SVG([BytesIO(text.encode())]),)


class TestMesh:
    RETURN_TYPES = ('MESH',)
    FUNCTION = 'make'
    CATEGORY = 'tests'

    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {'size': ('FLOAT', {'default': 1.0})}}

    def make(self, size):
        corners = torch.tensor([[[0, 0, 0], [size, 0, 0], [0, size, 0]]], dtype=torch.float32)
        return (MESH(corners, torch.tensor([[[0, 1, 2]]])),)


class ThirdPartySaver:
    """Writes PNG as packs do, and reads the workflow without asking."""

    RETURN_TYPES = ()
    FUNCTION = 'save'
    OUTPUT_NODE = True
    CATEGORY = 'tests'

    @classmethod
    def INPUT_TYPES(cls):
        return {
            'required': {'images': ('IMAGE',), 'name': ('STRING', {'default': 'third'})},
            'hidden': {'prompt': 'PROMPT', 'extra_pnginfo': 'EXTRA_PNGINFO'},
        }

    def save(self, images, name, prompt=None, extra_pnginfo=None):
        info = PngInfo()
        if extra_pnginfo is not None:
            assert 'nodes' in extra_pnginfo['workflow']
            for key, value in extra_pnginfo.items():
                info.add_text(key, json.dumps(value))
        place = Path(folder_paths.get_output_directory()) / f'{name}.png'
        Image.fromarray((images[0].numpy() * 255).astype('uint8')).save(place, pnginfo=info)
        return {'ui': {'images': [{'filename': place.name, 'subfolder': '', 'type': 'output'}]}}


class TestTextSaver(ThirdPartySaver):
    FUNCTION = 'save_text'

    @classmethod
    def INPUT_TYPES(cls):
        inputs = super().INPUT_TYPES()
        return inputs | {'required': {'images': ('IMAGE',), 'text': ('STRING', {'multiline': True})}}

    def save_text(self, images, text, prompt=None, extra_pnginfo=None):
        return self.save(images, 'text', prompt, extra_pnginfo)


NODE_CLASS_MAPPINGS = {item.__name__: item for item in (TestSVG, TestMesh, ThirdPartySaver, TestTextSaver)}
