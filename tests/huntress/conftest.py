"""An invented Huntress that really listens, and clients that really ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ingest.huntress import Bounds, Client, Credential, Patience
from ingest.huntress.limiter import Limiter
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress
from recon.demo.huntress.estate import Crowd

#: Quick enough for a test: several tries in parts of a second.
QUICK = Patience(tries=4, total=10, first=0.02, longest=0.1)
BOUNDS = Bounds(read=2, answer=4)
Ask = Callable[..., Client]


@pytest.fixture
def fake() -> Iterator[FakeHuntress]:
    """1,203 agents in 30 Organizations, without a limit."""
    with FakeHuntress(Crowd(agents=1_203, organizations=30), limit=0) as server:
        yield server


@pytest.fixture
def ask(fake: FakeHuntress) -> Iterator[Ask]:
    """Make a client of the fake; by default with the account's key."""
    made: list[Client] = []

    def make(
        key: tuple[str, str] = ACCOUNT_KEY,
        *,
        base: str = "",
        limiter: Limiter | None = None,
        patience: Patience = QUICK,
        bounds: Bounds = BOUNDS,
        while_waiting: Callable[[], None] = lambda: None,
    ) -> Client:
        client = Client(
            Credential(*key), base=base or fake.base, limiter=limiter, patience=patience, bounds=bounds, while_waiting=while_waiting
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.__exit__()
