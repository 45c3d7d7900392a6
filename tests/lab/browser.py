"""Finds a Chromium for the tests in a real browser, or gets one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .paths import CACHE, venv_python

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge')
PLACES = (
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    'C:/Program Files/Google/Chrome/Application/chrome.exe',
    'C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe',
)
DOWNLOADS = CACHE / 'playwright'


def find_browser() -> Path | None:
    """COMFYSCRIPT_CHROMIUM, an installed one, or the one that Playwright downloaded."""
    named = os.environ.get('COMFYSCRIPT_CHROMIUM')
    installed = [named] if named else [*map(shutil.which, NAMES), *PLACES]
    for place in installed:
        if place and Path(place).is_file():
            return Path(place)
    for pattern in ('*/chrome-*/chrome', '*/chrome-*/chrome.exe', '*/chrome-*/*.app/Contents/MacOS/*'):
        for place in DOWNLOADS.glob(pattern):
            return place
    return None


def ensure_browser(say: Callable[[str], None]) -> Path | str:
    """A browser's path, or one sentence that says why there is none."""
    found = find_browser()
    if found is not None:
        return found
    log = CACHE / 'log' / 'browser.log'
    for what, command in _ways():
        say(f'Installing a browser: {what}')
        with log.open('wb') as output:
            env = {**os.environ, 'PLAYWRIGHT_BROWSERS_PATH': str(DOWNLOADS), 'DEBIAN_FRONTEND': 'noninteractive'}
            subprocess.call(command, stdout=output, stderr=subprocess.STDOUT, env=env)
        found = find_browser()
        if found is not None:
            return found
    return (
        'No Chromium is installed and none could be downloaded: the browser tests are skipped '
        '(install Chromium or Chrome, or name one in COMFYSCRIPT_CHROMIUM).'
    )


def _ways() -> list[tuple[str, list[str]]]:
    ways = [('Playwright\'s own download', [str(venv_python()), '-m', 'playwright', 'install', 'chromium'])]
    apt = shutil.which('apt-get')
    if apt and sys.platform != 'win32' and os.geteuid() == 0:
        ways.insert(0, ('Debian package chromium', [apt, 'install', '-y', '--no-install-recommends', 'chromium']))
    return ways
