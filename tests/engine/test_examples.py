"""Sentences of the specification, and traps that other tools fell into, one by one."""

from decimal import Decimal
from typing import Any

import pytest

from recon.engine import Tolerance, reconcile
from tests.engine.making import judged, tables
from tests.engine.oracle import GivenLeg, Judged, Line


def leg(*quantities: int, **options: Any) -> GivenLeg:
    """EDR of Organizations 0, 1, 2, … in turn."""
    return GivenLeg(tuple(Line(number, "edr", quantity) for number, quantity in enumerate(quantities)), **options)


def compare(billed: int, other: int, *tolerances: Tolerance) -> str:
    legs = {"billed": leg(billed), "expected": leg(other)}
    return judged(reconcile(tables(legs), 1, tolerances))[0, "edr"].severities["expected"]


def month(**legs: GivenLeg) -> dict[tuple[int, str], Judged]:
    return judged(reconcile(tables(legs), 5))


@pytest.mark.parametrize(
    ("billed", "other", "severity"),
    [
        (100, 100, "match"),
        (105, 100, "within"),  # 5 is not greater than 5 %
        (95, 100, "within"),
        (106, 100, "investigate"),
        (94, 100, "investigate"),
        (110, 100, "investigate"),  # 10 is not greater than 10 %
        (111, 100, "escalate"),
        (89, 100, "escalate"),
        (2, 1, "investigate"),  # 100 %, but 1 is not greater than 1 unit
        (3, 1, "escalate"),
        (1, 0, "investigate"),
        (2, 0, "escalate"),
        (0, 1, "investigate"),
        (0, 2, "escalate"),
        (0, 0, "match"),
    ],
)
def test_the_defaults_are_5_percent_to_investigate_and_10_percent_and_1_unit_to_escalate(billed: int, other: int, severity: str) -> None:
    assert compare(billed, other) == severity


def test_the_percentage_is_of_the_other_leg() -> None:
    assert compare(21, 20) == "within"  # 1 is 5 % of 20, and less of 21
    assert compare(20, 21) == "within"
    assert compare(19, 20) == "within"
    assert compare(20, 19) == "investigate"  # 1 is more than 5 % of 19


@pytest.mark.parametrize(("billed", "other"), [(1, 0), (0, 1), (50, 0), (0, 50)])
def test_some_against_zero_in_either_direction_is_always_at_least_investigate(billed: int, other: int) -> None:
    wide = [Tolerance(level, Decimal(10_000), Decimal(1_000_000)) for level in ("investigate", "escalate")]
    assert compare(billed, other, *wide) == "investigate"


def test_the_allowance_is_the_larger_of_units_and_percent() -> None:
    ten_units = Tolerance("investigate", Decimal(5), Decimal(10))
    assert compare(110, 100, ten_units) == "within"
    assert compare(1_050, 1_000, ten_units) == "within"
    assert compare(1_051, 1_000, ten_units) == "investigate"


def test_percents_are_exact_and_never_a_float() -> None:
    third = Tolerance("investigate", Decimal("0.0001"), Decimal(0))
    assert compare(1_000_001, 1_000_000, third) == "within"
    assert compare(1_000_000, 999_999, third) == "investigate"


def test_a_surplus_is_found_as_a_shortfall_is() -> None:
    assert compare(50, 100) == compare(150, 100) == "escalate"


def test_billed_and_rebilled_alike_and_unlike_expected_is_a_finding() -> None:
    row = month(billed=leg(12), expected=leg(8), rebilled=leg(12))[0, "edr"]
    assert row.severities == {"expected": "escalate", "rebilled": "match"}
    assert row.severity == "escalate"


def test_what_is_rebilled_and_not_billed_is_a_row() -> None:
    row = month(billed=leg(1), rebilled=leg(1, 7))[1, "edr"]
    assert (row.quantities["billed"], row.flags, row.severity) == (0, {"not_billed"}, "escalate")


def test_a_leg_not_provided_is_null_and_unchecked_and_its_row_never_green() -> None:
    row = month(billed=leg(5), expected=leg(5))[0, "edr"]
    assert row.quantities["rebilled"] is None
    assert row.severities == {"expected": "match", "rebilled": "unchecked"}
    assert row.severity == "unchecked"


