"""Where values came from, without ComfyUI: identity, change, weakness, keys."""

from __future__ import annotations

import gc
from collections import defaultdict
from typing import Any

import pytest

from comfy_script.graph import Prompt
from comfy_script.runtime.real.origins import Origins
from comfy_script.runtime.real.recorded_prompt import write_prompt
from comfy_script.runtime.real.records import Literal, Opaque, Record, Source
from comfy_script.runtime.real.value_kinds import Kind, Kinds
from comfy_script.runtime.real.value_list import Token, ValueList


class Tensor:
    """What the tracker asks of a tensor."""

    shape = (1, 2)
    _version = 0

    def __init__(self, inference: bool = False) -> None:
        self.inference = inference

    def is_inference(self) -> bool:
        return self.inference


class Model:
    pass


@pytest.fixture
def tracker() -> Origins:
    return Origins(Kinds())


def call(tracker: Origins, class_type: str, outputs: list[Any], **inputs: Any) -> Record:
    described = {}
    for name, value in inputs.items():
        kind = tracker.kinds[type(value)]
        described[name] = value if kind <= Kind.NONE else tracker.describe(value, kind)
    record = Record(tracker.next_number(), class_type, described)
    for slot, value in enumerate(outputs):
        tracker.put(value, record, slot)
    return record


def describe(tracker: Origins, value: Any) -> Any:
    return tracker.describe(value, tracker.kinds[type(value)])


def test_what_only_passes_through_a_call_stays_what_it_was(tracker: Origins) -> None:
    image, made, users = Tensor(), Tensor(), Tensor()
    latent: dict[str, Any] = {'samples': Tensor()}
    record = call(tracker, 'Load', [image, latent])
    known = describe(tracker, users)
    shown = Record(tracker.next_number(), 'Preview', {})
    for slot, value in enumerate([image, latent, users, made, ValueList([image])]):
        tracker.put(value, shown, slot, passes=True)
    assert describe(tracker, image) == Source(record, 0)
    assert describe(tracker, latent) == Source(record, 1)
    assert describe(tracker, users) is known
    assert describe(tracker, made) == Source(shown, 3)
    latent['noise_mask'] = 1
    tracker.put(latent, shown, 1, passes=True)
    assert describe(tracker, latent) == Source(shown, 1)


def test_values_are_known_by_identity(tracker: Origins) -> None:
    model, tensor = Model(), Tensor()
    record = call(tracker, 'Load', [model, tensor])
    assert describe(tracker, model) == Source(record, 0)
    assert describe(tracker, tensor) == Source(record, 1)
    assert isinstance(describe(tracker, Model()), Opaque)


def test_a_tensor_changed_in_place_is_opaque(tracker: Origins) -> None:
    tensor = Tensor()
    call(tracker, 'Make', [tensor])
    tensor._version += 1
    found = describe(tracker, tensor)
    assert isinstance(found, Opaque)
    assert 'from Make, changed since' in found.what


@pytest.mark.parametrize(
    'change',
    [
        lambda latent: latent.update(noise_mask=1),
        lambda latent: latent.update(samples=Tensor()),
        lambda latent: latent['samples'].__setattr__('_version', 5),
        lambda latent: latent['inner'][0].append(2),
        lambda latent: latent.pop('inner'),
        lambda latent: latent.__setitem__('renamed', latent.pop('samples')),
        lambda latent: latent['inner'][0].__setitem__(0, 2),
        lambda latent: latent['inner'].__setitem__(0, tuple(latent['inner'][0])),
        lambda latent: latent['odd'].__setitem__('b', latent['odd'].pop('a')),
        lambda latent: latent['odd']['a'].append(Tensor()),
        lambda latent: latent['slots'].__setitem__(0, object()),
    ],
)
def test_a_container_is_known_by_what_it_holds(tracker: Origins, change: Any) -> None:
    odd = defaultdict(list, a=ValueList([Tensor()]))
    latent = {'samples': Tensor(), 'inner': [[1, Model()]], 'odd': odd, 'slots': [object()], 'nan': float('nan')}
    record = call(tracker, 'Empty', [latent])
    assert describe(tracker, latent) == Source(record, 0)
    change(latent)
    assert isinstance(describe(tracker, latent), Opaque)
    assert not odd.keys() - {'a', 'b'}


def test_equal_plain_values_and_other_containers_of_the_same_are_no_change(tracker: Origins) -> None:
    latent = {'samples': Tensor(), 'size': [1000.5, 'text']}
    record = call(tracker, 'Empty', [latent])
    latent['size'] = [float('1000.5'), ''.join(('te', 'xt'))]
    assert describe(tracker, latent) == Source(record, 0)


