"""The client that a connection opens: whose window it shares, where it goes, and when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account, User
from accounts.services import Refused
from config import settings as stated
from ingest.huntress import BASE
from ingest.huntress.endpoints import ENDPOINTS
from ingest.models import Connection
from ingest.services import connecting
from ingest.services.connections import client_for, connections_of, huntress_of, may_administer, window_of
from recon.demo.huntress import RESELLER_KEY, USER_KEY, FakeHuntress
from tests.connections.conftest import Add, Examine
from tests.connections.making import add_connection
from tests.recon import making

pytestmark = pytest.mark.django_db


def test_the_usual_address_is_the_vendors() -> None:
    assert stated.RECON_HUNTRESS_URL == BASE


def test_what_was_tested_answers(add: Add, examine: Examine) -> None:
    with client_for(examine(add())) as client:
        assert len(client.get(ENDPOINTS["organizations"], None, {"limit": 500}).records()) == 2


def test_what_was_not_tested_answers_nothing(add: Add, fake: FakeHuntress) -> None:
    with pytest.raises(Refused, match="has to be tested first"), client_for(add()):
        pass
    assert not fake.seen


def test_a_removed_one_answers_nothing(add: Add, examine: Examine, ines: User) -> None:
    connection = examine(add())
    connecting.remove(connection, by=ines)
    connection.refresh_from_db()
    with pytest.raises(Refused, match="was removed, and its secret with it"), client_for(connection):
        pass


def test_a_secret_of_another_installation_cannot_be_opened(add: Add, examine: Examine, settings: Any) -> None:
    connection = examine(add())
    settings.RECON_SECRETS_KEYS = ["another-one"]
    with pytest.raises(Refused, match="encrypted with another key than RECON_SECRETS_KEY"), client_for(connection):
        pass


def test_an_address_that_a_key_must_not_go_to_is_refused(add: Add, examine: Examine, settings: Any) -> None:
    connection = examine(add())
    settings.RECON_HUNTRESS_URL = "http://huntress.example/v1/"
    with pytest.raises(Refused, match=r"RECON_HUNTRESS_URL.*over http the key could be read"), client_for(connection):
        pass


def test_keys_of_one_huntress_account_share_a_window_and_a_resellers_has_its_own(
    add: Add, examine: Examine, account: Account, sister: Account, ruth: User
) -> None:
    ours = examine(add())
    theirs = add(USER_KEY, to=sister, by=ruth)
    assert window_of(theirs) == f"connection:{theirs.pk}"
    theirs = examine(theirs, by=ruth)
    assert window_of(ours) == window_of(theirs) == "account:5"
    connecting.remove(ours, by=ruth)
    whole = examine(add(RESELLER_KEY, by=ruth), by=ruth)
    assert window_of(whole) == "reseller:300"


def test_an_account_has_its_own_connection_else_its_resellers(
    add: Add, examine: Examine, account: Account, sister: Account, ruth: User
) -> None:
    assert huntress_of(account) is None
    whole = examine(add(RESELLER_KEY, by=ruth), by=ruth)
    assert huntress_of(account) == huntress_of(sister) == whole
    own = add(to=sister, by=ruth)
    assert (huntress_of(account), huntress_of(sister)) == (whole, own)
    assert list(connections_of(sister)) == [own, whole]


def test_a_strangers_account_has_none_of_it(add: Add, examine: Examine, ruth: User) -> None:
    elsewhere = making.new_account("Tarnbeck Systems", "tarnbeck")
    examine(add(RESELLER_KEY, by=ruth), by=ruth)
    assert huntress_of(elsewhere) is None
    assert not connections_of(elsewhere)


def test_an_invented_one_never_goes_to_huntress_nor_a_real_one_to_the_invented(
    account: Account, ines: User, fake: FakeHuntress, settings: Any
) -> None:
    connection = add_connection(account, fake, settings, by=ines)
    Connection.objects.update(is_demo=True)
    connection.refresh_from_db()
    assert window_of(connection) == "demo:account:5"
    settings.RECON_DEMO_HUNTRESS = ""
    with pytest.raises(Refused, match="The invented Huntress is not running"), client_for(connection):
        pass
    settings.RECON_HUNTRESS_URL, settings.RECON_DEMO_HUNTRESS = "https://nowhere.invalid/", fake.base
    with client_for(connection) as client:
        assert client.get(ENDPOINTS["actor"]).status == 200


def test_who_administers(add: Add, examine: Examine, account: Account, ines: User, ruth: User) -> None:
    connection = add()
    assert may_administer(ines, connection)
    assert may_administer(ruth, connection)
    whole = examine(add(RESELLER_KEY, by=ruth, to=making_of(account)), by=ruth)
    assert not may_administer(ines, whole)
    assert may_administer(ruth, whole)
    User.objects.filter(pk=ruth.pk).update(is_active=False)
    assert not may_administer(User.objects.get(pk=ruth.pk), whole)


def making_of(account: Account) -> Account:
    made = making.new_account("Brightfen Support", "brightfen-support")
    Account.objects.filter(pk=made.pk).update(reseller=account.reseller)
    return Account.objects.get(pk=made.pk)
