"""One account and one preparer, for everything that goes through the services."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.calendar import Cycle
from accounts.models import Account, User
from ingest.models import SourceFile
from tests.recon import making

Put = Callable[..., SourceFile]


@pytest.fixture
def account(db: None) -> Account:
    return making.new_account()


@pytest.fixture
def mara(account: Account) -> User:
    return making.new_person(account)


@pytest.fixture
def preparer(mara: User) -> Client:
    return making.signed_in(mara)


@pytest.fixture
def put(account: Account, mara: User) -> Put:
    """Import a list of rows: ``put("billed", ["Organization", "EDR"], ["Tarn Vale Dental", 3])``."""

    def put(kind: str, *rows: list[making.Cell], cycle: Cycle = making.CYCLE, name: str = "", **said: bool) -> SourceFile:
        return making.put(account, mara, kind, making.csv_bytes(*rows), cycle, name=name, **said)

    return put
