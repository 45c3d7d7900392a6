"""What a script looks like."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Schemas, difference
from comfy_script.interpreter.nodes.script_prompt import script_to_prompt
from comfy_script.tests.transpiler.running import check_lines, check_round_trip, load
from comfy_script.tests.transpiler.schemas import SCHEMAS
from comfy_script.transpiler import Style, TranspileError, transpile, transpile_script, write_script


def node(class_type: str, title: str | None = None, /, **inputs: Any) -> dict[str, Any]:
    inputs = {key.replace('__', '.'): value for key, value in inputs.items()}
    written: dict[str, Any] = {'class_type': class_type, 'inputs': inputs}
    return {**written, '_meta': {'title': title}} if title else written


def write(prompt: dict[str, Any], style: Style | None = None, **options: Any) -> str:
    """The script; that it gives the prompt back is checked on the way."""
    script = write_script(prompt, schemas=SCHEMAS, style=style, **options)
    if 'end_nodes' not in options:
        check_round_trip(prompt, script, SCHEMAS)
        check_lines(prompt, script, SCHEMAS)
    return script.text


HIRES_FIX = {
    '3': node(
        'KSampler',
        seed=89848141647836,
        steps=12,
        cfg=8,
        sampler_name='dpmpp_sde',
        scheduler='normal',
        denoise=1,
        model=['16', 0],
        positive=['6', 0],
        negative=['7', 0],
        latent_image=['5', 0],
    ),
    '5': node('EmptyLatentImage', width=768, height=768, batch_size=1),
    '6': node('CLIPTextEncode', text='masterpiece', clip=['16', 1]),
    '7': node('CLIPTextEncode', text='bad hands, text, watermark', clip=['16', 1]),
    '8': node('VAEDecode', samples=['3', 0], vae=['16', 2]),
    '9': node('SaveImage', filename_prefix='ComfyUI', images=['8', 0]),
    '10': node(
        'LatentUpscale', upscale_method='nearest-exact', width=1152, height=1152, crop='disabled', samples=['3', 0]
    ),
    '11': node(
        'KSampler',
        seed=469771404043268,
        steps=14,
        cfg=8,
        sampler_name='dpmpp_2m',
        scheduler='simple',
        denoise=0.5,
        model=['16', 0],
        positive=['6', 0],
        negative=['7', 0],
        latent_image=['10', 0],
    ),
    '12': node('SaveImage', filename_prefix='ComfyUI', images=['13', 0]),
    '13': node('VAEDecode', samples=['11', 0], vae=['16', 2]),
    '16': node('CheckpointLoaderSimple', ckpt_name='v2-1_768-ema-pruned.ckpt'),
}

POSITIONAL = Style(args='positional')


def test_the_default_workflow() -> None:
    expected = """\
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
conditioning = CLIPTextEncode('beautiful scenery nature glass bottle landscape, , purple galaxy bottle,', clip)
conditioning2 = CLIPTextEncode('text, watermark', clip)
latent = EmptyLatentImage(512, 512, 1)
latent = KSampler(model, 156680208700286, 20, 8, 'euler', 'normal', conditioning, conditioning2, latent, 1)
image = VAEDecode(latent, vae)
SaveImage(image, 'ComfyUI')
"""
    prompt, workflow = load('default_prompt.json'), load('default_workflow.json')
    assert write(prompt, POSITIONAL) == expected
    assert write(prompt, POSITIONAL, workflow=workflow) == expected
    assert transpile(workflow, schemas=SCHEMAS, style=POSITIONAL) == expected


def test_each_of_two_images_has_the_script_of_what_it_needed() -> None:
    head = """\
model, clip, vae = CheckpointLoaderSimple('v2-1_768-ema-pruned.ckpt')
conditioning = CLIPTextEncode('masterpiece', clip)
conditioning2 = CLIPTextEncode('bad hands, text, watermark', clip)
latent = EmptyLatentImage(768, 768, 1)
latent = KSampler(model, 89848141647836, 12, 8, 'dpmpp_sde', 'normal', conditioning, conditioning2, latent, 1)
"""
    first = """\
