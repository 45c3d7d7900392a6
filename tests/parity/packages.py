"""Wheels that parity needs, downloaded once into `.cache`: workflow templates and web UIs of any version."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comfy_script.tests.lab.paths import CACHE

CORPUS_TEMPLATES = '0.1.50'
"""The version of the templates that the corpus was made from."""


class PackageError(Exception):
    """A package could not be downloaded."""


def _unpacked(package: str, version: str, folder: Path) -> Path:
    if (folder / 'complete').is_file():
        return folder
    wheels = folder.with_name(folder.name + '.wheels')
    command = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:']
    done = subprocess.run(
        [*command, '--dest', str(wheels), f'{package}=={version}'], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ['no reason given']
        raise PackageError(f'{package}=={version} could not be downloaded: {last[0]}')
    for wheel in wheels.glob('*.whl'):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    shutil.rmtree(wheels, ignore_errors=True)
    (folder / 'complete').touch()
    return folder


def templates_folder(version: str = CORPUS_TEMPLATES) -> Path:
    """The folder of `comfyui-workflow-templates-json` with the templates in it. Raises PackageError."""
    folder = _unpacked('comfyui-workflow-templates-json', version, CACHE / 'templates' / version)
    return next(folder.glob('*/templates'))


def web_ui_folder(version: str) -> Path:
    """The files of `comfyui-frontend-package`, for `--front-end-root`. Raises PackageError."""
    folder = _unpacked('comfyui-frontend-package', version, CACHE / 'web_ui' / version)
    return next(folder.glob('*/static'))


def read_workflows(place: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of every web UI workflow in a folder, by name, or of every case in a file (`.json.gz`)."""
    if place.is_file():
        for name, case in json.loads(gzip.decompress(place.read_bytes())).items():
            yield name, case['workflow']
        return
    for file in sorted(place.glob('*.json')):
        data = json.loads(file.read_text(encoding='utf-8'))
        if isinstance(data, dict) and isinstance(data.get('nodes'), list):
            yield file.stem, data
