"""Every service that decides asks for the role itself: whoever calls it, and by whatever way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

import pytest

from accounts.models import (
    Account,
    Alias,
    AuditEvent,
    ConsentLink,
    Membership,
    Organization,
    Reseller,
    Role,
    Tenant,
    User,
)
from ingest.models import (
    Connection,
    FileOwner,
    Invoice,
    LiveCount,
    MappingProfile,
    Pull,
    SkuSuggestion,
    SourceFile,
    UsageLine,
)
from ingest.services import (
    connecting,
    connection_tests,
    consents,
    mappings,
    microsoft_app,
    pulls,
    retention,
    tenant_imports,
    tenant_pulls,
    tenant_tests,
    tenants,
)
from ingest.sources import Mapping
from recon.engine import Holding
from recon.models import Note, Question, Reconciliation, ReconcilingItem, TieOutItem, TolerancePolicy
from recon.models.decision import Decision
from recon.services import (
    amounts,
    decisions,
    directories,
    exclusions,
    invoices,
    organizations,
    policies,
    products,
    questions,
    review,
    shares,
    sku_files,
    tenant_counts,
    tying,
)  # fmt: skip
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
APP, OTHER, NAMED = (f"8a6c3f1e-0000-4000-8000-00000000000{n}" for n in range(3))
MILLS = [Wanted("Dunfell Mill", 1), Wanted("Dunfell Shop", 1)]
Deed = Callable[[World, User], Any]
#: What an admin says for everybody: how lists are read, and who is billable.
RULES = ("mappings.", "exclusions.", "sku_files.")
NAMES = b"Product_Display_Name,String_Id,GUID\nInvented,INVENTED_A,5c000001-2222-4000-8000-000000000000\n"
SUGGESTED = b"string_id,evidence\nINVENTED_D,An article\nINVENTED_E,Another\n"
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
    "exclusions.propose": lambda w, by: exclusions.propose(w.account, b"INVENTED_A\nINVENTED_B\n", name="a.txt", came="pasted", by=by),
    "exclusions.propose_change": lambda w, by: exclusions.propose_change(w.account, {}, add=[("INVENTED_C", "")], remove=(), by=by),
    "exclusions.propose_start": lambda w, by: exclusions.propose_start(w.account, by=by),
    "exclusions.put_in_force": lambda w, by: exclusions.put_in_force(_proposed(), cycle=w.of().cycle.dates, by=by),
    "exclusions.drop": lambda w, by: exclusions.drop(_proposed(), by=by),
    "sku_files.take_names": lambda w, by: sku_files.take_names(w.account, NAMES, name="names.csv", by=by),
    "sku_files.take_suggestions": lambda w, by: sku_files.take_suggestions(w.account, SUGGESTED, name="maybe.csv", by=by),
    "sku_files.dismiss": lambda w, by: sku_files.dismiss(w.account, _suggested(dismissed=False), by=by),
    "sku_files.ask_again": lambda w, by: sku_files.ask_again(w.account, _suggested(dismissed=True), by=by),
    "connecting.add": lambda w, by: connecting.add(_unconnected(w), name="Huntress", key="hk_2", secret="hs_2", by=by),
    "connecting.replace_secret": lambda w, by: connecting.replace_secret(_connection(), key="hk_2", secret="hs_2", by=by),
    "connecting.change": lambda w, by: connecting.change(_connection(), _wanted(), by=by),
    "connecting.start_test": lambda w, by: connecting.start_test(_connection(), by=by),
    "connecting.remove": lambda w, by: connecting.remove(_connection(), by=by),
    "pulls.ask": lambda w, by: pulls.ask(_tested(), by=by, subjects=["agents"]),
    "pulls.cancel": lambda w, by: pulls.cancel(_pull(), by=by),
    "connection_tests.confirm": lambda w, by: connection_tests.confirm(_connection(), "account 9", by=by),
    "microsoft_app.state_app": lambda w, by: microsoft_app.state_app(w.account, microsoft_app.Stated(APP, "another-secret"), by=by),
    "microsoft_app.remove_app": lambda w, by: microsoft_app.remove_app(w.account, by=by),
    "consents.make_link": lambda w, by: consents.make_link(w.account, organization=_org(AT), cloud="global", by=by),
    "consents.withdraw": lambda w, by: consents.withdraw(ConsentLink.objects.get(), by=by),
    "consents.prove_again": lambda w, by: consents.prove_again(ConsentLink.objects.get(), by=by),
    "tenants.confirm": lambda w, by: tenants.confirm(_tenant("microsoft"), _org(AT), by=by),
    "tenants.move": lambda w, by: tenants.move(_tenant("microsoft"), "china", by=by),
    "tenants.remove": lambda w, by: tenants.remove(_tenant("microsoft"), by=by),
    "tenants.add_google": lambda w, by: tenants.add_google(w.account, name="dunfell.example", organization=_org(AT), by=by),
    "tenants.connect": lambda w, by: tenants.connect(w.account, {OTHER: (0, "global")}, how="csv", by=by),
    "tenant_imports.import_list": lambda w, by: tenant_imports.import_list(w.account, f"{OTHER},{AT}", cloud="global", by=by),
    "tenant_imports.take_in": lambda w, by: tenant_imports.take_in(w.account, {OTHER: (0, "global")}, how="csv", by=by),
    "tenant_imports.accept": lambda w, by: tenant_imports.accept(w.account, [NAMED], cloud="global", by=by),
    "tenant_tests.start_test": lambda w, by: tenant_tests.start_test(_tenant("microsoft"), by=by),
    "tenant_tests.start_tests": lambda w, by: tenant_tests.start_tests(w.account, by=by),
    "tenant_pulls.ask_tenants": lambda w, by: tenant_pulls.ask_tenants(_with_a_confirmed_tenant(w), by=by),
    "retention.state_days": lambda w, by: retention.state_days(w.account, 400, by=by),
    "directories.name_tenant": lambda w, by: directories.name_tenant(_users_of_a_tenant(w), _tenant("microsoft"), by=by),
    "tenant_counts.state_count": lambda w, by: tenant_counts.state_count(_tenant("google"), w.of().cycle, identities=4, by=by),
    "mappings.take_in": lambda w, by: mappings.take_in(w.account, mappings.as_file([_profile()]).encode(), by=by),
}
#: How everybody's lists are read from now on, and with whose key.
FOR_ADMINS = (
    "amounts.", "mappings.", "connecting.", "connection_tests.", "microsoft_app.", "consents.", "tenants.", "tenant_imports.",
    "tenant_tests.", "retention.",
)  # fmt: skip
LOOKS = {
    questions: {"waiting", "queue", "decided", "question", "count_open", "left_of", "count_blocking", "entry", "follow_merges"},
    products: {"words_of", "served_files", "count_undecided", "queue", "rules", "cycles_that_use"},
    shares: {"shares_in_force", "has_history"},
    invoices: set(),
    tying: {"words_of"},
    amounts: {"restate_amounts", "count_anew", "invoices_of", "accounts_of"},
    organizations: {"merges_of"},
    exclusions: {"drafts_of", "as_csv", "effect_of"},
    sku_files: {"newest_upload"},
    connecting: {"tests_of"},
    microsoft_app: {"app_of", "facts_of", "graph_for", "microsoft_of", "login_of"},
    consents: {
        "address_of", "is_open", "links_of", "take_return", "run_prove", "prove_link", "note", "suggested_by_links",
    },
    tenants: {"tenants_of", "pullable", "count_anew"},
    tenant_imports: {"candidates_of"},
    tenant_tests: {
        "look", "write_down", "tests_of", "run_test", "examine", "open_tests", "run_all", "run_new", "examine_many",
    },
    tenant_counts: {"count_anew"},
    tenant_pulls: {"tenants_to_pull", "wanted"},
    retention: {"days_of", "due", "purge_due", "tombstone_of", "refuse_purged", "said_of", "purged_of", "kept_of"},
    directories: {
        "tenant_of", "refuse_unplaceable", "refuse_lesser", "as_of_of", "lacks_of", "is_whole", "place", "recount_when_all_are_in",
    },
    connection_tests: {"run_test", "examine", "judge", "to_confirm"},
    pulls: {
        "may_see_whole", "may_pull", "may_cancel", "offered", "begin", "append", "wanted_of", "pulls_of", "parts_seen", "latest",
        "latest_whole",
    },
    mappings: {
        "profiles_of", "as_value", "applied_to", "is_proposal", "note_use", "remember", "refuse_unusable", "as_file", "upload_limit",
    },
}  # fmt: skip


def _proposed() -> SourceFile:
    return SourceFile.objects.get(kind="exclusions", state="ready")


def _suggested(*, dismissed: bool) -> list[int]:
    return list(SkuSuggestion.objects.filter(dismissed_at__isnull=not dismissed).values_list("pk", flat=True))


def _asked(state: str) -> Question:
    return Question.objects.get(state=state)


def _org(name: str) -> Organization:
    return Organization.objects.get(name=name)


def _connection() -> Connection:
    return Connection.objects.get(provider="huntress")


def _tenant(kind: str) -> Tenant:
    return Tenant.objects.get(kind=kind, name="Here")


def _tenanted(world: World) -> None:
    """The app, a tenant to confirm and one of Google's, a link that came back, and a tenant that Huntress names."""
    by, org = world.ines, _org(AT)
    microsoft_app.state_app(world.account, microsoft_app.Stated(APP, "a-secret"), by=by)
    Tenant.objects.create(account=world.account, guid=APP, name="Here", proved_at=NOW)
    Tenant.objects.create(account=world.account, kind="google", name="Here", how="list")
    came = {"returned_at": NOW, "claimed": OTHER, "expires_at": NOW, "app": APP, "made_by": by}
    ConsentLink.objects.create(account=world.account, nonce="n", **came)
    live: dict[str, Any] = {"name": "live.zip", "sha256": "ab" * 32, "size": 1, "kind": "live", "state": "imported"}
    file = SourceFile.objects.create(account=world.account, cycle=world.of().cycle, received_by=by, imported_by=by, imported_at=NOW, **live)
    FileOwner.objects.create(source_file=file, number=1, name=AT, organization=org)
    LiveCount.objects.create(source_file=file, line=1, owner=1, tenants=[{"product": "itdr", "tenant": NAMED, "billable": 3}])


