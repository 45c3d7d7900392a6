"""The order of a script's statements: dependencies first, groups together, otherwise as the prompt has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush


def depth_first(steps: Sequence[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Each step after those it needs, which come right before it. The steps must not run in a circle."""
    done: dict[str, None] = {}
    for root in steps:
        if root in done:
            continue
        stack = [root]
        while stack:
            step = stack[-1]
            if step in done:
                stack.pop()
                continue
            missing = [need for need in needs[step] if need not in done]
            if missing:
                stack.extend(reversed(missing))
            else:
                done[step] = None
                stack.pop()
    return list(done)


def by_section(
    ordered: Sequence[str], needs: Mapping[str, Sequence[str]], section_of: Mapping[str, int], places: Sequence[int]
) -> list[str]:
    """Steps of one section (a group of the workflow) together, sections in reading order, as far as links allow.

    `ordered` is an order that the links allow already; steps without a section keep to it.
    """
    if not section_of:
        return list(ordered)
    return _Sections(ordered, needs, section_of, places).order()


class _Sections:
    """Takes sections one after the other: the first in rank that can be written whole, else the first with
    anything that can be written. A step without a section is one of its own."""

    def __init__(
        self,
        ordered: Sequence[str],
        needs: Mapping[str, Sequence[str]],
        section_of: Mapping[str, int],
        places: Sequence[int],
    ):
        self.needs = needs
        self.index = {step: index for index, step in enumerate(ordered)}
        self.section = {step: section_of.get(step, ~index) for step, index in self.index.items()}
        self.rank = self._ranks(places)
        self.users: dict[str, list[str]] = {step: [] for step in ordered}
        self.waiting = dict.fromkeys(ordered, 0)
        self.outside = dict.fromkeys(self.section.values(), 0)
        """How many links from steps of other sections, not written yet, each section waits for."""
        for step in ordered:
            for need in set(needs[step]):
                self.users[need].append(step)
                self.waiting[step] += 1
                if self.section[need] != self.section[step]:
                    self.outside[self.section[step]] += 1
        self.ready: dict[int, list[int]] = {section: [] for section in self.outside}
        self.left = dict.fromkeys(self.outside, 0)
        for step, section in self.section.items():
            self.left[section] += 1
            if not self.waiting[step]:
                self.ready[section].append(self.index[step])
        self.steps = list(ordered)

    def _ranks(self, places: Sequence[int]) -> dict[int, int]:
        """Sections without a group rank by their step; groups share out the ranks of their first steps in reading
        order."""
        first: dict[int, int] = {}
        for step, section in self.section.items():
            first.setdefault(section, self.index[step])
        groups = [section for section in first if section >= 0]
        in_reading_order = sorted(groups, key=lambda section: places[section])
        for section, rank in zip(in_reading_order, sorted(first[section] for section in groups)):
            first[section] = rank
        return first

    def order(self) -> list[str]:
        whole = [(self.rank[section], section) for section, count in self.outside.items() if not count]
        started = [(self.rank[section], section) for section, ready in self.ready.items() if ready]
        heapify(whole)
        heapify(started)
        written: list[str] = []
        while len(written) < len(self.steps):
            section = self._next(whole) or self._next(started)
            assert section is not None
            self._write(section[1], written, whole, started)
        return written

    def _next(self, heap: list[tuple[int, int]]) -> tuple[int, int] | None:
        while heap:
            found = heappop(heap)
            if self.left[found[1]] and self.ready[found[1]]:
                return found
        return None

    def _write(
        self, section: int, written: list[str], whole: list[tuple[int, int]], started: list[tuple[int, int]]
    ) -> None:
        """Writes all of a section that can be written now."""
        ready = self.ready[section]
        heapify(ready)
        while ready:
            step = self.steps[heappop(ready)]
            written.append(step)
            self.left[section] -= 1
            for user in self.users[step]:
                other = self.section[user]
                self.waiting[user] -= 1
                if other != section:
                    self.outside[other] -= 1
                    if not self.outside[other]:
                        heappush(whole, (self.rank[other], other))
                if not self.waiting[user]:
                    if not self.ready[other]:
                        heappush(started, (self.rank[other], other))
                    heappush(self.ready[other], self.index[user])


def sections_in(order: Iterable[str], section_of: Mapping[str, int]) -> list[tuple[int | None, list[str]]]:
    """Runs of steps of one section, in order."""
    runs: list[tuple[int | None, list[str]]] = []
    for step in order:
        section = section_of.get(step)
        if not runs or runs[-1][0] != section:
            runs.append((section, []))
        runs[-1][1].append(step)
    return runs
