"""Texts that nest deeper than `json` reads: an error of ours, or taken as a text; wherever JSON is read."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from comfy_script.transpiler import TranspileError, read_metadata, transpile
from comfy_script.transpiler.cli import read_schemas
from comfy_script.transpiler.convert.hosts import parse_list
from comfy_script.transpiler.files import metadata_of

LISTS = '[' * 100_000
OBJECTS = '{"nodes": ' * 100_000


@pytest.mark.parametrize('text', [LISTS, OBJECTS])
class TestDeepJson:
    def test_given_as_a_text(self, text: str) -> None:
        with pytest.raises(TranspileError, match='not readable as JSON'):
            transpile(text)

    def test_in_a_file(self, text: str, tmp_path: Path) -> None:
        file = tmp_path / 'a b.json'
        file.write_text(text, encoding='utf-8')
        with pytest.raises(TranspileError, match=r'a b\.json'):
            read_metadata(file)

    def test_as_object_info(self, text: str, tmp_path: Path) -> None:
        file = tmp_path / 'info.json'
        file.write_text(text, encoding='utf-8')
        with pytest.raises(TranspileError, match='not readable as JSON'):
            read_schemas(argparse.Namespace(server=None, object_info=file, comfyui=None))

    def test_as_a_workflow_beside_a_prompt(self, text: str) -> None:
        with pytest.raises(TranspileError, match='its workflow is not readable as JSON'):
            metadata_of({'prompt': {'1': {'class_type': 'A', 'inputs': {}}}, 'workflow': text})

    def test_as_a_script(self, text: str) -> None:
        prompt = {'1': {'class_type': 'A', 'inputs': {}}}
        assert metadata_of({'prompt': prompt, 'ComfyScript': text}).script == text

    def test_in_a_nodes_properties(self, text: str) -> None:
        assert parse_list(text) == []
        assert parse_list(json.dumps([1])) == [1]
