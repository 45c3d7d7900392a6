"""docs/architecture.md names what is there."""

from __future__ import annotations

import re

from comfy_script.tests.dev.file_list import HEADING, listing
from comfy_script.tests.dev.test_layers import MAY_IMPORT
from comfy_script.tests.lab.paths import ROOT

PAGE = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
TABLE = PAGE.partition('## The house')[2].partition('## Words')[0]


def test_every_file_has_its_line():
    """Where this fails: `python -m comfy_script.tests.dev.file_list`."""
    assert PAGE.partition(HEADING)[2].strip() == listing(ROOT).strip()


def test_every_room_is_in_the_table():
    rooms = {room.replace('.', '/') + '/' for room in MAY_IMPORT} - {'runtime/', 'interpreter/lang/'}
    assert [room for room in sorted(rooms) if f'`{room}`' not in TABLE] == []


def test_the_files_that_the_text_names_are_there():
    text = PAGE.partition(HEADING)[0]
    named = set(re.findall(r'`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|js|mjs))', text))
    assert named
    assert [name for name in sorted(named) if not list(ROOT.glob(name)) and not list(ROOT.glob(f'*/{name}'))] == []
