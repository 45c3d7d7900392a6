"""The graph that is open in the browser, for an agent: its script, and the graph made what a script says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..panel.bounded import LONG, SHORT, cut, lines_in_words, listed, one_line
from ..runtime.wire.background import run_sync
from .errors import AgentError
from .script_checks import remark
from .studio import CallingAgent, SeenGraph, Studio

ROUTE = 'comfyscript/agent'
SECONDS = 75.0
"""The server gives the page 30 until it begins, and 30 from then on."""

REFUSALS = {
    'off': "the person has switched it off in ComfyUI's settings (ComfyScript, Agents)",
    'unread': 'call open_graph first: whoever has not seen the graph would write over it',
    'anew': 'that page was loaded anew, or another one was looked at since: call open_graph again',
    'other': 'another workflow is on screen now ({name}): call open_graph again',
    'moved': 'the person has changed the same places since: call open_graph again and redo your change',
    'busy': 'the person is applying or queueing something at this moment: try again',
    'failed': 'the page could not do it: {reason}',
}
"""What the page says (js/panel/agent.mjs) → what the agent reads."""


def open_graph(studio: Studio, caller: CallingAgent) -> str:
    """Script, selection, errors of the last run. Raises AgentError, ConnectError."""
    found = _ask(studio, caller, 'open_graph')
    whole = _read(studio, caller, found)
    return cut('\n'.join([*_facts(found), whole]), LONG, 'too long to be shown, so it cannot be applied either')


def open_script(studio: Studio, caller: CallingAgent) -> str:
    """The script alone. Raises AgentError, ConnectError."""
    return cut(_read(studio, caller, _ask(studio, caller, 'open_graph')), LONG, 'too long to be shown')


def _read(studio: Studio, caller: CallingAgent, found: Mapping[str, Any]) -> str:
    """The script; seen by the agent, unless it is too long to be shown whole."""
    script = str(found.get('script', ''))
    whole = len(script) < LONG - SHORT
    studio.has_seen(caller, SeenGraph(str(found['read']), script) if whole else SeenGraph())
    return script


def _facts(found: Mapping[str, Any]) -> Iterator[str]:
    pages = found.get('pages', 1)
    which = f' (on the page looked at last, of {pages})' if pages > 1 else ''
    yield f'# open: {one_line(str(found.get("name")), 80)}{which}'
    if found.get('selected'):
        yield f'# selected: {lines_in_words(found["selected"])}'
    for kind, key in (('error of the last run', 'errors'), ('warning', 'problems')):
        for one in (found.get(key) or ())[:10]:
            yield f'# {remark(kind, one | {"message": one_line(str(one["message"]), 400)})}'
    for note in (found.get('warnings') or ())[:5]:
        yield f'# note: {one_line(str(note))}'


def apply_script(studio: Studio, caller: CallingAgent, text: str) -> tuple[str, bool]:
    """What changed in the open graph, or why it was refused, and whether that is an error.

    Raises AgentError, ConnectError.
    """
    if not studio.permissions.may_apply:
        raise AgentError('changing the open graph is switched off here (--no-apply)')
    found = _ask(studio, caller, 'apply', script=text, read=studio.seen(caller).number)
    if found.get('errors'):
        lines = ['The graph is as it was:', *(remark('error', one) for one in found['errors'])]
        return cut('\n'.join(lines), SHORT, 'correct these first'), True
    studio.has_seen(caller, SeenGraph(str(found['read']), str(found.get('script', text))))
    edits, left = found.get('edits') or (), found.get('notApplied') or ()
    lines = [*(f'not applied, line {one["line"]}: {one["message"]}' for one in left), *_changes(edits)]
    lines += [remark('warning', one) for one in found.get('warnings') or ()]
    head = 'Applied in one step of undo:' if edits else 'The graph says this already; the text is kept with it.'
    said = f'{head}\n{listed(lines, len(lines), rest="open_graph shows the whole")}'.strip()
    if 'script' in found:
        said += f'\nWhat the person changed since is in it, so that it is now:\n{found["script"]}'
    return cut(said, LONG, 'open_graph shows the whole'), bool(left)


def _changes(edits: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line each; what a new node is given belongs to it."""
    fresh = {edit['node'] for edit in edits if edit['op'] == 'add'}
    for edit in edits:
        node, place = edit['node'], f'line {edit["line"]}: ' if edit.get('line') else ''
        if edit['op'] == 'add':
            yield f'{place}added {edit.get("type")}'
        elif edit['op'] == 'remove':
            yield f'removed node {node}'
        elif node not in fresh:
            yield place + _SAID[edit['op']].format(
                input=edit.get('input'), node=node, value=one_line(json.dumps(edit.get('value'), ensure_ascii=False))
            )


_SAID = {
    'set': '{input} of node {node} = {value}',
    'connect': '{input} of node {node} linked',
    'disconnect': '{input} of node {node} unlinked',
    'mode': 'mode of node {node} = {value}',
}


def _ask(studio: Studio, caller: CallingAgent, ask: str, **more: str) -> dict[str, Any]:
    """The page's answer. Raises AgentError with what to do, ConnectError."""
    data = json.dumps({'ask': ask, 'agent': caller.name, **more})
    headers = {'Content-Type': 'application/json'}
    request = studio.connection.exchange('POST', ROUTE, data=data, headers=headers, timeout=SECONDS)
    status, body = run_sync(request)
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AgentError('the server does not reach its pages: install ComfyScript, this version or later, in ComfyUI')
    if status >= 400:
        raise AgentError(str(found.get('error', status)))
    if 'refused' in found:
        words = REFUSALS.get(str(found['refused']), REFUSALS['failed'])
        detail = {'name': str(found.get('name', '')), 'reason': one_line(str(found.get('reason', '')), 400)}
        raise AgentError(words.format_map(detail))
    return found
