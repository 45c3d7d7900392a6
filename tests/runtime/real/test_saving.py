"""What a saved image says of its making, and that nothing is kept alive for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_script.graph import same_prompt

from .conftest import Child

pytestmark = pytest.mark.server

WRITER = "set_script_writer(lambda prompt, node_id, schemas: f'SaveImage{node_id}')\n"


def metadata(real: Child, code: str) -> dict[str, Any]:
    """The metadata of the image that code saves (`value` is what SaveImage gave)."""
    value = real.run(code + '\nset_script_writer(None)\n')
    file = value['ui']['images'][0]
    image = Image.open(real.base / 'output' / file['subfolder'] / file['filename'])
    info = {str(key): value for key, value in image.info.items()}
    script = info.get('ComfyScript', '')
    return info | {'ComfyScript': json.loads(script) if script.startswith('"') else script}


def test_an_image_carries_prompt_workflow_and_script(real: Child) -> None:
    info = metadata(real, WRITER + """
value = saved(ImageInvert(EmptyImage(16, 8, 1, 255)), 'saving')
""")  # fmt: skip
    prompt = json.loads(info['prompt'])
    assert same_prompt(prompt, {
        '1': {'class_type': 'EmptyImage', 'inputs': {'width': 16, 'height': 8, 'batch_size': 1, 'color': 255}},
        '2': {'class_type': 'ImageInvert', 'inputs': {'image': ['1', 0]}},
        '3': {'class_type': 'SaveImage', 'inputs': {'images': ['2', 0], 'filename_prefix': 'saving'}},
    })  # fmt: skip
    assert all(key.isdecimal() for key in prompt)
    types = [node['type'] for node in json.loads(info['workflow'])['nodes']]
    assert sorted(types) == ['EmptyImage', 'ImageInvert', 'SaveImage']
    assert 'SaveImage' in info['ComfyScript']


def test_an_image_carries_the_text_of_the_script(real: Child) -> None:
    """Of the script, or cell, that calls: a cell's text is where `linecache` looks, as IPython puts it there."""
    cell = "SaveImage(EmptyImage(8, 8), 'cell')  # mine\n"
    info = metadata(real, f"""
import linecache
linecache.cache['<cell 3>'] = (len({cell!r}), None, [{cell!r}], '<cell 3>')
with Workflow() as wf:
    exec(compile({cell!r}, '<cell 3>', 'exec'), globals())
value = {{'ui': wf.ui[-1]}}
""")  # fmt: skip
    assert json.loads(info['ComfyScriptSource']) == cell
    assert 'ComfyScriptSource' not in metadata(real, "value = saved(EmptyImage(8, 8), 'no file')")


def test_a_saver_of_a_pack_gets_no_key_of_ours(real: Child) -> None:
    """Some write all keys into one text, and the workflow in it cannot be read any more."""
    info = metadata(real, WRITER + """
import linecache
import nodes as host
linecache.cache['<cell 4>'] = (1, None, ['a cell'], '<cell 4>')
before = getattr(host.SaveImage, 'RELATIVE_PYTHON_MODULE', None)
host.SaveImage.RELATIVE_PYTHON_MODULE = 'custom_nodes.pack'
try:
    with Workflow() as wf:
        exec(compile("SaveImage(EmptyImage(8, 8), 'pack')", '<cell 4>', 'exec'), globals())
    value = {'ui': wf.ui[-1]}
finally:
    host.SaveImage.RELATIVE_PYTHON_MODULE = before
""")  # fmt: skip
    assert info['ComfyScript'] == ''
    assert 'ComfyScriptSource' not in info
    assert {'prompt', 'workflow'} <= info.keys()


def test_extra_pnginfo_is_merged(real: Child) -> None:
    info = metadata(real, "value = saved(EmptyImage(8, 8), extra_pnginfo={'myfield': {'positive': 'a'}})")
    assert json.loads(info['myfield']) == {'positive': 'a'}
    assert 'workflow' in info