def _tested() -> Connection:
    Connection.objects.update(key_kind="account")
    return _connection()


def _pull() -> Pull:
    return Pull.objects.get_or_create(connection=_connection())[0]


def _with_a_confirmed_tenant(world: World) -> Account:
    Tenant.objects.filter(kind="microsoft").update(organization=_org(AT), confirmed_at=NOW, confirmed_by=world.ines)
    return world.account


def _users_of_a_tenant(world: World) -> SourceFile:
    fields: dict[str, Any] = {"name": "users.csv", "sha256": "cd" * 32, "size": 1, "state": "ready"}
    return SourceFile.objects.get_or_create(account=world.account, kind="directory", defaults=fields | {"received_by": world.mara})[0]


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
    exclusions.propose(world.account, b"SKU\nINVENTED_Z\n", name="list.csv", came="file", by=world.ines)
    sku_files.take_suggestions(world.account, SUGGESTED, name="maybe.csv", by=world.ines)
    sku_files.dismiss(world.account, _suggested(dismissed=False)[:1], by=world.ines)
    _tenanted(world)
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
    before, for_admins = AuditEvent.objects.count(), name.startswith((*RULES, *FOR_ADMINS))
    if for_admins:
        assert "Your role in this account" in refusal(lambda: DEEDS[name](busy, busy.mara))
    DEEDS[name](busy, busy.ines if for_admins else busy.mara)
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
