"""The 30 tasks of `bench agent`, from `bench_tasks.toml`: what each starts from, and what a good agent does."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tomllib

from comfy_script.tests.lab import paths
from comfy_script.tests.parity.packages import templates_folder

FILE = Path(__file__).with_suffix('.toml')

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class AgentTask:
    """`edits`: the right answer, as edits of the start's script. `varied`: a batch as values of one workflow."""

    kind: str
    name: str
    workflow: dict[str, Any]
    edits: tuple[tuple[str, str], ...]
    looks: tuple[Call, ...] = ()
    varied: tuple[tuple[str, str, list[Any]], ...] = ()

    @property
    def saved_as(self) -> str:
        return self.name.replace(' ', '-').replace(',', '')

    @property
    def graph_can(self) -> bool:
        """Whether a graph alone can do it: a graph has no condition."""
        return not any('.mean()' in new for _, new in self.edits)


class Starts:
    """The official templates, and workflows with packs' nodes. Raises PackageError."""

    def __init__(self, small: Mapping[str, list[list[Any]]]) -> None:
        self._small = small

    def workflow(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of what the task starts from, small, with what it sets."""
        if 'template' in task:
            found = json.loads((self._templates / f'{task["template"]}.json').read_text(encoding='utf-8'))
        else:
            found = json.loads(json.dumps(self._cases[task['case']]['workflow']))
        for node in nodes_of(found):
            for place, value in self._small.get(node['type'], ()):
                node['widgets_values'][place] = value
        return changed(found, task)

    @cached_property
    def _templates(self) -> Path:
        return templates_folder()

    @cached_property
    def _cases(self) -> dict[str, Any]:
        file = paths.needed_corpus('packs/cases.json.gz') / 'packs' / 'cases.json.gz'
        return json.loads(gzip.decompress(file.read_bytes()))


def nodes_of(workflow: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Also those in subgraphs."""
    yield from workflow['nodes']
    for subgraph in workflow.get('definitions', {}).get('subgraphs', ()):
        yield from subgraph['nodes']


def changed(workflow: dict[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
    nodes = list(nodes_of(workflow))

    def find(which: Any) -> dict[str, Any]:
        return next(node for node in nodes if which in (node['id'], node['type']))

    for which, place, value in task.get('set', ()):
        find(which)['widgets_values'][place] = value
    for which, class_type in task.get('type', ()):
        find(which)['type'] = class_type
    for which, origin, slot in task.get('link', ()):
        link = next(link for link in workflow['links'] if link[0] == which)
        find(link[1])['outputs'][link[2]]['links'].remove(which)
        find(origin)['outputs'][slot].setdefault('links', []).append(which)
        link[1:3] = origin, slot
    without = task.get('without', ())
    workflow['nodes'] = [node for node in workflow['nodes'] if node['id'] not in without]
    workflow['links'] = [link for link in workflow['links'] if link[1] not in without and link[3] not in without]
    return workflow


def read_tasks() -> tuple[AgentTask, ...]:
    data = read_data()
    starts = Starts(data['small'])
    return tuple(
        AgentTask(
            one['kind'],
            one['name'],
            starts.workflow(one),
            tuple((old, new) for old, new in one['edits']),
            tuple((tool, arguments) for tool, arguments in one.get('looks', ())),
            tuple((node, name, values) for node, name, values in one.get('varied', ())),
        )
        for one in data['task']
    )


def read_data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding='utf-8'))
