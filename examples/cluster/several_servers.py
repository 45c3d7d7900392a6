"""Rows over several ComfyUI servers that run already, without Ray: one puller for each server.

    python several_servers.py results http://gpu1:8188 http://gpu2:8188

A server that goes away gives its row back and is asked again until it answers; the others go on meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comfy_script.runtime import Client, ConnectError, ServerLostError

ROWS = [{'id': number, 'color': number * 1000} for number in range(20)]


def make_prompt(row: Mapping[str, Any]) -> dict[str, Any]:
    """The API prompt of one row; nodes of `client.nodes` in a `Workflow` do as well."""
    size = {'width': 64, 'height': 64, 'batch_size': 1}
    return {
        '1': {'class_type': 'EmptyImage', 'inputs': {**size, 'color': row['color']}},
        '2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': f'row{row["id"]}'}},
    }


async def pull(url: str, rows: asyncio.Queue[Mapping[str, Any]], out: Path, pause: float = 5.0) -> None:
    """Takes rows for one server until none is left."""
    async with Client(url) as client:
        while not rows.empty():
            row = rows.get_nowait()
            try:
                results = await client._submit(make_prompt(row))
                for result in results:
                    for index, image in enumerate(await result):
                        save(image, out / f'{row["id"]}-{index}.png')
            except (ConnectError, ServerLostError) as error:
                rows.put_nowait(row)
                print(f'{url} is gone ({error}); trying again in {pause:g} s', file=sys.stderr)
                await asyncio.sleep(pause)


def save(image: Any, path: Path) -> None:
    partial = path.with_suffix('.partial.png')
    image.save(partial)
    partial.replace(path)


async def main(out: Path, urls: Sequence[str], rows: Sequence[Mapping[str, Any]] = ROWS) -> None:
    out.mkdir(parents=True, exist_ok=True)
    waiting: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    for row in rows:
        if not list(out.glob(f'{row["id"]}-*.png')):  # what an earlier run has made
            waiting.put_nowait(row)
    await asyncio.gather(*(pull(url, waiting, out) for url in urls))


if __name__ == '__main__':
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