def test_a_container_that_holds_itself_or_very_much(tracker: Origins) -> None:
    itself: list[Any] = [Tensor()]
    itself.append(itself)
    much = [Tensor(), [[[number] for number in range(9)] for _ in range(999)]]
    first, second = call(tracker, 'Itself', [itself]), call(tracker, 'Much', [much])
    assert describe(tracker, itself) == Source(first, 0)
    assert describe(tracker, much) == Source(second, 0)
    itself.append(1)
    assert isinstance(describe(tracker, itself), Opaque)


def test_nothing_is_kept_alive_and_entries_go(tracker: Origins) -> None:
    for _ in range(50):
        call(tracker, 'Make', [Tensor(), {'samples': Tensor()}, [[Tensor(), {'pooled': Tensor()}]], Model()])
    gc.collect()
    assert len(tracker) == 0


def test_a_reused_address_is_not_taken_for_the_value(tracker: Origins) -> None:
    for _ in range(200):
        call(tracker, 'Make', [{'samples': Tensor()}])
        assert isinstance(describe(tracker, {'samples': Tensor()}), Opaque)


def test_containers_of_plain_values_are_bounded(tracker: Origins) -> None:
    kept = [{'accum': object.__new__(type('Odd', (), {'__slots__': ()}))} for _ in range(3000)]
    for value in kept:
        call(tracker, 'Make', [value])
    assert len(tracker) <= 1024


def test_lists_tokens_and_literals(tracker: Origins) -> None:
    values, token = ValueList([Tensor(), Tensor()]), Token('stub')
    record = call(tracker, 'Split', [values, token])
    assert describe(tracker, values) == Source(record, 0)
    assert describe(tracker, token) == Source(record, 1)
    assert describe(tracker, [1, 'a', {'b': None}]) == Literal('[1, "a", {"b": null}]')
    item = describe(tracker, values[1])
    assert isinstance(item, Opaque)
    assert item.origin == (Source(record, 0), 1)


def test_the_prompt_has_what_nodes_made_and_notes_have_the_rest(tracker: Origins) -> None:
    model, image, own = Model(), Tensor(), Tensor()
    call(tracker, 'Load', [model], name="it's")
    call(tracker, 'Unrelated', [Model()])
    last = call(tracker, 'Sample', [image], model=model, mask=own, sizes=[1, 2], n=3)
    written = write_prompt([last])
    assert written.prompt == {
        '1': {'class_type': 'Load', 'inputs': {'name': "it's"}},
        '3': {'class_type': 'Sample', 'inputs': {'model': ['1', 0], 'sizes': {'__value__': [1, 2]}, 'n': 3}},
    }
    assert written.notes == ('Sample (node 3), input mask: a Tensor of shape [1, 2], not the output of a node',)


def test_the_prompt_of_calls_is_parsed_as_its_json_is(tracker: Origins) -> None:
    model, image = Model(), Tensor()
    call(tracker, 'Load', [model, Model()], name="it's", flag=True, nothing=None, size=0.5)
    inputs: dict[str, Any] = {'sizes': [1, 2], 'like a link': ['1', 0], 'table': {'a': [1]}, 'empty': [], 'n': 2**70}
    call(tracker, 'Sample', [image], model=model, mask=Tensor(), both=ValueList([model, 1]), **inputs)
    last = call(tracker, 'Save', [], image=image, image2=image, wrapped={'__value__': [3]})
    written = write_prompt([last])
    assert written.parsed == Prompt.parse(written.prompt)
    assert len(written.parsed.nodes) == 3 and len(written.notes) == 2


def test_keys_say_what_led_to_a_value(tracker: Origins) -> None:
    def chain(number: int, other: int = 0) -> bytes | None:
        first, second = Tensor(), Tensor()
        call(tracker, 'First', [first], n=number)
        return call(tracker, 'Second', [second], image=first, other=other).key()

    assert chain(1) == chain(1)
    assert len({chain(1), chain(2), chain(1, 2), chain(True)}) == 4


def test_values_of_ones_own_have_keys_while_changes_are_seen(tracker: Origins) -> None:
    seen, unseen = Tensor(), Tensor(inference=True)
    assert call(tracker, 'Use', [], image=seen).key() == call(tracker, 'Use', [], image=seen).key() is not None
    assert call(tracker, 'Use', [], image=unseen).key() is None
    before = call(tracker, 'Use', [], image=seen).key()
    seen._version += 1
    assert call(tracker, 'Use', [], image=seen).key() != before


def test_what_may_change_has_no_key_nor_has_what_rests_on_it(tracker: Origins) -> None:
    image = Tensor()
    record = call(tracker, 'Random', [image])
    record.deny_key()
    assert call(tracker, 'Use', [], image=image).key() is None


def test_deep_chains_need_no_recursion(tracker: Origins) -> None:
    value: Any = Tensor()
    record = call(tracker, 'Start', [value])
    for _ in range(5000):
        following = Tensor()
        record = call(tracker, 'Next', [following], image=value)
        value = following
    assert record.key()
    assert len(record.ancestry()) == 5001
    del record
