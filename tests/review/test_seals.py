"""Ways around the triggers of rows: SQLite's replacing, PostgreSQL's emptying. Each is tried with raw SQL."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from ingest.models import PriceLine
from recon import triggers
from recon.models import Note
from recon.services import decisions, imports, policies, tying
from tests.contracts.making import step, typed
from tests.review.making import NOVEMBER, World, content, keys_of, rows_of, stricter, work

pytestmark = pytest.mark.django_db
#: Columns that the database computes, and nobody writes.
COMPUTED = {"expected_left", "rebilled_left", "microsoft_left", "unnamed_units", "unnamed_money"}


def _signed(world: World) -> None:
    policies.save_policy(world.account, [stricter()], by=world.ines)
    typed(world, steps=(step(date(2026, 12, 14), 120),))
    world.put("billed", {("Tarn Vale Dental", "edr"): 4}, rejected=1)
    world.put("expected", {("Tarn Vale Dental", "edr"): 9})
    prices = world.file("prices", {})
    PriceLine.objects.create(source_file=prices, line=2, side="cost", product="edr", unit_price=2_900_000)
    imports.use_again(prices, by=world.mara, cycle=NOVEMBER, partial=False)
    work()
    month = world.of()
    decisions.settle_rejected(month, decisions.rejected_rows(month), note="Seen.", by=world.mara)
    decisions.add_notes(month, keys_of(rows_of(month)), text="Seen.", by=world.mara)
    tying.name(month, kind="tax", money=2_000_000, by=world.mara)
    world.signed()


@pytest.mark.parametrize("table", [table for _, table, *_ in triggers._replaced() if table != "ingest_rejectedline"])
def test_nothing_sealed_is_replaced(world: World, table: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's way")
    _signed(world)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        kept = ", ".join(f'"{c[0]}"' for c in cursor.description if c[0] not in COMPUTED)
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        _run(f"INSERT OR REPLACE INTO {table} ({kept}) SELECT {kept} FROM {table} LIMIT 1")
    assert f"replaced_{table}: " in str(refused.value) or "sealed_" in str(refused.value)


@pytest.mark.parametrize("table", triggers._NEVER_EMPTIED)
def test_nothing_sealed_is_emptied(world: World, table: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's way")
    _signed(world)
    with pytest.raises(DatabaseError, match="emptied_"), transaction.atomic():
        _run("SET CONSTRAINTS ALL IMMEDIATE", f"TRUNCATE {table} CASCADE")


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_the_next_revision_still_resolves_and_withdraws_what_was_open(world: World) -> None:
    """A note hangs on its cycle: the signature has seen it open, and the next revision may end it."""
    from recon.services import review

    world.month()
    month = world.of()
    noted = decisions.add_notes(month, keys_of(rows_of(month))[:1], text="For the record.", by=world.mara)
    signed = world.signed()
    before = content(signed)
    following = review.reopen(signed, by=world.ines, reason="other", words="Once more.")
    work()
    note = Note.objects.get()
    Note.objects.filter(pk=note.pk).update(withdrawn_at=following.cycle.account and note.created_at.replace(year=2099))
    with pytest.raises(DatabaseError, match="sealed_note_update"), transaction.atomic():
        Note.objects.filter(pk=note.pk).update(withdrawn_at=note.created_at)
    with pytest.raises(DatabaseError, match="sealed_note_delete"), transaction.atomic():
        note.delete()
    assert content(signed) == before
    assert noted.rows == 1
