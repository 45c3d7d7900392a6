"""From the loaded graph to the prompt: every node of every instance, its widgets' values and its resolved links.

Sources: `utils/executionUtil.ts: graphToPrompt`, `ExecutableNodeDTO.ts`. Where the web UI gives up on the whole
workflow (links in a circle, links to nodes that are gone), only the input concerned is left out here, with a warning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import TranspileError
from ..workflow_file import BYPASS, INPUT_NODE, NEVER
from .javascript import UNDEFINED, compatible, prompt_value
from .model import LiveGraph, LiveInput, LiveNode, reachable
from .open_nodes import known_output
from .packs import PACKS
from .primitives import write_primitive_value
from .registry import VIRTUAL_TYPES
from .result import Conversion, SubgraphInstance
from .saved_values import left_out_of

_DEEPEST = 1000
_MOST_NODES = 500_000
_PASSED_BY = (NEVER, BYPASS)


class Place:
    """A node in one instance: `path` is the instance's ids with a colon at the end, '' at the root."""

    __slots__ = ('host', 'id', 'node', 'path')

    def __init__(self, node: LiveNode, path: str, host: Place | None):
        self.node = node
        self.path = path
        self.host = host
        self.id = path + node.id


class Crossing(NamedTuple):
    """A way out of an instance that a link took: the instance, the index of its input, and the next way out."""

    instance: str
    place: int
    next: Crossing | None


class LinkSource(NamedTuple):
    """Where an input's value comes from: another node's output, or (`node` None) a promoted widget's value."""

    node: str | None
    slot: int
    value: Any = UNDEFINED
    crossings: Crossing | None = None


