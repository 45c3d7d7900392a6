"""Rows over several ComfyUI servers that run already, without Ray: one puller for each server.

    python several_servers.py results http://gpu1:8188 http://gpu2:8188

A server that goes away gives its row back and is asked again until it answers; the others go on meanwhile. Called
again, it makes what is missing in `results`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comfy_script.runtime import Client, ConnectError, TaskError, Workflow

Row = Mapping[str, Any]
ROWS: Sequence[Row] = [{'id': number, 'color': number * 1000} for number in range(20)]


def make(nodes: Any, row: Row) -> Any:
    """The nodes of one row; gives the output whose images are saved here."""
    return nodes.SaveImage(nodes.EmptyImage(64, 64, 1, row['color']), f'row{row["id"]}')


async def pull(url: str, rows: asyncio.Queue[Row], out: Path, pause: float, lost_after: float) -> None:
    """Takes rows for one server until all are made."""
    async with Client(url, lost_after=lost_after) as client:
        while True:
            row = await rows.get()
            is_gone = False
            try:
                nodes = await asyncio.to_thread(lambda: client.nodes)  # the first time it asks the server
                async with Workflow():
                    made = make(nodes, row)
                await save(await made, row, out)
            except ConnectError as error:
                is_gone = True
                rows.put_nowait(row)
                print(f'{url} is gone ({error}); it is asked again in {pause:g} s', file=sys.stderr)
            except TaskError as error:  # it would fail on each server
                print(f'Row {row["id"]}: {error}', file=sys.stderr)
            rows.task_done()
            if is_gone:
                await asyncio.sleep(pause)


async def save(images: Any, row: Row, out: Path) -> None:
    """A row's images: its folder gets its name when all are there."""
    partial = out / f'.partial-{row["id"]}'
    await images._save(partial)
    partial.replace(out / str(row['id']))


async def main(
    out: Path, urls: Sequence[str], rows: Sequence[Row] = ROWS, pause: float = 5.0, lost_after: float = 10.0
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    waiting: asyncio.Queue[Row] = asyncio.Queue()
    for row in rows:
        if not (out / str(row['id'])).exists():  # what an earlier run has made
            waiting.put_nowait(row)
    pullers = [asyncio.create_task(pull(url, waiting, out, pause, lost_after)) for url in urls]
    ended = asyncio.create_task(waiting.join())
    # A puller never ends by itself: one that does has found a mistake in this script.
    await asyncio.wait([ended, *pullers], return_when=asyncio.FIRST_COMPLETED)
    for puller in [ended, *pullers]:
        puller.cancel()
    for puller in await asyncio.gather(*pullers, return_exceptions=True):
        if not isinstance(puller, asyncio.CancelledError):
            raise puller


if __name__ == '__main__':
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
