"""Every service that decides asks for the role itself: whoever calls it, and by whatever way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

import pytest

from accounts.models import Account, Alias, AuditEvent, Membership, Organization, Reseller, Role, User
from ingest.models import Connection, Invoice, MappingProfile, Pull, UsageLine
from ingest.services import connecting, connection_tests, mappings, pulls
from ingest.sources import Mapping
from recon.engine import Holding
from recon.models import Note, Question, Reconciliation, ReconcilingItem, TieOutItem, TolerancePolicy
from recon.models.decision import Decision
from recon.services import amounts, decisions, invoices, organizations, policies, products, questions, review, shares, tying
from recon.services.shares import Wanted
from tests.review.making import BILLED, World, content, key, new_person, refusal, rows_of, stricter, waiting_in, work

Act = Callable[[World, Reconciliation, User], Any]
AT = "Tarn Vale Dental"
ACTS: dict[str, Act] = {
    "explain": lambda w, m, by: decisions.explain(m, [key(m, AT)], check="expected", cause="timing", quantity=1, by=by),
    "withdraw_item": lambda w, m, by: decisions.withdraw_item(ReconcilingItem.objects.get(), by=by),
    "assign": lambda w, m, by: decisions.assign(m, [key(m, AT)], owner=w.tom, by=by),
    "mark_reviewed": lambda w, m, by: decisions.mark_reviewed(m, [key(m, AT)], by=by),
    "decide_rebill": lambda w, m, by: decisions.decide_rebill(m, [key(m, AT)], quantity=3, reason="contract", by=by),
    "settle_rejected": lambda w, m, by: decisions.settle_rejected(m, decisions.rejected_rows(m), note="Seen.", by=by),
    "add_notes": lambda w, m, by: decisions.add_notes(m, [key(m, AT)], text="Once more.", by=by),
    "resolve_note": lambda w, m, by: decisions.resolve_note(Note.objects.get(), m, by=by),
    "undo": lambda w, m, by: decisions.undo(Decision.objects.filter(action="recon.row.reviewed").get(), by=by),
}

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
WATCH, BACKUP = "Cloud Watch", "Offsite Backup"
MILLS = [Wanted("Dunfell Mill", 1), Wanted("Dunfell Shop", 1)]
Deed = Callable[[World, User], Any]
#: Of the other services: everything public that changes something, and what only looks (or is the worker's own).
DEEDS: dict[str, Deed] = {
    "questions.answer": lambda w, by: questions.answer(_asked("open"), "different", by=by),
    "questions.postpone": lambda w, by: questions.postpone(_asked("open"), by=by),
    "questions.answer_exact": lambda w, by: questions.answer_exact(w.account, by=by),
    "questions.answer_own": lambda w, by: questions.answer_own(w.account, by=by),
    "questions.undo": lambda w, by: questions.undo(_asked("answered"), by=by),
    "products.count_as": lambda w, by: products.count_as(w.account, BACKUP, [Holding("siem")], by=by),
    "products.ignore": lambda w, by: products.ignore(w.account, [BACKUP], "Not sold by Huntress", by=by),
    "products.end": lambda w, by: products.end(w.account, WATCH, by=by),
    "products.undo": lambda w, by: products.undo(w.account, WATCH, by=by),
    "shares.share_out": lambda w, by: shares.share_out(_org(AT), [Wanted("Tarn Vale North", 1), Wanted("Tarn Vale South", 1)], by=by),
    "shares.end": lambda w, by: shares.end(_org("Dunfell Bakery"), by=by),
    "shares.undo": lambda w, by: shares.undo(_org("Dunfell Bakery"), by=by),
    "invoices.add": lambda w, by: invoices.add(w.of().cycle, amount=5_000_000, currency="USD", by=by),
    "invoices.withdraw": lambda w, by: invoices.withdraw(Invoice.objects.get(number="A-1"), by=by),
    "invoices.set_aside": lambda w, by: invoices.set_aside(Invoice.objects.get(number="88000"), by=by),
    "invoices.restore": lambda w, by: invoices.restore(Invoice.objects.get(number="87999"), by=by),
    "tying.name": lambda w, by: tying.name(w.of(), kind="tax", money=2_000_000, by=by),
    "tying.withdraw": lambda w, by: tying.withdraw(TieOutItem.objects.get(), by=by),
    "amounts.say_unit": lambda w, by: amounts.say_unit(_connection(), "cents", by=by),
    "organizations.add_alias": lambda w, by: organizations.add_alias(_org(AT), "Tarn Vale Smiles", by=by),
    "organizations.revoke_alias": lambda w, by: organizations.revoke_alias(Alias.objects.get(name="Garrowby Fields"), by=by),
    "organizations.stand": lambda w, by: organizations.stand(_org(AT), "internal", by=by, reason="Our own office."),
    "mappings.restate": lambda w, by: mappings.restate(_profile(), name="Klanten", columns=_profile().mapping["columns"], by=by),
    "mappings.forget": lambda w, by: mappings.forget(_profile(), by=by),
    "connecting.add": lambda w, by: connecting.add(_unconnected(w), name="Huntress", key="hk_2", secret="hs_2", by=by),
    "connecting.replace_secret": lambda w, by: connecting.replace_secret(_connection(), key="hk_2", secret="hs_2", by=by),
    "connecting.change": lambda w, by: connecting.change(_connection(), _wanted(), by=by),
    "connecting.start_test": lambda w, by: connecting.start_test(_connection(), by=by),
    "connecting.remove": lambda w, by: connecting.remove(_connection(), by=by),
    "pulls.ask": lambda w, by: pulls.ask(_tested(), by=by, subjects=["agents"]),
    "pulls.cancel": lambda w, by: pulls.cancel(_pull(), by=by),
    "connection_tests.confirm": lambda w, by: connection_tests.confirm(_connection(), "account 9", by=by),
    "mappings.take_in": lambda w, by: mappings.take_in(w.account, mappings.as_file([_profile()]).encode(), by=by),
}
#: How everybody's lists are read from now on, and with whose key.
FOR_ADMINS = ("amounts.", "mappings.", "connecting.", "connection_tests.")
LOOKS = {
    questions: {"waiting", "queue", "decided", "question", "count_open", "left_of", "count_blocking", "entry", "follow_merges"},
    products: {"words_of", "served_files", "count_undecided", "queue", "rules", "cycles_that_use"},
    shares: {"shares_in_force", "has_history"},
    invoices: set(),
    tying: {"words_of"},
    amounts: {"restate_amounts", "count_anew", "invoices_of", "accounts_of"},
    organizations: {"merges_of"},
    connecting: {"tests_of"},
    connection_tests: {"run_test", "examine", "judge", "to_confirm"},
    pulls: {
        "may_see_whole", "may_pull", "may_cancel", "offered", "begin", "append", "wanted_of", "pulls_of", "parts_seen", "latest",
        "latest_whole",
    },
    mappings: {
        "profiles_of", "as_value", "applied_to", "is_proposal", "note_use", "remember", "refuse_unusable", "as_file", "upload_limit",
    },
}  # fmt: skip


def _asked(state: str) -> Question:
    return Question.objects.get(state=state)


def _org(name: str) -> Organization:
    return Organization.objects.get(name=name)


def _connection() -> Connection:
    return Connection.objects.get()


def _tested() -> Connection:
    Connection.objects.update(key_kind="account")
    return _connection()


def _pull() -> Pull:
    return Pull.objects.get_or_create(connection=_connection())[0]


def _unconnected(world: World) -> Account:
    """The account without its connection, for who may remove it."""
    Connection.objects.update(removed_at=NOW, sealed="")
    return world.account


def _wanted() -> connecting.Wanted:
    return connecting.Wanted(
        "Huntress", is_scheduled=False, nightly_at=time(1), last_day_at=time(19), left_to_others=30, amount_unit="cents"
    )


def _profile() -> MappingProfile:
    return MappingProfile.objects.get()


@pytest.fixture
def busy(world: World) -> World:
    """With something of every kind to decide, and to take back."""
    world.quiet()
    questions.answer(waiting_in(world), "different", by=world.mara)
    given = world.put("rebilled", BILLED, waiting="Harbour Lane Plumbing").source_file
    for line, name in enumerate((WATCH, BACKUP), start=950):
        UsageLine.objects.create(source_file=given, line=line, product_name=name, organization=_org(AT), name=AT, quantity=2)
    work()
    products.count_as(world.account, WATCH, [Holding("siem")], by=world.mara)
    shares.share_out(_org("Dunfell Bakery"), MILLS, by=world.mara)
    invoices.add(world.of().cycle, amount=4_000_000, currency="USD", number="A-1", by=world.mara)
    for number, withdrawn_at in (("88000", None), ("87999", NOW)):
        of: dict[str, Any] = {"account": world.account, "cycle": world.of().cycle, "currency": "USD", "by": world.mara}
        Invoice.objects.create(**of, number=number, external_id=number, stated_amount="4", withdrawn_at=withdrawn_at)
    tying.name(world.of(), kind="tax", money=1_000_000, by=world.mara)
    organizations.add_alias(_org("Garrowby Farms"), "Garrowby Fields", by=world.mara)
    found = {"name": "actor", "label": "", "is_open": True, "sentence": "", "may_confirm": True, "kind": "account", "account": "9"}
    Connection.objects.create(account=world.account, name="Huntress", sealed="nonsense", reach=[found], added_by=world.ines)
    mappings.remember(world.account, "expected", ["Klant", "Stuks"], Mapping({0: "organization", 1: "quantity:edr"}), by=world.ines)
    return world


@pytest.fixture
def month(world: World) -> Reconciliation:
    """With something to take back of every kind."""
    world.month()
    world.put("billed", BILLED, rejected=1)
    work()
    month = world.of()
    decisions.explain(month, [key(month, AT)], check="expected", cause="new_agents", quantity=1, by=world.mara)
    decisions.mark_reviewed(month, [key(month, "Dunfell Bakery")], by=world.mara)
    decisions.add_notes(month, [key(month, AT)], text="Whose are these?", is_open=True, by=world.mara)
    return month


def _viewer(world: World) -> User:
    return world.tom


def _stranger(world: World) -> User:
    elsewhere = Account.objects.create(name="Brightfen Support", slug="brightfen")
    return new_person(elsewhere, "owen", Role.ADMIN)


def _removed(world: World) -> User:
    Membership.objects.filter(user=world.mara).delete()
    return world.mara


def _switched_off(world: World) -> User:
    User.objects.filter(pk=world.mara.pk).update(is_active=False)
    return User.objects.get(pk=world.mara.pk)


def test_every_public_act_is_tried() -> None:
    mine = {name for name, one in vars(decisions).items() if getattr(one, "__module__", "") == decisions.__name__ and callable(one)}
    assert {name for name in mine if name[0].islower() and not name.startswith("_")} == {*ACTS, "locked", "rejected_rows"}


def test_every_public_deed_of_the_other_services_is_tried() -> None:
    for service, looks in LOOKS.items():
        short = service.__name__.rpartition(".")[2]
        mine = {name for name, one in vars(service).items() if getattr(one, "__module__", "") == service.__name__ and callable(one)}
        tried = {name.partition(".")[2] for name in DEEDS if name.startswith(f"{short}.")}
        assert {name for name in mine if name[0].islower() and not name.startswith("_")} == tried | looks


@pytest.mark.parametrize("who", [_viewer, _stranger, _removed, _switched_off])
def test_who_has_no_role_does_none_of_them(busy: World, who: Callable[[World], User]) -> None:
    by, events = who(busy), AuditEvent.objects.count()
    for deed in DEEDS.values():
        assert "Your role in this account" in refusal(lambda deed=deed: deed(busy, by))  # type: ignore[misc]
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("name", DEEDS)
def test_who_has_the_role_does_them(busy: World, name: str) -> None:
    before = AuditEvent.objects.count()
    if name.startswith(FOR_ADMINS):
        assert "Your role in this account" in refusal(lambda: DEEDS[name](busy, busy.mara))
    DEEDS[name](busy, busy.ines if name.startswith(FOR_ADMINS) else busy.mara)
    assert (AuditEvent.objects.count() > before) == (name not in {"questions.answer_exact", "questions.answer_own"})


@pytest.mark.parametrize(
    "deed",
    [
        "invoices.add",
        "invoices.withdraw",
        "invoices.set_aside",
        "tying.name",
        "tying.withdraw",
        "products.count_as",
        "products.ignore",
        "shares.share_out",
    ],
)
def test_who_does_one_that_bears_on_a_month_does_not_review_it(busy: World, deed: str) -> None:
    assert "made decisions" not in review.reviewer_objection(busy.of(), busy.jonah)
    DEEDS[deed](busy, busy.jonah)
    assert "made decisions" in review.reviewer_objection(busy.of(), busy.jonah)


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("who", [_viewer, _stranger, _removed, _switched_off])
def test_who_has_no_role_to_work_decides_nothing(world: World, month: Reconciliation, who: Callable[[World], User], name: str) -> None:
    before, events, by = content(month), AuditEvent.objects.count(), who(world)
    assert "Your role in this account" in refusal(lambda: ACTS[name](world, month, by))
    assert (content(month), AuditEvent.objects.count()) == (before, events)


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("who", ["mara", "jonah", "ines"])
def test_who_has_one_does(world: World, month: Reconciliation, who: str, name: str) -> None:
    before = AuditEvent.objects.count()
    ACTS[name](world, month, getattr(world, who))
    assert AuditEvent.objects.count() == before + 1


def test_a_role_through_the_reseller_is_a_role(world: World, month: Reconciliation) -> None:
    reseller = Reseller.objects.create(name="Cobbleside Group")
    Account.objects.filter(pk=world.account.pk).update(reseller=reseller)
    ruth = User.objects.create_user("ruth@cobbleside.example", None)
    Membership.objects.create(user=ruth, reseller=reseller, role=Role.PREPARER)
    month = world.of()
    ACTS["mark_reviewed"](world, month, ruth)
    assert rows_of(month).get(name=AT).is_reviewed


@pytest.mark.parametrize("who", [_viewer, _stranger])
def test_nor_does_such_a_person_say_whose_a_name_is(world: World, who: Callable[[World], User]) -> None:
    world.quiet()
    waiting = waiting_in(world)
    by = who(world)
    assert "Your role" in refusal(lambda: questions.answer(waiting, "different", by=by))
    assert [one.question for one in questions.queue(world.account)] == [waiting]


@pytest.mark.parametrize("who", ["tom", "mara", "jonah"])
def test_only_an_admin_changes_tolerances(world: World, who: str) -> None:
    assert "Your role" in refusal(lambda: policies.save_policy(world.account, [stricter()], by=getattr(world, who)))
    assert not TolerancePolicy.objects.exists()
    policies.save_policy(world.account, [stricter()], by=world.ines)