class Emitter:
    def __init__(self, root: LiveGraph, warnings: list[str]):
        self.root = root
        self.warnings = warnings
        self.places: dict[str, Place] = {}
        self._resolved: dict[tuple[Any, ...], LinkSource | None] = {}
        self._bypasses: dict[tuple[int, str, str], int | None] = {}
        self._setters: dict[int, dict[tuple[str, str], LiveNode]] = {}
        self._promoted: list[tuple[str, str]] = []
        self._circles = 0

    def emit(self) -> Conversion:
        _check_size(self.root)
        order = execution_order(self.root)
        self._write_primitives(order)
        self._place_all(order)
        prompt: dict[str, dict[str, Any]] = {}
        types: dict[str, str] = {}
        unplaced: dict[str, str] = {}
        fed: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for place in self.places.values():
            node = place.node
            if node.virtual or node.mode == NEVER or node.mode == BYPASS:
                continue
            entry: dict[str, Any] = {'inputs': self._inputs(place, fed)}
            class_type = node.class_type
            if class_type is not None:
                entry['class_type'] = class_type
            entry['_meta'] = {} if node.title is None else {'title': node.title}
            prompt[place.id] = entry
            types[place.id] = node.type
            left_out = left_out_of(node) if node.unplaced else None
            if left_out is not None:
                unplaced[place.id] = left_out
        _drop_dangling(prompt)
        for pack in PACKS:
            if pack.finish is not None:
                pack.finish(prompt)
        if self._circles:
            self.warnings.append(f'{self._circles} links run in a circle without a node in it; they are left out')
        return Conversion(
            prompt=_js_order(prompt),
            node_types=types,
            warnings=tuple(self.warnings),
            instances=self._instances(fed),
            promoted=frozenset(self._promoted),
            unplaced=unplaced,
        )

    def _write_primitives(self, order: list[LiveNode]) -> None:
        done: set[int] = set()
        pending = deque(order)
        while pending:
            node = pending.popleft()
            if node.inner is not None and id(node.inner) not in done:
                done.add(id(node.inner))
                pending.extendleft(reversed(node.inner.nodes))
            elif node.virtual and node.widgets and node.node_class is None:
                write_primitive_value(node)

    # Places.

    def _place_all(self, order: list[LiveNode]) -> None:
        for node in order:
            place = Place(node, '', None)
            self.places[place.id] = place
            if node.inner is not None and node.mode not in (NEVER, BYPASS):
                self._open(place)

    def _open(self, outer: Place) -> None:
        """Places the inside of an instance, in the order the web UI walks it."""
        stack: list[tuple[Place, Iterator[LiveNode]]] = [(outer, iter(_inner(outer).nodes))]
        open_graphs = {id(outer.node.inner)}
        while stack:
            host, nodes = stack[-1]
            for node in nodes:
                place = Place(node, f'{host.id}:', host)
                self.places[place.id] = place
                if node.inner is not None:
                    self._check(place, open_graphs, len(stack))
                    open_graphs.add(id(node.inner))
                    stack.append((place, iter(node.inner.nodes)))
                    break
            else:
                stack.pop()
                open_graphs.discard(id(host.node.inner))

    @staticmethod
    def _check(place: Place, open_graphs: set[int], depth: int) -> None:
        node = place.node
        if id(node.inner) in open_graphs:
            raise TranspileError('the subgraph contains itself', node=place.id, title=node.title, type=node.type)
        if depth >= _DEEPEST:
            raise TranspileError(f'subgraphs nest deeper than {_DEEPEST} levels', node=node.id, title=node.title)

    # Inputs.

    def _inputs(self, place: Place, fed: dict[tuple[str, int], list[tuple[str, str]]]) -> dict[str, Any]:
        node = place.node
        inputs = self._widget_values(node)
        links, by_id = node.graph.links, node.graph.by_id
        for index, slot in enumerate(node.inputs):
            if slot.link is None:
                continue
            link = links.get(slot.link)
            if link is None:
                continue
            origin = by_id.get(link.origin)
            if origin is not None and not origin.virtual and origin.mode not in _PASSED_BY:
                inputs[slot.name] = [place.path + origin.id, link.origin_slot]
                continue
            source = self.resolve_input(place, index)
            if source is None:
                continue
            crossing = source.crossings
            while crossing is not None:
                fed.setdefault((crossing.instance, crossing.place), []).append((place.id, slot.name))
                crossing = crossing.next
            if source.node is not None:
                inputs[slot.name] = [source.node, source.slot]
            elif source.value is UNDEFINED:
                inputs.pop(slot.name, None)
            else:
                inputs[slot.name] = prompt_value(source.value)
                self._promoted.append((place.id, slot.name))
        return inputs

    def _widget_values(self, node: LiveNode) -> dict[str, Any]:
        """The values of a node's own widgets, a copy for each instance."""
        found: dict[str, Any] = {}
        for widget in node.widgets:
            if widget.in_prompt and widget.name:
                value = widget.get(node)
                if type(value) is str:
                    found[widget.name] = value
                elif value is UNDEFINED:
                    found.pop(widget.name, None)
                else:
                    found[widget.name] = prompt_value(value, widget.state.type)
        return found

    # Links. A link's way is followed step by step; a step is (place, is it an output, slot, wanted type).

    def resolve_input(self, place: Place, index: int) -> LinkSource | None:
        return self._follow(('i', place, index, None))

    def resolve_output(self, place: Place, index: int, type_: str) -> LinkSource | None:
        return self._follow(('o', place, index, type_))

    def _follow(self, step: tuple[Any, ...]) -> LinkSource | None:
        trail: list[tuple[tuple[Any, ...], tuple[str, int] | None]] = []
        met: set[tuple[Any, ...]] = set()
        found: LinkSource | None = None
        while True:
            key = (step[0], step[1].id, step[2], step[3])
            if key in self._resolved:
                found = self._resolved[key]
                break
            if key in met:
                self._circles += 1
                break
            met.add(key)
            crossing: tuple[str, int] | None = None
            if step[0] == 'i':
                result, crossing = self._step_input(*step[1:])
            else:
                result = self._step_output(*step[1:])
            trail.append((key, crossing))
            if result is None or isinstance(result, LinkSource):
                found = result
                break
            step = result
        for key, crossing in reversed(trail):
            if crossing is not None and found is not None:
                found = LinkSource(found.node, found.slot, found.value, Crossing(*crossing, found.crossings))
            self._resolved[key] = found
        return found

    def _step_input(
        self, place: Place, index: int, type_: str | None
    ) -> tuple[LinkSource | tuple[Any, ...] | None, tuple[str, int] | None]:
        node = place.node
        if not 0 <= index < len(node.inputs):
            return None, None
        slot = node.inputs[index]
        link = node.graph.links.get(slot.link) if slot.link is not None else None
        if link is None:
            return None, None
        if place.host is not None and link.origin == INPUT_NODE:
            return self._step_out(place.host, link.origin_slot)
        origin = node.graph.by_id.get(link.origin)
        place_of = self.places.get(place.path + origin.id) if origin is not None else None
        if place_of is None:
            return None, None
        return ('o', place_of, link.origin_slot, type_ if type_ is not None else slot.type), None

    @staticmethod
    def _step_out(host: Place, index: int) -> tuple[LinkSource | tuple[Any, ...] | None, tuple[str, int] | None]:
        """Through a subgraph's own input to the outside, or to the widget the instance shows for it."""
        if not 0 <= index < len(host.node.inputs):
            return None, None
        slot = host.node.inputs[index]
        if slot.link is None:
            if slot.promoted is None:
                return None, None
            return LinkSource(None, -1, slot.promoted.state.value), (host.id, index)
        # The web UI goes by where the link says it ends; a link that two inputs name ends at the later one.
        link = host.node.graph.links.get(slot.link)
        return ('i', host, index if link is None else link.target_slot, None), (host.id, index)

    def _step_output(self, place: Place, slot: int, type_: str) -> LinkSource | tuple[Any, ...] | None:
        node = place.node
        if node.mode == NEVER:
            return None
        if node.mode == BYPASS:
            index = self._bypass_input(node, slot, type_)
            return ('i', place, index, None) if index is not None else None
        if node.inner is not None:
            return self._step_inside(place, slot, type_)
        if node.virtual:
            return self._step_virtual(place, slot, type_)
        return LinkSource(place.id, slot)

    def _bypass_input(self, node: LiveNode, slot: int, type_: str) -> int | None:
        """Which input a bypassed node hands on for one of its outputs (`_getBypassSlotIndex`)."""
        inputs = node.inputs
        if not 0 <= slot < len(node.outputs):
            return None
        if type_ in ('*', ''):
            return (slot if len(inputs) > slot else 0) if inputs else None
        output_type = node.outputs[slot].type
        if slot < len(inputs) and compatible(inputs[slot].type, output_type) and compatible(inputs[slot].type, type_):
            return slot
        key = (id(node), output_type, type_)
        if key not in self._bypasses:
            self._bypasses[key] = _first_fit(inputs, output_type, type_)
        return self._bypasses[key]

    def _step_inside(self, place: Place, slot: int, type_: str) -> tuple[Any, ...] | None:
        graph = _inner(place)
        if not 0 <= slot < len(graph.outputs):
            return None
        link = next((graph.links[id] for id in graph.outputs[slot].links if id in graph.links), None)
        if link is None:
            return None
        if link.origin == INPUT_NODE:
            return ('i', place, link.origin_slot, type_)
        origin = graph.by_id.get(link.origin)
        inner = self.places.get(f'{place.id}:{origin.id}') if origin is not None else None
        return ('o', inner, link.origin_slot, type_) if inner is not None else None

    def _step_virtual(self, place: Place, slot: int, type_: str) -> LinkSource | tuple[Any, ...] | None:
        info = place.node.info
        if info is not None and info.open is not None and info.open.outputs is not None:
            told = known_output(place.node, slot)
            origin = self.places.get(place.path + told[0]) if told is not None else None
            if told is not None and told[0] == INPUT_NODE and place.host is not None:
                return self._step_out(place.host, told[1])[0]
            return ('o', origin, told[1], type_) if told is not None and origin is not None else None
        virtual = VIRTUAL_TYPES.get(place.node.type)
        if virtual is not None and virtual.finds is not None:
            setter = self._setter(place, virtual.finds)
            return ('i', setter, 0, type_) if setter is not None else None
        return ('i', place, slot, type_) if slot < len(place.node.inputs) else None

    def _setter(self, getter: Place, type_: str) -> Place | None:
        """The near end of a named wire: in the getter's own graph, else in the ones around it."""
        name = _wire_name(getter.node)
        scope: Place | None = getter
        while scope is not None:
            setter = self._setters_of(scope.node.graph).get((type_, name))
            if setter is not None:
                return self.places.get(scope.path + setter.id)
            scope = scope.host
        self.warnings.append(f'node {getter.id} ({getter.node.type}): no {type_} is called {name[:80]!r}')
        return None

    def _setters_of(self, graph: LiveGraph) -> dict[tuple[str, str], LiveNode]:
        found = self._setters.get(id(graph))
        if found is None:
            wires = {virtual.finds for virtual in VIRTUAL_TYPES.values() if virtual.finds is not None}
            found = self._setters[id(graph)] = {}
            for node in graph.nodes:
                if node.type in wires and node.virtual:
                    found.setdefault((node.type, _wire_name(node)), node)
        return found

    # Instances.

    def _instances(self, fed: dict[tuple[str, int], list[tuple[str, str]]]) -> dict[str, SubgraphInstance]:
        found = {}
        for place in self.places.values():
            node = place.node
            if node.inner is None or (place.host is None and node.mode in (NEVER, BYPASS)):
                continue
            parameters = tuple(
                (slot.name, tuple(fed.get((place.id, index), ()))) for index, slot in enumerate(node.inputs)
            )
            outputs = []
            for index, boundary in enumerate(node.inner.outputs):
                step = self._step_inside(place, index, boundary.type)
                source = self._follow(step) if step is not None else None
                known = source is not None and source.node is not None
                outputs.append((boundary.name, (source.node, source.slot) if known and source else None))
            found[place.id] = SubgraphInstance(
                place.id, node.inner.definition or '', node.inner.name, parameters, tuple(outputs)
            )
        return found


