"""Which savers can be handed one more piece of metadata."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.comfyui.savers import may_carry_source
from comfy_script.graph import as_schemas


def node_info(module: str, saves: bool = True) -> dict[str, Any]:
    hidden = {'hidden': {'extra_pnginfo': 'EXTRA_PNGINFO'}} if saves else {}
    inputs = {'required': {'images': ['IMAGE']}, **hidden}
    return {'input': inputs, 'output': [], 'output_node': True, 'python_module': module}


INFO = {
    'EmptyImage': {'input': {}, 'output': ['IMAGE'], 'output_node': False, 'python_module': 'nodes'},
    'SaveImage': node_info('nodes'),
    'Image Save': node_info('custom_nodes.was'),
    'ShowText': node_info('custom_nodes.show', saves=False),
}


def prompt(*savers: str) -> dict[str, Any]:
    nodes = {str(number): {'class_type': name, 'inputs': {'images': ['0', 0]}} for number, name in enumerate(savers, 1)}
    return {'0': {'class_type': 'EmptyImage', 'inputs': {}}, **nodes}


@pytest.mark.parametrize(
    ('savers', 'known', 'unknown'),
    [
        (['SaveImage'], True, True),
        (['SaveImage', 'ShowText'], True, False),
        (['Image Save'], False, False),
        (['SaveImage', 'Image Save'], False, False),
    ],
)
def test_a_script_goes_along_where_no_saver_of_a_pack_gets_it(savers: list[str], known: bool, unknown: bool) -> None:
    assert may_carry_source(prompt(*savers), as_schemas(INFO)) is known
    assert may_carry_source(prompt(*savers), None) is unknown


def test_our_pack_keeps_it_from_them() -> None:
    ours = as_schemas({**INFO, 'ComfyScript': node_info('custom_nodes.ComfyScript')})
    assert may_carry_source(prompt('Image Save'), ours)


def test_a_pack_that_replaces_a_saver_of_comfyuis_is_a_pack() -> None:
    replaced = as_schemas({**INFO, 'SaveImage': node_info('custom_nodes.other')})
    assert not may_carry_source(prompt('SaveImage'), replaced)
