"""Rows have one key each, and keys have one folder each."""

from __future__ import annotations

import itertools

import pytest

from comfy_script.runtime.cluster import ClusterError, DuplicateKeyError
from comfy_script.runtime.cluster.rows import folder_name, read_rows

ODD_KEYS = [
    'a', 'A', 'ä', 'Ä', 'a/b', 'a\\b', 'a:b', '..', '.', '', ' ', 'a ', 'a.', 'con', 'CON', 'con.png', 'nul', 'com1',
    'x' * 300, 'x' * 301, 'ａ', 'a\n', 'a\0', '-a', '日本', '🙂', '~', '.lock', '.partial-a', 'journal.jsonl',
    '0', '00',
]  # fmt: skip


def test_no_two_keys_share_a_folder_also_where_case_is_not_told_apart():
    names = {key: folder_name(key) for key in ODD_KEYS}
    names |= {name: folder_name(name) for name in list(names.values())}

    for (one, first), (other, second) in itertools.combinations(names.items(), 2):
        assert first.casefold() != second.casefold(), (one, other)


@pytest.mark.parametrize('key', ODD_KEYS)
def test_a_folder_name_is_one_on_every_system(key):
    name = folder_name(key)

    assert 0 < len(name) <= 64
    assert set(name) <= set('abcdefghijklmnopqrstuvwxyz0123456789_.-')
    assert not name.startswith('.') and not name.endswith('.')
    assert name.partition('.')[0] not in ('con', 'prn', 'aux', 'nul', 'com1', 'lpt1')


def test_rows_are_read_as_they_are_needed():
    read: list[int] = []

    def rows():
        for number in range(1000):
            read.append(number)
            yield {'id': number}

    found = read_rows(rows(), 'id', None)
    assert [next(found).key for _ in range(3)] == ['0', '1', '2']
    assert len(read) == 3


def test_two_rows_with_one_key_are_refused_by_their_numbers():
    with pytest.raises(DuplicateKeyError, match=r"Rows 0 and 2 have the same key '7'"):
        list(read_rows([{'id': 7}, {'id': 8}, {'id': '7'}], 'id', None))


@pytest.mark.parametrize(
    ('row', 'key', 'said'),
    [
        ({'a': 1}, 'id', "Row 0 has no 'id', its key: it has 'a'"),
        (5, 'id', 'Row 0 is no dict'),
        ({'id': 1.5}, 'id', 'The key of row 0 is 1.5: keys are texts or whole numbers'),
        ({'id': None}, 'id', 'The key of row 0 is None'),
    ],
)
def test_a_row_without_a_key_says_which(row, key, said):
    with pytest.raises(ClusterError) as caught:
        list(read_rows([row], key, None))
    assert said in str(caught.value)


def test_keys_may_be_made_by_a_function_or_be_the_rows_number():
    assert [row.key for row in read_rows(['x', 'y'], None, None)] == ['0', '1']
    assert [row.key for row in read_rows([1, 2], lambda row: f'k{row}', None)] == ['k1', 'k2']
