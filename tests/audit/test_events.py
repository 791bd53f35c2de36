"""Every act leaves an event: who, what, of which month and revision, and what changed."""

from __future__ import annotations

import io
from typing import Any

import pytest

from accounts import audit, services
from accounts.models import Account, AuditEvent, BillingCycle, Membership, Organization, Reseller, Role, User
from ingest.models import LegInput, SourceFile
from ingest.services import intake
from recon.models import Reconciliation
from recon.services import imports, months, questions
from tests.tolerances.months import BILLED, account_with_people, compared, imported, work_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def quillmere() -> tuple[Account, dict[str, User]]:
    return account_with_people()


@pytest.fixture
def account(quillmere: tuple[Account, dict[str, User]]) -> Account:
    return quillmere[0]


@pytest.fixture
def mara(quillmere: tuple[Account, dict[str, User]]) -> User:
    return quillmere[1]["preparer"]


def events(account: Account) -> list[tuple[str, str]]:
    return [(event.action, event.subject) for event in AuditEvent.objects.filter(account=account).order_by("pk")]


def last(account: Account) -> AuditEvent:
    return AuditEvent.objects.filter(account=account).latest("pk")


def test_a_file_s_way_into_a_month_and_out_again(account: Account, mara: User) -> None:
    cycle = compared(account, mara)
    imports.withdraw(LegInput.objects.get(leg="expected"), by=mara)
    imports.use_again(SourceFile.objects.get(name="expected.csv"), by=mara, cycle=cycle.dates, partial=True)
    assert events(account) == [
        ("ingest.file.received", "billed.csv"),
        ("recon.input.imported", "billed.csv (billed report)"),
        ("ingest.file.received", "expected.csv"),
        ("recon.input.imported", "expected.csv (expected list)"),
        ("recon.input.withdrawn", "expected.csv (expected list)"),
        ("recon.input.used_again", "expected.csv (expected list)"),
    ]
    event = last(account)
    assert (event.cycle, event.revision, event.actor) == (cycle, 1, mara)
    assert event.after["partial"] is True
    assert len(event.after["sha256"]) == 64


def test_the_same_bytes_again_are_no_second_event(account: Account, mara: User) -> None:
    for _ in range(2):
        intake.receive(account, name="billed.csv", content=io.BytesIO(BILLED.encode()), by=mara)
    assert events(account) == [("ingest.file.received", "billed.csv")]


def test_a_discarded_file(account: Account, mara: User) -> None:
    file = intake.receive(account, name="billed.csv", content=io.BytesIO(BILLED.encode()), by=mara).source_file
    intake.discard(file, by=mara)
    assert events(account)[-1] == ("ingest.file.discarded", "billed.csv")
    with pytest.raises(intake.Refused):
        intake.discard(file, by=mara)
    assert len(events(account)) == 2


def test_who_matched_a_name_decided_in_that_revision(account: Account, mara: User) -> None:
    two = "Organization,Organization ID,EDR\nTarn Vale,1,5\nTarn Vale,2,7\n"
    imported(account, "billed.csv", two, mara, kind="billed")
    imported(account, "expected.csv", "Organization,EDR\nTarn Vale,5\n", mara, kind="expected")
    cycle = BillingCycle.objects.get(account=account)
    (waiting,) = [entry.question for entry in questions.queue(account) if entry.question.kind == "ambiguous"]
    assert audit.deciders(cycle, 1) == set()
    questions.answer(waiting, "same", candidate=Organization.objects.filter(account=account).first(), by=mara)
    event = last(account)
    assert (event.action, event.subject) == ("recon.match.same", "Tarn Vale and Tarn Vale")
    assert (event.cycle, event.revision) == (cycle, 1)
    assert audit.deciders(cycle, 1) == {mara.pk}


def test_who_decided_before_a_reopening_decided_what_is_signed_after_it(account: Account, mara: User) -> None:
    """The next revision starts from the same decisions, so their maker does not review that one either."""
    cycle = BillingCycle.objects.create(account=account, start="2026-09-14", end="2026-10-14")
    audit.record("recon.item.added", "Tarn Vale, EDR", account=account, actor=mara, cycle=cycle, revision=1)
    assert audit.deciders(cycle, 2) == {mara.pk}
    assert audit.deciders(cycle, 0) == set()


