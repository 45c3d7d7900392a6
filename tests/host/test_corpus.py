"""Official templates through the route of a real server, whose schemas are read from its loaded classes.

With the schemas that a server sends, the same conversion is the web UI's (`tests/transpiler/convert/test_corpus.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.tests.conftest import StartServer
from comfy_script.tests.lab.server import Server
from comfy_script.tests.parity.packages import PackageError, templates_folder
from comfy_script.tests.transpiler.running import difference, run
from comfy_script.transpiler.convert import workflow_to_prompt

pytestmark = pytest.mark.server

# 0.3.75 has the nodes of 84; far fewer would mean that they are not found.
AT_LEAST = 80


@pytest.fixture(scope='module')
def with_api_nodes(start_module_server: StartServer) -> Server:
    return start_module_server(api_nodes=True)


def test_the_script_of_a_template_is_that_of_the_schemas_sent(corpus: Path, with_api_nodes: Server) -> None:
    try:
        templates = templates_folder()
    except PackageError as error:
        pytest.skip(str(error))
    schemas = Schemas.parse(with_api_nodes.get('/object_info'))
    wrong: dict[str, str] = {}
    seen = 0
    for file in sorted((corpus / 'prompts').glob('*.json')):
        workflow = json.loads((templates / file.name).read_text(encoding='utf-8'))
        prompt = workflow_to_prompt(workflow, schemas)
        if any(node.get('class_type') not in schemas for node in prompt.values()):
            continue
        seen += 1
        answer: dict[str, Any] = with_api_nodes.post('/comfyscript/transpile', {'workflow': workflow})
        found = difference(prompt, run(answer['script'], schemas))
        if found is not None:
            wrong[file.stem] = str(found)
    assert wrong == {}
    assert seen >= AT_LEAST
