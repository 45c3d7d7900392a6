"""The widgets that the web UI makes for each type of input: one entry of `WIDGETS` per type.

What matters for a prompt: the value a widget starts with, whether it takes a place in `widgets_values` and whether
the prompt has it. (`scripts/widgets.ts` and `vueNodes/widgets/composables/use*Widget.ts` of the web UI.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from .javascript import UNDEFINED, as_number, is_number, round_half_up, to_fixed, truthy
from .model import FixedWidget, LiveNode, TextWidget, Widget
from .specs import Spec

Constructor = Callable[[LiveNode, Spec], Widget]

CONTROL = 'control_after_generate'
_SEED_NAMES = ('seed', 'noise_seed')
_DISPLAYS = ('slider', 'knob', 'gradientslider')


def stated(spec: Spec, default: Any) -> Any:
    """The description's default where it has one."""
    value = spec.options.get('default')
    return default if value is None else value


def _int(node: LiveNode, spec: Spec) -> Widget:
    step = stated_number(spec, 'step', 1)
    options = {
        'min': spec.options.get('min') if spec.options.get('min') is not None else 0,
        'max': spec.options.get('max') if spec.options.get('max') is not None else 2048,
        'step': step * 10,
        'step2': step,
        'precision': 0,
    }
    widget = Widget(spec.name, _number_type(spec, ('slider', 'knob')), stated(spec, 0), options=options)
    widget.on_change = whole_step
    node.add_widget(widget)
    control = spec.options.get(CONTROL)
    if truthy(control) if control is not None else spec.name in _SEED_NAMES:
        name = control if isinstance(control, str) else _control_name(spec)
        node.add_widget(Widget(name, 'combo', 'randomize', in_prompt=False))
    return widget


def _float(node: LiveNode, spec: Spec) -> Widget:
    step = stated_number(spec, 'step', 0.5)
    precision = max(0, -math.floor(math.log10(step))) if step > 0 else 0
    rounding = spec.options.get('round')
    options = {
        'min': spec.options.get('min') if spec.options.get('min') is not None else 0,
        'max': spec.options.get('max') if spec.options.get('max') is not None else 2048,
        'round': 10.0**-precision if precision and not truthy(rounding) else rounding,
        'step': step * 10.0,
        'step2': step,
        'precision': precision,
    }
    widget = Widget(spec.name, _number_type(spec, _DISPLAYS), stated(spec, 0), options=options)
    widget.on_change = rounded_float
    node.add_widget(widget)
    control = spec.options.get(CONTROL)
    if truthy(control):
        name = control if isinstance(control, str) else _control_name(spec)
        node.add_widget(Widget(name, 'combo', 'fixed', in_prompt=False))
    return widget


def stated_number(spec: Spec, key: str, default: float) -> float:
    value = spec.options.get(key)
    return value if is_number(value) else default


def _number_type(spec: Spec, displays: tuple[str, ...]) -> str:
    shown = spec.options.get('display')
    return shown if isinstance(shown, str) and shown in displays else 'number'


def whole_step(widget: Widget, value: Any) -> Any:
    """An edit of an INT widget: the nearest multiple of its step (`useIntWidget.ts: onValueChange`)."""
    value = as_number(value)
    if not math.isfinite(value):
        return None
    options = widget.options or {}
    step = options.get('step2') or 1
    if step == 1:
        return round_half_up(value)
    low = options.get('min')
    offset = math.fmod(low if is_number(low) else 0, step)
    return round_half_up((value - offset) / step) * step + offset


def rounded_float(widget: Widget, value: Any) -> Any:
    """An edit of a FLOAT widget (`useFloatWidget.ts: onFloatValueChange`)."""
    options = widget.options or {}
    quantum = options.get('round')
    if not is_number(quantum) or not quantum:
        return value
    value = as_number(value)
    if not math.isfinite(value):
        return None
    precision = options.get('precision')
    if not isinstance(precision, int):
        precision = max(0, -math.floor(math.log10(abs(quantum))))
    fixed = to_fixed(round_half_up(value / quantum) * quantum, precision)
    low, high = options.get('min'), options.get('max')
    if is_number(high):
        fixed = min(fixed, high)
    return max(fixed, low) if is_number(low) else fixed