def test_a_late_file_is_an_event_of_the_signed_revision(account: Account, quillmere: tuple[Account, dict[str, User]]) -> None:
    people = quillmere[1]
    cycle = compared(account, people["preparer"])
    Reconciliation.objects.filter(cycle=cycle).update(
        state="signed", preparer=people["preparer"], reviewer=people["reviewer"], submitted_at="2026-10-20T12:00Z",
        signed_at="2026-10-20T12:00Z", digest="ab" * 32,
    )  # fmt: skip
    imported(account, "late.csv", BILLED.replace("110", "111"), people["preparer"], kind="billed")
    event = AuditEvent.objects.get(subject="late.csv (billed report)", action="recon.input.imported")
    assert (event.cycle, event.revision) == (cycle, months.newest(cycle).revision)


def test_roles_given_changed_and_removed(account: Account, quillmere: tuple[Account, dict[str, User]]) -> None:
    ines = quillmere[1]["admin"]
    given = services.add_person(account, email="nora@quillmere.example", name="Nora Vell", role="viewer", by=ines)
    services.change_role(given, "preparer", by=ines)
    services.change_role(given, "preparer", by=ines)  # what it was already
    services.remove_person(given, by=ines)
    assert events(account) == [
        ("accounts.role.given", "Nora Vell, viewer"),
        ("accounts.role.changed", "Nora Vell, viewer → preparer"),
        ("accounts.role.removed", "Nora Vell, preparer"),
    ]
    for event in AuditEvent.objects.all():
        assert "@" not in f"{event.before}{event.after}{event.subject}"
        assert event.actor == ines
    assert last(account).before == {"person": given.user_id, "role": "preparer"}


def test_a_role_through_a_reseller_is_an_event_in_each_of_its_accounts(account: Account) -> None:
    reseller = Reseller.objects.create(name="Cobbleside Group")
    Account.objects.filter(pk=account.pk).update(reseller=reseller)
    other = Account.objects.create(name="Brightfen", slug="brightfen", reseller=reseller)
    services.give_reseller_role(reseller, email="ruth@cobbleside.example", name="Ruth Ambler", role="reviewer")
    services.give_reseller_role(reseller, email="ruth@cobbleside.example", name="Ruth Ambler", role="reviewer")
    services.take_reseller_role(reseller, email="ruth@cobbleside.example")
    for one in (account, other):
        assert events(one) == [
            ("accounts.role.given", "Ruth Ambler, reviewer, through Cobbleside Group"),
            ("accounts.role.removed", "Ruth Ambler, reviewer, through Cobbleside Group"),
        ]
        assert last(one).actor is None
    assert not Membership.objects.filter(reseller=reseller).exists()


def test_settings_say_what_they_were(client: Any, account: Account, quillmere: tuple[Account, dict[str, User]]) -> None:
    client.force_login(quillmere[1]["admin"])
    form = {"name": "Quillmere IT", "anniversary_day": "14", "time_zone": "Europe/London", "currency": "USD", "solo_rule": "on"}
    for _ in range(2):
        assert client.post("/a/quillmere-it/settings/", form).status_code == 302
    account.refresh_from_db()
    assert account.solo_rule
    event = AuditEvent.objects.get()
    assert (event.action, event.before, event.after) == ("accounts.account.changed", {"solo_rule": False}, {"solo_rule": True})
    del form["solo_rule"]
    client.post("/a/quillmere-it/settings/", form)
    account.refresh_from_db()
    assert not account.solo_rule


def test_an_act_that_fails_leaves_no_event(account: Account, quillmere: tuple[Account, dict[str, User]]) -> None:
    ines = quillmere[1]["admin"]
    with pytest.raises(services.Refused):
        services.change_role(Membership.objects.get(user=ines), Role.VIEWER, by=ines)
    assert not AuditEvent.objects.exists()
    work_off()


def test_an_act_that_nobody_knows_is_refused(account: Account) -> None:
    with pytest.raises(KeyError):
        audit.record("recon.row.painted", "a row", account=account, actor=None)
