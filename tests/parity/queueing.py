"""What the web UI does with values when it queues them, on both sides of a comparison."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from comfy_script.graph import Schemas
from comfy_script.tests.parity.seen import Seen
from comfy_script.transpiler.convert import Conversion
from comfy_script.transpiler.queue_time import rewrite_prompt

_TIMED = re.compile(r'1\d{12}(_\d+)')
"""What Custom-Scripts' repeater calls its copies and the inputs that take them; ours begin with the repeater's id."""


class Lowest(Random):
    """Draws what the web UI was made to draw."""

    def random(self) -> float:
        return 0.0


def when_queued(made: Conversion, seen: Seen, schemas: Schemas) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ours with its texts as they are queued, and theirs with what its widgets hold where it drew."""
    ours = rewrite_prompt(made.prompt, schemas, random=Lowest(), now=seen.moment, promoted=made.promoted)
    theirs = _without_times(seen.prompt)
    for id, name, held in seen.drawn:
        theirs[id]['inputs'][name] = held
        if id in ours and name in made.prompt[id]['inputs']:
            ours[id]['inputs'][name] = made.prompt[id]['inputs'][name]
    return ours, theirs


def _without_times(prompt: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(prompt)
    for id, node in prompt.items():
        for match in map(_TIMED.fullmatch, node['inputs']):
            text = text if match is None else text.replace(f'"{match.group()}"', f'"{id}{match.group(1)}"')
    return json.loads(text)