def _control_name(spec: Spec) -> str:
    prefix = spec.options.get('control_prefix')
    return f'{prefix} {CONTROL}' if truthy(prefix) else CONTROL


def _boolean(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(Widget(spec.name, 'toggle', stated(spec, False)))


def _string(node: LiveNode, spec: Spec) -> Widget:
    kind, type_ = (TextWidget, 'customtext') if truthy(spec.options.get('multiline')) else (Widget, 'text')
    widget = kind(spec.name, type_, stated(spec, ''))
    widget.dynamic_prompts = spec.options.get('dynamicPrompts') is True
    return node.add_widget(widget)


def combo_default(spec: Spec) -> Any:
    default = spec.options.get('default')
    if truthy(default):
        return default
    if spec.choices:
        return spec.choices[0]
    return 'Loading...' if spec.options.get('remote') else UNDEFINED


def _combo(node: LiveNode, spec: Spec) -> Widget:
    control = spec.options.get(CONTROL)
    if truthy(spec.options.get('multi_select')):
        widget = node.add_widget(Widget(spec.name, 'custom', []))
        if truthy(control):
            node.add_widget(Widget(CONTROL, 'combo', 'fixed', in_prompt=False))
        return widget
    widget = node.add_widget(Widget(spec.name, 'combo', combo_default(spec), options={'values': spec.choices}))
    remote = spec.options.get('remote')
    if isinstance(remote, Mapping):
        node.add_widget(Widget('Auto-refresh after generation', 'toggle', False, in_prompt=False))
        if truthy(remote.get('refresh_button')):
            node.add_widget(Widget('refresh', 'button', 'refresh'))
    if truthy(control):
        name = control if isinstance(control, str) else _control_name(spec)
        node.add_widget(Widget(name, 'combo', 'randomize', in_prompt=False))
        node.add_widget(Widget('control_filter_list', 'string', '', in_prompt=False))
    return widget


def _plain(type_: str, default: Any) -> Constructor:
    def build(node: LiveNode, spec: Spec) -> Widget:
        return node.add_widget(Widget(spec.name, type_, stated(spec, default)))

    return build


def _component(type_: str) -> Constructor:
    """A component of the web UI that keeps its value to itself: the prompt has an empty text."""

    def build(node: LiveNode, spec: Spec) -> Widget:
        return node.add_widget(FixedWidget(spec.name, type_, ''))

    return build


def _button(value: str) -> Constructor:
    def build(node: LiveNode, spec: Spec) -> Widget:
        return node.add_widget(Widget(spec.name, 'button', value, in_prompt=False))

    return build


def _markdown(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(TextWidget(spec.name, 'MARKDOWN', ''))


def _color(node: LiveNode, spec: Spec) -> Widget:
    for widget in node.widgets:
        if widget.name == spec.name and widget.type == 'color':
            return widget
    inner = spec.options.get('options')
    fallback = inner.get('default') if isinstance(inner, Mapping) else None
    return node.add_widget(Widget(spec.name, 'color', stated(spec, '#000000' if fallback is None else fallback)))


def _textarea(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(Widget(spec.name, 'textarea', _inner_option(spec, 'default', '')))


def _inner_option(spec: Spec, key: str, default: Any) -> Any:
    inner = spec.options.get('options')
    value = inner.get(key) if isinstance(inner, Mapping) else None
    return value if truthy(value) else default


def _chart(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(Widget(spec.name, 'chart', _inner_option(spec, 'data', {})))


def _galleria(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(Widget(spec.name, 'galleria', _inner_option(spec, 'images', [])))


def _image_compare(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(Widget(spec.name, 'imagecompare', ['', ''], in_file=False))


def _bounding_box(node: LiveNode, spec: Spec) -> Widget:
    box = stated(spec, {'x': 0, 'y': 0, 'width': 512, 'height': 512})
    type_ = 'imagecrop' if spec.options.get('component') == 'ImageCrop' else 'boundingbox'
    widget = node.add_widget(Widget(spec.name, type_, box))
    for side in ('x', 'y', 'width', 'height'):
        value = box.get(side, UNDEFINED) if isinstance(box, Mapping) else UNDEFINED
        node.add_widget(Widget(side, 'number', value, in_prompt=False))
    return widget


def _compositor(node: LiveNode, spec: Spec) -> Widget:
    default = spec.options.get('default')
    return node.add_widget(Widget(spec.name, 'compositor', default if isinstance(default, Mapping) else {}))


def _curve(node: LiveNode, spec: Spec) -> Widget:
    default = {'points': [[0, 0], [1, 1]], 'interpolation': 'monotone_cubic'}
    value = spec.options.get('default')
    return node.add_widget(Widget(spec.name, 'curve', value if truthy(value) else default))


def _video_edit(node: LiveNode, spec: Spec) -> Widget:
    features = spec.options.get('features')
    features = features if isinstance(features, (list, tuple)) else ('trim', 'crop')
    default: dict[str, Any] = {}
    if 'trim' in features:
        default['trim'] = {'start_time': 0, 'duration': 0}
    if 'crop' in features:
        default['crop'] = {'x': 0, 'y': 0, 'width': 0, 'height': 0}
    return node.add_widget(Widget(spec.name, 'videoedit', stated(spec, default)))


def _audio_ui(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(FixedWidget(spec.name, 'audioUI', '', in_prompt=False, in_file=False))


def _audio_record(node: LiveNode, spec: Spec) -> Widget:
    node.add_widget(FixedWidget(spec.name, 'audioUI', ''))
    return node.add_widget(Widget(spec.name, 'button', '', in_prompt=False))


VIEWPORT_NODES = frozenset(
    {
        'Preview3DAdvanced',
        'Save3DAdvanced',
        'PreviewGaussianSplat',
        'PreviewPointCloud',
        'SaveGaussianSplat',
        'SavePointCloud',
    }
)


def _load_3d(node: LiveNode, spec: Spec) -> Widget:
    """The 3D view. Where a model can be chosen, three buttons stand before it, and the prompt has them."""
    if any(widget.name == 'model_file' for widget in node.widgets):
        node.add_widget(Widget('upload 3d model', 'button', 'upload3dmodel'))
        node.add_widget(Widget('upload extra resources', 'button', 'uploadExtraResources'))
        node.add_widget(Widget('clear', 'button', 'clear'))
    name = 'viewport_state' if node.type in VIEWPORT_NODES else 'image'
    return node.add_widget(FixedWidget(name, 'load3D', ''))


def _preview_3d(node: LiveNode, spec: Spec) -> Widget:
    return node.add_widget(FixedWidget('image', 'load3D', ''))


WIDGETS: dict[str, Constructor] = {
    'INT': _int,
    'FLOAT': _float,
    'BOOLEAN': _boolean,
    'STRING': _string,
    'COMBO': _combo,
    'MARKDOWN': _markdown,
    'COLOR': _color,
    'TEXTAREA': _textarea,
    'CHART': _chart,
    'GALLERIA': _galleria,
    'IMAGECOMPARE': _image_compare,
    'BOUNDING_BOX': _bounding_box,
    'BOUNDING_BOXES': _plain('boundingboxes', []),
    'COLORS': _plain('colors', []),
    'PAINTER': _plain('painter', ''),
    'COMPOSITOR': _compositor,
    'CURVE': _curve,
    'RANGE': _plain('range', {'min': 0.0, 'max': 1.0}),
    'VIDEO_EDIT': _video_edit,
    'IMAGEUPLOAD': _button('image'),
    'AUDIOUPLOAD': _button(''),
    'AUDIO_UI': _audio_ui,
    'AUDIO_RECORD': _audio_record,
    'WEBCAM': _component('WEBCAM'),
    'LOAD_3D': _load_3d,
    'LOAD_3D_ADVANCED': _component('load3D'),
    'PREVIEW_3D': _preview_3d,
}
"""Input type → what makes its widget. Types that are not here (and no dynamic ones) are sockets."""
