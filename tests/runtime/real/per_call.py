"""Measures node calls; run as a program, those of whatever comfy_script the interpreter finds (used by benchmarks).

python per_call.py COMFYUI BASE ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any


class Thing:
    """Stands for a model or an image: something with an identity."""


class Trivial:
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            'required': {
                'image': ('IMAGE',),
                'strength': ('FLOAT', {'default': 1.0}),
                'count': ('INT', {'default': 1}),
                'mode': (['a', 'b'],),
            }
        }

    RETURN_TYPES = ('IMAGE',)
    FUNCTION = 'run'

    def run(self, image: Any, strength: float, count: int, mode: str) -> tuple[Any]:
        return (Thing(),)


class LikeSampler:
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        names = {'model': 'MODEL', 'seed': 'INT', 'steps': 'INT', 'cfg': 'FLOAT', 'sampler_name': ['euler']}
        names |= {'scheduler': ['normal'], 'positive': 'CONDITIONING', 'negative': 'CONDITIONING'}
        names |= {'latent_image': 'LATENT', 'denoise': 'FLOAT'}
        return {'required': {name: (kind,) for name, kind in names.items()}}

    RETURN_TYPES = ('LATENT',)
    FUNCTION = 'sample'

    def sample(self, **inputs: Any) -> tuple[Any]:
        return ({'samples': inputs['latent_image']['samples'].clone()},)


def v3_classes() -> dict[str, type]:
    """`Trivial` as a V3 node, and the same told its id; with inputs that grow where this ComfyUI has such."""
    from comfy_api.latest import io  # pyright: ignore[reportMissingImports]

    inputs = [io.Image.Input('image'), io.Float.Input('strength', default=1.0), io.Int.Input('count', default=1)]
    inputs.append(io.Combo.Input('mode', options=['a', 'b']))

    def plain(cls: Any, **inputs: Any) -> Any:
        return io.NodeOutput(Thing())

    def class_of(name: str, inputs: list[Any], hidden: list[Any]) -> type:
        def define_schema(cls: Any) -> Any:
            return io.Schema(node_id=name, inputs=inputs, outputs=[io.Image.Output()], hidden=hidden)

        methods = {'define_schema': classmethod(define_schema), 'execute': classmethod(plain)}
        return type(name, (io.ComfyNode,), methods)

    found = {'BenchV3': class_of('BenchV3', inputs, []), 'BenchId': class_of('BenchId', inputs, [io.Hidden.unique_id])}
    if hasattr(io, 'Autogrow'):
        template = io.Autogrow.TemplatePrefix(io.Image.Input('image'), prefix='image', min=1, max=10)
        found['BenchGrows'] = class_of('BenchGrows', [io.Autogrow.Input('images', template=template)], [])
    return found


def v3_calls(nodes: Any, rounds: int) -> dict[str, float]:
    """Microseconds of whole calls. `nodes` gives the nodes, by name, once the classes are ComfyUI's."""
    classes: Any = sys.modules['nodes']
    classes.NODE_CLASS_MAPPINGS |= v3_classes()
    functions = nodes()
    image = Thing()
    found: dict[str, float] = {}
    for name in ('BenchV3', 'BenchId'):
        function = functions[name]
        found[name] = best(lambda function=function: function(image, 1.0, 2, 'a'), rounds)
    if 'BenchGrows' in classes.NODE_CLASS_MAPPINGS:
        found['BenchGrows'] = best(lambda: functions['BenchGrows']([image, image]), rounds)
    return found


def best(
    call: Callable[[], Any], rounds: int, calls: int = 40, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The least time of a call over the rounds, in microseconds."""
    call()
    least = float('inf')
    for _ in range(rounds):
        start = clock()
        for _ in range(calls):
            call()
        least = min(least, (clock() - start) / calls)
    return least * 1e6


def per_call(trivial: Any, sampler: Any, rounds: int) -> dict[str, float]:
    """Microseconds over the naked call. `trivial` and `sampler` call the nodes, positionally."""
    import torch

    image, model = Thing(), Thing()
    conditioning = [[torch.zeros(1, 77, 64), {'pooled_output': torch.zeros(1, 64)}]]
    latent = {'samples': torch.zeros(1, 4, 8, 8)}
    ten = {'model': model, 'seed': 1, 'steps': 2, 'cfg': 8.0, 'sampler_name': 'euler', 'scheduler': 'normal'}
    ten |= {'positive': conditioning, 'negative': conditioning, 'latent_image': latent, 'denoise': 1.0}
    naked = best(lambda: Trivial().run(image=image, strength=1.0, count=2, mode='a'), rounds)
    naked_ten = best(lambda: LikeSampler().sample(**ten), rounds)
    values = tuple(ten.values())
    found = {
        'four inputs': best(lambda: trivial(image, 1.0, 2, 'a'), rounds) - naked,
        'four inputs by keyword': best(lambda: trivial(image=image, strength=1.0, count=2, mode='a'), rounds) - naked,
        'ten inputs': best(lambda: sampler(*values), rounds) - naked_ten,
    }
    deep = trivial(image, 1.0, 2, 'a')
    for _ in range(400):
        deep = trivial(deep, 1.0, 2, 'a')
    found['four inputs at depth 400'] = best(lambda: trivial(deep, 1.0, 2, 'a'), rounds) - naked
    return found


CLASSES = {'BenchTrivial': Trivial, 'BenchSampler': LikeSampler}


def main() -> None:
    comfyui, base, rounds = sys.argv[1:4]
    sys.argv = sys.argv[:1]
    from comfy_script.runtime import real

    arguments = real.ComfyUIArgs('--cpu', '--disable-api-nodes', '--base-directory', base)
    real.load(comfyui, arguments)
    import torch

    # The pack `bench-pack` in BASE brings the classes: a real mode may read them when it loads.
    from comfy_script.runtime.real import nodes

    bench: Any = nodes
    with torch.inference_mode():
        found: dict[str, Any] = dict(per_call(bench.BenchTrivial, bench.BenchSampler, int(rounds)))
        found['V3 nodes, us'] = v3_calls(lambda: vars(bench), int(rounds))
        print(json.dumps(found))


if __name__ == '__main__':
    main()
