"""A process with real mode loaded, that runs pieces of code sent to it: one start-up for many tests.

Reads a line of JSON (`{"code": ...}`) per request, answers with one (`{"value", "printed", "error"}`).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import traceback
from typing import Any


def main() -> None:
    comfyui, base, naked = sys.argv[1:4]
    answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
    os.dup2(2, 1)
    sys.argv = ['script.py', '--an-argument-of-the-user']
    from comfy_script.runtime import real

    # Tests look at what is previewed.
    arguments = ['--cpu', '--disable-api-nodes', '--base-directory', base, '--temp-directory', base]
    real.load(comfyui, real.ComfyUIArgs(*arguments), naked=naked == 'naked', stubs=False)
    answers.write('{"ready": true}\n')
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line)['code']), default=str) + '\n')
        answers.flush()


def run(code: str) -> dict[str, Any]:
    printed = io.StringIO()
    names: dict[str, Any] = {'__name__': '__child__'}
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code, '<test>', 'exec'), names)
    except BaseException as error:
        return {
            'error': type(error).__name__,
            'message': str(error),
            'traceback': traceback.format_exc(),
            'printed': printed.getvalue(),
        }
    return {'value': names.get('value'), 'printed': printed.getvalue()}


if __name__ == '__main__':
    main()
