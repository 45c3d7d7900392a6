"""What helpers say of values that are not what was asked for, and of several outputs at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from comfy_script.graph import ComfyScriptError
from comfy_script.runtime import Client, util
from comfy_script.runtime.client import fetching
from comfy_script.tests.runtime.client.conftest import client, fake, make_client

__all__ = ['client', 'fake', 'make_client']


def held(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    async def get_str(value: Any) -> str:
        return text

    monkeypatch.setattr(util, '_get_str', get_str)


@pytest.mark.parametrize(
    ('get', 'text', 'message'),
    [
        (util.get_int, 'tensor([[' + '0.' * 500, r'EmptyImage call at .* gave .tensor.{0,120}, which is no integer$'),
        (util.get_float, '', r"EmptyImage call at .* gave '', which is no number$"),
        (util.get_int, '1.5', r"gave '1\.5', which is no integer$"),
    ],
)
def test_what_is_no_number(client: Client, monkeypatch: pytest.MonkeyPatch, get: Any, text: str, message: str) -> None:
    held(monkeypatch, text)
    with pytest.raises(fetching.NoNumberError, match=message) as raised:
        get(client.nodes.EmptyImage(64, 64))
    assert isinstance(raised.value, (ComfyScriptError, ValueError))


def test_numbers_are_numbers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch, '12')
    image = client.nodes.EmptyImage(64, 64)
    assert (util.get_int(image), util.get_float(image), util.get_int(3.5)) == (12, 12.0, 3)
    with pytest.raises(fetching.NoNumberError, match=r"^'1\.5', which is no integer$"):
        util.get_int('1.5')


def test_images_of_several_outputs(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def images(_: Client, value: Any) -> list[str]:
        return [str(value.node.inputs['width'])] * 2

    monkeypatch.setattr(fetching, '_images_over_websocket', images)
    outputs = [client.nodes.EmptyImage(width, 8) for width in (8, 16)]
    assert util.get_images(outputs) == ['8', '8', '16', '16']
    assert asyncio.run(util._get_images(tuple(outputs))) == ['8', '8', '16', '16']