def _check_size(root: LiveGraph) -> None:
    """Counts what the instances unfold to, before unfolding them."""
    counts: dict[int, int] = {}
    for graph in reachable(root):
        # A definition that is met before it is counted contains itself; that is found when it is unfolded.
        inner = (counts.get(id(node.inner), 0) for node in graph.nodes if node.inner is not None)
        counts[id(graph)] = len(graph.nodes) + sum(inner)
    size = counts[id(root)]
    if size > max(_MOST_NODES, 2 * len(root.nodes)):
        raise TranspileError(f'its subgraphs unfold to {size} nodes, more than {_MOST_NODES}')


def _inner(place: Place) -> LiveGraph:
    assert place.node.inner is not None
    return place.node.inner


def _wire_name(node: LiveNode) -> str:
    values = node.info.widgets_values if node.info is not None else None
    first = values[0] if isinstance(values, (list, tuple)) and values else None
    return first if isinstance(first, str) else (node.title or '')


def _first_fit(inputs: Sequence[LiveInput], output_type: str, type_: str) -> int | None:
    """The first input of exactly the wanted type, else the first that fits."""
    for index, item in enumerate(inputs):
        if item.type == type_:
            return index
    for index, item in enumerate(inputs):
        if compatible(item.type, output_type) and compatible(item.type, type_):
            return index
    return None


