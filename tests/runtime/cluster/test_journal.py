"""A result is finished once and whole, whatever ends the driver between two steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from comfy_script.runtime.cluster import ClusterError, Done
from comfy_script.runtime.cluster.journal import Journal
from comfy_script.runtime.wire.file_names import safe_file_name
from comfy_script.tests.lab.paths import SAFE_PATH


def write(out: Path, key: str, files: dict[str, bytes], error: Exception | None = None) -> Done:
    with Journal(out) as journal:
        return journal.finish(Done(key, error=error), files)


def test_what_is_finished_is_found_again_with_its_files(tmp_path):
    done = write(tmp_path, 'a/1', {'x_00001_.png': b'one', 'deep/er/y.png': b'two'})

    with Journal(tmp_path) as journal:
        again = journal.earlier('a/1')
    assert again is not None and again.earlier
    assert [file.read_bytes() for file in again.files] == [b'one', b'two']
    assert again.files == done.files
    assert all(tmp_path in file.parents for file in again.files)


def test_what_failed_is_to_be_made_again(tmp_path):
    write(tmp_path, 'a', {}, ValueError('no'))

    with Journal(tmp_path) as journal:
        assert journal.earlier('a') is None


def test_a_result_whose_files_are_gone_is_to_be_made_again(tmp_path):
    done = write(tmp_path, 'a', {'x.png': b'one'})
    done.files[0].unlink()

    with Journal(tmp_path) as journal:
        assert journal.earlier('a') is None


@pytest.mark.parametrize('step', ['os.replace', 'os.fsync', 'write'])
def test_a_driver_that_is_killed_between_two_steps_leaves_a_whole_result_or_none(tmp_path, step):
    """The process ends as SIGKILL ends it, just before the step."""
    code = f"""
import os, sys
from pathlib import Path
from comfy_script.runtime.cluster import journal as module
from comfy_script.runtime.cluster import Done
end = lambda *a, **k: os._exit(9)
with module.Journal(Path({str(tmp_path)!r})) as journal:
    journal.finish(Done('first'), {{'x.png': b'whole'}})
    step = {step!r}
    if step == 'write':
        journal._lines.write(b'{{"key": "second", "fi'); journal._lines.flush(); end()
    setattr(os, step.partition('.')[2], end)
    journal.finish(Done('second'), {{'x.png': b'half'}})
"""
    ended = subprocess.run([sys.executable, *SAFE_PATH, '-c', code], env=dict(os.environ), check=False)
    assert ended.returncode == 9

    with Journal(tmp_path) as journal:
        first, second = journal.earlier('first'), journal.earlier('second')
        assert first is not None and first.files[0].read_bytes() == b'whole'
        assert second is None
        done = journal.finish(Done('second'), {'y.png': b'new'})
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.lock', 'first', 'journal.jsonl', 'second']
    assert [file.name for file in done.files[0].parent.iterdir()] == ['y.png']
    lines = (tmp_path / 'journal.jsonl').read_text(encoding='utf-8').splitlines()
    assert [json.loads(line)['key'] for line in lines] == ['first', 'second']


def test_two_drivers_do_not_write_to_one_folder(tmp_path):
    with Journal(tmp_path), pytest.raises(ClusterError, match='Another process writes'):
        Journal(tmp_path).__enter__()
    write(tmp_path, 'a', {})


ODD_NAMES = ['../../evil.png', '/etc/evil.png', 'C:\\evil.png', 'a/../../evil.png', 'a:b.png', 'b/nul.png']


@pytest.mark.parametrize('name', ODD_NAMES)
def test_a_file_stays_in_the_folder_of_its_key(tmp_path, name):
    done = write(tmp_path / 'out', 'a', {name: b'x'})

    (file,) = done.files
    assert (tmp_path / 'out' / 'a') in file.resolve().parents
    assert file.name == safe_file_name(name)  # the one rule for names of a server's files
    assert [path for path in tmp_path.rglob('*evil*') if (tmp_path / 'out' / 'a') not in path.parents] == []


def test_a_line_that_is_none_is_named(tmp_path):
    (tmp_path / 'journal.jsonl').write_text('{"key": "a"}\n', encoding='utf-8')

    with pytest.raises(ClusterError, match='line 1'):
        Journal(tmp_path).__enter__()
