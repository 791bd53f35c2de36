"""An account with its people, an invented Huntress, and a connection between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Account, Membership, Reseller, Role, User
from ingest.huntress.limiter import Unlimited
from ingest.models import Connection
from ingest.services import connections, pull_parts
from recon.demo.huntress import RESELLER_KEY, FakeHuntress
from recon.demo.huntress.estate import Crowd, Estate
from recon.demo.huntress.story import Story
from tests.connections.making import add_connection
from tests.huntress.conftest import BOUNDS, QUICK
from tests.pulls.making import found
from tests.review.making import World, new_world

Serve = Callable[..., FakeHuntress]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No minutes between tries, and no limit of ours, unless a test is about them."""
    monkeypatch.setattr(pull_parts, "PATIENCE", QUICK)
    monkeypatch.setattr(pull_parts, "BOUNDS", BOUNDS)
    monkeypatch.setattr(connections, "limiter", lambda *_: Unlimited())


@pytest.fixture
def world(db: None) -> World:
    return new_world()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start an invented Huntress; it stops with the test."""
    running: list[FakeHuntress] = []

    def start(estate: Estate | None = None, **given: Any) -> FakeHuntress:
        fake = FakeHuntress(estate or Crowd(agents=1_203, organizations=30), **{"limit": 0} | given).__enter__()
        running.append(fake)
        return fake

    yield start
    for fake in running:
        fake.__exit__(None, None, None)


@pytest.fixture
def fake(serve: Serve) -> FakeHuntress:
    """1,203 agents in 30 Organizations."""
    return serve()


@pytest.fixture
def story(serve: Serve) -> FakeHuntress:
    """The demonstration's own."""
    return serve(Story())


@pytest.fixture
def connection(world: World, fake: FakeHuntress, settings: Any) -> Connection:
    return add_connection(world.account, fake, settings, by=world.ines)


@pytest.fixture
def reseller(world: World) -> Reseller:
    made = Reseller.objects.create(name="Cobbleside Group")
    Account.objects.filter(pk=world.account.pk).update(reseller=made)
    world.account.refresh_from_db()
    return made


@pytest.fixture
def ruth(reseller: Reseller) -> User:
    """She works for the reseller."""
    user = User.objects.create_user("ruth@cobbleside.example", "four-brass-lanterns", name="Ruth Ambler")
    Membership.objects.create(user=user, reseller=reseller, role=Role.ADMIN)
    return user


@pytest.fixture
def of_reseller(world: World, reseller: Reseller, ruth: User, story: FakeHuntress, settings: Any) -> Connection:
    return add_connection(world.account, story, settings, by=ruth, key=RESELLER_KEY)


@pytest.fixture
def brightfen(reseller: Reseller) -> Account:
    return Account.objects.create(name="Brightfen Support", slug="brightfen", reseller=reseller, anniversary_day=1)


@pytest.fixture
def mapped(of_reseller: Connection, reseller: Reseller, world: World, brightfen: Account) -> Connection:
    """Both accounts are known to be ours."""
    found(reseller, "7001", world.account)
    found(reseller, "7002", brightfen)
    return of_reseller
