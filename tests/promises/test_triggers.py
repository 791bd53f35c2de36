"""Promises that no CHECK can hold: each trigger is tried with raw SQL and refuses by its name, and what is beside it passes.

A trigger that nobody tries is a failure, and so is an attempt at one that is gone.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest
from django.db import DatabaseError, connection, models, transaction

from accounts import audit
from accounts.models import AuditEvent, BillingCycle
from recon import triggers
from recon.models import Decision, Reconciliation, ReconcilingItem, RowDecision, SettledRow, SignedInput, ToleranceRow
from tests.access.world import World, build, seal
from tests.promises.test_constraints import Twice

pytestmark = pytest.mark.django_db


def signed_without_one(world: World) -> int:
    """A revision that was signed before its tie-out was kept."""
    cycle = BillingCycle.objects.create(account=world.account, start=date(2026, 9, 14), end=date(2026, 10, 14))
    earlier = Reconciliation.objects.create(cycle=cycle)
    same = Reconciliation.objects.filter(pk=world["reconciliation"].pk)
    said = same.values("state", "preparer", "submitted_at", "reviewer", "signed_at", "digest").get()
    Reconciliation.objects.filter(pk=earlier.pk).update(**said)
    return earlier.pk


#: Trigger → the row it guards, and a column with another value (UPDATE), found in the world or not, or nothing (DELETE, INSERT).
ATTEMPTS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "sealed_revision_update": ("UPDATE", "reconciliation", {"run": 7}),
    "sealed_revision_delete": ("DELETE", "reconciliation", {}),
    "audit_update": ("UPDATE", "event", {"subject": "another"}),
    "audit_delete": ("DELETE", "event", {}),
    "tolerance_update": ("UPDATE", "tolerance", {"floor": 1}),
    "tolerance_delete": ("DELETE", "tolerance", {}),
    "policy_update": ("UPDATE", "policy", {"why": "another"}),
    "policy_delete": ("DELETE", "policy", {}),
    "contract_version_update": ("UPDATE", "contract_version", {"minimum": 11}),
    "contract_version_delete": ("DELETE", "contract_version", {}),
    "contract_step_update": ("UPDATE", "contract_step", {"minimum": 13}),
    "contract_step_delete": ("DELETE", "contract_step", {}),
    "sealed_variance_insert": ("INSERT", "variance", {"product": "siem"}),
    "sealed_variance_update": ("UPDATE", "variance", {"billed": 13}),
    "sealed_variance_delete": ("DELETE", "variance", {}),
    "sealed_reconcilingitem_insert": ("INSERT", "item", {}),
    "sealed_reconcilingitem_update": ("UPDATE", "item", {"quantity": 9}),
    "sealed_reconcilingitem_delete": ("DELETE", "item", {}),
    "sealed_rowdecision_insert": ("INSERT", "row_decision", {"product": "siem"}),
    "sealed_rowdecision_update": ("UPDATE", "row_decision", {"rebill_note": "another"}),
    "sealed_rowdecision_delete": ("DELETE", "row_decision", {}),
    "sealed_settledrow_insert": ("INSERT", "settled", {"line": 9}),
    "sealed_settledrow_update": ("UPDATE", "settled", {"note": "another"}),
    "sealed_settledrow_delete": ("DELETE", "settled", {}),
    "sealed_signedinput_insert": ("INSERT", "signed_input", {"leg": "rebilled"}),
    "sealed_signedinput_update": ("UPDATE", "signed_input", {"sha256": "0" * 64}),
    "sealed_signedinput_delete": ("DELETE", "signed_input", {}),
    "sealed_decision_insert": ("INSERT", "decision", {}),
    "sealed_decision_update": ("UPDATE", "decision", {"rows": 9}),
    "sealed_decision_delete": ("DELETE", "decision", {}),
    "sealed_certification_insert": ("INSERT", "certification", {"part": "reviewer"}),
    "sealed_certification_update": ("UPDATE", "certification", {"statements": "another"}),
    "sealed_certification_delete": ("DELETE", "certification", {}),
    "sealed_tieoutitem_insert": ("INSERT", "tie_out_item", {}),
    "sealed_tieoutitem_update": ("UPDATE", "tie_out_item", {"money": 9}),
    "sealed_tieoutitem_delete": ("DELETE", "tie_out_item", {}),
    "sealed_signedtieout_insert": ("INSERT", "signed_tie_out", {"reconciliation_id": signed_without_one}),
    "sealed_signedtieout_update": ("UPDATE", "signed_tie_out", {"invoice_units": 13}),
    "sealed_signedtieout_delete": ("DELETE", "signed_tie_out", {}),
    "sealed_usageline_insert": ("INSERT", "line", {"product": "siem"}),
    "sealed_usageline_update": ("UPDATE", "line", {"quantity": 13}),
    "sealed_usageline_delete": ("DELETE", "line", {}),
    "sealed_rejectedline_insert": ("INSERT", "rejected", {"product": "siem"}),
    "sealed_rejectedline_update": ("UPDATE", "rejected", {"name": "another"}),
    "sealed_rejectedline_delete": ("DELETE", "rejected", {}),
    "sealed_sourcerow_insert": ("INSERT", "row", {"line": 9}),
    "sealed_sourcerow_update": ("UPDATE", "row", {"reason": "another"}),
    "sealed_sourcerow_delete": ("DELETE", "row", {}),
    "sealed_priceline_insert": ("INSERT", "price", {"line": 9}),
    "sealed_priceline_update": ("UPDATE", "price", {"unit_price": 1}),
    "sealed_priceline_delete": ("DELETE", "price", {}),
    "sealed_note_insert": ("INSERT", "note", {}),
    "sealed_note_update": ("UPDATE", "note", {"text": "another"}),
    "sealed_note_delete": ("DELETE", "note", {}),
    "sealed_file_delete": ("DELETE", "imported", {}),
    "sealed_file_update": ("UPDATE", "imported", {"sha256": "0" * 64}),
}


@pytest.fixture
def world() -> World:
    """With its month signed, and everything in it that a signature covers."""
    return seal(build())


def _run(event: str, row: models.Model, values: dict[str, Any]) -> None:
    if event == "INSERT":
        Twice(lambda _: row, values).run(None)  # type: ignore[arg-type]
        return
    table = row._meta.db_table
    with connection.cursor() as cursor:
        if event == "DELETE":
            cursor.execute(f'DELETE FROM "{table}" WHERE id = %s', [row.pk])
        else:
            columns = ", ".join(f'"{name}" = %s' for name in values)
            cursor.execute(f'UPDATE "{table}" SET {columns} WHERE id = %s', [*values.values(), row.pk])


def test_every_trigger_is_tried_and_every_attempt_has_one() -> None:
    rules = {name: (table, event) for name, table, event, *_ in triggers._rules()}
    assert sorted(ATTEMPTS) == sorted(rules)
    assert {name: event for name, (event, _, _) in ATTEMPTS.items()} == {name: event for name, (_, event) in rules.items()}


def test_every_trigger_is_installed() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        found = {name for (name,) in cursor.fetchall()}
    whole = {name for name in found if name.startswith(("replaced_", "emptied_"))}  # of one database alone: tests/review/test_seals.py
    assert found - whole == set(ATTEMPTS)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_it_is_refused_by_name(world: World, name: str) -> None:
    event, row, values = ATTEMPTS[name]
    values = {column: value(world) if callable(value) else value for column, value in values.items()}
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        _run(event, world[row], values)
    assert f"{name}: " in str(refused.value)


@pytest.mark.parametrize(("name", "values"), [("sealed_file_update", {"state": "discarded"}), ("sealed_file_update", {"kind": "expected"})])
def test_more_ways_to_break_one(world: World, name: str, values: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        _run("UPDATE", world["imported"], values)
    assert f"{name}: " in str(refused.value)


def test_a_version_of_a_contract_ends_once_and_changes_in_nothing_else(world: World) -> None:
    ended = {"ended_at": "2026-11-16 12:00:00+00:00"}
    for values in (ended | {"minimum": 11}, {"unit_cost": None}, {"ended_at": None}):
        with pytest.raises(DatabaseError, match="contract_version_update: "), transaction.atomic():
            _run("UPDATE", world["contract_version"], values)
    _run("UPDATE", world["contract_version"], ended)
    with pytest.raises(DatabaseError, match="contract_version_update: "), transaction.atomic():
        _run("UPDATE", world["contract_version"], {"ended_at": None})


@pytest.mark.parametrize(
    "row", ["variance", "item", "row_decision", "settled", "signed_input", "decision", "certification", "tie_out_item", "signed_tie_out"]
)
def test_nothing_is_slipped_into_a_signed_revision_from_another_one(world: World, row: str) -> None:
    following = Reconciliation.objects.create(cycle=world["cycle"], revision=2)
    with transaction.atomic():
        Twice(the := (lambda _: world[row]), {"reconciliation_id": following.pk}).run(world)
    copied = type(world[row])._default_manager.get(reconciliation=following)
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        _run("UPDATE", copied, {"reconciliation_id": world["reconciliation"].pk})
    assert "a signed revision never changes" in str(refused.value)
    assert the(world).pk != copied.pk


def test_what_is_beside_a_signature_goes_on(world: World) -> None:
    """The next revision, other files, a new version of tolerances and the next event: all of it is as free as ever."""
    following = Reconciliation.objects.create(cycle=world["cycle"], revision=2)
    with transaction.atomic():
        for row in ("variance", "item", "row_decision", "settled", "decision", "tie_out_item"):
            Twice(lambda _, row=row: world[row], {"reconciliation_id": following.pk}).run(world)  # type: ignore[misc]
    for model in (ReconcilingItem, RowDecision, SettledRow, Decision):
        assert model._default_manager.filter(reconciliation=following).count() == 1
    _run("UPDATE", following, {"run": 2})
    _run("UPDATE", world["ready"], {"state": "discarded"})
    _run("UPDATE", world["imported"], {"name": "another name.csv"})  # what a file is called was not signed: its bytes were
    _run("DELETE", following.variances.get(), {})
    with transaction.atomic():
        Twice(lambda _: world["policy"], {"version": 2}).run(world)
    audit.record("recon.note.added", "something", account=world.account, actor=None)
    assert AuditEvent.objects.filter(account=world.account, action="recon.note.added").count() == 2
    assert SignedInput.objects.count() == ToleranceRow.objects.count() == 1
    _run("DELETE", following.decisions.get(), {}) if not following.decisions.get().items.exists() else None


@pytest.mark.django_db(transaction=True)
def test_a_transactional_test_can_empty_its_database_and_the_triggers_come_back() -> None:
    """The first of two: leaves what no DELETE may touch."""
    seal(build())


@pytest.mark.django_db(transaction=True)
def test_after_such_a_test_the_database_is_empty_and_guarded() -> None:
    assert not AuditEvent.objects.exists()
    world = seal(build())
    with pytest.raises(DatabaseError), transaction.atomic():
        world["event"].delete()
