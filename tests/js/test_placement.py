"""Where nodes go that a script adds."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]

Node = dict[str, Any]


def nodes(panel: Panel, type_: str) -> list[Node]:
    return [node for node in panel.graph()['nodes'] if node['type'] == type_]


def right(node: Node) -> float:
    return node['pos'][0] + node['size'][0]


def overlaps(one: Node, other: Node) -> bool:
    return all(
        one['pos'][side] < other['pos'][side] + other['size'][side]
        and other['pos'][side] < one['pos'][side] + one['size'][side]
        for side in (0, 1)
    )


def apply(panel: Panel, announced: str) -> None:
    panel.apply(announced)
    panel.settle()


def test_between_two_others_goes_into_the_gap(panel: Panel) -> None:
    before = {node['id']: node['pos'] for node in panel.graph()['nodes']}
    panel.edit('image = VAEDecode(latent, vae)', 'image = VAEDecode(latent, vae)\nimage = ImageSharpen(image, 2)')
    apply(panel, '1 new node')
    (decode,), (sharpen,), (save,) = (nodes(panel, name) for name in ('VAEDecode', 'ImageSharpen', 'SaveImage'))
    assert right(decode) < sharpen['pos'][0]
    assert right(sharpen) < save['pos'][0]
    assert sharpen['pos'][1] == save['pos'][1]
    # Nothing left of it has moved.
    assert all(node['pos'] == before[node['id']] for node in panel.graph()['nodes'] if right(node) < sharpen['pos'][0])
    assert not any(overlaps(sharpen, node) for node in panel.graph()['nodes'] if node['id'] != sharpen['id'])


def test_copies_of_a_loop_are_below_each_other(panel: Panel) -> None:
    panel.edit(
        "SaveImage(image, 'panel')",
        "for radius in (1, 2, 3):\n    SaveImage(ImageSharpen(image, radius), 'panel')",
    )
    apply(panel, 'new nodes')
    for name in ('ImageSharpen', 'SaveImage'):
        copies = nodes(panel, name)
        assert len(copies) == 3
        assert len({node['pos'][0] for node in copies}) == 1
        tops = [node['pos'][1] for node in sorted(copies, key=lambda node: node['id'])]
        assert tops == sorted(tops)
    everything = panel.graph()['nodes']
    assert not any(overlaps(a, b) for a in everything for b in everything if a['id'] < b['id'])


def test_under_a_heading_joins_its_group(panel: Panel) -> None:
    panel.group('Prompts', 6, 7)
    panel.page.wait_for_selector('.cm-content')
    line = next(line for line in panel.lines() if 'watermark' in line)
    panel.edit(line, f"{line}\nthird = CLIPTextEncode('third', clip)")
    apply(panel, '1 new node')
    group = panel.js('const [group] = app.graph.groups; return [...group.pos, ...group.size]')
    third = next(node for node in nodes(panel, 'CLIPTextEncode') if node['widgets_values'] == ['third'])
    assert group[0] <= third['pos'][0]
    assert right(third) <= group[0] + group[2]
    assert group[1] <= third['pos'][1]
    assert third['pos'][1] + third['size'][1] <= group[1] + group[3]
    (sampler,) = nodes(panel, 'KSampler')
    assert sampler['pos'][0] >= group[0] + group[2] or sampler['pos'][1] >= group[1] + group[3]


def test_new_ones_are_selected_and_seen(panel: Panel) -> None:
    # What they come beside is left of the screen, so they would be under the panel.
    panel.js('app.canvas.ds.scale = 0.9; app.canvas.ds.offset = [-1700, -100]')
    panel.edit("SaveImage(image, 'panel')", "SaveImage(image, 'panel')\nPreviewImage(ImageInvert(image))")
    apply(panel, '2 new nodes')
    added = [str(node['id']) for name in ('PreviewImage', 'ImageInvert') for node in nodes(panel, name)]
    assert sorted(panel.js('return [...app.canvas.selectedItems].map(node => String(node.id))')) == sorted(added)
    edge = panel.page.locator('.comfyscript').bounding_box()
    assert edge is not None
    for left, top, end, low in panel.js(
        """const { ds } = app.canvas
        return [...app.canvas.selectedItems].map(({ pos, size }) => [
          (pos[0] + ds.offset[0]) * ds.scale, (pos[1] + ds.offset[1]) * ds.scale,
          (pos[0] + size[0] + ds.offset[0]) * ds.scale, (pos[1] + size[1] + ds.offset[1]) * ds.scale])"""
    ):
        assert left >= edge['x'] + edge['width']
        assert top >= 0
        assert end <= 1400
        assert low <= 860


@pytest.mark.parametrize('instances', [1, 2])
def test_after_the_call_of_a_subgraph_goes_to_the_main_graph(panel: Panel, instances: int) -> None:
    """Where the subgraph's output is, of which instance ever."""
    panel.js(
        f"""const {{ node }} = app.graph.convertToSubgraph(new Set([3, 8].map(id => app.graph.getNodeById(id))))
        if (argument === 2) {{
          const other = LiteGraph.createNode(node.type)
          app.graph.add(other)
          other.pos = [node.pos[0], node.pos[1] + 700]
          for (const [slot, input] of node.inputs.entries()) {{
            const link = app.graph.links.get(input.link)
            if (link) app.graph.getNodeById(link.origin_id).connect(link.origin_slot, other, slot)
          }}
        }}
        {TRACK}""",
        instances,
    )
    panel.wait_for_text('def ')
    inside = panel.js('return [...app.rootGraph.subgraphs.values()].map(one => one.nodes.length)')
    panel.edit("SaveImage(image, 'panel')", "SaveImage(image, 'panel')\nPreviewImage(ImageInvert(image))")
    apply(panel, '2 new nodes')
    added = [str(node['id']) for name in ('PreviewImage', 'ImageInvert') for node in nodes(panel, name)]
    assert len(added) == 2
    assert sorted(panel.js('return [...app.canvas.selectedItems].map(node => String(node.id))')) == sorted(added)
    assert panel.js('return [...app.rootGraph.subgraphs.values()].map(one => one.nodes.length)') == inside


def test_applying_keeps_equal_nodes_apart(panel: Panel) -> None:
    """Three that differ in one value each, of which the last one goes."""
    panel.edit(
        panel.text(),
        '\n'.join(f"SaveImage(EmptyImage(64, 64, 1, {color}), 'x')" for color in range(3)) + '\n',
    )
    apply(panel, 'new nodes')
    prompt = panel.prompt()
    colors = {key: prompt[node['inputs']['images'][0]]['inputs']['color'] for key, node in prompt.items() if node['class_type'] == 'SaveImage'}  # fmt: skip  # noqa: E501
    panel.edit("SaveImage(EmptyImage(64, 64, 1, 1), 'x')\n", 'EmptyImage(64, 64, 1, 1)\n')
    apply(panel, '1 removed')
    prompt = panel.prompt()
    left = {key: prompt[node['inputs']['images'][0]]['inputs']['color'] for key, node in prompt.items() if node['class_type'] == 'SaveImage'}  # fmt: skip  # noqa: E501
    assert left == {key: color for key, color in colors.items() if color != 1}
