"""What counts as provided, what counts as zero, and which exit status comes of it."""

import random

import pytest

from tests.command.making import Reconcile

HEAD = ("Organization", "EDR", "SIEM")
BILLED = [HEAD, ("Contoso", 10, 4), ("Fabrikam", 3, "")]


def test_a_rebilled_list_is_complete_also_for_a_product_it_never_names(reconcile: Reconcile) -> None:
    done = reconcile(billed=BILLED, rebilled=[("Organization", "EDR"), ("Contoso", 10), ("Fabrikam", 3)])
    row = done.row("Contoso", "siem")
    assert (row["rebilled"], row["severity"], row["flags"]) == (0, "escalate", ["not_in_rebilled"])
    assert done.status == 1


def test_an_expected_list_says_nothing_on_a_product_it_has_no_quantity_for(reconcile: Reconcile) -> None:
    done = reconcile(billed=BILLED, expected=[HEAD, ("Contoso", 10, ""), ("Fabrikam", 3, "")])
    row = done.row("Contoso", "siem")
    assert (row["expected"], row["severity"], row["flags"]) == (None, "unchecked", [])
    assert row["checks"]["expected"] == {"difference": None, "severity": "unchecked"}
    assert done.json["totals"][1] == {"product": "siem", "billed": 4, "expected": None, "rebilled": None, "previous": None}
    assert done.status == 0
    assert "could be compared" not in done.out


@pytest.mark.parametrize("absent", [[], [("Fabrikam", "", "")]])
def test_absent_or_blank_counts_0_in_an_expected_list_that_has_the_product(reconcile: Reconcile, absent: list[tuple[str, ...]]) -> None:
    done = reconcile(billed=BILLED, expected=[HEAD, ("Contoso", 10, 4), *absent])
    row = done.row("Fabrikam")
    assert (row["expected"], row["flags"], row["severity"]) == (0, ["not_in_expected"], "escalate")
    assert done.rows("organization", "product") == [("Contoso", "edr"), ("Contoso", "siem"), ("Fabrikam", "edr")], (
        "blank everywhere: no row"
    )


def test_an_explicit_zero_is_a_row_without_a_flag(reconcile: Reconcile) -> None:
    done = reconcile(billed=[HEAD, ("Contoso", 0, "")], rebilled=[HEAD, ("Contoso", 0, 0)], expected=[HEAD, ("Contoso", 0, 0)])
    assert done.rows("product", "billed", "rebilled", "severity", "flags") == [
        ("edr", 0, 0, "match", []),
        ("siem", 0, 0, "match", ["not_billed"]),
    ]
    assert done.status == 0


def test_what_is_rebilled_and_not_billed_is_found(reconcile: Reconcile) -> None:
    done = reconcile(billed=BILLED, rebilled=[*BILLED, ("Gone", 7, "")])
    row = done.row("Gone")
    assert (row["billed"], row["flags"], row["checks"]["rebilled"]["difference"]) == (0, ["not_billed"], -7)
    assert done.status == 1


def test_billed_and_rebilled_alike_and_unlike_expected_is_found(reconcile: Reconcile) -> None:
    done = reconcile(billed=BILLED, rebilled=BILLED, expected=[HEAD, ("Contoso", 5, 4), ("Fabrikam", 3, "")])
    assert done.severity("Contoso") == "escalate"
    assert done.row("Contoso")["checks"]["rebilled"]["severity"] == "match"


def test_two_rows_of_one_customer_and_product_are_added_up(reconcile: Reconcile) -> None:
    done = reconcile(billed=[*BILLED, ("Contoso", 7, "")], expected=[HEAD, ("Contoso", 17, 4), ("Fabrikam", 3, "")])
    assert (done.row("Contoso")["billed"], done.status) == (17, 0)


@pytest.mark.parametrize("others", [{}, {"previous": BILLED}])
def test_with_nothing_to_compare_with_it_says_1(reconcile: Reconcile, others: dict[str, object]) -> None:
    done = reconcile(billed=BILLED, **others)
    assert (done.status, set(done.rows("severity"))) == (1, {"unchecked"})
    assert "nothing could be compared" in done.out


def test_a_list_that_could_be_compared_nowhere_is_not_agreement(reconcile: Reconcile) -> None:
    billed = [("Organization", "Product", "Quantity"), ("Contoso", "EDR", 5), ("Contoso", "EDR", "x")]
    expected = [("Organization", "EDR"), ("Contoso", 5)]
    assert reconcile(billed=billed[:2], expected=expected).status == 0
    assert reconcile(billed=billed, expected=expected, allow_rejected=True).status == 1
    done = reconcile(billed=billed[:2], expected=expected, rebilled=[("Organization", "EDR")])
    assert done.status == 1
    assert done.out.endswith("nothing of the rebilled list could be compared\n")


def test_previous_never_makes_a_finding(reconcile: Reconcile) -> None:
    done = reconcile(billed=BILLED, expected=BILLED, previous=[HEAD, ("Contoso", 500, 4)])
    assert done.rows("previous") == [500, 4, 0]
    assert (done.status, done.severity("Contoso")) == (0, "unchecked")


def test_shuffled_rows_give_the_same_findings(reconcile: Reconcile) -> None:
    shuffle = random.Random(7)
    lists = {
        leg: [(f"Customer {n}", shuffle.randrange(9), shuffle.choice(["", 0, 5])) for n in range(30)] for leg in ("billed", "expected")
    }
    first = reconcile(**{leg: [HEAD, *rows] for leg, rows in lists.items()})
    again = reconcile(**{leg: [HEAD, *shuffle.sample(rows, len(rows))] for leg, rows in lists.items()})
    assert first.json["variances"] == again.json["variances"]
    assert first.json["totals"] == again.json["totals"]


@pytest.mark.parametrize(
    ("billed", "expected", "severity", "status"),
    [(100, 100, "match", 0), (105, 100, "within", 0), (106, 100, "investigate", 1), (111, 100, "escalate", 1), (1, 0, "investigate", 1)],
)
def test_severities_and_the_exit_status(reconcile: Reconcile, billed: int, expected: int, severity: str, status: int) -> None:
    lists = {"billed": billed, "expected": expected, "rebilled": billed}
    done = reconcile(**{leg: [("Organization", "EDR"), ("Contoso", quantity)] for leg, quantity in lists.items()})
    assert (done.severity(), done.status) == (severity, status)
    assert done.row("Contoso")["checks"]["expected"] == {"difference": billed - expected, "severity": severity}
