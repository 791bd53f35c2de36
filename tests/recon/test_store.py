"""Counting a month anew: the same rows twice, one page shown at a time, and figures that add up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import BillingCycle, Organization
from accounts.products import CODES
from ingest import jobs
from ingest.models import Job
from recon import store
from recon.engine import CHECKS
from recon.models import Reconciliation, Severity, Variance
from recon.services import imports, months, questions
from recon.shown import shown_inputs
from tests.recon.making import AFTER, BEFORE, CYCLE, asked, at_once, compare, current, month_of, rows_of, units_of

NAMES = ["Organization", "EDR"]
PRICED = ["Organization", "EDR", "EDR price", "SAT", "SAT price"]


def quiet(*given: Any) -> None:
    """A report that nobody reads."""


def recount(reconciliation: Reconciliation) -> Reconciliation:
    return store.recount(reconciliation.cycle, quiet)  # type: ignore[arg-type]


def values(reconciliation: Reconciliation) -> list[dict[str, Any]]:
    rows = Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run).order_by("organization", "product").values()
    return [{name: value for name, value in row.items() if name not in {"id", "run"}} for row in rows]


@pytest.fixture
def month(account, put):
    """Three lists with every severity, prices, and a row that waits."""
    put("billed", PRICED, ["Tarn Vale Dental", 30, "3.10", 4, "1.00"], ["Marrick Town Trust", 100, "3.10", "", ""],
        ["Garrowby Farms", 8, "", 9, "1.00"], ["Brindle", 0, "3.10", "", ""], ["Dunfell", 5, "3.10", 5, "1.25"])  # fmt: skip
    put("expected", NAMES, ["Tarn Vale Dental", 20], ["Marrick Town Trust", 98], ["Garrowby Farms", 8], ["Brindle", 2], ["Elsewhere", 1])
    put("rebilled", ["Organization", "EDR", "EDR price"], ["Tarn Vale Dental", 30, "6.505"], ["Marrick Town Trust", 103, "6.50"],
        ["Garrowby Farms", 0, "6.50"], ["Dunfell", 5, "6.50"])  # fmt: skip
    compare()
    return month_of(account)


# --- runs -------------------------------------------------------------------------------------------------------------------------


def test_counting_twice_gives_the_same_rows_and_leaves_one_run(month):
    before = values(month)
    after = recount(month)
    assert (values(after), after.run) == (before, month.run + 1)
    assert set(Variance.objects.values_list("run", flat=True)) == {after.run}


def test_counting_twice_gives_the_same_totals_and_inputs(month):
    after = recount(month)
    assert (after.totals, after.inputs) == (month.totals, month.inputs)


@pytest.mark.django_db(transaction=True)
def test_two_counts_at_once_leave_one_run_shown_and_no_stray_row(month):
    before = values(month)
    results = at_once(*[lambda: recount(month)] * 3)
    assert all(isinstance(one, Reconciliation) for one in results), results
    after = Reconciliation.objects.get()
    assert values(after) == before
    assert set(Variance.objects.values_list("run", flat=True)) == {after.run}


def test_a_slow_count_does_not_turn_the_page_back_and_takes_its_rows_away(month, monkeypatch):
    real = store._turn_to

    def slow(*given: Any, **shown: Any) -> None:
        monkeypatch.setattr(store, "_turn_to", real)
        recount(month)  # a later one is quicker
        real(*given, **shown)

    monkeypatch.setattr(store, "_turn_to", slow)
    recount(month)
    after = Reconciliation.objects.get()
    assert after.run == after.last_run == month.run + 2
    assert set(Variance.objects.values_list("run", flat=True)) == {after.run}


def test_until_the_page_is_turned_the_earlier_rows_are_shown(month, monkeypatch):
    seen = []
    real = store._turn_to

    def look(*given: Any, **shown: Any) -> None:
        seen.append(values(Reconciliation.objects.get()))
        real(*given, **shown)

    before = values(month)
    monkeypatch.setattr(store, "_turn_to", look)
    recount(month)
    assert seen == [before]


def test_a_customer_first_named_while_a_month_is_counted_does_not_shift_the_others(account, mara, put, month, monkeypatch):
    """Lines are read first: what they mean is among the Organizations that are read after them."""
    real = store._lines

    def meanwhile(given: Any) -> Any:
        found = real(given)
        Organization.objects.create(account=account, name="Aaa, new")
        return found

    before = values(month)
    monkeypatch.setattr(store, "_lines", meanwhile)
    assert values(recount(month)) == before


# --- stale ------------------------------------------------------------------------------------------------------------------------


def test_a_changed_input_makes_the_month_stale_until_it_is_counted(account, month, put):
    assert not month.stale
    put("expected", NAMES, ["Tarn Vale Dental", 21])
    assert month_of(account).stale
    compare()
    assert not month_of(account).stale


def test_what_changes_while_a_month_is_counted_leaves_it_stale(account, month, monkeypatch):
    def asked_again(*given: Any) -> None:
        Reconciliation.objects.update(stale=True)

    store.recount(month.cycle, asked_again)  # type: ignore[arg-type]
    assert month_of(account).stale


def test_a_failed_count_leaves_the_month_stale_and_its_rows_shown(account, month, monkeypatch):
    before = values(month)
    job = months.ask_for_recount(month.cycle, by=None)

    def breaks(*given: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(store, "reconcile", breaks)
    assert jobs.run_now(job).state == "failed"
    assert month_of(account).stale
    assert values(month_of(account)) == before


def test_the_shown_inputs_are_those_of_the_shown_rows(account, mara, month, put):
    old = {leg: given.source_file for leg, given in shown_inputs(month).items()}
    put("billed", NAMES, ["Tarn Vale Dental", 31], name="corrected.csv")
    imports.withdraw(current(account, "rebilled"), by=mara)
    shown = shown_inputs(month_of(account))
    assert {leg: given.source_file for leg, given in shown.items()} == old
    assert shown["billed"].source_file.name == "billed.csv"
    compare()
    assert set(shown_inputs(month_of(account))) == {"billed", "expected"}


# --- the month before -------------------------------------------------------------------------------------------------------------


def test_a_bill_that_changes_is_counted_in_the_month_after_it_too(account, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], cycle=BEFORE)
    put("billed", NAMES, ["Tarn Vale Dental", 5])
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"] == (5, None, None, 3)
    put("billed", NAMES, ["Tarn Vale Dental", 4], cycle=BEFORE)
    assert month_of(account).stale
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"] == (5, None, None, 4)


def test_an_expected_list_that_comes_tells_the_month_after_that_it_has_none(account, put):
    put("billed", NAMES, ["Tarn Vale Dental", 5])
    compare()
    put("expected", NAMES, ["Tarn Vale Dental", 3], cycle=BEFORE)
    asked = set(Job.objects.filter(state="queued").values_list("subject", flat=True))
    assert asked == {month_of(account, BEFORE).cycle_id, month_of(account).cycle_id}
    compare()
    assert "leg_went_missing" in Variance.objects.get(reconciliation=month_of(account)).flags


def test_a_gap_of_a_month_is_no_previous_month(account, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], cycle=BEFORE)
    put("billed", NAMES, ["Tarn Vale Dental", 5], cycle=AFTER)
    compare()
    assert units_of(account, AFTER)["Tarn Vale Dental", "edr"] == (5, None, None, None)


def test_a_name_settled_in_a_bill_counts_in_the_month_after_it_too(account, mara, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], ["TARN VALE DENTAL", 4], cycle=BEFORE)
    put("billed", NAMES, ["Tarn Vale Dental", 5])
    compare()
    (waiting,) = asked(account)
    questions.answer(waiting, "same", candidate=Organization.objects.get(), by=mara)
    compare()
    assert units_of(account)["Tarn Vale Dental", "edr"][3] == 7


@pytest.mark.parametrize("is_over", [False, True])
def test_a_cycle_that_goes_on_has_lost_no_list_yet(account, put, mara, is_over):
    """It has rows before it has a bill, once something was pulled for it."""
    put("billed", NAMES, ["Tarn Vale Dental", 5])
    put("expected", NAMES, ["Tarn Vale Dental", 5])
    today = timezone.now().astimezone(ZoneInfo(account.time_zone)).date()
    start = today - timedelta(days=20)
    BillingCycle.objects.filter(account=account).update(start=start - timedelta(days=30), end=start)
    running = BillingCycle.objects.create(account=account, start=start, end=today + timedelta(days=0 if is_over else 10))
    months.ask_for_recount(running, by=mara)
    compare()
    rows = Variance.objects.filter(reconciliation__cycle=running)
    assert rows.exists()
    assert all(("leg_went_missing" in row.flags) is is_over for row in rows)


# --- figures ----------------------------------------------------------------------------------------------------------------------


def test_the_totals_are_the_sums_of_the_rows(month):
    rows = values(month)
    totals = month.totals
    assert totals["rows"] == len(rows) > 5
    assert totals["severities"] == {str(s): sum(row["severity"] == s for row in rows) for s in Severity.values}
    assert totals["flagged"] == {check: sum((row[f"{check}_severity"] or 0) >= Severity.INVESTIGATE for row in rows) for check in CHECKS}
    assert totals["unchecked"] == sum(Severity.UNCHECKED in (row["expected_severity"], row["rebilled_severity"]) for row in rows)
    assert totals["all"] == figures(rows)
    assert totals["within"] == figures([row for row in rows if row["severity"] == Severity.WITHIN])
    assert [p["product"] for p in totals["products"]] == sorted({row["product"] for row in rows})
    for product in totals["products"]:
        its = [row for row in rows if row["product"] == product["product"]]
        for check in CHECKS:
            assert product[f"{check}_figures"] == figures(its)[check]
        for leg in ("billed", "expected", "rebilled"):
            known = [row[leg] for row in its if row[leg] is not None]
            assert product[leg] == (sum(known) if known else None)
    assert totals["legs"] == {"billed": 30 + 4 + 100 + 8 + 9 + 0 + 5 + 5, "expected": 20 + 98 + 8 + 2 + 1, "rebilled": 30 + 103 + 0 + 5}


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    asked = {check: sum(row[f"{check}_severity"] is not None for row in rows) for check in CHECKS}
    compared = {check: [row for row in rows if row[f"{check}_difference"] is not None] for check in CHECKS}
    return {check: {"asked": asked[check], **_figures(check, compared[check])} for check in CHECKS}


def _figures(check: str, ran: list[dict[str, Any]]) -> dict[str, int]:
    money = [row[f"{check}_money"] for row in ran if row[f"{check}_money"] is not None]
    return {
        "compared": sum(row["billed"] for row in ran),
        "difference": sum(row[f"{check}_difference"] for row in ran),
        "checked": len(ran),
        "over": sum(m for m in money if m > 0),
        "under": sum(m for m in money if m < 0),
        "priced": len(money),
        "unpriced": sum(row[f"{check}_money"] is None and row[f"{check}_difference"] != 0 for row in ran),
    }


def test_money_is_exact_in_micros_at_cost_and_at_sell_price(account, month):
    rows = {(row.name, row.product): row for row in rows_of(account)}
    tarn, marrick = rows["Tarn Vale Dental", "edr"], rows["Marrick Town Trust", "edr"]
    assert (tarn.cost, tarn.sell, tarn.expected_money, tarn.rebilled_money) == (3_100_000, 6_505_000, 31_000_000, 0)
    assert (marrick.expected_money, marrick.rebilled_money, marrick.weight) == (6_200_000, -19_500_000, 19_500_000)
    garrowby = rows["Garrowby Farms", "edr"]
    assert (garrowby.cost, garrowby.expected_money, garrowby.rebilled_money) == (None, None, 52_000_000)


def test_money_beyond_what_a_column_holds_is_unknown_and_the_month_is_compared_nevertheless(account, put):
    put("billed", PRICED[:3], ["Tarn Vale Dental", 1_000_000_000, "999999"], ["Marrick Town Trust", 3, "2.00"])
    put("expected", NAMES, ["Tarn Vale Dental", 1], ["Marrick Town Trust", 1])
    compare()
    rows = {row.name: row for row in rows_of(account)}
    assert (rows["Tarn Vale Dental"].expected_difference, rows["Tarn Vale Dental"].expected_money) == (999_999_999, None)
    assert rows["Marrick Town Trust"].expected_money == 4_000_000
    assert month_of(account).totals["all"]["expected"]["over"] == 4_000_000


def test_ten_thousand_names_that_wait_are_asked_for_in_few_queries(account, put, month, django_assert_max_num_queries):
    from ingest.models import RejectedLine

    given = current(account, "expected")
    RejectedLine.objects.bulk_create(
        RejectedLine(source_file=given.source_file, line=n, product="edr", name=f"Nobody {n}") for n in range(10, 2010)
    )
    with django_assert_max_num_queries(45):
        recount(month)


def test_every_product_can_be_counted(account, put):
    put("billed", ["Organization", *[code.upper() for code in CODES]], ["Tarn Vale Dental", *range(1, len(CODES) + 1)])
    compare()
    assert {row.product: row.billed for row in rows_of(account, CYCLE)} == {code: n for n, code in enumerate(CODES, 1)}
