"""What the calls of an agent and their answers take."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mcp import Client


class Spent(NamedTuple):
    """Calls, characters of their arguments, characters of their answers, and pictures among these."""

    calls: int = 0
    asked: int = 0
    answered: int = 0
    pictures: int = 0


class Purse:
    """One task's calls of a server."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.spent = Spent()

    async def call(self, tool: str, **arguments: Any) -> tuple[bool, str]:
        """Whether it failed, and its text."""
        result = await self.client.call_tool(tool, arguments)
        text = '\n'.join(part.text for part in result.content if part.type == 'text')
        pictures = sum(part.type == 'image' for part in result.content)
        self.pay(len(json.dumps(arguments)), len(text), pictures)
        return bool(result.is_error), text

    def pay(self, asked: int, answered: int, pictures: int = 0) -> None:
        calls, *rest = self.spent
        self.spent = Spent(calls + 1, *(old + new for old, new in zip(rest, (asked, answered, pictures))))
