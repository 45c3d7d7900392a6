"""Node calls and the prompts they make."""

from __future__ import annotations

import copy
import gc
import inspect
import pydoc
import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from comfy_script.graph import Schemas, bind
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.outputs import Handle, Outputs, Value
from comfy_script.runtime.calls.recording import PromptBuilder, Recorder
from comfy_script.runtime.calls.running import BuildError, build, build_json, to_json

from .conftest import FILES, OBJECT_INFO, node


def prompt_of(*outputs: Any) -> dict[str, Any]:
    return build(outputs).prompt


def test_text_to_image(nodes: NodeNamespace) -> None:
    model, clip, vae = nodes.CheckpointLoaderSimple('v1-5-pruned-emaonly.ckpt')
    text = nodes.CLIPTextEncode('a dog', clip)
    latent = nodes.KSampler(model, 123, 20, 8, 'euler', 'normal', text, text, nodes.EmptyLatentImage(64, 64, 1), 1)
    saved = nodes.SaveImage(nodes.VAEDecode(latent, vae))
    assert prompt_of(saved) == {
        '1': {'class_type': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'v1-5-pruned-emaonly.ckpt'}},
        '2': {'class_type': 'CLIPTextEncode', 'inputs': {'text': 'a dog', 'clip': ['1', 1]}},
        '3': {'class_type': 'EmptyLatentImage', 'inputs': {'width': 64, 'height': 64, 'batch_size': 1}},
        '4': {
            'class_type': 'KSampler',
            'inputs': {
                'model': ['1', 0],
                'seed': 123,
                'steps': 20,
                'cfg': 8,
                'sampler_name': 'euler',
                'scheduler': 'normal',
                'positive': ['2', 0],
                'negative': ['2', 0],
                'latent_image': ['3', 0],
                'denoise': 1,
            },
        },
        '5': {'class_type': 'VAEDecode', 'inputs': {'samples': ['4', 0], 'vae': ['1', 2]}},
        '6': {'class_type': 'SaveImage', 'inputs': {'images': ['5', 0], 'filename_prefix': 'ComfyUI'}},
    }


def test_json_is_that_of_the_prompt(nodes: NodeNamespace) -> None:
    texts = ['', 'a "dog"\n\\', 'Füße 🐕 \ud800', '100 % %s %(a)s {0}']
    numbers = [0, -(2**70), 1.0, 1e-7, 1e300, float('inf'), float('nan'), True, False, None]
    others = [[1, 'a'], {'a': {'b': [None]}}, Path('a') / 'b']
    unknown = nodes.get('100 % "unknown"') or nodes['100 % "unknown"']
    values = (*texts, *numbers, *others)
    called = [unknown(**{'in %': value, 'in.put "2"': nodes.VAEDecode(None, None)}) for value in values]
    latent = nodes.EmptyLatentImage(batch_size=2)
    outputs = [nodes.SaveImage(nodes.VAEDecode(latent, None)), *called]
    assert build_json(outputs) == to_json(prompt_of(*outputs))
    assert build_json() == to_json({}) == '{}'


def test_values_know_their_type(nodes: NodeNamespace) -> None:
    latent = nodes.EmptyLatentImage()
    assert isinstance(latent, nodes.Latent)
    assert isinstance(latent, Value)
    assert not isinstance(latent, nodes.Image)
    assert isinstance(nodes.SaveImage(None), Handle)
    both = nodes.PreviewBoth(None)
    assert isinstance(both, Outputs)
    assert [type(value).__name__ for value in both] == ['Image', 'Mask']


def test_switches_lists_and_dynamic_inputs(nodes: NodeNamespace) -> None:
    image = nodes.VAEDecode(None, None)
    noise = nodes.KSamplerAdvanced(None, False, 'euler', None)
    assert prompt_of(noise)['1']['inputs'] == {'add_noise': 'disable', 'sampler_name': 'euler'}
    resized = nodes.ResizeImage(image, 'size', mode__width=64)
    assert prompt_of(resized)['2']['inputs'] == {
        'image': ['1', 0],
        'mode': 'size',
        'mode.width': 64,
        'mode.height': 512,
        'mode.crop': 'disabled',
    }
    batch = nodes.BatchImages([image, resized])
    assert prompt_of(batch)['3']['inputs'] == {'images.image0': ['1', 0], 'images.image1': ['2', 0]}
    assert prompt_of(nodes.Weights([1, 2.5]))['1']['inputs'] == {'weights': {'__value__': [1, 2.5]}}
    assert prompt_of(nodes.Weights(['a', 0]))['1']['inputs'] == {'weights': {'__value__': ['a', 0]}}


def test_a_list_is_taken_as_it_is_at_the_call(nodes: NodeNamespace) -> None:
    weights = [1, 2]
    made = nodes.Weights(weights)
    weights.append(3)
    assert prompt_of(made)['1']['inputs'] == {'weights': {'__value__': [1, 2]}}


