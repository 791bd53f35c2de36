"""An account of a reseller, its admins, and an invented Huntress that really listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Account, Membership, Reseller, Role, User
from ingest.huntress import Patience
from ingest.models import Connection
from ingest.services import connecting, connection_tests
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress
from recon.demo.huntress.estate import Crowd
from tests.huntress.conftest import QUICK
from tests.recon import making

Examine = Callable[..., Connection]
Add = Callable[..., Connection]


@pytest.fixture
def fake() -> Iterator[FakeHuntress]:
    """Huntress account 5 with two Organizations, and reseller 300 with two accounts more."""
    with FakeHuntress(Crowd(agents=6, organizations=2, accounts=2), limit=0) as server:
        yield server


@pytest.fixture
def reseller(db: None) -> Reseller:
    return Reseller.objects.create(name="Cobbleside Group")


@pytest.fixture
def account(reseller: Reseller) -> Account:
    made = making.new_account()
    made.reseller = reseller
    made.save()
    return made


@pytest.fixture
def sister(account: Account) -> Account:
    """Another account of the same reseller."""
    made = making.new_account("Brightfen Support", "brightfen-support")
    made.reseller = account.reseller
    made.save()
    return made


@pytest.fixture
def ines(account: Account) -> User:
    """Admin of the account alone."""
    return making.new_person(account, "ines@quillmere.example", Role.ADMIN)


@pytest.fixture
def ruth(account: Account) -> User:
    """Admin of the reseller."""
    user = making.new_person(None, "ruth@cobbleside.example")
    Membership.objects.create(user=user, reseller=account.reseller, role=Role.ADMIN)
    return user


@pytest.fixture
def add(account: Account, ines: User, fake: FakeHuntress, settings: Any) -> Add:
    """Add a connection as a person does; by default with the account's key, by Ines."""
    settings.RECON_HUNTRESS_URL = fake.base

    def add(key: tuple[str, str] = ACCOUNT_KEY, *, by: User = ines, to: Account = account, **more: Any) -> Connection:
        return connecting.add(to, name="Huntress", key=key[0], secret=key[1], by=by, **more)

    return add


@pytest.fixture
def examine(ines: User) -> Examine:
    """Do the test, with little patience, and return the connection as it is then."""

    def examine(connection: Connection, *, by: User | None = ines, patience: Patience = QUICK, tell: Any = None) -> Connection:
        connection_tests.examine(connection.pk, by=by, tell=tell or (lambda done, total, doing: None), patience=patience)
        return Connection.objects.select_related("account__reseller", "reseller").get(pk=connection.pk)

    return examine
