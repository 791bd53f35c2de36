"""The digest: the same content gives the same one, in whatever order and on whatever database; any field changed gives another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, AuditEvent, Organization, User
from recon import seal, triggers
from recon.models import (
    Certification,
    Note,
    Reconciliation,
    ReconcilingItem,
    RowDecision,
    SettledRow,
    SignedTieOut,
    TieOutItem,
    ToleranceRow,
    Variance,
)
from recon.services import decisions, invoices, policies, review
from recon.tie_out import as_signed
from tests.review.making import BILLED, EXPECTED, NOVEMBER, REBILLED, World, key, keys_of, new_world, rows_of, stricter, work

#: Of the month of ``full``: held, so that a change of what is hashed is made knowingly. The same on SQLite and on PostgreSQL.
FIXED = "9a6a37d757d4f9fa990e54b4d0172f43b0ccde61ad60462bf7a818e0f2c438fb"
#: The same, signed before what was tied out was kept, and before the statements were: what was signed then must still verify.
FIXED_BEFORE_TIE_OUT = "6375ad1b565246e319cc2e2cad4c3a60ef4bc21d972f057cf54b8a95efa19c6f"
FIXED_BEFORE = "d38ffbe9ef893d08d9b514eaeb7c6a92f58255e5670743ea74aa1d32254836c0"


def full(world: World) -> Reconciliation:
    """A month with something of everything that is signed, two Organizations of one name among it."""
    Account.objects.filter(pk=world.account.pk).update(statements="The three lists were compared.\nNothing is left out.")
    twin = Organization.objects.create(account=world.account, name="Dunfell Bakery", huntress_id="4711")
    policies.save_policy(world.account, [stricter()], by=world.ines, why="A strict month.")
    world.put("billed", BILLED, rejected=1)
    world.put("expected", EXPECTED)
    world.put("rebilled", REBILLED)
    work()
    month = world.of()
    decisions.settle_rejected(month, decisions.rejected_rows(month), note="Seen.", by=world.mara)
    decisions.assign(month, [key(month, "Tarn Vale Dental")], owner=world.tom, by=world.mara)
    decisions.decide_rebill(
        month,
        keys_of(rows_of(month).filter(name="Garrowby Farms", product="edr")),
        quantity=29,
        reason="contract",
        note="Minimum.",
        by=world.mara,
    )
    decisions.add_notes(month, [key(month, "Tarn Vale Dental")], text="Who ordered these?", is_open=True, by=world.jonah)
    decisions.resolve_note(Note.objects.get(), month, by=world.mara)
    assert twin.pk
    return world.submitted()


def fixed(world: World) -> str:
    """Without the figures of the page's head, which every version may count more of."""
    month = full(world)
    Reconciliation.objects.filter(pk=month.pk).update(totals={})
    return sealed(month, world).digest


def sealed(month: Reconciliation, world: World) -> Reconciliation:
    return review.sign(month, by=world.jonah)


def test_it_is_computed_again_from_what_is_signed(world: World) -> None:
    month = sealed(full(world), world)
    assert seal.digest(Reconciliation.objects.get(pk=month.pk)) == month.digest
    assert len(month.digest) == 64


def test_it_is_the_same_on_every_database_and_installation(world: World) -> None:
    assert fixed(world) == FIXED


def test_what_was_signed_before_statements_and_tie_outs_were_kept_still_verifies(world: World) -> None:
    fixed(world)
    triggers.remove(connection)
    SignedTieOut.objects.all().delete()
    assert seal.digest(world.of()) == FIXED_BEFORE_TIE_OUT
    Certification.objects.all().delete()
    assert seal.digest(world.of()) == FIXED_BEFORE


def test_ids_do_not_matter(db: None) -> None:
    for number in range(7):  # other people, accounts and Organizations first
        User.objects.create_user(f"owen{number}@brightfen.example")
        Organization.objects.create(account=Account.objects.create(name="Brightfen", slug=f"b{number}"), name="Elsewhere")
    assert fixed(new_world()) == FIXED


def test_the_order_of_storing_does_not_matter(world: World) -> None:
    month = full(world)
    before = seal.digest(month)
    for model in (Variance, ReconcilingItem, RowDecision):
        rows = list(model._default_manager.filter(reconciliation=month).order_by("-pk"))
        model._default_manager.filter(reconciliation=month).delete()
        for one in rows:
            one.pk = None
            one.save(force_insert=True)
    assert seal.digest(month) == before


