"""A file that holds no workflow is shown as far as it says how it was made."""

from __future__ import annotations

import pytest

from comfy_script.graph import Schemas
from comfy_script.panel.errors import RequestError
from comfy_script.panel.service import answer_file
from comfy_script.tests.transpiler.schemas import node
from comfy_script.transpiler import Metadata


def test_parameters_are_comments() -> None:
    metadata = Metadata(parameters='a cat\n\nNegative prompt: dog\nSteps: 20, Sampler: Euler')
    found = answer_file(metadata, {}, Schemas.parse({}))
    assert found['script'] == '# a cat\n#\n# Negative prompt: dog\n# Steps: 20, Sampler: Euler\n'
    assert found['source'] == 'parameters'


def test_nothing_at_all_is_said() -> None:
    with pytest.raises(RequestError, match='holds no workflow'):
        answer_file(Metadata(), {}, Schemas.parse({}))


def test_what_no_input_takes_is_said_at_the_line_of_its_node() -> None:
    known = Schemas.parse({'Known': node({'steps': ['INT', {'default': 1}]})})
    nodes = [
        {'id': 1, 'type': 'Known', 'widgets_values': [2], 'inputs': [], 'outputs': []},
        {'id': 2, 'type': 'Known', 'widgets_values': [3, 'lost'], 'inputs': [], 'outputs': []},
    ]
    found = answer_file(Metadata(workflow={'nodes': nodes, 'links': [], 'version': 0.4}), {}, known)
    (place,) = found['problems']
    assert found['script'].splitlines()[place['line'] - 1] == 'Known(3)'
    assert place['message'] == "saved values that are left out: 'lost'"
