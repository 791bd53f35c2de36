"""The board counts what the rows are, whatever was decided, counted anew or taken back; nothing is signed by a figure that was kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recon import board
from recon.filters import rows_of
from recon.models import Board, Reconciliation, Variance
from recon.services import decisions, review
from tests.recon.stock import stocked
from tests.review.boards import wrong_boards, wrong_lists
from tests.review.making import BILLED, NOVEMBER, OCTOBER, World, key, keys_of, refusal, work

Keys = list[tuple[int, str]]
#: An act, the row that it is on, and whether it changes what any list counts.
ACTS: dict[str, tuple[Callable[[World, Reconciliation, Keys], Any], str, bool]] = {
    "explain": (
        lambda w, m, at: decisions.explain(m, at, check="expected", cause="timing", quantity=1, by=w.mara),
        "Tarn Vale Dental",
        True,
    ),
    "explain all": (
        lambda w, m, at: decisions.explain(m, at, check="rebilled", cause="timing", quantity=None, by=w.mara),
        "Garrowby Farms",
        True,
    ),
    "assign": (lambda w, m, at: decisions.assign(m, at, owner=w.tom, by=w.mara), "Tarn Vale Dental", True),
    "mark reviewed": (lambda w, m, at: decisions.mark_reviewed(m, at, by=w.mara), "Dunfell Bakery", True),
    "rebill": (lambda w, m, at: decisions.decide_rebill(m, at, quantity=3, reason="dispute", by=w.mara), "Tarn Vale Dental", False),
    "note": (lambda w, m, at: decisions.add_notes(m, at, text="Ask them.", is_open=True, by=w.mara), "Tarn Vale Dental", False),
}


def explained(world: World, month: Reconciliation, at: Keys, check: str, quantity: int | None) -> Any:
    return decisions.explain(month, at, check=check, cause="timing", quantity=quantity, by=world.mara)


def loud(world: World) -> tuple[Reconciliation, Keys]:
    month = world.month()
    return month, [key(month, "Tarn Vale Dental"), key(month, "Garrowby Farms", "siem")]


@pytest.mark.parametrize(("act", "name", "moves"), ACTS.values(), ids=ACTS.keys())
def test_it_follows_an_act_and_its_undoing(world: World, act: Callable[..., Any], name: str, moves: bool) -> None:
    world.put("billed", {at: units for at, units in BILLED.items() if at[0] != "Dunfell Bakery"}, OCTOBER)  # which is new
    month, _ = loud(world)
    before = board.board_of(month).groups
    decision = act(world, month, [key(month, name)])
    assert wrong_boards() == []
    assert (board.board_of(month).groups != before) == moves
    decisions.undo(decision, by=world.mara)
    assert wrong_boards() == []
    assert board.board_of(month).groups == before


def test_it_follows_an_item_that_is_withdrawn(world: World) -> None:
    month, keys = loud(world)
    before = board.board_of(month).groups
    decision = decisions.explain(month, keys[:1], check="expected", cause="timing", quantity=1, by=world.mara)
    withdrawn = decisions.withdraw_item(decision.items.get(), by=world.mara)
    assert board.board_of(month).groups == before
    decisions.undo(withdrawn, by=world.mara)
    assert wrong_boards() == []
    assert board.board_of(month).groups != before


def test_it_follows_a_recount(world: World) -> None:
    month, keys = loud(world)
    decisions.assign(month, keys, owner=world.tom, by=world.mara)
    world.put("billed", {("Tarn Vale Dental", "edr"): 40, ("Dunfell Bakery", "edr"): 7})
    work()
    month = world.of()
    assert wrong_boards() == []
    assert board.board_of(month).of(view="mine", user=world.tom.pk).rows == rows_of(month).filter(owner=world.tom).count() > 0


def test_it_is_counted_by_whoever_looks_first_where_there_is_none(world: World) -> None:
    month, keys = loud(world)
    Board.objects.all().delete()  # as in a month that was compared by a version before boards
    decisions.assign(month, keys, owner=world.tom, by=world.mara)
    assert not Board.objects.exists()
    assert board.board_of(month).of(view="mine", user=world.tom.pk).rows == 2
    assert wrong_boards() == []
    with CaptureQueriesContext(connection) as captured:
        board.board_of(month)
    assert len(captured) == 1


def test_a_page_of_an_earlier_run_does_not_take_its_place(world: World) -> None:
    month, _ = loud(world)
    earlier = Reconciliation.objects.get(pk=month.pk)
    world.put("billed", {("Tarn Vale Dental", "edr"): 40})
    work()
    assert board.board_of(earlier).groups == {}  # its rows are gone
    assert Board.objects.get().run == world.of().run > earlier.run
    assert wrong_boards() == []


def test_nothing_was_ever_compared(world: World) -> None:
    world.put("billed", {("Tarn Vale Dental", "edr"): 40})
    figures = board.board_of(world.of(NOVEMBER)).of()
    assert (figures.rows, figures.sum("billed")) == (0, None)


@pytest.mark.parametrize("seed", range(3))
def test_it_counts_every_list_as_the_database_does(world: World, seed: int) -> None:
    month = stocked(world.account, 80, seed=seed)
    keys = keys_of(Variance.objects.filter(reconciliation=month, run=month.run))
    decisions.assign(month, keys[::3], owner=world.mara, by=world.mara)
    decisions.mark_reviewed(month, keys[::4], by=world.mara)
    checked = rows_of(month).filter(expected_difference__isnull=False).exclude(expected_difference=0)
    decisions.explain(month, keys_of(checked)[::2], check="expected", cause="timing", quantity=None, by=world.mara)
    assert wrong_lists(month, world.mara) == []


def test_a_sum_of_nothing_known_is_not_zero(world: World) -> None:
    month = world.month(rebilled={})
    decisions.assign(month, keys_of(rows_of(month))[:2], owner=world.tom, by=world.mara)
    figures = board.board_of(month).of(product="edr")
    assert figures.sum("rebilled") is None
    assert figures.sum("rebilled_left") is None
    assert figures.sum("billed") == 49


def test_a_month_is_submitted_and_signed_by_its_rows(world: World) -> None:
    """What was kept says that nothing is left; the rows say otherwise, and they count."""
    month, _ = loud(world)
    Board.objects.update(groups=[])
    assert {one.code for one in review.blockers(month)} == set()
    assert "unexplained" in refusal(lambda: review.submit(month, by=world.mara))
    month = world.submitted()
    Variance.objects.filter(name="Tarn Vale Dental").update(expected_explained=0)
    assert "unexplained" in refusal(lambda: review.sign(month, by=world.jonah))
