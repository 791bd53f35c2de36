"""One Organization rebilled to several customers: a line each, which add up to the whole."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.exports import Customer, rows_frame
from recon.exports.lines import rebill_lines
from tests.exports.months import month, opened, row

NORTH = Customer("Greyfriars North", 60, charged={"edr": (50, 6_000_000)})
SOUTH = Customer("Greyfriars South", 40)
KEYS = ("customer", "old_quantity", "new_quantity")


def rows(**cells: Any) -> pd.DataFrame:
    usual: dict[str, Any] = {"billed": 101, "rebilled": 90, "sell": 6_500_000, "shared": 7}
    return rows_frame([row("Ashcombe Haulage", billed=4, rebilled=4, shared=3), row("Greyfriars Trust", **usual | cells)])


def shown(lines: pd.DataFrame) -> list[tuple[object, ...]]:
    return [tuple(None if pd.isna(cell) else cell for cell in line) for line in lines[list(KEYS)].itertuples(index=False)]


def test_each_customer_has_a_line_and_together_they_are_the_whole() -> None:
    lines = rebill_lines(rows(rebilled=50), {7: [NORTH, SOUTH]})
    assert shown(lines) == [("Ashcombe Haulage", 4, 4), ("Greyfriars North", 50, 61), ("Greyfriars South", 0, 40)]
    assert lines["decided"].tolist() == ["", "60% of 101 of Greyfriars Trust", "40% of 101 of Greyfriars Trust"]
    assert lines["unit_price"].tolist()[1:] == [6_000_000, 6_500_000]  # its own, else the row's
    assert lines["change_in_amount"].tolist()[1:] == [11 * 600, 40 * 650]


def test_a_name_that_is_charged_and_has_no_part_is_set_to_zero() -> None:
    whole = Customer("Greyfriars Trust", 0, charged={"edr": (40, None)})
    lines = rebill_lines(rows(), {7: [NORTH, SOUTH, whole]})
    assert shown(lines)[1:] == [("Greyfriars North", 50, 61), ("Greyfriars South", 0, 40), ("Greyfriars Trust", 40, 0)]
    assert lines["old_quantity"].iloc[1:].sum() == 90


def test_what_is_not_known_to_be_charged_is_known_for_nobody() -> None:
    lines = rebill_lines(rows(rebilled=None), {7: [NORTH, SOUTH]})
    assert lines["old_quantity"].iloc[1:].isna().all()


def test_a_decided_quantity_is_what_is_shared_out() -> None:
    lines = rebill_lines(rows(rebill_quantity=10, rebill_reason="In dispute"), {7: [NORTH, SOUTH]})
    assert lines["new_quantity"].tolist()[1:] == [6, 4]
    assert lines["decided"].iloc[1] == "60% of 10 of Greyfriars Trust; 10 instead of 101 billed: In dispute"


def test_zero_stays_zero_on_each_line() -> None:
    lines = rebill_lines(rows(billed=0), {7: [NORTH, SOUTH]})
    assert lines["new_quantity"].tolist()[1:] == [0, 0]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 300)), min_size=2, max_size=5), st.integers(0, 10**6))
def test_the_lines_of_a_shared_row_add_up(parts: list[tuple[int, int]], billed: int) -> None:
    customers = [Customer(f"Part {place}", part, charged={"edr": (old, None)}) for place, (part, old) in enumerate(parts)]
    lines = rebill_lines(rows(billed=billed, rebilled=sum(old for _, old in parts)), {7: customers}).iloc[1:]
    assert (lines["new_quantity"].sum(), lines["old_quantity"].sum()) == (billed, sum(old for _, old in parts))
    assert (lines["new_quantity"] >= 0).all()
    assert lines["is_first"].sum() == 1


def test_the_workbook_has_the_lines_and_counts_the_rows_without_one() -> None:
    book = opened("rebill-xlsx", month(rows(), customers={7: [NORTH, SOUTH]}), results=True)
    named = [(line[0], line[1], line[6]) for line in book["Rebill lines"].iter_rows(min_row=3, values_only=True)]
    assert named[1:] == [("Greyfriars Trust", "Greyfriars North", 61), ("Greyfriars Trust", "Greyfriars South", 40)]
    summary = {cells[0]: cells[1] for cells in book["Summary"].iter_rows(values_only=True)}
    assert (summary["Rebill lines"], summary["Without a rebill line"]) == (3, 0)