def execution_order(graph: LiveGraph) -> list[LiveNode]:
    """Sources first, as the web UI orders the root's nodes (`computeExecutionOrder`)."""
    waiting: dict[str, int] = {}
    pending: dict[str, LiveNode] = {}
    ready: deque[LiveNode] = deque()
    for node in graph.nodes:
        pending[node.id] = node
        count = sum(slot.link is not None for slot in node.inputs)
        if count:
            waiting[node.id] = count
        else:
            ready.append(node)
    order = []
    visited: set[int] = set()
    while ready:
        node = ready.popleft()
        order.append(node)
        pending.pop(node.id, None)
        for output in node.outputs:
            for number in output.links:
                link = graph.links.get(number)
                if link is None or number in visited:
                    continue
                visited.add(number)
                target = graph.by_id.get(link.target)
                if target is None or target.id not in waiting:
                    continue
                waiting[target.id] -= 1
                if waiting[target.id] == 0:
                    ready.append(target)
    order.extend(pending[id] for id in _js_keys(pending))
    return order


def _drop_dangling(prompt: dict[str, dict[str, Any]]) -> None:
    for entry in prompt.values():
        inputs = entry['inputs']
        for name in [key for key, value in inputs.items() if isinstance(value, list) and value[0] not in prompt]:
            del inputs[name]


def _js_keys(items: dict[str, Any]) -> list[str]:
    """Keys as a JavaScript object lists them: array indices first, in order."""
    numbers = [key for key in items if key.isascii() and key.isdigit() and (key == '0' or key[0] != '0')]
    numbers = [key for key in numbers if len(key) < 10 or (len(key) == 10 and int(key) < 2**32 - 1)]
    if not numbers:
        return list(items)
    first = set(numbers)
    return sorted(numbers, key=int) + [key for key in items if key not in first]


def _js_order(prompt: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {key: prompt[key] for key in _js_keys(prompt)}
