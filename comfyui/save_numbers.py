"""Numbers of saved files that no two processes share.

ComfyUI counts the files that lie in the folder (folder_paths.py `get_save_image_path`), so that two processes that save
at the same time take the same number, and one's file replaces the other's. In every ComfyUI that we start a number is
claimed first, by an empty file that ComfyUI counts, too: `NAME_00005_.saving`. It goes when the saver has dropped the
number. Savers take the next number by `counter += 1`, which claims that one.

Also imported by a ComfyUI that runs in a process of its own (`runtime/client/watchdog.py`), where this package may not
be installed: standard library only, no imports from here.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from typing import Any, NamedTuple

SUFFIX = '.saving'
LEFT_AFTER = 86_400.0
"""Seconds after which a claim is one of a process that was killed."""


class NumberedFiles(NamedTuple):
    """Where files get numbers: a folder, and what their names begin with."""

    folder: str
    name: str

    def claim(self, number: int) -> ClaimedNumber:
        """The first number from this one on that nobody has. Raises OSError."""
        while True:
            path = os.path.join(self.folder, f'{self.name}_{number:05}_{SUFFIX}')
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                number += 1
                continue
            claimed = ClaimedNumber(number, self, path)
            # Another process may have claimed, saved and dropped it since files were counted.
            if not self._has(number):
                return claimed
            number += 1

    def _has(self, number: int) -> bool:
        start = os.path.normcase(f'{self.name}_{number:05}')
        return any(
            name.startswith(start) and not name[len(start) :][:1].isdigit() and not name.endswith(SUFFIX)
            for name in map(os.path.normcase, os.listdir(self.folder))
        )

    def remove_leftovers(self) -> None:
        """Remove the claims of processes that were killed."""
        for name in os.listdir(self.folder):
            if name.startswith(f'{self.name}_') and name.endswith(SUFFIX):
                path = os.path.join(self.folder, name)
                # Others come and go all the time.
                with contextlib.suppress(OSError):
                    if time.time() - os.path.getmtime(path) > LEFT_AFTER:
                        os.unlink(path)


class ClaimedNumber(int):
    """A number that is ours for as long as this object lives."""

    _files: NumberedFiles
    _claim: str

    def __new__(cls, number: int, files: NumberedFiles, claim: str) -> ClaimedNumber:
        made = super().__new__(cls, number)
        made._files = files
        made._claim = claim
        return made

    def __add__(self, other: Any) -> Any:
        total = int(self) + other
        if type(other) is not int or other < 1:
            return total
        try:
            return self._files.claim(total)
        except OSError:
            return total

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)

    def __copy__(self) -> int:
        return int(self)

    def __deepcopy__(self, memo: Any) -> int:
        return int(self)

    def __del__(self, unlink: Any = os.unlink) -> None:
        try:
            unlink(self._claim)
        except (OSError, AttributeError):
            pass


def claim_numbers(folder_paths: Any) -> None:
    """Have all savers of a ComfyUI claim their numbers. `folder_paths` is its module."""
    count = folder_paths.get_save_image_path

    @functools.wraps(count)
    def get_save_image_path(*args: Any, **kwargs: Any) -> Any:
        folder, name, number, *rest = count(*args, **kwargs)
        # The temporary folder is this process's own.
        if os.path.abspath(folder).startswith(os.path.abspath(folder_paths.get_temp_directory())):
            return folder, name, number, *rest
        try:
            files = NumberedFiles(folder, name)
            files.remove_leftovers()
            return folder, name, files.claim(number), *rest
        except OSError:
            return folder, name, number, *rest  # saving says what is wrong with the folder

    folder_paths.get_save_image_path = get_save_image_path