def test_later_names_do_not_break_a_signature(world: World) -> None:
    """Renamed people, accounts and Organizations; ids learned; notes resolved, withdrawn or added by the next revision."""
    month = sealed(full(world), world)
    User.objects.filter(pk=world.mara.pk).update(email="mara.kestle@quillmere.example")
    Account.objects.filter(pk=world.account.pk).update(name="Quillmere Group")
    Organization.objects.filter(name="Tarn Vale Dental").update(name="Tarn Vale Care", huntress_id="99")
    following = review.reopen(month, by=world.ines, reason="other", words="Once more.")
    work()
    at = keys_of(rows_of(following))
    decisions.add_notes(following, at, text="Another.", is_open=True, by=world.mara)
    decisions.mark_reviewed(following, at, by=world.mara)
    assert seal.digest(Reconciliation.objects.get(pk=month.pk)) == month.digest


def test_the_next_revision_differs_by_what_it_says_of_itself_alone(world: World) -> None:
    """Reopened and signed again untouched, every row, item and decision has the line that it had."""
    first = sealed(full(world), world)
    review.reopen(first, by=world.ines, reason="other", words="Once more.")
    work()
    second = review.sign(review.submit(world.of(), by=world.mara), by=world.jonah)
    lines = [list(seal._lines(one, seal.identities(one))) for one in (first, second)]
    kept = [sorted(str(line) for line in given if isinstance(line, list)) for given in lines]  # in whatever order they are stored
    assert kept[0] == kept[1]
    heads = [next(line for line in given if isinstance(line, dict)) for given in lines]
    assert {name for name in heads[0] if heads[0][name] != heads[1][name]} == {"revision", "reopened"}
    assert first.digest != second.digest


def test_nothing_in_a_line_is_an_id(world: World) -> None:
    month = full(world)
    people = {user.pk for user in User.objects.all()}
    User.objects.create_user("x@quillmere.example")
    said = [str(line) for line in seal._lines(month, seal.identities(month))]
    assert all("_id" not in line and "'file'" not in line for line in said)
    assert sum("@quillmere.example" in line for line in said) > 5
    assert people


_FIELDS: list[tuple[str, str, Callable[[Any], Any]]] = [
    *(("row", name, lambda value: (value or 0) + 1) for name in (
        "billed", "expected", "rebilled", "previous", "expected_difference", "rebilled_difference", "previous_difference", "cost", "sell",
        "expected_money", "rebilled_money", "expected_explained", "rebilled_explained",
    )),
    *(("row", name, lambda value: 4 if value != 4 else 3) for name in ("severity", "expected_severity", "rebilled_severity")),
    ("row", "name", lambda value: value + "."),
    ("row", "flags", lambda value: value + ",not_billed"),
    ("row", "is_reviewed", lambda value: not value),
    ("row", "rebill_quantity", lambda value: (value or 0) + 1),
    ("item", "quantity", lambda value: value + 100),
    ("item", "cause", lambda value: "timing" if value != "timing" else "renamed"),
    ("item", "note", lambda value: value + "."),
    ("item", "check_name", lambda value: "rebilled" if value == "expected" else "expected"),
    ("item", "product", lambda value: "sat"),
    ("item", "state", lambda value: "withdrawn"),
    ("decision", "rebill_note", lambda value: value + "."),
    ("settled", "note", lambda value: value + "."),
    ("settled", "line", lambda value: value + 1),
    ("note", "text", lambda value: value + "."),
    ("note", "is_open", lambda value: not value),
    ("certified", "statements", lambda value: value + "."),
    ("named", "kind", lambda value: "credit"),
    ("named", "units", lambda value: (value or 0) + 1),
    ("named", "money", lambda value: (value or 0) + 10_000),
    ("named", "note", lambda value: value + "."),
    ("tied", "invoice_units", lambda value: (value or 0) + 1),
    ("tied", "invoice_money", lambda value: (value or 0) + 10_000),
    ("tied", "report_money", lambda value: (value or 0) + 10_000),
    ("tied", "invoices", lambda value: [{**value[0], "status": "voided"}]),
    ("certified", "part", lambda value: "reviewer"),
    ("tolerance", "escalate_units", lambda value: value + 1),
    ("tolerance", "floor", lambda value: value + 1),
    ("month", "revision", lambda value: value + 1),
    ("month", "solo_rule", lambda value: not value),
    ("month", "reopened_words", lambda value: value + "."),
    ("month", "totals", lambda value: value | {"rows": 0}),
    ("month", "inputs", lambda value: {**value, "billed": {**value["billed"], "sha256": "0" * 64}}),
    ("month", "inputs", lambda value: {leg: given for leg, given in value.items() if leg != "expected"}),
]  # fmt: skip


