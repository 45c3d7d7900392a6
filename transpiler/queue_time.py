"""What the web UI rewrites only when it queues a prompt: dynamic prompts, and names in `filename_prefix`.

A conversion leaves the texts as they are; this is the optional step after it. Sources: `formatUtil.ts:
processDynamicPrompt`, `formatDate`; `utils/searchAndReplace.ts`; `extensions/core/saveImageExtraOutput.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from random import Random
from typing import Any

from ..graph import Schemas, as_schemas

SAVE_TYPES = frozenset(
    {
        'CLIPSave',
        'LoraSave',
        'ModelSave',
        'Save3DAdvanced',
        'SaveAnimatedPNG',
        'SaveAnimatedWEBP',
        'SaveAudio',
        'SaveAudioAdvanced',
        'SaveAudioMP3',
        'SaveAudioOpus',
        'SaveGLB',
        'SaveGaussianSplat',
        'SaveImage',
        'SaveImageAdvanced',
        'SaveLatent',
        'SavePointCloud',
        'SaveSVGNode',
        'SaveVideo',
        'SaveWEBM',
        'VAESave',
    }
)
"""The types whose `filename_prefix` the web UI rewrites."""

_COMMENT = re.compile(r'/\*.*?\*/|//[^\n\r\u2028\u2029]*', re.DOTALL)
_ESCAPED = re.compile(r'\\([{}|])')
_PLACEHOLDER = re.compile(r'%([^%]+)%')
_UNSAFE = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_DATE_PART = re.compile(r'd{1,2}|M{1,2}|h{1,2}|m{1,2}|s{1,2}|yyyy|yyy|yy')
_DEEPEST = 200


def rewrite_prompt(
    prompt: Mapping[str, Mapping[str, Any]],
    schemas: Schemas | Mapping[str, Any] | None = None,
    *,
    random: Random | None = None,
    now: datetime | None = None,
    promoted: Collection[tuple[str, str]] = (),
) -> dict[str, dict[str, Any]]:
    """A prompt with the texts that the web UI would queue.

    Inputs that the server marks with `dynamicPrompts` lose their comments and have one of `{a|b}` picked by `random`;
    `%date:yyyy-MM-dd%` (of `now`) and `%Node.widget%` in a save node's `filename_prefix` are filled in.
    `promoted`: what `Conversion.promoted` says; the web UI leaves those texts alone.
    """
    known = as_schemas(schemas)
    source = random or Random()
    moment = now or datetime.now()
    skipped = frozenset(promoted)
    found: dict[str, dict[str, Any]] = {}
    for id, node in prompt.items():
        schema = known.find(node.get('class_type'))
        inputs = dict(node.get('inputs') or {})
        for key, value in inputs.items():
            if not isinstance(value, str) or (id, key) in skipped:
                continue
            described = schema.input(key) if schema is not None else None
            if described is not None and described.options.get('dynamicPrompts') is True:
                inputs[key] = pick_dynamic_prompt(value, source)
            elif key == 'filename_prefix' and node.get('class_type') in SAVE_TYPES:
                inputs[key] = fill_placeholders(value, prompt, moment)
        found[id] = {**node, 'inputs': inputs}
    return found


def pick_dynamic_prompt(text: str, random: Random) -> str:
    r"""Drops comments, picks one of each `{a|b|c}` (also inside a picked one), and unescapes `\{`, `\}`, `\|`."""
    stack = [_Frame(_COMMENT.sub('', text))]
    while True:
        frame = stack[-1]
        chosen = frame.read_to_choice(random)
        if chosen is not None and len(stack) < _DEEPEST:
            stack.append(_Frame(_COMMENT.sub('', chosen)))
            continue
        if chosen is not None:
            frame.result.append(chosen)
            continue
        stack.pop()
        done = _ESCAPED.sub(r'\1', ''.join(frame.result))
        if not stack:
            return done
        stack[-1].result.append(done)


class _Frame:
    def __init__(self, text: str):
        self.text = text
        self.place = 0
        self.result: list[str] = []

    def read_to_choice(self, random: Random) -> str | None:
        """Copies text up to the next choice and gives what was picked there; None at the end."""
        text = self.text
        while self.place < len(text):
            char = text[self.place]
            self.place += 1
            if char == '\\':
                self.result.append(text[self.place - 1 : self.place + 1])
                self.place += 1
            elif char == '{':
                options = self._read_options()
                return options[int(random.random() * len(options))]
            else:
                self.result.append(char)
        return None

    def _read_options(self) -> list[str]:
        options: list[str] = []
        start = self.place
        depth = 0
        text = self.text
        while self.place < len(text):
            char = text[self.place]
            self.place += 1
            if char == '\\':
                self.place += 1
            elif char == '{':
                depth += 1
            elif char == '}' and depth == 0:
                return [*options, text[start : self.place - 1]]
            elif char == '}':
                depth -= 1
            elif char == '|' and depth == 0:
                options.append(text[start : self.place - 1])
                start = self.place
        return [*options, text[start:]]


def fill_placeholders(text: str, prompt: Mapping[str, Mapping[str, Any]], now: datetime) -> str:
    """`%date:…%` and `%Node.widget%`, the node by its type or else its title; what names nothing stays."""

    def fill(match: re.Match[str]) -> str:
        parts = match.group(1).split('.')
        if len(parts) != 2:
            return format_date(parts[0][5:], now) if parts[0].startswith('date:') else match.group()
        node = _node_called(parts[0], prompt)
        value = (node.get('inputs') or {}).get(parts[1]) if node is not None else None
        if value is None or isinstance(value, (list, Mapping)):
            return match.group()
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        return _UNSAFE.sub('_', shown)

    return _PLACEHOLDER.sub(fill, text)


def _node_called(name: str, prompt: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    for node in prompt.values():
        if node.get('class_type') == name:
            return node
    for node in prompt.values():
        if (node.get('_meta') or {}).get('title') == name:
            return node
    return None


def format_date(text: str, now: datetime) -> str:
    """`yyyy`, `yy`, `MM`, `dd`, `hh`, `mm`, `ss`; single letters without a leading zero."""
    parts = {'d': now.day, 'M': now.month, 'h': now.hour, 'm': now.minute, 's': now.second}

    def write(match: re.Match[str]) -> str:
        part = match.group()
        if part == 'yy':
            return f'{now.year}'[2:]
        if part == 'yyyy':
            return f'{now.year}'
        return f'{parts[part[0]]}'.rjust(len(part), '0') if part[0] in parts else part

    return _DATE_PART.sub(write, text)
