"""What stands in the way of submitting: each thing alone, what mends it, and the order of months."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from accounts.calendar import Cycle
from recon.models import Note, Reconciliation, ReconcilingItem
from recon.services import decisions, imports, months, questions, review
from tests.review.making import (
    BILLED,
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    World,
    blocks,
    key,
    refusal,
    waiting_in,
    work,
)  # fmt: skip

State = Reconciliation.State


def test_nothing_stands_in_the_way_of_lists_that_agree(world: World) -> None:
    month = world.quiet()
    assert blocks(month) == {}
    assert review.submit(month, by=world.mara).state == State.IN_REVIEW


def _no_bill(world: World) -> Reconciliation:
    return world.month(billed={})


def _stale(world: World) -> Reconciliation:
    month = world.quiet()
    months.ask_for_recount(month.cycle, by=world.mara)
    return month


def _unexplained(world: World) -> Reconciliation:
    return world.month()


def _half_explained(world: World) -> Reconciliation:
    month = world.month()
    world.explained()
    item = ReconcilingItem.objects.filter(reconciliation=month).order_by("pk")[0]
    decisions.withdraw_item(item, by=world.mara)
    return month


def _explained_too_far(world: World) -> Reconciliation:
    month = world.quiet(rows={**BILLED, ("Ellermoor Farms", "edr"): 20})
    world.put("rebilled", {**BILLED, ("Ellermoor Farms", "edr"): 15})
    work()
    decisions.explain(month, [key(month, "Ellermoor Farms")], check="rebilled", cause="timing", quantity=6, by=world.mara)
    return month


def _not_reviewed(world: World) -> Reconciliation:
    world.quiet(OCTOBER)
    world.signed(OCTOBER)
    return world.quiet(rows={**BILLED, ("Ellermoor Farms", "edr"): 4})


def _rejected(world: World) -> Reconciliation:
    month = world.quiet()
    world.put("rebilled", BILLED, rejected=2)
    work()
    return month


def _waiting(world: World) -> Reconciliation:
    month = world.quiet()
    world.put("rebilled", BILLED, waiting="Harbour Lane Joinery")
    work()
    return month


def _open_note(world: World) -> Reconciliation:
    month = world.quiet()
    decisions.add_notes(month, [key(month, "Dunfell Bakery")], text="Who ordered these?", is_open=True, by=world.jonah)
    return month


def _not_in_order(world: World) -> Reconciliation:
    world.quiet(OCTOBER)
    return world.quiet()


def _over_a_hole(world: World) -> Reconciliation:
    world.quiet(SEPTEMBER)
    world.signed(SEPTEMBER)
    return world.quiet(NOVEMBER)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (_no_bill, {"no_bill": 1}),
        (_stale, {"stale": 1}),
        (_unexplained, {"unexplained": 4}),
        (_half_explained, {"unexplained": 1}),
        (_explained_too_far, {"unexplained": 1}),
        (_not_reviewed, {"not_reviewed": 1}),
        (_rejected, {"rejected": 2}),
        (_waiting, {"waiting": 1}),
        (_open_note, {"notes": 1}),
        (_not_in_order, {"order": 1}),
        (_over_a_hole, {"order": 1}),
    ],
)
def test_each_thing_that_stands_in_the_way_does_so_alone(
    world: World, make: Callable[[World], Reconciliation], found: dict[str, int]
) -> None:
    month = make(world)
    given = blocks(month)
    assert given == found
    said = refusal(lambda: review.submit(month, by=world.mara))
    assert said.startswith("Not yet: ")
    assert all(f"{count} × " in said for count in found.values())
    month.refresh_from_db()
    assert (month.state, month.preparer) == (State.WORKING, None)


def test_each_can_be_mended(world: World) -> None:
    month = _rejected(world)
    decisions.settle_rejected(month, decisions.rejected_rows(month), note="Both are in the next file.", by=world.mara)
    decisions.add_notes(month, [key(month, "Dunfell Bakery")], text="Sure?", is_open=True, by=world.jonah)
    decisions.resolve_note(Note.objects.get(), month, by=world.mara)
    assert blocks(month) == {}
    waiting = waiting_in(world)
    questions.answer(waiting, "different", by=world.mara)
    work()
    assert "waiting" not in blocks(month)


def test_a_hole_of_three_months_counts_three(world: World) -> None:
    world.quiet(Cycle(date(2026, 6, 14), date(2026, 7, 14)))
    world.signed(Cycle(date(2026, 6, 14), date(2026, 7, 14)))
    assert blocks(world.quiet(NOVEMBER)) == {"order": 3}


def test_a_month_whose_files_were_all_withdrawn_before_the_first_is_none(world: World) -> None:
    wrong = world.put("billed", BILLED, Cycle(date(2025, 1, 14), date(2025, 2, 14)))
    imports.withdraw(wrong, by=world.mara)
    month = world.quiet()
    assert blocks(month) == {}


def test_a_month_whose_files_were_withdrawn_between_two_is_a_hole(world: World) -> None:
    world.quiet(SEPTEMBER)
    world.signed(SEPTEMBER)
    imports.withdraw(world.put("billed", BILLED, OCTOBER), by=world.mara)
    month = world.quiet()
    assert blocks(month) == {"order": 1}


def test_a_reopened_earlier_month_is_signed_again_first(world: World) -> None:
    world.quiet(OCTOBER)
    october = world.signed(OCTOBER)
    november = world.quiet()
    assert blocks(november) == {}
    review.reopen(october, by=world.ines, reason="other", words="Once more.")
    work()
    assert blocks(november) == {"order": 1}
    world.signed(OCTOBER)
    work()
    assert blocks(november) == {}
