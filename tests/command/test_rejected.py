"""Rows that cannot be read: refused, or with ``--allow-rejected`` left out, listed, and never taken for anything else."""

import pytest

from tests.command.making import Outcome, Reconcile

WIDE = [("Organization", "EDR", "SAT"), ("Contoso", 5, 6), ("Fabrikam", 7, 8)]
LONG = [
    ("Organization", "Product", "Quantity"),
    ("Contoso", "EDR", 5),
    ("Contoso", "SAT", 6),
    ("Fabrikam", "EDR", 7),
    ("Fabrikam", "SAT", 8),
]
ALL = {("Contoso", "edr"), ("Contoso", "sat"), ("Fabrikam", "edr"), ("Fabrikam", "sat")}


def unchecked(done: Outcome, leg: str) -> set[tuple[str, str]]:
    found = {(row["organization"], row["product"]) for row in done.json["variances"] if row[leg] is None}
    assert all(row["severity"] == "unchecked" for row in done.json["variances"] if row[leg] is None)
    return found


def allowed(reconcile: Reconcile, leg: str, rows: list[tuple[object, ...]]) -> Outcome:
    return reconcile(**{"billed": LONG, "expected": LONG, "rebilled": LONG} | {leg: rows}, allow_rejected=True)


@pytest.mark.parametrize("leg", ["billed", "expected", "rebilled"])
@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (("Contoso", "EDR", "x"), {("Contoso", "edr")}),
        (("", "EDR", 5), {("Contoso", "edr"), ("Fabrikam", "edr")}),
        (("", "EDR", "x"), {("Contoso", "edr"), ("Fabrikam", "edr")}),
    ],
)
def test_a_rejected_row_makes_its_leg_unchecked_where_it_may_belong(
    reconcile: Reconcile, leg: str, row: tuple[object, ...], cells: set[tuple[str, str]]
) -> None:
    done = allowed(reconcile, leg, [*LONG, row])
    assert unchecked(done, leg) == cells
    assert {(r["organization"], r["product"]) for r in done.json["variances"] if r["severity"] == "match"} == ALL - cells
    assert done.status == 1
    assert {(issue["file"], issue["line"], issue["level"]) for issue in done.json["issues"]} == {(f"{leg}.csv", 6, "error")}
    assert "not read: 1 rejected rows of " in done.out


def test_an_unknown_product_makes_all_products_of_its_organization_unchecked(reconcile: Reconcile) -> None:
    done = allowed(reconcile, "billed", [*LONG, ("Contoso", "Backup", 9)])
    assert unchecked(done, "billed") == {("Contoso", "edr"), ("Contoso", "sat")}


def test_an_unknown_product_of_nobody_makes_everything_unchecked(reconcile: Reconcile) -> None:
    assert unchecked(allowed(reconcile, "billed", [*LONG, ("", "Backup", 9)]), "billed") == ALL


@pytest.mark.parametrize("leg", ["billed", "expected", "rebilled"])
def test_a_wide_row_with_one_bad_cell_is_rejected_whole(reconcile: Reconcile, leg: str) -> None:
    done = allowed(reconcile, leg, [*WIDE[:2], ("Fabrikam", 7, "8.5")])
    assert unchecked(done, leg) == {("Fabrikam", "edr"), ("Fabrikam", "sat")}
    assert done.json["totals"][0][leg] == 5
    assert done.json["files"][["billed", "expected", "rebilled"].index(leg)]["rows"]["rejected"] == 1


def test_an_organization_that_is_only_in_a_rejected_row_of_the_bill_is_not_taken_for_absent(reconcile: Reconcile) -> None:
    done = reconcile(billed=[*WIDE[:2], ("Fabrikam", "x", 8)], rebilled=WIDE, allow_rejected=True)
    row = done.row("Fabrikam")
    assert (row["billed"], row["rebilled"], row["flags"], row["severity"]) == (None, 7, [], "unchecked")


def test_a_good_row_beside_a_rejected_one_of_the_same_cell_counts_nowhere(reconcile: Reconcile) -> None:
    done = reconcile(billed=[*LONG, ("Contoso", "EDR", "x")], rebilled=LONG, allow_rejected=True)
    assert done.row("Contoso")["billed"] is None


def test_the_finding_of_another_leg_stays(reconcile: Reconcile) -> None:
    done = allowed(reconcile, "expected", [*LONG, ("Contoso", "EDR", "x")])
    assert done.row("Contoso")["checks"]["rebilled"]["severity"] == "match"
    done = reconcile(billed=LONG, rebilled=WIDE[:2], expected=[*LONG, ("Fabrikam", "EDR", "x")], allow_rejected=True)
    assert done.row("Fabrikam")["severity"] == "escalate"


def test_without_rejected_rows_allowing_them_changes_nothing(reconcile: Reconcile) -> None:
    done = reconcile(billed=WIDE, rebilled=LONG, allow_rejected=True)
    assert (done.status, done.rows("severity")) == (0, ["unchecked"] * 4)


def test_a_list_of_rejected_rows_alone_was_not_provided(reconcile: Reconcile) -> None:
    done = reconcile(billed=WIDE, rebilled=[WIDE[0], ("Contoso", "x", "y")], allow_rejected=True)
    assert (done.status, set(done.rows("rebilled"))) == (1, {None})


def test_every_rejected_row_of_every_list_is_said_at_once(reconcile: Reconcile) -> None:
    done = reconcile(billed=[*LONG, ("A", "EDR", "-1"), ("B", "Backup", 3)], expected=[*LONG, ("", "EDR", 2)], rebilled="nonsense")
    assert done.status == 2
    for place in ("billed.csv, line 6: ", "billed.csv, line 7: ", "expected.csv, line 6: ", "rebilled.csv: "):
        assert place in done.err


def test_a_refused_file_is_refused_also_when_rejected_rows_are_allowed(reconcile: Reconcile) -> None:
    assert reconcile(billed=[("Organization", "EDR", "Agents"), ("A", 1, 1)], allow_rejected=True).status == 2


def test_a_rejected_row_that_nobody_can_place_leaves_its_product_unchecked(reconcile: Reconcile) -> None:
    head = ("Organization", "Organization ID", "EDR")
    billed = [head, ("Contoso", 1, 5), ("Contoso", 2, 5), ("Fabrikam", 3, 5)]
    done = reconcile(billed=billed, expected=[*billed, ("Contoso", "", "x")], allow_rejected=True)
    assert set(done.rows("expected")) == {None}
    assert done.status == 1