def test_the_quick_way_binds_as_bind_does(nodes: NodeNamespace) -> None:
    for args in ((None, True, 'ddim', None), (1, 'enable', 'x', 2), ('m', 1, [1], {'a': 1})):
        made = nodes.KSamplerAdvanced(*args)
        expected = bind(nodes.schemas['KSamplerAdvanced'], args, {})
        assert prompt_of(made)['1']['inputs'] == {
            name: {'__value__': value} if isinstance(value, list) else value for name, value in expected.items()
        }


def test_numbers_of_numpy_and_paths(nodes: NodeNamespace) -> None:
    numpy = pytest.importorskip('numpy')
    made = nodes.EmptyLatentImage(numpy.int64(64), numpy.float32(2.5), 1)
    assert prompt_of(made)['1']['inputs'] == {'width': 64, 'height': 2.5, 'batch_size': 1}


@pytest.mark.parametrize(
    'path, sent',
    [
        (Path('a') / 'b.pt', 'a/b.pt'),
        (PureWindowsPath('a/b.pt'), 'a/b.pt'),
        (PureWindowsPath(r'C:\models\b.pt'), 'C:/models/b.pt'),
        (PurePosixPath('sd/xl base.safetensors'), 'sd/xl base.safetensors'),
        (PureWindowsPath('sd/xl base.safetensors'), 'sd/xl base.safetensors'),
        (PurePosixPath('win/b.pt'), 'win\\b.pt'),
        (PureWindowsPath('win/b.pt'), 'win\\b.pt'),
    ],
)
def test_paths_are_those_of_the_server(path: PurePath, sent: str) -> None:
    """Its system need not be this one: what it lists says how it writes them, and slashes are taken everywhere."""
    schemas = Schemas.parse(
        {**OBJECT_INFO, 'Load': node({'name': [[*FILES, 'win\\b.pt'], {}], 'x': ['STRING', {}]}, [])}
    )
    made = NodeNamespace(schemas, Recorder()).Load(path, path)
    assert prompt_of(made)['1']['inputs'] == {'name': sent, 'x': path.as_posix()}


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda n: n.KSampler(None, steps=3), ['KSampler', "'positive'", 'missing']),
        (lambda n: n.EmptyLatentImage(widht=3), ['EmptyLatentImage', "'widht'", "'width'"]),
        (lambda n: n.EmptyLatentImage(1, 2, 3, 4), ['EmptyLatentImage', 'at most 3']),
        (lambda n: n.EmptyLatentImage(1, width=2), ['EmptyLatentImage', "'width'", 'twice']),
        (lambda n: n.CLIPTextEncode('a', n.CheckpointLoaderSimple()), ["'clip'", 'several outputs']),
        (lambda n: n.CLIPTextEncode('a', n.SaveImage(None)), ["'clip'", 'without outputs']),
        (lambda n: n.CLIPTextEncode(object(), None), ["'text'", 'object']),
        (lambda n: n.Weights([n.EmptyLatentImage()]), ["'weights'", 'inside a list']),
        (lambda n: n['EmptyLatentImag'](3), ['EmptyLatentImag', "'EmptyLatentImage'", 'keyword']),
    ],
)
def test_wrong_calls(nodes: NodeNamespace, call: Any, words: list[str]) -> None:
    with pytest.raises(TypeError) as error:
        call(nodes)
    assert all(word in str(error.value) for word in words)


def test_a_value_that_cannot_be_sent_names_the_line(nodes: NodeNamespace) -> None:
    with pytest.raises(BuildError, match=re.escape(f'{__file__}:')):
        nodes.CLIPTextEncode(object(), None)


@pytest.mark.parametrize('use', [bool, int, len, list, lambda v: v + 1, lambda v: v < 1, lambda v: v[0], abs])
def test_values_do_not_pretend_to_be_there(nodes: NodeNamespace, use: Any) -> None:
    with pytest.raises(TypeError, match=r'Latent 0 of .*EmptyLatentImage'):
        use(nodes.EmptyLatentImage())


def test_unknown_nodes(nodes: NodeNamespace) -> None:
    first, second = nodes['Gone'](strength=1)
    one = nodes['Gone'](image=first)[3]
    a, *_ = nodes['Gone'](image=second)
    taken_whole = nodes.SaveImage(nodes['Gone']())
    assert prompt_of(one)['2']['inputs'] == {'image': ['1', 0]}
    assert (one.slot, second.slot, a.slot) == (3, 1, 0)
    assert prompt_of(taken_whole)['2']['inputs']['images'] == ['1', 0]


