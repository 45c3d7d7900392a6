"""What people copy first keeps the image as the server made it, with its workflow: `save('name.png')` of a result."""

from __future__ import annotations

import re

import pytest

from comfy_script.tests.lab.paths import ROOT

PAGES = ('README.md', 'docs/Runtime.md', 'docs/tutorial.md', 'docs/cookbook.md', 'examples/first_image.py')
SAVES = re.compile(r"(\S*)\.save\((?:'([^']*)'|([^)\n]*))")


@pytest.mark.parametrize('page', PAGES)
def test_the_first_image_that_is_kept(page: str) -> None:
    text = (ROOT / page).read_text(encoding='utf-8')
    first = SAVES.search(text)
    assert first is not None
    of, name, _ = first.groups()
    assert of.endswith('.wait()'), f'{first[0]}: of the result, not of one decoded image, which has lost its workflow'
    assert re.fullmatch(r'[\w-]+\.png', name or ''), f'{first[0]}: a folder is made of a name without a suffix'


def test_nothing_shows_the_way_that_loses_the_workflow() -> None:
    pages = [*ROOT.glob('docs/*.md'), *ROOT.glob('examples/*.*'), ROOT / 'README.md']
    for page in pages:
        found = re.search(r'(?:wait\(\)|images?|result)\[\d\]\.save\(', page.read_text(encoding='utf-8'))
        assert found is None, f'{page.name}: {found and found[0]} loses the metadata'
