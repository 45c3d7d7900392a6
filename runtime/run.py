"""`run('workflow.json', {'3.seed': 5})`: what a file holds is run, with other values.

The module is the function, too: `comfy_script.runtime.run` is a module in scripts for comfy-script 0.6.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Any

from ..comfyui.checkout import ComfyUIArgs
from ..graph import PromptError, Schemas
from ..graph.layout import LayoutHints, lay_out
from ..graph.prompt_changes import changed_prompt
from ..transpiler import Metadata, WorkflowFile, workflow_to_prompt
from ..transpiler.api import metadata_from
from .calls.pictures import FileToSend, files_of, is_picture
from .client.client import Client
from .client.current import default_client
from .wire.background import counting_down, log
from .wire.results import Result
from .wire.submission import Submission

__all__ = ['ComfyUIArgs', 'prompt_of', 'run']

Source = Mapping[str, Any] | str | os.PathLike[str] | Metadata


def run(
    source: Source,
    changes: Mapping[str, Any] | None = None,
    /,
    *,
    client: Client | None = None,
    timeout: float | None = None,
) -> list[Result]:
    """Run a workflow that was saved, and give its results, one per output node that had any.

    - `source`: a file (a workflow of the web UI, an API prompt, or an image or other output that holds one), or such
      JSON as text or dict.
    - `changes`: `{'3.seed': 5}` sets the input `seed` of node 3; `{'My sampler.seed': 5}` by the node's title, or by
      its class type. A picture (PIL image, array, tensor, `Path` of a file here) is uploaded.
    - `client`: the server, where it is not the one that `load()` set.

    Raises TranspileError, PromptError (a place that is not there), OSError, and what `Task.wait` raises.
    """
    left = counting_down(timeout)
    chosen = client or default_client()
    return chosen.submit(prompt_of(source, changes, client=chosen), timeout=left()).wait(left())


async def _run(
    source: Source, changes: Mapping[str, Any] | None = None, /, *, client: Client | None = None
) -> list[Result]:
    """`run`, to be awaited."""
    chosen = client or default_client()
    return await (await chosen._submit(prompt_of(source, changes, client=chosen)))


def prompt_of(
    source: Source, changes: Mapping[str, Any] | None = None, /, *, client: Client | None = None
) -> Submission:
    """What `run` queues: `client.submit(prompt_of('workflow.json'))` does not wait. `.prompt` is the API prompt."""
    chosen = client or default_client()
    found = metadata_from(source)
    workflow = WorkflowFile.parse(found.workflow) if found.workflow is not None else None
    titles = dict(_titles(workflow, workflow)) if workflow is not None else {}
    prompt: Mapping[str, Any] = found.prompt or {}
    if not prompt and workflow is not None:
        prompt = workflow_to_prompt(workflow, chosen.schemas)
    files: dict[str, bytes] = {}
    given = {place: _sent(value, files) for place, value in (changes or {}).items()}
    prompt = changed_prompt(prompt, given, titles, chosen.schemas)
    if not prompt:
        shown = str(source) if isinstance(source, os.PathLike) else f'{source!r:.200}'
        raise PromptError(f'{shown} has no node that could run')
    saved = found.workflow if found.workflow is not None and not given else None
    return Submission(
        prompt, saved or (lambda: _laid_out(prompt, chosen.schemas, titles)), source='', files=files or None
    )


def _titles(workflow: WorkflowFile, graph: Any, before: str = '') -> Iterator[tuple[str, str]]:
    """The titles of a workflow's nodes by their ids in the prompt; those of a subgraph are `host:inner`."""
    for node in graph.nodes:
        if node.title:
            yield before + node.id, node.title
        inner = workflow.subgraphs.get(node.type)
        if inner is not None and before.count(':') < _DEEPEST:
            yield from _titles(workflow, inner, f'{before}{node.id}:')


_DEEPEST = 20


def _sent(value: Any, files: dict[str, bytes]) -> Any:
    """A value as the prompt has it; a picture is a file's name there, and the file goes along."""
    if not is_picture(value):
        return str(value) if isinstance(value, PurePath) else value
    names = files_of(value)
    if len(names) > 1:
        raise PromptError(f'{len(names)} images were given where one file goes: give one of the batch')
    [name] = names
    if isinstance(name, FileToSend):
        files[str(name)] = name.data
    return str(name)


def _laid_out(prompt: Mapping[str, Any], schemas: Schemas, titles: Mapping[str, str]) -> dict[str, Any] | None:
    """The prompt as a graph: what is saved with the images is what ran."""
    known = {kind: schema for kind in {node.get('class_type') for node in prompt.values()}
             if (schema := schemas.find(kind)) is not None}  # fmt: skip
    try:
        return lay_out(copy.deepcopy(dict(prompt)), Schemas(known, known.__getitem__), LayoutHints(dict(titles), ()))
    except PromptError as error:  # such as a circle, which the server refuses, too
        log.warning('The workflow could not be laid out: %s', error)
        return None
    except Exception:
        log.exception('The workflow could not be laid out: images will be saved without it.')
        return None


class _Callable(ModuleType):
    """A module that is called as its function `run`."""

    def __call__(self, *args: Any, **options: Any) -> list[Result]:
        return run(*args, **options)


sys.modules[__name__].__class__ = _Callable
