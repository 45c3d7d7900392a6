"""The Python blocks of a page of docs/, and how they are made small enough for a test."""

from __future__ import annotations

import re
from typing import NamedTuple

from comfy_script.tests.lab.paths import ROOT

PATTERN = re.compile(
    r'^#+ (?P<heading>[^\n]+)$|^<!-- (?P<mark>not run|beginning) -->$|^```python\n(?P<code>.*?)^```$', re.M | re.S
)

# A full-size image takes minutes without a GPU: the examples run unchanged but for these numbers.
SMALLER = {
    r'\b512, 512\b': '64, 64',
    r'\b440, 640\b': '64, 64',
    r"\b(\w+), 20, 8, 'euler'": r"\1, 2, 8, 'euler'",
    r'\bsteps = 20\b': 'steps = 2',
    r'\bsteps=(15|20)\b': 'steps=2',
    r'\bsize=512\b': 'size=64',
    r'\bsize = 512\b': 'size = 64',
    r'my-lora\.safetensors': 'tiny_lora.safetensors',
    r'4x-upscaler\.safetensors': 'tiny_4x.safetensors',
    # The lab's model is a safetensors file.
    r'v1-5-pruned-emaonly\.ckpt': 'v1-5-pruned-emaonly.safetensors',
}


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


def made_smaller(text: str) -> str:
    for pattern, smaller in SMALLER.items():
        text = re.sub(pattern, smaller, text)
    return text
