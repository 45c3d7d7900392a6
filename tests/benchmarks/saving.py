"""What the script in each output costs: servers with and without the pack beside each other, in one run.

    python dev.py bench saving [PROMPTS]

A 50-node workflow that ends in SaveImage is queued PROMPTS times on each server in turn, every time with another value
at its beginning. A small pack in both takes the time that ComfyUI spends on handing the saver its inputs (where our
hook sits, hence what the image waits for) and on the prompt handlers, and the time of the whole prompt.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, remove_base

CLOCK = '''
import json
import time

import execution
import server

REPORT = {report!r}
took = []
handlers = []
NODE_CLASS_MAPPINGS = {{}}


def start(handler_calls):
    original = execution.get_input_data

    def get_input_data(inputs, class_def, *args, **kwargs):
        start = time.perf_counter()
        result = original(inputs, class_def, *args, **kwargs)
        # Validation asks without a list of what has been executed.
        if class_def.__name__ == 'SaveImage' and len(args) + len(kwargs) > 1:
            took.append((time.perf_counter() - start) * 1000)
            with open(REPORT, 'w', encoding='utf-8') as file:
                json.dump({{'save': took, 'queue': handlers}}, file)
        return result

    execution.get_input_data = get_input_data
    trigger = server.PromptServer.instance.trigger_on_prompt

    def timed(data):
        start = time.perf_counter()
        result = trigger(data)
        handlers.append((time.perf_counter() - start) * 1000)
        return result

    server.PromptServer.instance.trigger_on_prompt = timed


async def ready(app):
    start(handlers)


server.PromptServer.instance.app.on_startup.append(ready)
'''


def main() -> None:
    prompts = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as temporary:
        runs = {
            'without': Run(Path(temporary) / 'without', None),
            'with': Run(Path(temporary) / 'with', paths.ROOT),
        }
        time.sleep(5)  # nobody queues in the second in which the server opens its port
        try:
            for index in range(prompts):
                for run in runs.values():
                    run.queue(index)
            reports = {name: run.report() for name, run in runs.items()}
        finally:
            for run in runs.values():
                run.close()
    print(f'50-node workflow, {prompts} images on each server')
    for name in ('queue', 'save', 'prompt'):
        one, two = reports['without'][name], reports['with'][name]
        added = statistics.median(two[1:]) - statistics.median(one[1:])
        print(
            f'{name:<7} first image {one[0]:7.3f} ms without, {two[0]:7.3f} ms with; following (median) '
            f'{statistics.median(one[1:]):7.3f} without, {statistics.median(two[1:]):7.3f} with: {added:+.3f} ms'
        )


class Run:
    def __init__(self, place: Path, pack: Path | None) -> None:
        clock = place / 'clock'
        clock.mkdir(parents=True)
        self.file = place / 'report.json'
        (clock / '__init__.py').write_text(CLOCK.format(report=str(self.file)), encoding='utf-8')
        links = {'zz clock': clock} | ({'ComfyScript': pack} if pack else {})
        base = make_base(place / 'base', paths.comfyui_folder(), links)
        self.server = Server.start(paths.comfyui_folder(), paths.comfyui_python(), base)
        self.prompts: list[float] = []

    def queue(self, index: int) -> None:
        entry = self.server.queue(workflow_prompt(index), {'nodes': [], 'links': [], 'version': 0.4})
        times = {name: message['timestamp'] for name, message in entry['status']['messages']}
        self.prompts.append(times['execution_success'] - times['execution_start'])

    def report(self) -> dict[str, list[float]]:
        return json.loads(self.file.read_text(encoding='utf-8')) | {'prompt': self.prompts}

    def close(self) -> None:
        self.server.close()
        remove_base(self.server.base)


def workflow_prompt(index: int) -> dict[str, Any]:
    """A picture that goes through 48 nodes before it is saved."""
    inputs = {'width': 64, 'height': 64, 'batch_size': 1, 'color': index}
    prompt: dict[str, Any] = {'0': {'class_type': 'EmptyImage', 'inputs': inputs}}
    for step in range(1, 49):
        prompt[str(step)] = {'class_type': 'ImageInvert', 'inputs': {'image': [str(step - 1), 0]}}
    prompt['49'] = {'class_type': 'SaveImage', 'inputs': {'images': ['48', 0], 'filename_prefix': 'bench'}}
    return prompt


main()
