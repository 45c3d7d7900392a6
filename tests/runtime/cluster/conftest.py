"""A Ray of the tests' own, that leaves nothing behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope='module')
def temporary(tmp_path_factory) -> Iterator[Path]:
    """Ray's own temporary folder: short, because it puts sockets into it."""
    tmp_path_factory.getbasetemp()  # pytest's own is not to be made inside
    folder = Path(tempfile.mkdtemp(prefix='cs-'))
    (folder / 'ray').mkdir()  # ray.cluster_utils wants it there
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TMPDIR', str(folder))
        patch.setattr(tempfile, 'tempdir', None)
        # Else Ray writes a token into the user's home.
        patch.setenv('RAY_AUTH_MODE', 'disabled')
        yield folder
    shutil.rmtree(folder, ignore_errors=True)