def test_an_empty_list_was_not_provided() -> None:
    assert month(billed=leg(), rebilled=leg(3))[0, "edr"].severity == "unchecked"
    assert month(billed=leg(), rebilled=leg(3))[0, "edr"].flags == set()


def test_no_lists_make_no_rows() -> None:
    assert month() == {}
    assert month(billed=leg()) == {}


def test_a_rebilled_list_without_a_product_counts_zero_for_all_of_it() -> None:
    siem = GivenLeg((Line(0, "siem", 9), Line(0, "edr", 3)))
    row = month(billed=siem, rebilled=leg(3))[0, "siem"]
    assert (row.quantities["rebilled"], row.flags, row.severity) == (0, {"not_in_rebilled"}, "escalate")


def test_an_expected_list_is_complete_for_the_products_it_counts_and_silent_on_others() -> None:
    both = GivenLeg((Line(0, "edr", 3), Line(1, "edr", 3), Line(0, "siem", 3)))
    rows = month(billed=both, expected=leg(3))
    assert (rows[1, "edr"].quantities["expected"], rows[1, "edr"].flags) == (0, {"not_in_expected"})
    assert (rows[0, "siem"].quantities["expected"], rows[0, "siem"].flags) == (None, set())
    assert rows[0, "siem"].severities["expected"] == "unchecked"


def test_an_expected_list_is_complete_for_a_product_it_only_has_zeros_of() -> None:
    rows = month(billed=leg(4, 4), expected=leg(0))
    assert [rows[0, "edr"].flags, rows[1, "edr"].flags] == [set(), {"not_in_expected"}]
    assert [rows[0, "edr"].severity, rows[1, "edr"].severity] == ["escalate", "escalate"]


@pytest.mark.parametrize("name", ["billed", "expected", "rebilled"])
def test_a_partial_list_says_nothing_of_what_it_does_not_name(name: str) -> None:
    legs = {"billed": leg(3, 3), "expected": leg(3, 3), "rebilled": leg(3, 3)} | {name: leg(3, partial=True)}
    row = month(**legs)[1, "edr"]
    assert (row.quantities[name], row.flags, row.severity) == (None, set(), "unchecked")


def test_an_explicit_zero_makes_a_row() -> None:
    row = month(billed=leg(0), rebilled=leg(0))[0, "edr"]
    assert (row.quantities["billed"], row.flags, row.severities["rebilled"]) == (0, set(), "match")


def test_previous_makes_rows_and_no_severity() -> None:
    rows = month(billed=leg(5), expected=leg(5), rebilled=leg(5), previous=leg(3, 8))
    assert [rows[0, "edr"].differences["previous"], rows[0, "edr"].severity] == [2, "match"]
    assert rows[1, "edr"].quantities == {"billed": 0, "expected": 0, "rebilled": 0, "microsoft": None, "previous": 8}


@pytest.mark.parametrize(
    ("rejected", "unchecked"),
    [
        ((0, "edr"), {(0, "edr")}),
        ((0, None), {(0, "edr"), (0, "sat")}),
        ((None, "edr"), {(0, "edr"), (1, "edr")}),
        ((None, None), {(0, "edr"), (0, "sat"), (1, "edr"), (1, "sat")}),
    ],
)
@pytest.mark.parametrize("name", ["billed", "expected", "rebilled"])
def test_a_rejected_row_leaves_its_leg_unchecked_where_it_may_belong(
    name: str, rejected: tuple[int | None, str | None], unchecked: set[tuple[int, str]]
) -> None:
    lines = tuple(Line(number, product, 4) for number in (0, 1) for product in ("edr", "sat"))
    legs = {other: GivenLeg(lines) for other in ("billed", "expected", "rebilled")} | {name: GivenLeg(lines, (rejected,))}
    rows = month(**legs)
    assert {cell for cell, row in rows.items() if row.quantities[name] is None} == unchecked
    assert {cell for cell, row in rows.items() if row.severity == "unchecked"} == unchecked
    assert all(row.flags == set() for row in rows.values())


