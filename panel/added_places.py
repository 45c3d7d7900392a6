"""Where in the graph a node goes that a script adds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import NamedTuple

from ..graph import Prompt
from .commented import commented_calls
from .reading import ReadScript


class AddedPlace(NamedTuple):
    """`parent`: the subgraph node it belongs in, `''` for the main graph; `group`: the heading that its line stands
    under, where there is one; `like`: the node that the same call made before, in another round of a loop."""

    parent: str = ''
    group: str | None = None
    like: str | None = None


IN_MAIN_GRAPH = AddedPlace()


def find_places(wanted: ReadScript, names: Mapping[str, str], added: Mapping[str, str]) -> dict[str, AddedPlace]:
    """The place of each added node. `names`: node of the script → graph id, or the name of an added node."""
    parents = _parents(wanted, names, added)
    headings = _headings(wanted.text)
    first: dict[tuple[int | None, str | None], str] = {}
    found: dict[str, AddedPlace] = {}
    # Nodes that the graph has already come first.
    for key in sorted(wanted.prompt.nodes, key=lambda key: key in added):
        line = wanted.lines.get(key)
        made = first.setdefault((line, wanted.prompt.nodes[key].class_type), key)
        if key in added:
            like = names.get(made) if made != key and line is not None else None
            found[key] = AddedPlace(parents[key], headings.get(line or 0), like)
    return found


def _headings(text: str) -> dict[int, str]:
    """Line → the comment that begins its section; sections end with an empty line."""
    found: dict[int, str] = {}
    heading, begins = None, True
    calls = {line for call in commented_calls(text) for line in range(call.line, call.end + 1)}
    for number, line in enumerate(text.split('\n'), 1):
        bare = line.strip()
        if not bare:
            heading, begins = None, True
            continue
        if begins and bare.startswith('# ') and number not in calls:
            heading = bare[2:].strip()
        begins = False
        if heading:
            found[number] = heading
    return found


def _parents(wanted: ReadScript, names: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """The subgraph node an added node belongs in: that of the other nodes of its function's call, else that of all its
    neighbours, else the root (''). A neighbour that a function made counts as the call of that function, where it was
    called.

    Neighbours that are themselves new are asked in turn, first those that use the node, then those that feed it.
    """
    parents: dict[str, str | None] = _by_function(wanted, names, added)
    users = _users(wanted.prompt)
    order = list(added)
    for key in [*reversed(order), *order]:
        if parents[key] is not None:
            continue
        sources = [link.node for _, link in wanted.prompt.nodes[key].links()]
        for neighbours in (users.get(key, []), sources):
            places = {_seen_from(wanted, key, other, _parent(other, names, parents)) for other in neighbours} - {None}
            if len(places) == 1:
                parents[key] = places.pop()
                break
            if places:
                parents[key] = ''
                break
    return {key: parent or '' for key, parent in parents.items()}


def _seen_from(wanted: ReadScript, key: str, other: str, parent: str | None) -> str | None:
    """A neighbour's subgraph node, or the one around it in which both nodes' calls are."""
    if not parent:
        return parent
    own, its = wanted.callers.get(key, ()), wanted.callers.get(other, ())
    common = len(list(takewhile(lambda both: both[0] == both[1], zip(own, its, strict=False))))
    parts = parent.split(':')
    return ':'.join(parts[: max(0, len(parts) - (len(its) - common))])


def _by_function(
    wanted: ReadScript, names: Mapping[str, str], added: Mapping[str, str]
) -> dict[str, str | None]:
    known: dict[tuple[tuple[str, int, int], ...], set[str]] = {}
    for key, callers in wanted.callers.items():
        if key in names and key not in added:
            known.setdefault(callers, set()).add(names[key].rpartition(':')[0])
    found: dict[str, str | None] = {}
    for key in added:
        places = known.get(wanted.callers.get(key, ()), set()) if wanted.callers.get(key) else set()
        found[key] = next(iter(places)) if len(places) == 1 else None
    return found


def _users(prompt: Prompt) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for key, node in prompt.nodes.items():
        for _, link in node.links():
            users.setdefault(link.node, []).append(key)
    return users


def _parent(key: str, names: Mapping[str, str], parents: Mapping[str, str | None]) -> str | None:
    if key in parents:
        return parents[key]
    name = names.get(key)
    return None if name is None else name.rpartition(':')[0]
