"""The graphs of ComfyUI's own `tests/execution`, as far as they are graphs: what its `testing_nodes` can express.

Each is a function that fills a `GraphBuilder` (ComfyUI `comfy_execution/graph_utils.py`) and is named after the test
of ComfyUI's whose graph it is. Images are smaller than there; sleeps are shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SIZE = 32


@dataclass(frozen=True)
class Graph:
    """A graph to run; `again` says what to change for each further run in the same session, `then` is another one."""

    name: str
    fill: Callable[[Any], Any]
    source: str = 'test_execution.py'
    targets: tuple[str, ...] | None = None
    again: tuple[Mapping[str, Mapping[str, Any]], ...] = field(default=())
    then: Callable[[Any], Any] | None = None
    refused: str = ''
    """Why real mode refuses what the server runs, in its error's words."""


GRAPHS: list[Graph] = []


def graph(**options: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def register(fill: Callable[[Any], Any]) -> Callable[[Any], Any]:
        GRAPHS.append(Graph(fill.__name__, fill, **options))
        return fill

    return register


def image(g: Any, content: str, size: int = SIZE, **options: Any) -> Any:
    return g.node('StubImage', content=content, height=size, width=size, batch_size=1, **options)


def mask(g: Any, value: Any) -> Any:
    return g.node('StubMask', value=value, height=SIZE, width=SIZE, batch_size=1)


def mix(g: Any, one: Any, two: Any, by: Any) -> Any:
    return g.node('TestLazyMixImages', image1=one.out(0), image2=two.out(0), mask=by.out(0))


def save(g: Any, node: Any, slot: int = 0, **options: Any) -> Any:
    return g.node('SaveImage', images=node.out(slot), filename_prefix='graph', **options)


def preview(g: Any, node: Any) -> Any:
    return g.node('PreviewImage', images=node.out(0))


@graph()
def lazy_input(g: Any) -> None:
    save(g, mix(g, image(g, 'BLACK'), image(g, 'WHITE'), mask(g, 0.0)))


@graph(again=({},))
def full_cache(g: Any) -> None:
    save(g, mix(g, image(g, 'BLACK'), image(g, 'WHITE'), mask(g, 0.5)))


@graph(again=({'3': {'value': 0.4}},))
def partial_cache(g: Any) -> None:
    save(g, mix(g, image(g, 'BLACK'), image(g, 'WHITE'), mask(g, 0.5)))


@graph()
def error(g: Any) -> None:
    save(g, mix(g, image(g, 'BLACK'), image(g, 'NOISE', 16), mask(g, 0.5)))


def validation(name: str, class_type: str, **inputs: Any) -> None:
    def fill(g: Any) -> None:
        given = {key: g.node(*value[:1], value=value[1]).out(0) if isinstance(value, tuple) else value
                 for key, value in inputs.items()}  # fmt: skip
        save(g, g.node(class_type, **given))

    fill.__name__ = name
    GRAPHS.append(Graph(name, fill))


validation('validation_error_literal_int', 'TestCustomValidation1', input1=5, input2=3.0)
validation('validation_error_literal_text', 'TestCustomValidation1', input1='foo', input2=3.0)
validation('validation_literal', 'TestCustomValidation1', input1=0.5, input2=0.5)
validation('validation_error_edge1_int', 'TestCustomValidation1', input1=('StubInt', 5), input2=3.0)
validation('validation_error_edge1_mask', 'TestCustomValidation1', input1=('StubMask', 5.0), input2=3.0)
validation('validation_error_edge2', 'TestCustomValidation2', input1=('StubInt', 5), input2=3.0)
validation('validation_edge2', 'TestCustomValidation2', input1=('StubFloat', 0.25), input2=3.0)
validation('validation_error_edge3', 'TestCustomValidation3', input1=('StubInt', 5), input2=3.0)
validation('validation_edge3', 'TestCustomValidation3', input1=('StubFloat', 0.25), input2=3.0)
validation('validation_error_edge4', 'TestCustomValidation4', input1=('StubInt', 5), input2=3.0)
validation('validation_edge4', 'TestCustomValidation4', input1=('StubFloat', 0.25), input2=3.0)
validation('validation_kwargs', 'TestCustomValidation5', input1=0.5, input2=0.5)
validation('validation_kwargs_above_max', 'TestCustomValidation5', input1=0.0, input2=5.0)
validation('validation_error_kwargs', 'TestCustomValidation5', input1=0.0, input2=7.0)


@graph()
def cycle_error(g: Any) -> None:
    by = mask(g, 0.5)
    one = g.node('TestLazyMixImages', image1=image(g, 'BLACK').out(0), mask=by.out(0))
    two = g.node('TestLazyMixImages', image1=one.out(0), image2=image(g, 'WHITE').out(0), mask=by.out(0))
    one.set_input('image2', two.out(0))
    save(g, two)


@graph()
def incomplete_node_error(g: Any) -> None:
    """ComfyUI's `test_cycle_error` as written leaves an input out instead of closing the cycle."""
    by = mask(g, 0.5)
    one = g.node('TestLazyMixImages', image1=image(g, 'BLACK').out(0), mask=by.out(0))
    save(g, g.node('TestLazyMixImages', image1=one.out(0), image2=image(g, 'WHITE').out(0), mask=by.out(0)))


@graph()
def dynamic_cycle_error(g: Any) -> None:
    one, two = image(g, 'BLACK'), image(g, 'WHITE')
    save(g, g.node('TestDynamicDependencyCycle', input1=one.out(0), input2=two.out(0)))


@graph()
def missing_node_error(g: Any) -> None:
    """One output is invalid, the other runs."""
    one, three, by = image(g, 'BLACK'), image(g, 'WHITE'), mask(g, 0.5)
    two = image(g, 'WHITE', id='removeme')
    save(g, mix(g, one, two, by))
    save(g, mix(g, one, three, by))
    g.remove_node('removeme')


@graph(again=({}, {'2': {'should_change': True}}, {}))
def custom_is_changed(g: Any) -> None:
    saved = g.node('SaveImage', filename_prefix='graph')
    changed = g.node('TestCustomIsChanged', should_change=False)
    saved.set_input('images', changed.out(0))
    changed.set_input('image', image(g, 'BLACK').out(0))


@graph()
def undeclared_inputs(g: Any) -> None:
    images = [image(g, content) for content in ('BLACK', 'WHITE', 'BLACK', 'BLACK')]
    inputs = {f'input{index}': node.out(0) for index, node in enumerate(images, 1)}
    save(g, g.node('TestVariadicAverage', **inputs))


def for_loop(iterations: int) -> None:
    def fill(g: Any) -> None:
        black, white = image(g, 'BLACK'), image(g, 'WHITE')
        changed = g.node('TestCustomIsChanged', should_change=True, image=white.out(0))
        opened = g.node('TestForLoopOpen', remaining=iterations, initial_value1=changed.out(0))
        average = g.node('TestVariadicAverage', input1=black.out(0), input2=opened.out(2))
        closed = g.node('TestForLoopClose', flow_control=opened.out(0), initial_value1=average.out(0))
        save(g, closed)

    fill.__name__ = f'for_loop_{iterations}'
    GRAPHS.append(Graph(fill.__name__, fill))


for count in range(1, 5):
    for_loop(count)


@graph()
def nested_for_loop(g: Any) -> None:
    """Not in ComfyUI's tests: a loop whose start comes out of another loop."""
    black, white = image(g, 'BLACK'), image(g, 'WHITE')
    value = white
    for _ in range(2):
        opened = g.node('TestForLoopOpen', remaining=2, initial_value1=value.out(0))
        average = g.node('TestVariadicAverage', input1=black.out(0), input2=opened.out(2))
        value = g.node('TestForLoopClose', flow_control=opened.out(0), initial_value1=average.out(0))
    save(g, value)


@graph(refused='the loop would never end')
def while_loop(g: Any) -> None:
    """Not in ComfyUI's tests, which reach these nodes by expansion only: a count, a comparison, two values."""
    opened = g.node('TestWhileLoopOpen', condition=True, initial_value0=1, initial_value1=image(g, 'WHITE').out(0))
    average = g.node('TestVariadicAverage', input1=image(g, 'BLACK').out(0), input2=opened.out(2))
    doubled = g.node('TestIntMathOperation', a=opened.out(1), b=2, operation='multiply')
    more = g.node('TestIntConditions', a=doubled.out(0), b=8, operation='<')
    closed = g.node('TestWhileLoopClose', flow_control=opened.out(0), condition=more.out(0),
                    initial_value0=doubled.out(0), initial_value1=average.out(0))  # fmt: skip
    save(g, closed, 1)


@graph()
def conditions(g: Any) -> None:
    """Not in ComfyUI's tests: truth values, out of numbers and texts, that choose what is blocked."""
    numbers = g.node('TestFloatConditions', a=0.5, b=0.25, operation='>')
    texts = g.node('TestStringConditions', a='A text', b='a text', operation='a == b', case_sensitive=False)
    both = g.node('TestBoolOperationNode', a=numbers.out(0), b=texts.out(0), op='a AND b')
    neither = g.node('TestBoolOperationNode', a=both.out(0), b=False, op='NOT a')
    for block in (both, neither):
        blocked = g.node('TestExecutionBlocker', input=image(g, 'WHITE').out(0), block=block.out(0), verbose=False)
        preview(g, blocked)


@graph()
def mixed_expansion_returns(g: Any) -> None:
    values = g.node('TestMakeListNode', value1=0.1, value2=0.2, value3=0.3)
    mixed = g.node('TestMixedExpansionReturns', input1=values.out(0))
    save(g, mixed)
    save(g, mixed, 1)


@graph()
def mixed_lazy_results(g: Any) -> None:
    values = g.node('TestMakeListNode', value1=0.0, value2=0.5, value3=1.0)
    mixed = mix(g, image(g, 'BLACK'), image(g, 'WHITE'), mask(g, values.out(0)))
    save(g, g.node('RebatchImages', images=mixed.out(0), batch_size=3))


@graph()
def output_reuse(g: Any) -> None:
    black = image(g, 'BLACK')
    save(g, black)
    save(g, black)


@graph(again=({},))
def is_changed_with_outputs(g: Any) -> None:
    constant = g.node('StubConstantImage', value=0.5, height=SIZE, width=SIZE, batch_size=1)
    preview(g, g.node('TestIsChangedWithConstants', image=constant.out(0), value=0.5))


@graph()
def parallel_sleep_nodes(g: Any) -> None:
    black = image(g, 'BLACK')
    for seconds in (0.02, 0.04, 0.03):
        preview(g, g.node('TestSleep', value=black.out(0), seconds=seconds))


@graph()
def parallel_sleep_expansion(g: Any) -> None:
    images = {f'image{i}': image(g, content).out(0) for i, content in enumerate(('BLACK', 'WHITE', 'WHITE'), 1)}
    save(g, g.node('TestParallelSleep', sleep1=0.02, sleep2=0.03, sleep3=0.04, **images))


def _block_list(g: Any, images: list[Any]) -> Any:
    listed = g.node('TestMakeListNode', **{f'value{i}': node.out(0) for i, node in enumerate(images, 1)})
    numbers = [g.node('StubInt', value=i) for i in range(1, len(images) + 1)]
    ints = g.node('TestMakeListNode', **{f'value{i}': node.out(0) for i, node in enumerate(numbers, 1)})
    compare = g.node('TestIntConditions', a=ints.out(0), b=2, operation='==')
    return g.node('TestExecutionBlocker', input=listed.out(0), block=compare.out(0), verbose=False)


@graph()
def execution_block_list_output(g: Any) -> None:
    blocker = _block_list(g, [image(g, content) for content in ('BLACK', 'WHITE', 'BLACK')])
    preview(g, g.node('TestMakeListNode', value1=blocker.out(0)))


@graph()
def execution_block_verbose(g: Any) -> None:
    """Not in ComfyUI's tests: a blocker with a message."""
    preview(g, g.node('TestExecutionBlocker', input=image(g, 'BLACK').out(0), block=True, verbose=True))


@graph()
def execution_block_not(g: Any) -> None:
    preview(g, g.node('TestExecutionBlocker', input=image(g, 'WHITE').out(0), block=False, verbose=True))


@graph(targets=('3',))
def partial_execution_included_outputs(g: Any) -> None:
    one, two = image(g, 'BLACK'), image(g, 'WHITE')
    save(g, one)
    save(g, two)


@graph(targets=('4', '6'))
def partial_execution_excluded_outputs(g: Any) -> None:
    images = [image(g, content) for content in ('BLACK', 'WHITE', 'BLACK')]
    for node in images:
        save(g, node)


@graph(targets=('5',))
def partial_execution_dependencies(g: Any) -> None:
    black = image(g, 'BLACK')
    through = g.node('TestOutputNodeWithSocketOutput', image=black.out(0), value=2.0)
    save(g, mix(g, through, black, mask(g, 0.5)))


@graph(targets=('8',))
def partial_execution_with_lazy_nodes(g: Any) -> None:
    one, two, three = image(g, 'BLACK'), image(g, 'WHITE'), image(g, 'BLACK')
    first, second = mask(g, 0.0), mask(g, 0.5)
    mixed, other = mix(g, one, two, first), mix(g, two, three, second)
    save(g, mixed)
    save(g, other)


@graph(targets=('6',))
def partial_execution_multiple_output_nodes(g: Any) -> None:
    one, two = image(g, 'BLACK'), image(g, 'WHITE')
    first = g.node('TestOutputNodeWithSocketOutput', image=one.out(0), value=1.5)
    second = g.node('TestOutputNodeWithSocketOutput', image=first.out(0), value=2.0)
    save(g, first)
    save(g, second)
    save(g, two)


@graph(targets=())
def partial_execution_empty_list(g: Any) -> None:
    save(g, image(g, 'BLACK'))


ASYNC = 'test_async_nodes.py'


@graph(source=ASYNC)
def multiple_async_parallel_execution(g: Any) -> None:
    black = image(g, 'BLACK')
    for seconds in (0.03, 0.04, 0.05):
        preview(g, g.node('TestSleep', value=black.out(0), seconds=seconds))


def _slept_white(g: Any) -> None:
    save(g, g.node('TestSleep', value=image(g, 'WHITE').out(0), seconds=0.02))


@graph(source=ASYNC, then=_slept_white)
def concurrent_async_error_recovery(g: Any) -> None:
    save(g, g.node('TestAsyncError', value=image(g, 'BLACK').out(0), error_after=0.02))


@graph(source=ASYNC)
def concurrent_limit(g: Any) -> None:
    """Not in ComfyUI's tests: async nodes that share a semaphore, which belongs to no loop until it has to wait."""
    black = image(g, 'BLACK')
    for number in range(4):
        preview(g, g.node('TestAsyncConcurrentLimit', value=black.out(0), duration=0.1, node_id=number))


@graph(source=ASYNC)
def basic_async_execution(g: Any) -> None:
    save(g, g.node('TestSleep', value=image(g, 'BLACK').out(0), seconds=0.02))


@graph(source=ASYNC)
def async_with_dependencies(g: Any) -> None:
    one, two = (g.node('TestSleep', value=image(g, content).out(0), seconds=0.02) for content in ('BLACK', 'WHITE'))
    save(g, g.node('TestVariadicAverage', input1=one.out(0), input2=two.out(0)))


@graph(source=ASYNC)
def async_validate_inputs(g: Any) -> None:
    save(g, g.node('TestAsyncValidation', value=5.0, threshold=10.0))


@graph(source=ASYNC)
def async_validate_inputs_refused(g: Any) -> None:
    save(g, g.node('TestAsyncValidation', value=5.0, threshold=3.0))


@graph(source=ASYNC)
def async_lazy_evaluation(g: Any) -> None:
    one, two = (g.node('TestSleep', value=image(g, content).out(0), seconds=0.02) for content in ('BLACK', 'WHITE'))
    save(g, mix(g, one, two, mask(g, 0.0)))


@graph(source=ASYNC)
def async_check_lazy_status(g: Any) -> None:
    save(g, g.node('TestAsyncLazyCheck', input1='value1', input2='value2', condition=True))


@graph(source=ASYNC)
def async_check_lazy_status_of_links(g: Any) -> None:
    """Not in ComfyUI's tests: with links, so that there is something to leave out."""
    one, two = image(g, 'BLACK'), image(g, 'WHITE')
    save(g, g.node('TestAsyncLazyCheck', input1=one.out(0), input2=two.out(0), condition=False))


@graph(source=ASYNC)
def async_execution_error(g: Any) -> None:
    save(g, g.node('TestAsyncError', value=image(g, 'BLACK').out(0), error_after=0.01))


@graph(source=ASYNC)
def async_validation_error(g: Any) -> None:
    save(g, g.node('TestAsyncValidationError', value=15.0, max_value=10.0))


@graph(source=ASYNC)
def async_timeout_handling(g: Any) -> None:
    save(g, g.node('TestAsyncTimeout', value=image(g, 'BLACK').out(0), timeout=0.1, operation_time=2.0))


@graph(source=ASYNC)
def sync_error_during_async_execution(g: Any) -> None:
    black = image(g, 'BLACK')
    preview(g, g.node('TestSleep', value=black.out(0), seconds=0.1))
    preview(g, g.node('TestSyncError', value=black.out(0)))


@graph(source=ASYNC)
def async_with_execution_blocker(g: Any) -> None:
    contents = ('BLACK', 'WHITE')
    images = [g.node('TestSleep', value=image(g, content).out(0), seconds=0.02) for content in contents]
    preview(g, _block_list(g, images))


@graph(source=ASYNC, again=({},))
def async_caching_behavior(g: Any) -> None:
    save(g, g.node('TestSleep', value=image(g, 'BLACK').out(0), seconds=0.02))


@graph(source=ASYNC)
def async_with_dynamic_prompts(g: Any) -> None:
    images = {f'image{i}': image(g, content).out(0) for i, content in enumerate(('BLACK', 'WHITE'), 1)}
    save(g, g.node('TestDynamicAsyncGeneration', num_async_nodes=5, sleep_duration=0.1, **images))


@graph(source=ASYNC, again=({},))
def async_resource_cleanup(g: Any) -> None:
    black = image(g, 'BLACK')
    for index in range(5):
        used = g.node('TestAsyncResourceUser', value=black.out(0), resource_id=f'resource_{index}', duration=0.01)
        preview(g, used)


@graph(source=ASYNC)
def mixed_sync_async_execution(g: Any) -> None:
    first = mix(g, image(g, 'BLACK'), image(g, 'WHITE'), mask(g, 0.5))
    slept = g.node('TestSleep', value=first.out(0), seconds=0.02)
    halved = g.node('TestCustomValidation1', input1=slept.out(0), input2=0.5)
    save(g, g.node('TestSleep', value=halved.out(0), seconds=0.02))


@graph(source=ASYNC)
def async_list_mapping(g: Any) -> None:
    """Not in ComfyUI's tests: an async node that runs once per entry of a list."""
    images = [image(g, content) for content in ('BLACK', 'WHITE')]
    listed = g.node('TestMakeListNode', **{f'value{i}': node.out(0) for i, node in enumerate(images, 1)})
    save(g, g.node('TestSleep', value=listed.out(0), seconds=0.02))


@graph(source=ASYNC)
def async_batch_processing(g: Any) -> None:
    """Not in ComfyUI's tests, though its nodes have it."""
    batch = g.node('StubImage', content='BLACK', height=SIZE, width=SIZE, batch_size=2)
    save(g, g.node('TestAsyncBatchProcessing', images=batch.out(0), process_time_per_item=0.01))


API = 'test_public_api.py'


@graph(source=API)
def sync_progress_update(g: Any) -> None:
    save(g, g.node('TestSyncProgressUpdate', value=image(g, 'BLACK').out(0), sleep_seconds=0.05))


@graph(source=API)
def async_progress_update(g: Any) -> None:
    save(g, g.node('TestAsyncProgressUpdate', value=image(g, 'WHITE').out(0), sleep_seconds=0.05))


@graph(source=API)
def sync_and_async_progress_together(g: Any) -> None:
    save(g, g.node('TestSyncProgressUpdate', value=image(g, 'BLACK').out(0), sleep_seconds=0.05))
    save(g, g.node('TestAsyncProgressUpdate', value=image(g, 'WHITE').out(0), sleep_seconds=0.05))


@graph(source=API)
def accumulation(g: Any) -> None:
    """Not in ComfyUI's tests, though its nodes have it: dicts that hold lists, and a list output."""
    values = [image(g, content) for content in ('BLACK', 'WHITE')]
    first = g.node('TestAccumulateNode', to_add=values[0].out(0))
    second = g.node('TestAccumulateNode', to_add=values[1].out(0), accumulation=first.out(0))
    listed = g.node('TestAccumulationToListNode', accumulation=second.out(0))
    save(g, g.node('TestAccumulationGetItemNode', accumulation=second.out(0), index=1))
    save(g, listed)


@graph()
def accumulation_items(g: Any) -> None:
    """Not in ComfyUI's tests: dicts that are taken apart and changed."""
    images = [image(g, content) for content in ('BLACK', 'WHITE')]
    whole = g.node('TestAccumulateNode', to_add=images[0].out(0))
    whole = g.node('TestAccumulateNode', to_add=images[1].out(0), accumulation=whole.out(0))
    swapped = g.node('TestAccumulationSetItemNode', accumulation=whole.out(0), index=0, value=images[1].out(0))
    first = g.node('TestAccumulationHeadNode', accumulation=whole.out(0))
    last = g.node('TestAccumulationTailNode', accumulation=swapped.out(0))
    size = g.node('TestAccumulationGetLengthNode', accumulation=first.out(0))
    save(g, first, 1)
    save(g, g.node('TestAccumulationGetItemNode', accumulation=last.out(0), index=0))
    save(g, g.node('EmptyImage', width=16, height=16, batch_size=size.out(0), color=0))


@graph()
def list_to_accumulation(g: Any) -> None:
    """Not in ComfyUI's tests, where nobody has noticed that this node's own validation fails."""
    listed = g.node('TestMakeListNode', value1=image(g, 'BLACK').out(0))
    whole = g.node('TestListToAccumulationNode', list=listed.out(0))
    save(g, g.node('TestAccumulationGetItemNode', accumulation=whole.out(0), index=0))
