"""Work over many GPUs and machines, on Ray: rows in, files out, each exactly once.

    from comfy_script.runtime.cluster import Pool

    with Pool('path/to/ComfyUI', gpus=1) as pool:
        for done in pool.map(make, rows, key='id', out='results', route='ckpt'):
            print(done.key, done.files, done.error)

Needs Ray: `pip install comfyscript[ray]`. It is imported when a `Pool` is made, never before. See docs/many-gpus.md.

pool       `Pool`: workers and rows
local      `LocalWorker`: one worker in this process, for other engines
given      what callers give, as what a worker is sent
dispatch   what a pool does as answers come in
schedule   which row goes to which worker
rows       rows, and their keys as names of folders
journal    the folder that results are written to, and what is finished in it
work       what a worker is sent, and what it answers
worker     one worker: a process with a ComfyUI in it, or beside it
engines    the ways to run work: real mode, a server, plain Python
"""

from .errors import ClusterError, DuplicateKeyError, RayMissingError, RowError, WorkerLostError, WorkerStartError
from .journal import Done
from .local import LocalWorker
from .pool import Pool
from .work import Answer, Failure

__all__ = [
    'Answer',
    'ClusterError',
    'Done',
    'DuplicateKeyError',
    'Failure',
    'LocalWorker',
    'Pool',
    'RayMissingError',
    'RowError',
    'WorkerLostError',
    'WorkerStartError',
]
