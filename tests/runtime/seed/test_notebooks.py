"""The notebooks of the first implementation, in a real kernel with real widgets, on a real server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from comfy_script.tests.runtime.seed.conftest import Run
from comfy_script.tests.runtime.seed.test_seed import SELECT_AND_PROCESS

pytestmark = pytest.mark.server

START = """
from comfy_script.runtime import *
load()
from comfy_script.runtime.nodes import *
"""

def value_of(outputs: Sequence[Any]) -> str:
    """The value of a cell's last line."""
    [value] = (part['data']['text/plain'] for part in outputs if part['output_type'] == 'execute_result')
    return value


def texts(outputs: Sequence[Any]) -> str:
    """What a cell printed, and the plain text of what it shows."""
    return ''.join(
        part.get('text', '') or part.get('data', {}).get('text/plain', '')
        for part in outputs
        if part.get('name') != 'stderr'
    )


BASICS = """
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.ckpt')
conditioning = CLIPTextEncode('beautiful scenery nature glass bottle landscape, , purple galaxy bottle,', clip)
conditioning2 = CLIPTextEncode('text, watermark', clip)
latent = EmptyLatentImage(512, 512, 1)
latent = KSampler(model, 156680208700286, 20, 8, 'euler', 'normal', conditioning, conditioning2, latent, 1)
image = VAEDecode(latent, vae)
"""


def test_the_runtime_notebook(run_cells: Run) -> None:
    inside = BASICS.replace('\n', '\n    ')
    put, added, awaited = run_cells([
        START,
        'queue.cancel_current()',
        'queue.cancel_remaining()',
        'queue.cancel_all()',
        f"with Workflow(wait=True):{inside}SaveImage(image, 'ComfyUI')",
        f"with Workflow() as wf:{inside}SaveImage(image, 'ComfyUI')\nwf.task.wait()",
        'await wf.task',
        f"{BASICS}save = SaveImage(image, 'ComfyUI')\ntask = queue.put(save)\nprint(task)",
        f"wf = Workflow()\n{BASICS}wf += SaveImage(image, 'ComfyUI')\ntask = queue.put(wf)\nprint(task)",
        f"{BASICS}await SaveImage(image, 'ComfyUI')",
    ])[-3:]  # fmt: skip
    assert 'Task' in texts(put)
    assert 'Task' in texts(added)
    assert '<img' in str(awaited)


def test_select_and_process(run_cells: Run) -> None:
    *_, shown, clicked = run_cells([START, SELECT_AND_PROCESS, 'grid[0, 1].children[1].click()\ngrid'])
    assert 'GridspecLayout' in texts(shown)
    assert 'Image 1 is chosen' in texts(clicked)
    assert '<img' in str(clicked)


VIEWER = """
def gen(x):
    image, _ = LoadImage('example.png')
    image = ImageBlur(image, x)
    return PreviewImage(image).wait()

images = []
titles = []
for x in [1, 5, 10]:
    title = f'radius {x}'
    print(title)
    images.append(gen(x))
    titles.append(title)
ui.ipy.ImageViewer(images, titles=titles)
"""


def test_the_image_viewer(run_cells: Run) -> None:
    cells = [
        'import comfy_script.ui as ui',
        START,
        VIEWER,
        'ui.ipy.ImageViewer(images, titles=titles).display(rows=2)',
        'grid = ui.ipy.ImageViewer(PreviewImage(EmptyImage(8, 8)), EmptyImage(8, 8, 2)).widget(cols=3, width=50)\n'
        'cell = ui.ipy.ImageViewer(images, titles=titles).widget().children[1]\n'
        'grid.layout.grid_template_columns, len(grid.children), grid.children[0].children[0].layout.width, '
        'bytes(cell.children[0].value[:4]), cell.children[1].value',
    ]
    viewed, in_rows, parts = run_cells(cells)[-3:]
    assert 'GridBox(' in texts(viewed)
    assert 'GridBox(' in texts(in_rows)
    assert value_of(parts) == "('repeat(3, max-content)', 3, '50px', b'\\x89PNG', 'radius 5')"


def test_the_metadata_viewer(run_cells: Run) -> None:
    [shown, tabs] = run_cells([
        'import comfy_script.ui as ui',
        START,
        'ui.solara.MetadataViewer()',
        'data = SaveImage(EmptyImage(8, 8), "viewed").wait().read()\n'
        'viewer = ui.solara.MetadataViewer()\nviewer.open("a.png", data)\n'
        '[tab] = viewer.widget().children[1].children\n'
        'viewer.open("b.png", b"no image")\n'
        '[other] = viewer.widget().children[1].children\n'
        'tab.titles[0], "SaveImage(image, &#x27;viewed&#x27;)" in tab.children[0].value, other.value',
    ])[-2:]  # fmt: skip
    assert 'FileUpload(' in texts(shown)
    assert value_of(tabs) == "('Script', True, 'b.png: nothing of ComfyUI in it')"


def test_images_that_a_cell_shows_carry_the_cell(run_cells: Run) -> None:
    """Not the source of IPython, which asks for them; a pool's thread has none at all."""
    cells = [
        START,
        "shown = SaveImage(EmptyImage(64, 64), 'shown')  # this very cell\nshown",
        """
from concurrent.futures import ThreadPoolExecutor

made = SaveImage(EmptyImage(64, 64, 2), 'made')  # and this one
with ThreadPoolExecutor() as pool:
    pool.submit(made.wait).result()
""",
        "print(*(each.wait()[0].info['ComfyScriptSource'] for each in (shown, made)))",
    ]
    said = texts(run_cells(cells)[-1])
    assert '# this very cell' in said
    assert '# and this one' in said
    assert 'IPython' not in said


def test_errors_name_the_cell(run_cells: Run) -> None:
    cells = [
        START,
        """
import IPython

try:
    SaveImage(LoadImage('missing.png')[0]).wait()
except ComfyScriptError as error:
    print(error, *error._render_traceback_(), sep='\\n')
""",
    ]
    said = re.sub(r'\x1b\[[\d;]*m', '', texts(run_cells(cells)[-1]))
    assert 'LoadImage (node 1, cell 3, line 4)' in said
    assert 'SaveImage(LoadImage' in said
    assert 'wait_future' not in said
