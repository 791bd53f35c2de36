"""An account with its people, an invented Microsoft, and the app that opens its tenants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ingest.models import Connection
from ingest.services import tenant_parts
from recon.demo.microsoft import FakeMicrosoft
from recon.demo.microsoft.estate import Crowd, Estate
from tests.directory.making import add_app
from tests.graph.conftest import QUICK
from tests.review.making import World, new_world

Serve = Callable[..., FakeMicrosoft]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No minutes between tries."""
    monkeypatch.setattr(tenant_parts, "PATIENCE", QUICK)


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start an invented Microsoft; it stops with the test."""
    running: list[FakeMicrosoft] = []

    def start(estate: Estate | None = None) -> FakeMicrosoft:
        fake = FakeMicrosoft(estate or Crowd(tenants=3, users=25)).__enter__()
        running.append(fake)
        return fake

    yield start
    for fake in running:
        fake.__exit__(None, None, None)


@pytest.fixture
def fake(serve: Serve) -> FakeMicrosoft:
    """Three tenants of 25 users."""
    return serve()


@pytest.fixture
def app(world: World, fake: FakeMicrosoft, settings: Any) -> Connection:
    return add_app(world.account, fake, settings, by=world.ines)
