"""What has moved under a signature is said in sentences, and what is signed stays as it is."""

from __future__ import annotations

from dataclasses import replace

from ingest.models import LegInput
from recon.models import Drift, Reconciliation
from recon.services import imports, months, policies, questions, review
from tests.review.making import BILLED, EXPECTED, NOVEMBER, OCTOBER, REBILLED, World, content, stricter, work


def drift(month: Reconciliation) -> tuple[list[str], int]:
    found = Drift.objects.filter(reconciliation=month).first()
    return (found.changes, found.rows) if found else ([], 0)


def signed(world: World) -> tuple[Reconciliation, object]:
    world.month()
    month = world.signed()
    return month, (content(month), month.digest)


def now(month: Reconciliation) -> object:
    month.refresh_from_db()
    return content(month), month.digest


def test_nothing_changed_is_nothing_said(world: World) -> None:
    month, before = signed(world)
    months.ask_for_recount(month.cycle, by=world.mara)
    work()
    assert drift(month) == ([], 0)
    assert now(month) == before
    month.refresh_from_db()
    assert month.state == "signed"


def test_a_later_file(world: World) -> None:
    month, before = signed(world)
    world.put("rebilled", {**REBILLED, ("Garrowby Farms", "edr"): 30, ("Dunfell Bakery", "edr"): 7})
    work()
    assert drift(month) == (
        ["The rebilled list rebilled-4.csv took the place of rebilled-3.csv.", "2 rows would be counted otherwise now."], 2,
    )  # fmt: skip
    assert now(month) == before


def test_a_later_file_that_says_the_same(world: World) -> None:
    month, before = signed(world)
    world.put("rebilled", REBILLED)
    work()
    assert drift(month) == (["The rebilled list rebilled-4.csv took the place of rebilled-3.csv."], 0)
    assert now(month) == before


def test_a_list_that_comes_or_goes(world: World) -> None:
    world.month(rebilled={})
    month = world.signed()
    world.put("rebilled", {**BILLED, ("Ellermoor Farms", "sat"): 3})
    work()
    assert drift(month)[0] == ["A rebilled list came: rebilled-3.csv.", "5 rows would be counted otherwise now."]
    for leg in ("rebilled", "expected"):
        imports.withdraw(LegInput.objects.get(leg=leg, ended_at__isnull=True), by=world.mara)
    work()
    assert drift(month)[0][0] == "The expected list expected-2.csv was withdrawn."
    imports.use_again(world.files[1], by=world.mara, cycle=NOVEMBER, partial=False)
    work()
    assert drift(month) == ([], 0)


def test_the_same_file_taken_as_partial(world: World) -> None:
    month, before = signed(world)
    given = LegInput.objects.get(leg="rebilled", ended_at__isnull=True)
    imports.withdraw(given, by=world.mara)
    imports.use_again(given.source_file, by=world.mara, cycle=NOVEMBER, partial=True)
    work()
    said = ["The rebilled list rebilled-3.csv is taken as partial now.", "1 row would be counted otherwise now."]
    assert drift(month) == (said, 1)
    assert now(month) == before


def test_a_price(world: World) -> None:
    month, before = signed(world)
    world.put("billed", BILLED, price=3_100_000)
    work()
    changes, rows = drift(month)
    assert changes[0].startswith("The billed report billed-4.csv took the place of")
    assert rows == 4
    assert now(month) == before


def test_an_alias(world: World) -> None:
    """A name in a later file waits, then is matched: both are said."""
    month, before = signed(world)
    world.put("expected", EXPECTED, waiting="Tarn Vale Dental Care")
    work()
    assert drift(month)[0] == ["The expected list expected-4.csv took the place of expected-2.csv."]
    tarn = month.cycle.account.organizations.get(name="Tarn Vale Dental")
    questions.answer(questions.queue(world.account)[0].question, "same", candidate=tarn, by=world.mara)
    work()
    assert drift(month)[0][1] == "1 row would be counted otherwise now."
    assert now(month) == before


def test_tolerances(world: World) -> None:
    month, before = signed(world)
    policies.save_policy(world.account, [replace(stricter(), floor=5)], by=world.ines)
    work()
    assert drift(month)[0][0] == "The tolerances are version 1 now; the defaults were signed."
    review.reopen(month, by=world.ines, reason="other", words="Stricter.")
    work()
    again = world.signed()
    policies.save_policy(world.account, [stricter()], by=world.ines)
    work()
    assert drift(again) == (["The tolerances are version 2 now; version 1 was signed."], 0)
    assert now(month) == before


def test_the_report_of_the_cycle_before(world: World) -> None:
    world.quiet(OCTOBER)
    october = world.signed(OCTOBER)
    world.month()
    month = world.signed()
    world.put("billed", {**BILLED, ("Tarn Vale Dental", "edr"): 3}, OCTOBER)
    work()
    assert drift(october)[1] == 1
    changes, rows = drift(month)
    assert changes[0] == "The report of the cycle before billed-7.csv took the place of billed-1.csv."
    assert rows == 1


def test_a_list_of_the_cycle_before_that_was_there_makes_one_missing_here(world: World) -> None:
    world.month(OCTOBER, rebilled={})
    world.signed(OCTOBER)
    world.month(rebilled={})
    month = world.signed()
    world.put("rebilled", BILLED, OCTOBER)
    work()
    assert drift(month)[1] > 0
