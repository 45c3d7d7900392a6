"""Two processes that save into one folder never get the same number."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from comfy_script.comfyui import save_numbers
from comfy_script.comfyui.save_numbers import SUFFIX, claim_numbers

SAVER = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location('save_numbers', sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
sys.path.insert(0, sys.argv[2])
from counting import folder_paths, save
if sys.argv[5] == 'claimed':
    module.claim_numbers(folder_paths)
for turn in range(20):
    save(sys.argv[3], 4, f'{sys.argv[4]}-{turn}')
"""
COUNTING = '''
"""What ComfyUI does (folder_paths.py `get_save_image_path`, nodes.py `SaveImage`)."""
import os, time
from types import SimpleNamespace

def get_save_image_path(prefix, folder, width=0, height=0):
    digits = [int(name[len(prefix) + 1:].split('_')[0]) for name in os.listdir(folder) if name.startswith(prefix + '_')]
    return folder, prefix, max(digits, default=0) + 1, '', prefix

folder_paths = SimpleNamespace(get_save_image_path=get_save_image_path, get_temp_directory=lambda: '/nowhere/temp')

def save(folder, count, text):
    folder, name, counter, _, _ = folder_paths.get_save_image_path('image', folder)
    for number in range(count):
        time.sleep(0.001)
        with open(os.path.join(folder, f'{name}_{counter:05}_.txt'), 'w', encoding='utf-8') as file:
            file.write(f'{text}-{number}')
        counter += 1
'''


def two_savers(tmp_path: Path, way: str) -> list[str]:
    """What the files hold that two processes have saved at the same time."""
    (tmp_path / 'code').mkdir()
    (tmp_path / 'code' / 'counting.py').write_text(COUNTING, encoding='utf-8')
    out = tmp_path / 'out'
    out.mkdir()
    arguments = [str(save_numbers.__file__), str(tmp_path / 'code'), str(out)]
    running = [subprocess.Popen([sys.executable, '-c', SAVER, *arguments, name, way]) for name in ('a', 'b')]
    assert [process.wait(60) for process in running] == [0, 0]
    return sorted(file.read_text(encoding='utf-8') for file in out.iterdir())


def test_all_that_two_processes_save_is_there(tmp_path):
    found = two_savers(tmp_path, 'claimed')

    assert found == sorted(f'{name}-{turn}-{number}' for name in 'ab' for turn in range(20) for number in range(4))
    assert not list((tmp_path / 'out').glob(f'*{SUFFIX}'))


def number_in(folder: Path, name: str = 'image') -> Any:
    def count(prefix: str, folder: str) -> tuple[str, str, int, str, str]:
        return folder, prefix, 1, '', prefix

    paths = SimpleNamespace(get_save_image_path=count, get_temp_directory=lambda: str(folder / 'temp'))
    claim_numbers(paths)
    return paths.get_save_image_path(name, str(folder))[2]


def test_a_number_is_held_until_it_is_dropped(tmp_path):
    first = number_in(tmp_path)
    second = number_in(tmp_path)
    assert (first, second) == (1, 2) and f'{first:05}' == '00001' and json.dumps(first) == '1'
    assert sorted(os.listdir(tmp_path)) == [f'image_0000{number}_{SUFFIX}' for number in (1, 2)]

    first += 1
    assert first == 3
    del first, second
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('there', ['image_00001_.png', 'image_00001.png', 'image_00001_', 'image_00001_audio.flac'])
def test_a_number_whose_file_is_there_is_not_given_again(tmp_path, there):
    (tmp_path / there).touch()
    assert number_in(tmp_path) == 2
    (tmp_path / 'image_000020_.png').touch()
    assert number_in(tmp_path) == 2, 'that is another number'


def test_copies_of_a_number_hold_nothing(tmp_path):
    number = number_in(tmp_path)
    copies = [copy.copy(number), copy.deepcopy(number), pickle.loads(pickle.dumps(number))]
    assert [type(one) for one in copies] == [int] * 3 and copies == [1, 1, 1]
    assert len(os.listdir(tmp_path)) == 1


def test_claims_of_killed_processes_go(tmp_path):
    old = tmp_path / f'image_00007_{SUFFIX}'
    old.touch()
    long_ago = time.time() - 100_000
    os.utime(old, (long_ago, long_ago))
    number = number_in(tmp_path)
    assert number == 1 and not old.exists()


def test_what_cannot_be_claimed_is_counted_as_before(tmp_path):
    assert type(number_in(tmp_path / 'missing')) is int
    assert type(number_in(tmp_path / 'temp')) is int, 'temporary files are in a folder of their own'
