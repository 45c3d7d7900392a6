"""Random edits on the canvas against the same edits as text, in a real browser (`tests/js/edit_sequences.py`).

    python dev.py bench edits [SEQUENCES] [FIRST SEED]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from comfy_script.tests.js.conftest import FLAGS, Panel, chromium, small_workflow
from comfy_script.tests.js.edit_sequences import EDITS, problem, start_of
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base

EVERY = 25


def main() -> None:
    from playwright.sync_api import sync_playwright

    given = [int(argument) for argument in sys.argv[1:]]
    count, first = (*given, *(500, 0)[len(given) :])
    comfyui = paths.comfyui_folder()
    base = make_base(Path(tempfile.mkdtemp()), comfyui, pack_links('ComfyScript', comfyui, testing=False))
    server = Server.start(comfyui, paths.comfyui_python(), base)
    began = time.perf_counter()
    failed: list[int] = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            panel = Panel(browser.new_context(bypass_csp=True).new_page(), server)
            panel.goto()
            panel.load(small_workflow())
            panel.open()
            workflow = start_of(panel)
            for number, seed in enumerate(range(first, first + count), 1):
                found = problem(panel, workflow, seed)
                if found:
                    failed.append(seed)
                    print(found, flush=True)
                if number % EVERY == 0:
                    print(f'{number} sequences, {len(failed)} failed, {time.perf_counter() - began:.0f} s', flush=True)
            browser.close()
    finally:
        server.close()
        remove_base(base)
    print(f'{count} sequences of {EDITS} edits: {len(failed)} failed {failed or ""}')
    sys.exit(bool(failed))


main()
