"""`python dev.py fuzz KIND [MINUTES] [--seed N]`: attempts of one kind, made at random, for some minutes.

Prints what was found, with the number that makes it again (`--seed N 0` tries that one alone), and how much was tried.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from .rounds import fuzz

KINDS = {
    'bounds': 'scripts that take what they can get, with functions of all tables',
    'files': 'files of every format, changed here and there',
    'workflows': 'workflows and prompts with parts of others',
    'routes': 'bodies that no page sends, to the process that reads texts',
    'clients': 'servers that answer what no server answers',
    'escapes': 'scripts put together from pieces of attacks, and programs against CPython',
}


def main() -> int:
    parser = argparse.ArgumentParser(prog='dev.py fuzz', description=__doc__)
    parser.add_argument('kind', choices=KINDS, help='; '.join(f'{kind}: {about}' for kind, about in KINDS.items()))
    parser.add_argument('minutes', type=float, nargs='?', default=10.0)
    parser.add_argument('--seed', type=int, help='the first number')
    options = parser.parse_args()
    if options.kind == 'escapes':
        # Made by hypothesis, which makes what it finds smaller.
        sys.argv = ['fuzz', str(options.minutes)]
        return import_module('comfy_script.tests.interpreter.fuzz').main()
    fuzzer = import_module(f'comfy_script.tests.fuzz.{options.kind}').fuzzer
    seconds = max(60 * options.minutes, 1e-3)
    outcome = fuzz(options.kind, fuzzer, seconds, options.seed, lambda text: print(text, flush=True))
    print(f'{options.kind}: {outcome}', flush=True)
    return 1 if outcome.found else 0


if __name__ == '__main__':
    sys.exit(main())
