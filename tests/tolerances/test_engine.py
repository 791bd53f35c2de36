"""The money floor, the flags that nothing quiets, and the law that widening never adds a finding."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.engine import ALWAYS, SEVERITIES, Tolerance, reconcile
from recon.engine.tolerance import SCOPES
from tests.engine.making import ORGANIZATIONS, months, tables
from tests.engine.oracle import GivenLeg, Line

law = settings(max_examples=40)
WITHIN, INVESTIGATE = SEVERITIES.index("within"), SEVERITIES.index("investigate")
DOLLAR = 1_000_000
_VALUES = st.sampled_from([Decimal(0), Decimal("2.5"), Decimal(5), Decimal(10), Decimal(60), Decimal(10_000)])
_FLOORS = st.sampled_from([0, 1, 6_500_000, 65_000_000, 10**15])


@st.composite
def scopes(draw: st.DrawFn) -> list[Tolerance]:
    """Whole scopes, as an account states them: both levels, escalate never below investigate, a floor; none stated twice."""
    found: dict[tuple[object, ...], list[Tolerance]] = {}
    for _ in range(draw(st.integers(1, 4))):
        scope = draw(st.sampled_from(SCOPES[1:]))
        organization = draw(st.integers(0, ORGANIZATIONS - 1)) if scope.startswith("organization") else None
        product = draw(st.sampled_from(["edr", "itdr"])) if scope.endswith("product") else None
        low, high = sorted((draw(_VALUES), draw(_VALUES)))
        few, many = sorted((draw(_VALUES), draw(_VALUES)))
        floor = draw(_FLOORS)
        found[scope, organization, product] = [
            Tolerance("investigate", low, few, scope, organization, product, floor),
            Tolerance("escalate", high, many, scope, organization, product),
        ]
    return [level for both in found.values() for level in both]


def judged(legs: dict[str, GivenLeg], tolerances: list[Tolerance]) -> pd.DataFrame:
    return reconcile(tables(legs), ORGANIZATIONS, tolerances, always=True)


@law
@given(months(), scopes(), st.integers(0, 7), st.sampled_from(["percent", "units", "floor"]))
def test_widening_one_value_never_adds_a_finding(legs: dict[str, GivenLeg], stated: list[Tolerance], which: int, what: str) -> None:
    place = which % len(stated)
    wider = list(stated)
    if what == "floor":
        wider[place] = replace(stated[place], floor=stated[place].floor * 3 + 7_000_000)
    else:
        wider[place] = replace(stated[place], **{what: min(getattr(stated[place], what) * 2 + 1, Decimal(10_000))})
    before, after = judged(legs, stated), judged(legs, wider)
    for column in ("severity", "expected_severity", "rebilled_severity"):
        assert (after[column] <= before[column]).all(), column


@law
@given(months(), scopes())
def test_no_floor_quiets_what_is_always_looked_at(legs: dict[str, GivenLeg], stated: list[Tolerance]) -> None:
    priceless = [replace(one, floor=10**18) for one in stated]
    before, after = judged(legs, [replace(one, floor=0) for one in stated]), judged(legs, priceless)
    is_flagged = after[list(ALWAYS)].any(axis=1)
    assert (after.loc[is_flagged, "severity"] >= INVESTIGATE).all()
    for check in ("expected", "rebilled"):
        column = f"{check}_severity"
        assert (after.loc[is_flagged, column] == before.loc[is_flagged, column]).all()
        some_against_none = (after["billed"].fillna(0) == 0) != (after[check].fillna(0) == 0)
        ran = after[f"{check}_difference"].notna() & (after[f"{check}_difference"] != 0).fillna(False)
        assert (after.loc[some_against_none & ran, column] >= INVESTIGATE).all()
        unpriced = after[f"{check}_money"].isna()
        assert (after.loc[unpriced, column] == before.loc[unpriced, column]).all(), "without a price nothing is below a floor"


@law
@given(months(), scopes())
def test_a_cell_is_judged_by_its_most_specific_scope_alone(legs: dict[str, GivenLeg], stated: list[Tolerance]) -> None:
    """By the same values, stated for the whole account, each row comes out the same."""
    rows = judged(legs, stated)
    for organization, product in zip(rows["organization"], rows["product"].astype(str), strict=True):
        ours = [one for one in stated if one.organization in (None, organization) and one.product in (None, product)]
        if not ours:
            continue
        rank = max(SCOPES.index(one.scope) for one in ours)
        winner = [replace(one, scope="account", organization=None, product=None) for one in ours if SCOPES.index(one.scope) == rank]
        alone = judged(legs, winner)
        cell = (rows["organization"] == organization) & (rows["product"].astype(str) == product)
        for column in ("severity", "expected_severity", "rebilled_severity"):
            assert rows.loc[cell, column].tolist() == alone.loc[cell, column].tolist()


def _priced(billed: int, expected: int, price: int, previous: int | None = None) -> dict[str, GivenLeg]:
    legs = {
        "billed": GivenLeg((Line(0, "edr", billed, price),)),
        "expected": GivenLeg((Line(0, "edr", expected, None),)),
    }
    return legs | ({"previous": GivenLeg((Line(0, "edr", previous, None),))} if previous is not None else {})


def _severity(legs: dict[str, GivenLeg], floor: int) -> int:
    stated = [
        Tolerance("investigate", Decimal(5), Decimal(0), "account", floor=floor),
        Tolerance("escalate", Decimal(10), Decimal(1), "account"),
    ]
    return int(judged(legs, stated)["expected_severity"].iloc[0])


def test_a_check_at_the_floor_is_found_and_one_below_it_is_within() -> None:
    legs = _priced(billed=120, expected=100, price=2 * DOLLAR)  # $40
    assert SEVERITIES[_severity(legs, 40 * DOLLAR)] == "escalate"
    assert SEVERITIES[_severity(legs, 40 * DOLLAR + 1)] == "within"
    assert SEVERITIES[_severity(_priced(billed=80, expected=100, price=2 * DOLLAR), 41 * DOLLAR)] == "within"


def test_a_floor_does_not_quiet_some_against_none_nor_a_newcomer() -> None:
    assert SEVERITIES[_severity(_priced(billed=1, expected=0, price=1), 10**15)] in {"investigate", "escalate"}
    newcomer = _priced(billed=120, expected=100, price=1, previous=0)
    assert SEVERITIES[_severity(newcomer, 10**15)] == "escalate"


def test_an_agreement_stays_a_match_under_any_floor() -> None:
    assert SEVERITIES[_severity(_priced(billed=100, expected=100, price=DOLLAR), 10**15)] == "match"
