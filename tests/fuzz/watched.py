"""Runs scripts that come line by line, and says of each how it ended and what was wrong with that.

Times are the processor's, of this process: a machine that does much else makes them no longer.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

BOUNDS = {'seconds': 1.5, 'memory': 256 << 20, 'steps': 3_000_000, 'tensor_elements': 1 << 25}
GAP = 1.0
"""Seconds that nobody else got Python's lock."""
AFTER = 3.0
"""Seconds from the end of a script's time, or from an interrupt, to its end: one operation and what is freed then."""
MORE = 256 << 20
"""Bytes of growth that mean nothing (`interpreter/lang/resident.py`), beside the bound and half of it."""
HARD = 3 << 30


class Interrupted(Exception):
    """As ComfyUI's."""


class Pinger(threading.Thread):
    """Another client: how much of the processor's time went by between two of its turns."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0

    def run(self) -> None:
        last = time.process_time()
        while True:
            time.sleep(0.01)
            now = time.process_time()
            self.longest = max(self.longest, now - last)
            last = now


def peak() -> int:
    """Bytes of memory at most since `forget_peak`; 0 where that cannot be known."""
    try:
        status = Path('/proc/self/status').read_text(encoding='ascii')
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith('VmHWM'))


def forget_peak() -> None:
    try:
        Path('/proc/self/clear_refs').write_text('5', encoding='ascii')
    except OSError:
        return


def limit() -> None:
    if sys.platform != 'win32':
        import resource

        if sys.platform == 'linux':
            size = int(Path('/proc/self/statm').read_text(encoding='ascii').split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + HARD, size + HARD))


def attempt(text: str, pinger: Pinger) -> dict[str, Any]:
    from comfy_script.interpreter import Bounds, ScriptError, run_script

    gc.collect()
    forget_peak()
    before = peak()
    began = time.process_time()
    interrupt_after = 0.3 if len(text) % 2 else 1e9
    pinger.longest = 0.0
    wrong: list[str] = []

    def interrupt() -> None:
        if time.process_time() - began > interrupt_after:
            raise Interrupted

    ended = 'ran'
    try:
        run_script(text, bounds=Bounds(**BOUNDS), check_interrupt=interrupt)  # type: ignore[arg-type]
    except ScriptError as error:
        ended = type(error).__name__
        if 'ran out of memory' in str(error):
            wrong.append(str(error)[:200])
    except Interrupted:
        ended = 'interrupted'
    except BaseException as error:
        wrong.append(f'{type(error).__name__}: {str(error)[:300]}')
    took = time.process_time() - began
    grown = peak() - before
    if took > min(interrupt_after, BOUNDS['seconds']) + AFTER:
        wrong.append(f'took {took:.1f} s, {ended}')
    if pinger.longest > GAP:
        wrong.append(f'held the lock for {pinger.longest:.1f} s')
    if grown > BOUNDS['memory'] * 1.5 + MORE:
        wrong.append(f'took {grown >> 20} MB')
    return {'ended': ended, 'wrong': '; '.join(wrong), 'took': took, 'grown': grown}


def main() -> None:
    import torch

    torch.set_num_threads(1)
    from comfy_script.tests.interpreter.test_fuzz import warm

    warm()
    limit()
    pinger = Pinger()
    pinger.start()
    for line in sys.stdin:
        print(json.dumps(attempt(json.loads(line), pinger)), flush=True)


if __name__ == '__main__':
    main()
