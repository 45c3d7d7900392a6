"""The examples with Ray Data and Ray Serve, on a real ComfyUI."""

from __future__ import annotations

import base64
import importlib
import io
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from comfy_script.tests.lab.paths import ROOT
from comfy_script.tests.lab.server import free_port

ray: Any = pytest.importorskip('ray', reason='Ray is not installed: pip install "comfyscript[ray]"')
pytestmark = [pytest.mark.ray, pytest.mark.server, pytest.mark.timeout(280)]

EXAMPLES = ROOT / 'examples' / 'cluster'
ARGS = ['--disable-api-nodes', '--disable-all-custom-nodes']
SCRIPT = """
def main(color: int):
    SaveImage(EmptyImage(64, 64, 1, color), 'served')
    return color * 2
"""


@pytest.fixture(scope='module')
def cluster(lab, temporary) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', f'{lab.site}{":" if sys.platform != "win32" else ";"}{EXAMPLES}')
        patch.setenv('RAY_USAGE_STATS_ENABLED', '0')
        patch.syspath_prepend(str(EXAMPLES))
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level='error')
        yield
        ray.shutdown()


def read(images: Any) -> tuple[tuple[int, int, int], str]:
    """The color of a PNG file, and the script in it."""
    with Image.open(io.BytesIO(images)) as image:
        return image.convert('RGB').getpixel((0, 0)), image.info['ComfyScript']  # type: ignore[return-value]


def test_a_table_goes_on_where_it_stopped(cluster, lab, tmp_path):
    pytest.importorskip('ray.data', reason='Ray Data is not installed: pip install "ray[data]"')
    import pyarrow.parquet

    example = importlib.import_module('ray_data')
    table, out = tmp_path / 'rows.csv', tmp_path / 'out'

    def run(rows: int) -> dict[int, dict[str, Any]]:
        lines = ['id,color', *(f'{number},{number * 256}' for number in range(rows))]
        table.write_text('\n'.join(lines), encoding='utf-8')
        example.main(str(lab.comfyui), table, out, gpus=0, args=ARGS)
        made = [row for file in out.glob('*.parquet') for row in pyarrow.parquet.read_table(file).to_pylist()]
        assert len(made) == rows, 'each once'
        return {row['id']: row for row in made}

    first = run(3)
    second = run(5)
    assert {number: second[number] for number in first} == first
    for number, row in second.items():
        color, script = read(row['image'])
        assert (color, row['error']) == ((0, number, 0), '')
        assert f"'row{number}'" in script


def test_too_few_processors_are_said_and_not_waited_for(cluster, tmp_path):
    pytest.importorskip('ray.data', reason='Ray Data is not installed: pip install "ray[data]"')
    example = importlib.import_module('ray_data')
    with pytest.raises(SystemExit, match='8 workers and Ray Data need 5 CPUs, and the cluster has 4'):
        example.main('nowhere', tmp_path / 'rows.csv', tmp_path / 'out', workers=8)


def post(port: int, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(f'http://127.0.0.1:{port}/', json.dumps(body).encode(), method='POST')
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_service_makes_images_of_scripts_and_prompts(cluster, lab):
    serve = pytest.importorskip('ray.serve', reason='Ray Serve is not installed: pip install "ray[serve]"')
    example = importlib.import_module('ray_serve')
    port = free_port()
    serve.start(http_options={'host': '127.0.0.1', 'port': port})
    try:
        serve.run(example.app(str(lab.comfyui), gpus=0, args=ARGS))

        status, made = post(port, {'script': SCRIPT, 'inputs': {'color': 255}})
        assert (status, made['value']) == (200, 510)
        (name,) = made['images']
        color, script = read(base64.b64decode(made['images'][name]))
        assert name == 'served_00001_.png' and color == (0, 0, 255) and 'SaveImage' in script

        prompt = {
            '1': {'class_type': 'EmptyImage', 'inputs': {'width': 64, 'height': 64, 'batch_size': 1, 'color': 0}},
            '2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'p'}},
        }
        status, made = post(port, {'prompt': prompt, 'inputs': {'1.color': 0xFF0000}})
        assert status == 200 and read(base64.b64decode(made['images']['p_00001_.png']))[0] == (255, 0, 0)

        status, refused = post(port, {'script': "a = 1\nimport os\nos.system('id')"})
        assert (status, refused['line']) == (422, 2)
        assert 'the module os is not available in scripts' in refused['error']
        assert post(port, {'nothing': 1})[0] == 400
    finally:
        serve.shutdown()
