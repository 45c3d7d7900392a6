from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comfy_script.runtime import Client
from comfy_script.tests.runtime.client.fake import FakeServer


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A stand-in server that plays workflows as the test says."""
    server = FakeServer()
    yield server
    server.close()


@pytest.fixture
def make_client(fake: FakeServer) -> Iterator[Callable[..., Client]]:
    """Clients of the stand-in server, closed after the test."""
    clients: list[Client] = []

    def make(**options: Any) -> Client:
        clients.append(Client(**{'url': fake.url, 'lost_after': 1.0, **options}))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    """A client of the stand-in server."""
    return make_client()