def _kinds(month: Reconciliation) -> dict[str, Any]:
    return {
        "row": rows_of(month),
        "item": ReconcilingItem.objects.filter(reconciliation=month),
        "decision": RowDecision.objects.filter(reconciliation=month).exclude(rebill_quantity=None),
        "settled": SettledRow.objects.filter(reconciliation=month),
        "note": Note.objects.filter(cycle=month.cycle),
        "certified": Certification.objects.filter(reconciliation=month),
        "named": TieOutItem.objects.filter(reconciliation=month),
        "tied": SignedTieOut.objects.filter(reconciliation=month),
        "tolerance": ToleranceRow.objects.filter(policy=month.policy),
        "month": Reconciliation.objects.filter(pk=month.pk),
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(change=st.sampled_from(range(len(_FIELDS))), place=st.integers(0, 9))
def test_any_single_field_that_is_changed_changes_it(prepared: tuple[World, Reconciliation, str], change: int, place: int) -> None:
    _, month, before = prepared
    kind, name, other = _FIELDS[change]
    rows = _kinds(month)[kind].order_by("pk")
    pk = rows.values_list("pk", flat=True)[place % rows.count()]
    value = rows.values_list(name, flat=True).get(pk=pk)
    with transaction.atomic():
        type(rows)(rows.model).filter(pk=pk).update(**{name: other(value)})
        assert seal.digest(Reconciliation.objects.select_related("cycle__account", "policy").get(pk=month.pk)) != before, (kind, name)
        transaction.set_rollback(True)


@pytest.mark.parametrize("of", ["item", "row", "note"])
def test_who_it_is_of_and_who_did_it_change_it(prepared: tuple[World, Reconciliation, str], of: str) -> None:
    world, month, before = prepared
    one = _kinds(month)[of].order_by("pk")[0]
    other = Organization.objects.exclude(pk=one.organization_id).exclude(name="Dunfell Bakery").order_by("pk")[0]
    if of == "row":
        Variance.objects.filter(reconciliation=month, organization=other, product=one.product).delete()
    type(one)._default_manager.filter(pk=one.pk).update(organization=other, **({"name": other.name} if of == "row" else {}))
    assert seal.digest(month) != before
    type(one)._default_manager.filter(pk=one.pk).update(organization=one.organization_id, **({"name": one.name} if of == "row" else {}))
    if of != "row":
        assert seal.digest(month) == before
        type(one)._default_manager.filter(pk=one.pk).update(author=world.tom)
        assert seal.digest(month) != before


@pytest.fixture
def prepared(world: World) -> tuple[World, Reconciliation, str]:
    """A month in review with its digest, and nothing in the database that keeps a test from changing a field of it."""
    month = full(world)
    triggers.remove(connection)
    invoices.add(month.cycle, amount=5_000_000, currency="USD", quantity=54, number="Q-1", by=world.mara)
    TieOutItem.objects.create(reconciliation=month, kind="tax", money=2_000_000, author=world.mara)
    as_signed(month).save()
    return world, month, seal.digest(month)


def test_identities_are_kept_with_the_signature(world: World) -> None:
    month = sealed(full(world), world)
    kept = AuditEvent.objects.get(action="recon.reconciliation.signed_off").after["identities"]
    assert kept["account"] == ["quillmere-it", "Quillmere IT", "USD"]
    assert set(kept["people"].values()) == {f"{name}@quillmere.example" for name in ("mara", "jonah", "tom")}
    assert month.signed_at is not None
    assert month.signed_at < datetime.now(UTC)
    assert NOVEMBER.start == month.cycle.start
