"""What pyproject.toml cannot say: PyPI shows the README without the repository, so its links are made whole."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LINK = re.compile(r'(!\[[^\]]*|)\]\((?!\w+:|#)([^)\s]+)')
"""Of a Markdown link or picture to a file of the repository: where it begins as a picture, and the file."""
CODE = re.compile(r'(^```.*?^```$)', re.MULTILINE | re.DOTALL)


def with_whole_links(readme: str, project: str) -> str:
    """`project`: the text of pyproject.toml: links lead to the files of its version's tag in its `Repository`."""
    [repository] = re.findall(r'^Repository = "(.+)"$', project, re.MULTILINE)
    [version] = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)

    def whole(found: re.Match[str]) -> str:
        picture, file = found.groups()
        return f'{picture}]({repository}/{"raw" if picture else "blob"}/v{version}/{file}'

    parts = CODE.split(readme)
    parts[::2] = [LINK.sub(whole, part) for part in parts[::2]]
    return ''.join(parts)


if __name__ == '__main__':
    from setuptools import setup

    texts = [(ROOT / name).read_text(encoding='utf-8') for name in ('README.md', 'pyproject.toml')]
    setup(long_description=with_whole_links(*texts), long_description_content_type='text/markdown')