image = VAEDecode(latent, vae)
SaveImage(image, 'ComfyUI')
"""
    second = """\
latent2 = LatentUpscale(latent, 'nearest-exact', 1152, 1152, 'disabled')
latent2 = KSampler(model, 469771404043268, 14, 8, 'dpmpp_2m', 'simple', conditioning, conditioning2, latent2, 0.5)
image = VAEDecode(latent2, vae)
SaveImage(image, 'ComfyUI')
"""
    assert write(HIRES_FIX, POSITIONAL, end_nodes=['9']) == head + first
    assert write(HIRES_FIX, POSITIONAL, end_nodes=['12']) == head + second
    assert write(HIRES_FIX, POSITIONAL).count('image2 = VAEDecode(latent2, vae)') == 1


def test_a_circle_elsewhere_does_no_harm() -> None:
    circle = {'a': node('ImageResize', image=['b', 0]), 'b': node('ImageResize', image=['a', 0])}
    assert write({**HIRES_FIX, **circle}, POSITIONAL, end_nodes=['5']) == 'EmptyLatentImage(768, 768, 1)\n'


def test_inputs_by_position_up_to_two() -> None:
    prompt = {'1': node('LoadImage', image='x.png'), '2': node('Optional', image=['1', 0], mask=['1', 1], size=3)}
    assert write(prompt) == "image, mask = LoadImage('x.png')\nOptional(image, mask, size=3)\n"
    assert write(prompt, POSITIONAL).endswith('Optional(image, mask, 3)\n')
    assert write(prompt, Style(args='keyword')).endswith('Optional(image=image, mask=mask, size=3)\n')


def test_inputs_that_the_prompt_lacks_are_left_out_again() -> None:
    prompt = {'1': node('VAEDecode'), '2': node('Optional', **{'with': 1, 'odd name': 2})}
    assert write(prompt, POSITIONAL) == 'VAEDecode(None, None)\nOptional(None, with_=1, odd_name=2)\n'


def test_inputs_that_the_schema_lacks_go_in_as_they_are() -> None:
    prompt = {'1': node('SaveImage', images=['2', 0], filename_prefix='a', image='', x=['2', 1], y=None)}
    prompt['2'] = node('LoadImage', image='x.png')
    assert write(prompt).endswith("SaveImage(image, 'a', _inputs={'image': '', 'x': mask, 'y': None})\n")


def test_unused_outputs() -> None:
    video = {'0': node('Load', v=1)}
    cases = {
        'image, _ = LoadImage': {
            '1': node('LoadImage', image='x.png'),
            '2': node('ImageResize', image=['1', 0], size=1),
        },
        '_, mask = LoadImage': {'1': node('LoadImage', image='x.png'), '2': node('Optional', mask=['1', 1])},
        'images, *_ = Components': {
            **video,
            '1': node('Components', video=['0', 0]),
            '2': node('Grow', images__image0=['1', 0]),
        },
        '_, _, fps, _, _ = Components': {
            **video,
            '1': node('Components', video=['0', 0]),
            '2': node('Text', text=['1', 2]),
        },
    }
    for expected, prompt in cases.items():
        assert expected in write(prompt)


def test_a_value_passed_on_keeps_its_name() -> None:
    prompt = {
        '1': node('CheckpointLoaderSimple', ckpt_name='a'),
        '2': node('LoraLoader', model=['1', 0], clip=['1', 1], lora_name='l', strength_model=1, strength_clip=1),
        '3': node('CLIPTextEncode', text='a', clip=['2', 1]),
        '4': node('CLIPTextEncode', text='b', clip=['2', 1]),
        '5': node('ControlNet', positive=['3', 0], negative=['4', 0]),
        '6': node('ControlNet', positive=['5', 0], negative=['5', 1]),
        '7': node('KSampler', model=['2', 0], positive=['6', 0], negative=['6', 1]),
    }
    text = write(prompt)
    assert 'model, clip = LoraLoader(model, clip,' in text
    assert 'positive, negative = ControlNet(conditioning, conditioning2)' in text
    assert 'positive, negative = ControlNet(positive, negative)' in text


def test_a_switch_has_the_type_of_what_it_switches() -> None:
    prompt = {
        '1': node('CheckpointLoaderSimple', ckpt_name='a'),
        '2': node('CheckpointLoaderSimple', ckpt_name='b'),
        '3': node('Switch', switch=True, on_false=['1', 0], on_true=['2', 0]),
        '4': node('KSampler', model=['3', 0]),
    }
    assert 'model = Switch(True, model, on_true=model2)' in write(prompt)


def test_titles_that_the_user_gave_are_names() -> None:
    prompt = {
        '1': node('CheckpointLoaderSimple', 'Load Checkpoint', ckpt_name='a'),
        '2': node('CLIPTextEncode', 'CLIP Text Encode (Negative Prompt)', text='a', clip=['1', 1]),
        '3': node('CLIPTextEncode', 'CLIP Text Encode (Prompt)', text='a', clip=['1', 1]),
        '4': node('PrimitiveInt', 'Width', value=512),
        '5': node('EmptyLatentImage', 'import', width=['4', 0], height=['4', 0]),
        '6': node('KSampler', '🎨\n', positive=['3', 0], negative=['2', 0], latent_image=['5', 0]),
        '7': node('VAEDecode', 'SaveImage', samples=['6', 0]),
        '8': node('SaveImage', images=['7', 0]),
    }
    text = write(prompt)
    assert 'negative_prompt = CLIPTextEncode' in text
    assert 'conditioning = CLIPTextEncode' in text
    assert 'width = PrimitiveInt(512)' in text
    assert 'import_ = EmptyLatentImage(width, width' in text
    assert 'save_image = VAEDecode(' in text
    assert 'width = PrimitiveInt(512)' not in write(prompt, Style(titles=False))


def test_names_never_hide_a_builtin_or_a_node() -> None:
    prompt = {
        '1': node('Text', 'print', text='a'),
        '2': node('Text', '加载', text=['1', 0]),
        '3': node('Text', 'node', text=['2', 0]),
        '4': node('加载', 'queue', text=['3', 0]),
        '5': node('print', text=['4', 0]),
        '6': node('class', text=['2', 0]),
    }
    text = write(prompt)
    assert 'print_ = Text(' in text
    assert '加载2 = Text(' in text
    assert 'node_ = Text(' in text
    assert 'queue_ = 加载(' in text


def test_node_types_that_share_a_name_stay_two() -> None:
    prompt = {
        '1': node('LoadImage', image='x.png'),
        '2': node('ImageResize', image=['1', 0], size=1),
        '3': node('ImageResize+', image=['2', 0], size=1),
    }
    assert 'image = ImageResize(image, 1)\nImageResize_' in write(prompt)


def test_unknown_node_types_go_by_their_raw_name() -> None:
    prompt = {
        '1': node('My Node (x)', a=1, **{'odd name': 2, 'self': 3}),
        '2': node('My Node (x)', a=['1', 1], b=[1, 2]),
        '3': node('My Node (x)', a=['1', 25]),
        '4': node('EmptyLatentImag', width=1),
    }
    script = write_script(prompt, schemas=SCHEMAS)
    check_round_trip(prompt, script, SCHEMAS)
    assert "= node['My Node (x)'](a=1, _inputs={'odd name': 2, 'self': 3})" in script.text
    assert any("did you mean 'EmptyLatentImage'" in warning for warning in script.warnings)


def test_growing_groups() -> None:
    prompt = {str(number): node('LoadImage', image='x.png') for number in range(3)}
    prompt['3'] = node('Grow', images__image0=['0', 0], images__image1=['1', 0], images__image2=['2', 0])
    prompt['4'] = node('Grow', images__image1=['0', 0], images__image5=['1', 0])
    prompt['5'] = node('Grow')
    prompt['6'] = node('Grow', images__image2=['0', 0], images__image0=['1', 0], images__image1=['2', 0])
    text = write(prompt)
    assert 'Grow([image, image2, image3])' in text
    assert "Grow({'image1': image, 'image5': image2})" in text
    assert 'Grow(None)' in text
    assert 'Grow([image2, image3, image])' in text


def test_dynamic_combos() -> None:
    image = {'1': node('LoadImage', image='x.png')}
    cases = {
        "Resize(image, 'size', how__width=8, how__height=9, after=2)": {'how': 'size', 'how.width': 8, 'how.height': 9},
        "Resize(image, 'factor', how__factor=0.5, after=2)": {'how': 'factor', 'how.factor': 0.5},
        "Resize(image, 'match', how__other=image, after=2)": {'how': 'match', 'how.other': ['1', 0]},
        "Resize(image, 'size', how__width=None, how__height=None, after=2, _inputs={'how.factor': 2})": {
            'how': 'size',
            'how.factor': 2,
        },
        "Resize(image, 'many', how__parts=[image, image], after=2)": {
            'how': 'many',
            'how.parts.a': ['1', 0],
            'how.parts.b': ['1', 0],
        },
        "Resize(image, 'gone', after=2, _inputs={'how.x': 1})": {'how': 'gone', 'how.x': 1},
    }
    for expected, inputs in cases.items():
        prompt = {**image, '2': {'class_type': 'Resize', 'inputs': {'image': ['1', 0], **inputs, 'after': 2}}}
        assert expected in write(prompt).replace('\n    ', ' ').replace('( ', '(').replace(',\n)', ')')


def test_switches_keep_what_the_prompt_has() -> None:
    assert write({'1': node('Toggle', mode='enable')}) == "Toggle('enable')\n"
    assert write({'1': node('Toggle', mode=True)}) == "Toggle(None, _inputs={'mode': True})\n"


def test_long_calls_and_texts_are_laid_out() -> None:
    words = 'one two three four five six seven eight nine ten ' * 6
    prompt = {
        '1': node('Text', text=words),
        '2': node('Text', text='first line\nsecond "line"\n\nlast \'line\' of a text that is long enough'),
        '3': node(
            'Text', text="ends with a quote'\nand spaces at the end   \nof a line, so it is in pieces, as it is too"
        ),
        '4': node('KSampler', seed=1, steps=2, cfg=3, sampler_name='euler', scheduler='n' * 90, denoise=0.5),
    }
    text = write(prompt)
    assert max(map(len, text.split('\n'))) <= 120
    assert "Text(\n    '''first line\nsecond \"line\"\n\nlast 'line' of a text that is long enough''',\n)" in text
    assert "    (\n        'one two" in text
    assert '    seed=1,\n' in text or '    1,\n' in text


def test_runtime_makes_a_file_that_runs() -> None:
    prompt = {'1': node('LoadImage', image='x.png')}
    script = write_script(prompt, schemas=SCHEMAS, style=Style(runtime=True, server='http://127.0.0.1:8188'))
    assert script.text == (
        'from comfy_script.runtime import *\n'
        '\n'
        "load('http://127.0.0.1:8188')\n"
        'from comfy_script.runtime.nodes import *\n'
        '\n'
        'with Workflow():\n'
        "    LoadImage('x.png')\n"
    )
    assert script.lines == {'1': (7, 7)}
    assert write_script({}, schemas=SCHEMAS).text == ''
    compile(write_script({}, schemas=SCHEMAS, style=Style(runtime=True)).text, 'script', 'exec')


def test_a_dangling_link_is_left_out_with_a_warning() -> None:
    script = write_script({'1': node('VAEDecode', samples=['7', 0], vae=['8', 0])}, schemas=SCHEMAS)
    assert 'VAEDecode(None, None)\n' in script.text
    assert len(script.warnings) == 2
    assert "node '7', which is not there" in script.warnings[0]


@pytest.mark.parametrize('slot', [3, 9, 25])
def test_an_output_of_another_version_of_a_node_comes_back(slot: int) -> None:
    prompt = {
        '1': node('CheckpointLoaderSimple', ckpt_name='a'),
        '2': node('VAEDecode', samples=['1', 1], vae=['1', slot]),
    }
    script = write_script(prompt, schemas=SCHEMAS)
    assert f'_outputs={slot + 1})' in script.text
    check_round_trip(prompt, script, SCHEMAS)
    assert difference(script_to_prompt(script.text, SCHEMAS).prompt, prompt) is None
    (warning,) = script.warnings
    assert f'has {slot + 1} outputs or more here, the server knows 3 of them' in warning


def test_errors_say_what_is_wrong() -> None:
    circle = {'1': node('ImageResize', image=['2', 0]), '2': node('ImageResize', image=['1', 0])}
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    cases: list[tuple[Any, str, dict[str, Any]]] = [
        (circle, 'circle', {}),
        ({'1': node('Text', 'My text', text=deep)}, r'node 1 \(My text, Text\): .*nested', {}),
        ({'1': []}, "node '1' of the prompt is list", {}),
        ({'1': node('Text', text='a')}, 'no such node', {'end_nodes': ['9']}),
    ]
    for prompt, message, options in cases:
        with pytest.raises(TranspileError, match=message):
            write_script(prompt, schemas=SCHEMAS, **options)


def test_a_style_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="not 'pretty'"):
        Style(args='pretty')  # type: ignore[arg-type]


def test_a_node_that_takes_any_input_is_called_with_keywords():
    schemas = Schemas.parse(
        {
            'Free': {'input': {'required': {'text': ['STRING', {'any_inputs': True}]}}, 'output': []},
            'A': {'output': ['IMAGE']},
        }
    )
    prompt = {
        '1': {'class_type': 'A', 'inputs': {}},
        '2': {'class_type': 'Free', 'inputs': {'text': 't', 'image': ['1', 0], 'strength': 0.3, 'odd name': 4}},
    }

    script = write_script(prompt, schemas=schemas).text

    assert script == "image = A()\nFree('t', image=image, strength=0.3, _inputs={'odd name': 4})\n"


ROWS = {
    'Stacker': {
        'input': {
            'required': {
                'count': ['INT', {'default': 3}],
                **{
                    name: spec
                    for number in range(1, 51)
                    for name, spec in (
                        (f'lora_name_{number}', [['None', 'a'], {}]),
                        (f'weight_{number}', ['FLOAT', {'default': 1.0}]),
                    )
                },
            }
        },
        'output': ['STACK'],
    }
}


@pytest.mark.parametrize('args', ['auto', 'positional', 'keyword'])
def test_rows_behind_the_last_used_one_are_left_out(args: Any) -> None:
    schemas = Schemas.parse(ROWS)
    inputs: dict[str, Any] = {'count': 2}
    for number in range(1, 51):
        inputs |= {f'lora_name_{number}': 'None', f'weight_{number}': 1}
    inputs['lora_name_2'] = 'a'
    prompt = {'1': {'class_type': 'Stacker', 'inputs': inputs}}
    script = write_script(prompt, schemas=schemas, style=Style(args=args))
    check_round_trip(prompt, script, schemas)
    assert "'a'" in script.text
    assert len(script.text) < 150
    inputs['weight_50'] = 0.5
    script = write_script(prompt, schemas=schemas, style=Style(args=args))
    check_round_trip(prompt, script, schemas)
    assert script.text.count("'None'") == 49


def test_a_packs_node_with_flexible_inputs_is_called_with_keywords() -> None:
    info = {
        'Any Switch (rgthree)': {'input': {'required': {}, 'optional': {}}, 'output': ['*']},
        'Load': {'input': {'required': {}}, 'output': ['IMAGE'], 'output_name': ['IMAGE']},
    }
    schemas = Schemas.parse(info)
    inputs = {'any_01': ['1', 0], 'any 02': 5, 'any_03': None}
    prompt = {
        '1': {'class_type': 'Load', 'inputs': {}},
        '2': {'class_type': 'Any Switch (rgthree)', 'inputs': inputs},
    }
    script = write_script(prompt, schemas=schemas)
    check_round_trip(prompt, script, schemas)
    assert "any_01=image, _inputs={'any 02': 5, 'any_03': None}" in script.text


def test_values_without_a_place_are_comments_at_the_end_where_notes_are_asked_for() -> None:
    item = {'id': 1, 'type': 'Odd', 'inputs': [], 'outputs': [], 'widgets_values': [5, 'lost\nline', 6]}
    workflow = {'nodes': [item], 'links': [], 'version': 0.4}
    infos = {'Odd': {'input': {'required': {'steps': ['INT', {}]}}, 'output': [], 'name': 'Odd', 'output_node': True}}
    plain, noted = (transpile_script(workflow, schemas=infos, style=Style(notes=notes)) for notes in (False, True))
    assert '#' not in plain.text
    assert noted.text == plain.text + '\n' + "# node 1 (Odd): saved values that are left out: 'lost\\nline', 6\n"
    assert noted.lines == plain.lines


def test_long_texts_stay_whole_for_an_editor_that_wraps_them() -> None:
    long, lines = 'a cat, ' * 60, 'first\n' + ' '.join(['second'] * 40)
    prompt = {
        '1': {'class_type': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'a'}},
        '2': {'class_type': 'CLIPTextEncode', 'inputs': {'text': long, 'clip': ['1', 1]}},
        '3': {'class_type': 'CLIPTextEncode', 'inputs': {'text': lines, 'clip': ['1', 1]}},
    }
    script = write_script(prompt, schemas=SCHEMAS, style=Style(soft_wrap=True))
    assert f"    {long!r},\n" in script.text
    assert f"    '''{lines}''',\n" in script.text
    assert f"    {long!r},\n" not in write_script(prompt, schemas=SCHEMAS).text
    check_round_trip(prompt, script, SCHEMAS)


def test_code_in_a_text_is_raw() -> None:
    """Backslashes are not doubled: it reads as it runs in its node."""
    code = 'def main(text: str):\n    return text.replace("\\n", \'\\t\')  # and so on, over several lines\n'
    schemas = Schemas.parse({'Code': {'input': {'required': {'code': ['STRING', {'multiline': True}]}}}})
    script = write_script({'1': node('Code', code=code)}, schemas=schemas).text
    assert script == f"Code(\n    r'''{code}''',\n)\n"


def test_outputs_of_any_type_are_named_as_the_page_names_them() -> None:
    """A ComfyScript node's sockets are what its script returns."""
    schemas = Schemas.parse(
        {
            'Code': {'input': {}, 'output': ['*', '*', 'INT'], 'output_name': ['out0', 'out1', 'INT']},
            'Show': {'input': {'required': {'a': ['*', {}], 'b': ['*', {}], 'c': ['INT', {}]}}, 'output': []},
        }
    )
    drawn = [{'name': 'first', 'type': 'IMAGE'}, {'name': 'large one', 'type': 'IMAGE'}, {'name': 'no', 'type': 'INT'}]
    workflow = {
        'version': 0.4,
        'nodes': [{'id': 1, 'type': 'Code', 'outputs': drawn}, {'id': 2, 'type': 'Show'}],
        'links': [],
    }
    prompt = {'1': node('Code'), '2': node('Show', a=['1', 0], b=['1', 1], c=['1', 2])}
    script = write_script(prompt, schemas=schemas, workflow=workflow).text
    assert script.startswith('first, large_one, integer = Code()\n')