def test_a_prompt_can_be_given(real: Child) -> None:
    info = metadata(real, "value = saved(EmptyImage(8, 8), prompt={'7': {'class_type': 'X', 'inputs': {}}})")
    assert json.loads(info['prompt']) == {'7': {'class_type': 'X', 'inputs': {}}}


@pytest.mark.parametrize(
    'make', ['EmptyImage(8, 8) * 0.5', 'torch.zeros(1, 8, 8, 3)', 'RebatchImages(EmptyImage(8, 8, 2), 1)[1]']
)
def test_what_the_script_made_is_no_node(real: Child, make: str) -> None:
    """A value of the user's own is left out of the prompt, and the script says so."""
    info = metadata(real, WRITER + f'value = saved(ImageInvert({make}))')
    nodes = json.loads(info['prompt']).values()
    inverted = next(node for node in nodes if node['class_type'] == 'ImageInvert')
    assert inverted['inputs'] == {}
    assert not any(node['class_type'] == 'EmptyImage' for node in nodes)
    assert info['ComfyScript'].startswith('# Not in this script: ImageInvert')


def test_a_changed_value_is_not_the_nodes_any_more(real: Child) -> None:
    info = metadata(real, WRITER + """
image = EmptyImage(8, 8)
image.mul_(0)
value = saved(image)
""")  # fmt: skip
    assert [node['class_type'] for node in json.loads(info['prompt']).values()] == ['SaveImage']
    assert 'from EmptyImage, changed since' in info['ComfyScript']


def test_a_changed_latent_is_noticed_an_unchanged_one_is_followed(real: Child) -> None:
    value = real.run("""
        session = RealSession()
        empty, up = session.nodes['EmptyLatentImage'], session.nodes['LatentUpscaleBy']
        latent = up(empty(64, 64, 1), 'nearest-exact', 2.0)
        followed = session.written(latent).prompt
        latent['noise_mask'] = torch.ones(1)
        changed = session.written(up(latent, 'nearest-exact', 2.0))
        value = [[n['class_type'] for n in followed.values()], [n['class_type'] for n in changed.prompt.values()],
                 changed.notes]
    """)
    assert value[0] == ['EmptyLatentImage', 'LatentUpscaleBy']
    assert value[1] == ['LatentUpscaleBy']
    assert 'changed since' in value[2][0]


def test_lists_are_one_link(real: Child) -> None:
    info = metadata(real, 'value = saved(ImageInvert(RebatchImages(EmptyImage(8, 8, 3), 1)))')
    nodes = {node['class_type']: node['inputs'] for node in json.loads(info['prompt']).values()}
    assert set(nodes) == {'EmptyImage', 'RebatchImages', 'ImageInvert', 'SaveImage'}


def test_values_are_not_kept_alive(real: Child) -> None:
    """Tensors, and what is inside of dicts and lists, go when the user lets go of them."""
    value = real.run("""
        import gc, weakref
        session = RealSession(on_ui=lambda *_: None)
        n = session.nodes
        model, clip, vae = n['CheckpointLoaderSimple']('tiny.safetensors')
        refs = []
        def make():
            with Workflow():
                text = n['CLIPTextEncode']('a', clip)
                empty = n['EmptyLatentImage'](16, 16, 1)
                latent = n['KSampler'](model, 1, 1, 1.0, 'euler', 'normal', text, text, empty)
                image = n['VAEDecode'](latent, vae)
                slept = n['TestSleep'](n['ImageInvert'](image), 0.01)
                batches = n['RebatchImages'](slept, 1)
                loop, _, looped, *_ = n['TestForLoopOpen'](2, initial_value1=batches[0])
                looped = n['ImageInvert'](looped)
                closed, *_ = n['TestForLoopClose'](loop, initial_value1=looped)
                n['PreviewImage'](closed)
                for value in (text[0][0], latent['samples'], image, slept, batches[0], looped, closed):
                    refs.append(weakref.ref(value))
        make()
        before = len(session.provenance)
        alive = [ref() is not None for ref in refs]
        gc.collect()
        value = [sum(alive), sum(ref() is not None for ref in refs), len(session.provenance)]
    """)
    assert value[1] == 0
    assert value[2] <= 6  # the models


