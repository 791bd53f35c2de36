"""What is unexplained, in money: units that no item takes, at cost or at sell price, on the board and on the pages that count it."""

from __future__ import annotations

from django.test import Client

from recon.board import board_of
from recon.models import Board, Reconciliation, Variance
from recon.progress import Left, progress_of
from recon.services import decisions
from tests.review.boards import wrong_boards
from tests.review.making import BILLED, EXPECTED, NOVEMBER, REBILLED, World, key, rows_of, work

#: Cost and sell price of a unit, in micros: $2.50 and $6.00.
COST, SELL = 2_500_000, 6_000_000


def priced(world: World) -> Reconciliation:
    """Tarn Vale Dental is billed 2 too many, Garrowby Farms 4 SIEM too few and 6 EDR more than rebilled; Dunfell Bakery is not rebilled."""
    world.put("billed", BILLED, price=COST)
    world.put("expected", EXPECTED)
    world.put("rebilled", REBILLED, price=SELL)
    work()
    return world.of()


def left(month: Reconciliation) -> dict[str, Left]:
    return progress_of(board_of(month)).left


def page(world: World, name: str = "") -> str:
    client = Client()
    client.force_login(world.mara)
    return client.get(f"/a/{world.account.slug}/months/{NOVEMBER.start}/{name}").content.decode()


def test_it_is_what_is_left_at_the_price_of_its_check(world: World) -> None:
    month = priced(world)
    assert left(month)["expected"] == Left(units=6, priced=6, money=6 * COST), "2 over and 4 under do not cancel"
    assert left(month)["rebilled"] == Left(units=13, priced=6, money=6 * SELL), "who is not rebilled has no sell price"


def test_it_follows_what_is_explained_and_taken_back(world: World) -> None:
    month = priced(world)
    before = left(month)
    half = decisions.explain(month, [key(month, "Tarn Vale Dental")], check="expected", cause="timing", quantity=1, by=world.mara)
    assert left(month)["expected"] == Left(units=5, priced=5, money=5 * COST)
    too_far = decisions.explain(month, [key(month, "Tarn Vale Dental")], check="expected", cause="timing", quantity=4, by=world.mara)
    assert left(month)["expected"] == Left(units=7, priced=7, money=7 * COST), "3 too many are left to explain, too"
    assert wrong_boards() == []
    decisions.undo(too_far, by=world.mara)
    decisions.undo(half, by=world.mara)
    assert left(month) == before


def test_money_that_no_column_holds_is_not_known_and_breaks_nothing(world: World) -> None:
    month = priced(world)
    at = key(month, "Tarn Vale Dental")
    Variance.objects.filter(reconciliation=month, organization=at[0]).update(cost=10**18)
    Board.objects.all().delete()
    assert left(month)["expected"].unpriced == 2
    decisions.explain(month, [at], check="expected", cause="timing", quantity=-1_000_000_000, by=world.mara)
    found = left(month)["expected"]
    assert (found.money, found.unpriced) == (4 * COST, 1_000_000_002)


def test_a_board_with_other_measures_is_counted_anew(world: World) -> None:
    """As a version before has left it."""
    month = priced(world)
    before = left(month)
    kept = Board.objects.get()
    Board.objects.update(groups=[[*group[:-1], group[-1][:-2]] for group in kept.groups])
    decisions.assign(month, [key(month, "Tarn Vale Dental")], owner=world.tom, by=world.mara)
    assert left(month) == before
    assert wrong_boards() == []


def test_the_pages_say_it_beside_the_count(world: World) -> None:
    month = priced(world)
    said = "to expected $15.00 at cost, to rebilled $36.00 at sell price and 7 units without a price"
    shown = page(world)
    assert f"4 not explained ({said})" in shown
    assert "$15.00 left" in shown
    assert "$36.00 and 7 units without a price left" in shown
    assert f"Left {said}." in page(world, "sign/")
    world.explained()
    for name in ("", "sign/"):
        assert "left" not in page(world, name).partition("What stands in the way")[2].partition("</section>")[0]
    assert not rows_of(month).filter(severity__gte=3).exclude(expected_left=0).exists()


def test_without_any_price_it_is_units(world: World) -> None:
    world.month()
    assert "4 not explained (to expected 6 units, to rebilled 13 units)" in page(world)