def test_names(nodes: NodeNamespace) -> None:
    odd = nodes['Any Node (odd)|name']
    assert odd.__name__ == 'AnyNodeOddName'
    assert nodes.AnyNodeOddName is odd
    assert prompt_of(odd(1, class_='x'))['1']['inputs'] == {'any': 1, 'class': 'x'}
    assert nodes.ImageResize.class_type == 'ImageResize'
    other = nodes['ImageResize+'].__name__
    assert other.startswith('ImageResize_')
    assert getattr(nodes, other).class_type == 'ImageResize+'
    assert nodes.get('KSampler') is nodes.KSampler
    assert nodes.get('Nothing') is None
    with pytest.raises(AttributeError, match=r"no node 'KSamplr' .*'KSampler'"):
        _ = nodes.KSamplr


def test_a_broken_description_breaks_only_its_node(nodes: NodeNamespace) -> None:
    assert 'Broken' in nodes.public_names()
    with pytest.raises(Exception, match='Broken'):
        nodes.Broken(x=1)
    assert prompt_of(nodes.EmptyLatentImage())


def test_signature(nodes: NodeNamespace) -> None:
    signature = inspect.signature(nodes.KSampler)
    parameters = list(signature.parameters.values())
    assert [item.name for item in parameters[:10]] == [item.name for item in nodes.schemas['KSampler'].inputs]
    assert signature.parameters['seed'].default == 0
    assert signature.parameters['sampler_name'].default == 'euler'
    assert signature.parameters['positive'].default is inspect.Parameter.empty
    assert inspect.signature(nodes.Blur).parameters['radius'].default is None
    dynamic = inspect.signature(nodes.ResizeImage).parameters
    assert dynamic['mode__width'].kind is inspect.Parameter.KEYWORD_ONLY
    assert dynamic['mode__factor'].default == 1.0


def test_help_and_completion(nodes: NodeNamespace) -> None:
    # Python 3.13 writes long signatures with a line for each parameter.
    text = ' '.join(pydoc.plain(pydoc.render_doc(nodes.EmptyLatentImage)).split()).replace('( ', '(')
    for part in (
        'EmptyLatentImage(width: int = 512, height: int = 512',
        'Empty Latent Image',
        '16 to 16384',
        'In pixels.',
        'Category: latent',
        'Module: nodes',
    ):
        assert part in text
    assert {'KSampler', 'Checkpoints', 'Latent'} <= set(dir(nodes))
    assert 'sampler_name' in dir(nodes.KSampler)


def test_origins_are_the_lines_of_the_calls(nodes: NodeNamespace) -> None:
    frame = inspect.currentframe()
    assert frame is not None
    line = frame.f_lineno
    latent = nodes.EmptyLatentImage()
    saved = nodes.SaveImage(
        nodes.VAEDecode(latent, None),
    )
    built = build([saved])
    assert built.origins() == {'1': (__file__, line + 1), '2': (__file__, line + 3), '3': (__file__, line + 2)}
    assert built.id_of(saved) == '3'
    assert built.id_of(nodes.EmptyLatentImage()) is None


def test_calls_keep_no_variables_alive(nodes: NodeNamespace) -> None:
    import weakref

    class Big:
        pass

    def script() -> Any:
        big = Big()
        alive.append(weakref.ref(big))
        return nodes.EmptyLatentImage()

    alive: list[Any] = []
    kept = script()
    gc.collect()
    assert alive[0]() is None
    assert kept.node.origin[1] > 0


def test_long_chains_need_no_recursion(nodes: NodeNamespace) -> None:
    builder = PromptBuilder()
    blur = NodeNamespace(nodes.schemas, builder.emit).Blur
    image: Any = None
    for _ in range(20_000):
        image = blur(image)
    prompt = build([image]).prompt
    assert len(prompt) == len(builder.build().prompt) == 20_000
    assert prompt['20000']['inputs'] == {'image': ['19999', 0]}
    builder.nodes.clear()
    del image


def test_refresh_reaches_what_a_script_holds(nodes: NodeNamespace) -> None:
    from comfy_script.graph import Schemas

    from .conftest import OBJECT_INFO, node

    checkpoints, loader = nodes.Checkpoints, nodes.CheckpointLoaderSimple
    assert 'new' not in checkpoints.__members__
    info = {**OBJECT_INFO, 'CheckpointLoaderSimple': node({'ckpt_name': [['new.ckpt'], {}]}, ['MODEL'])}
    nodes.refresh(Schemas.parse(info))
    assert checkpoints.new == 'new.ckpt'
    assert loader.ckpt_name.new == 'new.ckpt'
    assert isinstance(loader(), Value)


def test_copies_are_the_same_call(nodes: NodeNamespace) -> None:
    latent = nodes.EmptyLatentImage()
    state = copy.deepcopy({'latent': latent, 'both': nodes.PreviewBoth(None)})
    assert state['latent'] is latent
    assert copy.copy(latent) is latent
