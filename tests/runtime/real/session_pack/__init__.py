"""A pack with a node that calls nodes in real mode while the executor runs it, as the ComfyScript node does."""

from __future__ import annotations

import json
from typing import Any


class RunsNodes:
    """`code` is Python: `node` has the node functions, `session` the session; its `value` is reported."""

    cache: Any = None

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            'required': {'code': ('STRING', {'multiline': True}), 'run': ('INT', {'default': 0})},
            'optional': {'image': ('IMAGE',)},
            'hidden': {'unique_id': 'UNIQUE_ID', 'prompt': 'PROMPT', 'extra_pnginfo': 'EXTRA_PNGINFO'},
        }

    RETURN_TYPES = ('IMAGE',)
    FUNCTION = 'run_code'
    OUTPUT_NODE = True

    def run_code(
        self,
        code: str,
        run: int,
        image: Any = None,
        unique_id: str = '',
        prompt: Any = None,
        extra_pnginfo: Any = None,
    ) -> Any:
        from comfy_script.runtime.real import Cache, RealSession

        if RunsNodes.cache is None:
            RunsNodes.cache = Cache(2**28)
        ui: list[Any] = []
        session = RealSession(
            validate=True,
            cache=RunsNodes.cache,
            on_ui=lambda node_id, class_type, found: ui.append([class_type, found]),
            parent_node_id=unique_id,
            prompt=prompt,
            extra_pnginfo=extra_pnginfo,
        )
        names: dict[str, Any] = {'session': session, 'node': session.nodes, 'image': image, 'value': None}
        with session:
            exec(code, names)
        report = {'value': names['value'], 'ui': ui}
        return {'ui': {'text': [json.dumps(report)]}, 'result': (names.get('result', image),)}


NODE_CLASS_MAPPINGS = {'RunsNodes': RunsNodes}