def test_long_chains(real: Child) -> None:
    value = real.run("""
        session = RealSession()
        image = session.nodes['EmptyImage'](8, 8)
        for _ in range(3000):
            image = session.nodes['ImageInvert'](image)
        value = [len(session.written(image).prompt), session.source(image).record.key() is not None]
        del image
    """)
    assert value == [3001, True]


def test_what_was_saved_before_is_not_what_a_later_image_needed(real: Child) -> None:
    """ComfyUI 0.33 gives back of SaveImage and PreviewImage what they were given."""
    info = metadata(real, """
image = EmptyImage(16, 8, 1, 255)
SaveImage(image, 'before')
PreviewImage(image)
value = saved(ImageInvert(image), 'saving')
""")
    types = [node['class_type'] for node in json.loads(info['prompt']).values()]
    assert sorted(types) == ['EmptyImage', 'ImageInvert', 'SaveImage']
    same = """
with Workflow(cache=True):
    image = EmptyImage(16, 8, 1, 254)
    before = ImageInvert(image)
    PreviewImage(image)
    value = ImageInvert(image) is before
"""
    assert real.run(same) is True


def test_the_cache_runs_what_changed_only(real: Child) -> None:
    value = real.run("""
        ran = []
        class Counted:
            @classmethod
            def INPUT_TYPES(cls):
                return {'required': {'image': ('IMAGE',), 'n': ('INT',)}}
            RETURN_TYPES = ('IMAGE',)
            FUNCTION = 'run'
            def run(self, image, n):
                ran.append(n)
                return (image + n,)
        import nodes
        nodes.NODE_CLASS_MAPPINGS['Counted'] = Counted
        session = RealSession(cache=Cache(2**20))
        n = session.nodes
        def script(middle, size=8):
            image = n['EmptyImage'](size, 8)
            for number in (1, middle, 3):
                image = n['Counted'](image, number)
            return image
        first = script(2)
        steps = [list(ran)]
        for middle in (2, 5, 2):
            again = script(middle)
            steps.append(list(ran))
        same = torch.equal(first, again)
        session.cache.clear()
        script(2, 512)
        small = len(session.cache)
        own = torch.zeros(1, 8, 8, 3)
        a, b = n['Counted'](own, 7), n['Counted'](own, 7)
        own.add_(1)
        c = n['Counted'](own, 7)
        value = [steps, same, session.cache.size <= 2**20, a is b, bool(c.max() == 8)]
    """)
    assert value == [[[1, 2, 3], [1, 2, 3], [1, 2, 3, 5, 3], [1, 2, 3, 5, 3]], True, True, True, True]


def test_a_cache_knows_what_led_to_a_value_without_tracking_too(real: Child) -> None:
    value = real.run("""
        n = RealSession(track=False, cache=Cache(2**20)).nodes
        black, white = n['EmptyImage'](8, 8, 1, 0), n['EmptyImage'](8, 8, 1, 0xffffff)
        value = [float(n['ImageInvert'](black).max()), float(n['ImageInvert'](white).max())]
    """)
    assert value == [1.0, 0.0]


def test_workflows_share_a_cache_when_told_to(real: Child) -> None:
    value = real.run("""
        cache = Cache(2**24)
        images = []
        for _ in range(2):
            with Workflow(cache=cache):
                images.append(TestSleep(EmptyImage(8, 8), 0.01))
                SaveImage(images[-1], 'cached')
        with Workflow():
            images.append(TestSleep(EmptyImage(8, 8), 0.01))
        value = [images[0] is images[1], images[1] is images[2], cache.hits, images[0].is_inference()]
    """)
    assert value == [True, False, 3, True]


def test_the_folder_of_an_image_is_comfyuis(real: Child) -> None:
    real.run("SaveImage(EmptyImage(8, 8), 'sub/folder')")
    assert list(Path(real.base / 'output' / 'sub').glob('folder*.png'))
