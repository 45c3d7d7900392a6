"""The Python blocks of a page of docs/."""

from __future__ import annotations

import re
from typing import NamedTuple

from comfy_script.tests.lab.paths import ROOT

PATTERN = re.compile(
    r'^#+ (?P<heading>[^\n]+)$|^<!-- (?P<mark>not run|beginning) -->$|^```python\n(?P<code>.*?)^```$', re.M | re.S
)


class Block(NamedTuple):
    heading: str  # the last one above it
    code: str
    mark: str  # of the comment before it


def blocks(page: str) -> list[Block]:
    heading, mark, found = '', '', []
    for match in PATTERN.finditer((ROOT / 'docs' / page).read_text(encoding='utf-8')):
        if match['heading']:
            heading = match['heading']
        elif match['mark']:
            mark = match['mark']
        else:
            found.append(Block(heading, match['code'], mark))
            mark = ''
    return found
