#!/usr/bin/env python3
"""The two commands: `python dev.py try` and `python dev.py test`. Standard library only.

Everything it makes lies under .cache/ and .venv/.
"""

import sys

# This file alone is read by Pythons of any age, so that an old one can say so.
if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit('Python 3.10 or newer is needed, and this is ' + sys.version.split()[0] + ': try `python3.11 dev.py`.')

import os

ROOT = os.path.dirname(os.path.abspath(__file__))
# The root is a package whose folders have the names of other people's modules (`nodes`): it must not be on the path.
sys.path[:] = [os.path.join(ROOT, 'tests')] + [p for p in sys.path if os.path.abspath(p or '.') != ROOT]

if __name__ == '__main__':
    from lab.commands import main

    sys.exit(main())
