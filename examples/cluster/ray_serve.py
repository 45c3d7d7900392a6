"""A service that makes images of scripts and API prompts, with Ray Serve: a ComfyUI for each GPU behind one address.

    python ray_serve.py path/to/ComfyUI

    POST / {"script": "def main(seed: int):\\n    …", "inputs": {"seed": 5}}
    POST / {"prompt": {…}, "inputs": {"3.seed": 5}}
      200 {"images": {"ComfyUI_00001_.png": "<base64>"}, "value": …}
      422 {"error": "…", "line": 2}      the script is refused, or a node failed

Scripts are interpreted: they can do what a workflow can, and nothing else. Put a proxy that asks for a password in
front of it all the same: a workflow may take hours.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Sequence
from typing import Any

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

from comfy_script.runtime.cluster import Answer, LocalWorker


@serve.deployment(max_ongoing_requests=1)
class Images:
    """One ComfyUI: it does one request at a time, and Serve gives others to the other replicas."""

    def __init__(self, comfyui: str, gpus: float, args: Sequence[str]) -> None:
        self.worker = LocalWorker(comfyui, gpus=gpus, args=args)

    async def __call__(self, request: Request) -> JSONResponse:
        try:
            asked = await request.json()
            work, inputs = asked.get('script') or asked['prompt'], asked.get('inputs') or {}
        except (ValueError, AttributeError, KeyError):
            return JSONResponse({'error': 'Send JSON with "script" or "prompt", and "inputs".', 'line': None}, 400)
        answer = await asyncio.to_thread(self.worker.run, work, inputs)
        return told(answer)


def told(answer: Answer) -> JSONResponse:
    """The worker's answer as a response. A worker whose GPU is gone is replaced by Serve when its process ends."""
    failure = answer.failure
    if failure is not None and failure.broken:
        sys.exit(failure.message)
    if failure is not None:
        return JSONResponse({'error': failure.message, 'line': failure.line}, 422)
    images = {name: base64.b64encode(data).decode() for name, data in answer.files.items()}
    return JSONResponse({'images': images, 'value': as_json(answer.value)})


def as_json(value: Any) -> Any:
    """A script's output, where JSON can hold it."""
    if isinstance(value, (list, tuple)):
        return [as_json(part) for part in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else None


def app(comfyui: str, gpus: float = 1, replicas: int = 1, args: Sequence[str] = ()) -> Any:
    """The application, for `serve.run`."""
    actor = {'num_gpus': gpus, 'num_cpus': 0.5}
    return Images.options(num_replicas=replicas, ray_actor_options=actor).bind(comfyui, gpus, args)


if __name__ == '__main__':
    serve.run(app(sys.argv[1]), blocking=True)
