"""Adding, changing, replacing and removing: what is kept, what is refused in words, and what the audit trail says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Account, AuditEvent, Role, User
from accounts.sealing import unseal
from accounts.services import Refused
from ingest.models import Connection, Job
from ingest.services import connecting
from ingest.services.connecting import Wanted
from recon.demo.huntress import ACCOUNT_KEY, RESELLER_KEY
from tests.connections.conftest import Add, Examine
from tests.recon import making

WANTED = Wanted("Huntress", is_scheduled=True, nightly_at=time(2, 30), last_day_at=time(20), left_to_others=15, amount_unit="")


def refused(act: Callable[[], Any]) -> Refused:
    with pytest.raises(Refused) as raised, transaction.atomic():
        act()
    return raised.value


def newest() -> AuditEvent:
    return AuditEvent.objects.latest("pk")


@pytest.mark.django_db
def test_a_key_is_kept_encrypted_and_only_its_end_is_shown(add: Add) -> None:
    connection = add(("hk_0123456789abcdef", "hs_quiet-copper-kettle"))
    assert connection.hint == "…cdef"
    assert unseal(connection.sealed) == '{"key": "hk_0123456789abcdef", "secret": "hs_quiet-copper-kettle"}'
    row = str(list(Connection.objects.values()))
    assert "0123456789" not in row
    assert "kettle" not in row
    assert (newest().action, newest().after) == ("ingest.connection.added", {"name": "Huntress", "key": "…cdef"})


@pytest.mark.django_db
def test_of_a_short_key_nothing_is_shown(add: Add) -> None:
    assert add(("hk_1", "hs_2")).hint == "…"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "secret", "words", "field"),
    [
        ("", "hs_1", "Enter the key", "key"),
        ("hk_1", "", "Enter the secret", "secret"),
        ("hk 1", "hs_1", "The key has a space", "key"),
        ("hk_1", "hs_é", "The secret has a space or a character", "secret"),
        ("hk_1\x00", "hs_1", "The key has", "key"),
        ("hk_1:hs_1", "hs_1", "colon", "key"),
        ("hs_1", "hk_1", "changed places", "key"),
    ],
)
def test_what_cannot_be_a_key_is_refused(add: Add, key: str, secret: str, words: str, field: str) -> None:
    refusal = refused(lambda: add((key, secret)))
    assert words in str(refusal)
    assert refusal.field == field
    for typed in filter(None, (key, secret)):
        assert typed not in str(refusal)
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_an_account_has_one(add: Add, ines: User) -> None:
    first = add()
    assert "has a connection to Huntress already" in str(refused(add))
    connecting.remove(first, by=ines)
    assert add() != first


@pytest.mark.django_db(transaction=True)
def test_two_admins_at_once_make_one(add: Add) -> None:
    made = making.at_once(add, add)
    assert sorted(type(one).__name__ for one in made) == ["Connection", "Refused"]
    assert Connection.objects.count() == 1


@pytest.mark.django_db
def test_a_replaced_key_is_untested_again_and_whose_data_it_brought_is_remembered(add: Add, examine: Examine, ines: User) -> None:
    connection = examine(add())
    connecting.replace_secret(connection, key="hk_0123456789wxyz", secret="hs_new", by=ines)
    connection.refresh_from_db()
    assert (connection.hint, connection.key_kind, connection.tested_at, connection.reach) == ("…wxyz", "", None, [])
    assert connection.actor_account == "5"
    assert ACCOUNT_KEY[1] not in unseal(connection.sealed)
    assert (newest().action, newest().before, newest().after) == ("ingest.connection.replaced", {"key": "…ount"}, {"key": "…wxyz"})


@pytest.mark.django_db
def test_a_change_says_what_was_and_what_is(add: Add, ines: User) -> None:
    connection = add()
    wanted = replace(WANTED, is_scheduled=False, nightly_at=time(3), left_to_others=40)
    connecting.change(connection, wanted, by=ines)
    connection.refresh_from_db()
    assert (connection.is_scheduled, connection.nightly_at, connection.left_to_others) == (False, time(3), 40)
    assert newest().before == {"is_scheduled": True, "nightly_at": "02:30", "left_to_others": 15}
    assert newest().after == {"is_scheduled": False, "nightly_at": "03:00", "left_to_others": 40}


@pytest.mark.django_db
def test_no_change_is_no_event(add: Add, ines: User) -> None:
    connection = add()
    events = AuditEvent.objects.count()
    connecting.change(connection, WANTED, by=ines)
    assert AuditEvent.objects.count() == events


@pytest.mark.django_db
def test_another_unit_has_the_invoices_counted_anew(add: Add, ines: User) -> None:
    connection = add()
    connecting.change(connection, replace(WANTED, name="Key"), by=ines)
    assert not Job.objects.exists()
    connecting.change(connection, replace(WANTED, amount_unit="cents"), by=ines)
    assert [(one.kind, one.subject) for one in Job.objects.all()] == [("amounts", connection.pk)]


@pytest.mark.django_db
def test_removing_forgets_the_secret_and_stops_a_test(add: Add, ines: User) -> None:
    connection = add()
    job = connecting.start_test(connection, by=ines)
    connecting.remove(connection, by=ines)
    connection.refresh_from_db()
    assert (connection.sealed, connection.removed_by) == ("", ines)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert newest().action == "ingest.connection.removed"
    for act in (
        lambda: connecting.remove(connection, by=ines),
        lambda: connecting.change(connection, replace(WANTED, name="Again"), by=ines),
        lambda: connecting.replace_secret(connection, key="hk_1", secret="hs_1", by=ines),
        lambda: connecting.start_test(connection, by=ines),
    ):
        assert "was removed already" in str(refused(act))


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.VIEWER, Role.PREPARER, Role.REVIEWER])
def test_only_admins_do_any_of_it(add: Add, account: Account, role: Role) -> None:
    connection, by = add(), making.new_person(account, "tom@quillmere.example", role)
    for act in (
        lambda: add(by=by),
        lambda: connecting.remove(connection, by=by),
        lambda: connecting.change(connection, WANTED, by=by),
        lambda: connecting.replace_secret(connection, key="hk_1", secret="hs_1", by=by),
        lambda: connecting.start_test(connection, by=by),
    ):
        assert "Your role in this account does not do that" in str(refused(act))


@pytest.mark.django_db
def test_a_resellers_is_for_admins_of_the_reseller(add: Add, examine: Examine, ines: User, ruth: User) -> None:
    connection = examine(add(RESELLER_KEY, by=ruth), by=ruth)
    for act in (
        lambda: connecting.remove(connection, by=ines),
        lambda: connecting.change(connection, WANTED, by=ines),
        lambda: connecting.replace_secret(connection, key="hk_1", secret="hs_1", by=ines),
        lambda: connecting.start_test(connection, by=ines),
    ):
        assert "opens every account of Cobbleside Group" in str(refused(act))
    connecting.remove(connection, by=ruth)