TEN = Decimal(10)


@pytest.mark.parametrize(
    ("tolerances", "severity"),
    [
        ([Tolerance("investigate", Decimal(50), Decimal(0))], "within"),  # the default to escalate never stands below it
        ([Tolerance("investigate", Decimal(50), Decimal(0)), Tolerance("escalate", Decimal(50), Decimal(0))], "within"),
        ([Tolerance("investigate", Decimal(50), Decimal(0), "account"), Tolerance("investigate", TEN, Decimal(0))], "within"),
        ([Tolerance("investigate", Decimal(50), Decimal(0)), Tolerance("investigate", TEN, Decimal(0), "account")], "escalate"),
        ([Tolerance("investigate", Decimal(50), Decimal(0), "product", None, "edr")], "within"),
        ([Tolerance("investigate", Decimal(50), Decimal(0), "product", None, "sat")], "escalate"),
        ([Tolerance("investigate", Decimal(50), Decimal(0), "organization", 0)], "within"),
        ([Tolerance("investigate", Decimal(50), Decimal(0), "organization", 1)], "escalate"),
        ([Tolerance("investigate", Decimal(50), Decimal(0), "organization_product", 0, "edr")], "within"),
        (
            [
                Tolerance("investigate", TEN, Decimal(0), "organization_product", 0, "edr"),
                Tolerance("investigate", Decimal(50), Decimal(0), "organization", 0),
                Tolerance("investigate", Decimal(50), Decimal(0), "product", None, "edr"),
            ],
            "escalate",
        ),
        (  # the most specific wins whole: its 0 units are not the 30 of the wider one
            [Tolerance("investigate", Decimal(5), Decimal(30)), Tolerance("investigate", Decimal(5), Decimal(0), "organization", 0)],
            "escalate",
        ),
    ],
)
def test_the_most_specific_scope_wins_whole(tolerances: list[Tolerance], severity: str) -> None:
    assert compare(120, 100, *tolerances) == severity


def test_an_inherited_escalate_never_stands_below_the_stated_investigate() -> None:
    assert compare(120, 100, Tolerance("investigate", Decimal(30), Decimal(0), "organization", 0)) == "within"
    assert compare(140, 100, Tolerance("investigate", Decimal(30), Decimal(0), "organization", 0)) == "escalate"


@pytest.mark.parametrize(
    "wrong",
    [
        Tolerance("investigate", Decimal(1), Decimal(1), "product"),
        Tolerance("investigate", Decimal(1), Decimal(1), "organization"),
        Tolerance("investigate", Decimal(1), Decimal(1), "everywhere", 0),
        Tolerance("investigate", Decimal(1), Decimal(1), "organization_product", 0),
    ],
)
def test_a_scope_without_what_it_names_is_refused(wrong: Tolerance) -> None:
    with pytest.raises(ValueError, match="names what that scope needs"):
        compare(1, 1, wrong)


@pytest.mark.parametrize(("percent", "units"), [("-1", "0"), ("10001", "0"), ("0", "-1"), ("0", "1000000001"), ("0.00001", "0")])
def test_a_tolerance_is_a_number_in_bounds_with_four_decimals_at_most(percent: str, units: str) -> None:
    with pytest.raises(ValueError):
        Tolerance("investigate", Decimal(percent), Decimal(units))


def test_money_is_units_times_price_and_unknown_where_lines_of_one_cell_disagree() -> None:
    billed = GivenLeg((Line(0, "edr", 5, 6_500_000), Line(1, "edr", 5, 1), Line(1, "edr", 5, 2)))
    rebilled = GivenLeg((Line(0, "edr", 2, 9_000_001), Line(1, "edr", 1)))
    rows = month(billed=billed, expected=leg(2, 2), rebilled=rebilled)
    assert (rows[0, "edr"].cost, rows[0, "edr"].sell) == (6_500_000, 9_000_001)
    assert rows[0, "edr"].money == {"expected": 19_500_000, "rebilled": 27_000_003, "microsoft": None}
    assert (rows[1, "edr"].cost, rows[1, "edr"].money) == (None, {"expected": None, "rebilled": None, "microsoft": None})
