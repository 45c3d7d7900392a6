"""Where nodes and groups go: columns by data flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..prompt import Link, Prompt
from .layout_hints import LayoutGroup
from .node_boxes import NodeBox

_GAP_X, _GAP_Y = 80, 50
_GROUP_MARGIN, _GROUP_TITLE = 30, 70
_TITLE_HEIGHT = 30
_FRAME_COLOUR = '#3f789e'
_MOST_PER_COLUMN = 40


class _Block:
    """A node, or a group with what is in it, as one box: its size, and where its nodes lie in it."""

    __slots__ = ('frames', 'height', 'members', 'width')

    def __init__(self, width: float, height: float):
        self.width = width
        self.height = height
        self.members: list[tuple[str, float, float]] = []
        self.frames: list[tuple[str, float, float, float, float]] = []


def placed(
    prompt: Prompt, order: Sequence[str], boxes: Mapping[str, NodeBox], groups: Sequence[LayoutGroup]
) -> tuple[dict[str, tuple[int, int]], list[dict[str, Any]]]:
    needs = {
        key: [value.node for value in node.inputs.values() if type(value) is Link and value.node in boxes]
        for key, node in prompt.nodes.items()
    }
    rank = {key: index for index, key in enumerate(order)}
    taken: set[str] = set()
    blocks = [_group_block(group, needs, rank, boxes, taken) for group in groups]
    whole = _arrange(blocks, [key for key in order if key not in taken], needs, rank, boxes)
    places = {key: (round(x), round(y) + _TITLE_HEIGHT) for key, x, y in whole.members}
    frames = [
        {
            'id': number,
            'title': title,
            'bounding': [round(x), round(y), round(width), round(height)],
            'color': _FRAME_COLOUR,
            'font_size': 24,
            'flags': {},
        }
        for number, (title, x, y, width, height) in enumerate(whole.frames, 1)
    ]
    return places, frames


def _group_block(
    group: LayoutGroup,
    needs: Mapping[str, list[str]],
    rank: Mapping[str, int],
    boxes: Mapping[str, NodeBox],
    taken: set[str],
) -> _Block:
    inner = [_group_block(child, needs, rank, boxes, taken) for child in group.groups]
    own = sorted([key for key in group.nodes if key in rank and key not in taken], key=rank.__getitem__)
    taken.update(own)
    block = _arrange(inner, own, needs, rank, boxes)
    width, height = block.width + 2 * _GROUP_MARGIN, block.height + _GROUP_TITLE + _GROUP_MARGIN
    framed = _Block(width, height)
    framed.members = [(key, x + _GROUP_MARGIN, y + _GROUP_TITLE) for key, x, y in block.members]
    framed.frames = [(group.title, 0, 0, width, height)]
    framed.frames += [(title, x + _GROUP_MARGIN, y + _GROUP_TITLE, w, h) for title, x, y, w, h in block.frames]
    return framed


def _arrange(
    groups: Sequence[_Block],
    keys: Iterable[str],
    needs: Mapping[str, list[str]],
    rank: Mapping[str, int],
    boxes: Mapping[str, NodeBox],
) -> _Block:
    """Blocks and nodes (`keys`, by rank) in columns, each right of what it needs."""
    blocks = [block for block in groups if block.members]
    for key in keys:
        width, height = boxes[key].size
        block = _Block(width, height + _TITLE_HEIGHT)
        block.members = [(key, 0, 0)]
        blocks.append(block)
    if groups:
        blocks.sort(key=lambda block: min([rank[key] for key, _, _ in block.members]))
    home = {key: index for index, block in enumerate(blocks) for key, _, _ in block.members}
    edges: list[Sequence[int]] = []
    for index, block in enumerate(blocks):
        needed: set[int] = set()
        for key, _, _ in block.members:
            for other in needs[key]:
                if other in home:
                    needed.add(home[other])
        needed.discard(index)
        edges.append(sorted(needed) if len(needed) > 1 else tuple(needed))
    columns = _columns(edges)
    return _stacked(blocks, columns, edges)


def _columns(edges: Sequence[Sequence[int]]) -> list[int]:
    """The column of each block: right of all it needs, and one that needs nothing just left of its first user."""
    count = len(edges)
    users: list[list[int]] = [[] for _ in range(count)]
    open_ = [len(needed) for needed in edges]
    for index, needed in enumerate(edges):
        for other in needed:
            users[other].append(index)
    column = [0] * count
    placed = [False] * count
    ready = [index for index in range(count) if open_[index] == 0]
    rest = iter(range(count))
    done = 0
    while done < count:
        if not ready:
            # Groups can need each other in a circle: the first in the script's order goes first.
            ready.append(next(index for index in rest if not placed[index]))
        following: list[int] = []
        for index in ready:
            if placed[index]:
                continue
            placed[index] = True
            done += 1
            column[index] = max((column[other] + 1 for other in edges[index] if placed[other]), default=0)
            for user in users[index]:
                open_[user] -= 1
                if open_[user] == 0:
                    following.append(user)
        ready = following
    for index in range(count):
        if not edges[index] and users[index]:
            column[index] = max(0, min(column[user] for user in users[index]) - 1)
    return column


def _stacked(blocks: Sequence[_Block], columns: Sequence[int], edges: Sequence[Sequence[int]]) -> _Block:
    by_column: dict[int, list[int]] = {}
    for index, column in enumerate(columns):
        by_column.setdefault(column, []).append(index)
    middle = [0.0] * len(blocks)
    whole = _Block(0, 0)
    x = 0.0
    for column in sorted(by_column):
        members = by_column[column]
        if len(members) > 1:
            # Next to what they need, else in the script's order.
            wish = {
                index: sum(middle[other] for other in edges[index]) / len(edges[index]) if edges[index] else -1.0
                for index in members
            }
            members.sort(key=lambda index: wish[index])
        for start in range(0, len(members), _MOST_PER_COLUMN):
            part = members[start : start + _MOST_PER_COLUMN]
            y = 0.0
            for index in part:
                block = blocks[index]
                whole.members += [(key, x + dx, y + dy) for key, dx, dy in block.members]
                whole.frames += [(title, x + dx, y + dy, w, h) for title, dx, dy, w, h in block.frames]
                middle[index] = y + block.height / 2
                y += block.height + _GAP_Y
            whole.height = max(whole.height, y - _GAP_Y)
            x += max(blocks[index].width for index in part) + _GAP_X
    whole.width = max(0.0, x - _GAP_X)
    return whole
