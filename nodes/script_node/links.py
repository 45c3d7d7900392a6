"""The links of a ComfyScript node in its prompt: which there are, and whether what is behind them may run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...comfyui.loaded_schemas import fits
from ...graph.prompt import may_be_link
from ...interpreter import ScriptDenied, Signature


def slots_in_use(prompt: Any, node_id: str) -> int:
    """One more than the highest output of this node that the prompt links to."""
    highest = -1
    for node in (prompt or {}).values():
        for value in (node.get('inputs') or {}).values():
            if may_be_link(value) and value[0] == node_id and isinstance(value[1], int):
                highest = max(highest, value[1])
    return highest + 1


def check_given(signature: Signature, given: Mapping[str, Any]) -> None:
    """Raises ScriptDenied for an input that is needed and not there."""
    missing = [item.name for item in signature.inputs if item.required and item.name not in given]
    if missing:
        raise ScriptDenied(f'the script needs the input {missing[0]!r}: link it, or give the parameter a default')


def check_values_came(extra_pnginfo: Any, node_id: str) -> None:
    """Raises ScriptDenied where the page had none of our files: its prompt has the script and none of the values.

    Such a page saves the script alone, and the values stay in the node's properties (`js/node/keep.js`).
    """
    node = _saved_node(_mapping(extra_pnginfo).get('workflow'), node_id)
    values = _mapping(_mapping(node.get('properties')).get('comfyscript')).get('values')
    saved = node.get('widgets_values')
    if values and isinstance(saved, list) and len(saved) == 1:
        raise ScriptDenied(
            'the values of this node did not come along: the page has not loaded the files of ComfyScript. '
            'Reload the page, then run again'
        )


def _saved_node(workflow: Any, node_id: str) -> Mapping[str, Any]:
    """The node in a workflow, empty if it is not there; `3:5` is node 5 of the subgraph that node 3 is."""
    subgraphs = _mapping(_mapping(workflow).get('definitions')).get('subgraphs')
    graph, node = _mapping(workflow), _mapping(None)
    for part in node_id.split(':'):
        node = _with_id(graph.get('nodes'), part)
        graph = _with_id(subgraphs, str(node.get('type')))
    return node


def _with_id(items: Any, wanted: str) -> Mapping[str, Any]:
    found = (item for item in items if str(_mapping(item).get('id')) == wanted) if isinstance(items, list) else iter(())
    return next(found, {})


def _mapping(value: Any) -> Mapping[str, Any]:
    """Whatever a client sent, as a mapping."""
    return value if isinstance(value, Mapping) else {}


def validate_sources(dynprompt: Any, links: Mapping[str, Any], signature: Signature) -> None:
    """ComfyUI's own validation of the nodes behind links that it did not follow. Raises ScriptDenied.

    What nodes expanded to (loops of packs) ComfyUI does not validate.
    """
    from ...runtime.real import loop
    from ...runtime.real.host import Host

    host = Host()
    # A copy: validation casts values in place, and the prompt's own are what caches are keyed by.
    types = {item.name: item.type for item in signature.inputs}
    prompt = {key: dict(dynprompt.get_node(key)) for key in dynprompt.all_node_ids()}
    for node in prompt.values():
        node['inputs'] = dict(node.get('inputs') or {})
    queued = dynprompt.get_original_prompt()
    for name, (source, slot) in links.items():
        if source not in queued and dynprompt.has_node(source):
            continue
        node_class = host.node_classes.get(str(prompt.get(source, {}).get('class_type')))
        if node_class is None:
            raise ScriptDenied(f'the input {name!r} is linked to node {source}, which is not there')
        if not isinstance(slot, int) or not 0 <= slot < len(node_class.RETURN_TYPES):
            raise ScriptDenied(f'the input {name!r} is linked to output {slot!r} of node {source}, which it has not')
        given, wanted = node_class.RETURN_TYPES[slot], types.get(name, '*')
        if not _fits(given, wanted):
            raise ScriptDenied(f'the input {name!r} takes {wanted}, and {given} is linked to it')
        errors = loop.run(host.validate(prompt, source, set()))
        if errors:
            problem = errors[0]
            raise ScriptDenied(
                f'the node behind input {name!r} (or one behind that) is not valid: '
                f'{problem.get("message", "")}: {problem.get("details", "")}'
            )
        for key, node in prompt.items():
            dynprompt.get_node(key)['inputs'].update(node['inputs'])


def _fits(given: Any, wanted: str) -> bool:
    if wanted == '*' or given == '*' or wanted == 'COMBO':
        return True
    return fits(given, wanted)
