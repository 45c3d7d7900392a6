"""A server's file names as names of files here: one rule on every system, so that a script does the same on each.

The rule is Windows', the narrowest (Microsoft, "Naming Files, Paths, and Namespaces").
"""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_DEVICE = re.compile(r'(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])', re.IGNORECASE)
MOST_BYTES = 200
"""Of a name: file systems take 255, and a number may be added."""


def safe_file_name(name: str) -> str:
    """The last part of a name or path, such that it lies in the folder where it is written, and is a file there.

    Without drives and streams (`D:a.png`, `a.png:b`), devices (`nul.png`), and ends that Windows drops (`a.png.`).
    """
    last = re.split(r'[/\\]', name)[-1]
    last = _FORBIDDEN.sub('_', last).rstrip('. ').lstrip(' ')
    if not last:
        return 'file'
    if _DEVICE.fullmatch(last.partition('.')[0].rstrip(' ')):
        last = f'_{last}'
    stem, dot, suffix = last.rpartition('.')
    room = MOST_BYTES - len(f'{dot}{suffix}'.encode('utf-8', 'replace'))
    if not stem or room < 1:
        return _cut(last, MOST_BYTES)
    return f'{_cut(stem, room)}{dot}{suffix}'


def _cut(text: str, most: int) -> str:
    return text.encode('utf-8', 'surrogatepass')[:most].decode('utf-8', 'ignore')
