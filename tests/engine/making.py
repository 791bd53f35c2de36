"""Invented legs and tolerances: for the oracle as they are, for the engine as tables."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pandas as pd
from hypothesis import strategies as st

from recon.engine import ANY_ORGANIZATION, ANY_PRODUCT, FLAGS, SEVERITIES, LegName, LegTable, Tolerance
from tests.engine.oracle import LEGS, PRODUCTS, Cell, GivenLeg, Judged, Line, Stated

ORGANIZATIONS = 3
_SOME = st.integers(0, ORGANIZATIONS - 1)
_PRODUCT = st.sampled_from(PRODUCTS[:3])
#: Small numbers meet often, hundreds stand at the edge of percents, and the reader's largest outgrows what floats hold.
QUANTITIES = st.one_of(st.integers(0, 3), st.integers(18, 22), st.integers(95, 111), st.sampled_from([10**9, 10**9 - 1]))
_PRICE = st.one_of(st.none(), st.sampled_from([0, 6_500_000, 999_999_999_999, 1]))


@st.composite
def lines(draw: st.DrawFn) -> Line:
    return Line(draw(_SOME), draw(_PRODUCT), draw(QUANTITIES), draw(_PRICE))


_REJECTED = st.tuples(st.one_of(st.none(), _SOME), st.one_of(st.none(), _PRODUCT))


def leg_tables(*, whole: bool = False) -> st.SearchStrategy[GivenLeg]:
    """``whole``: no row rejected and nothing left open."""
    rows = st.lists(lines(), max_size=9).map(tuple)
    if whole:
        return st.builds(GivenLeg, rows)
    return st.builds(GivenLeg, rows, st.lists(_REJECTED, max_size=2).map(tuple), st.booleans())


LISTS = tuple(leg for leg in LEGS if leg != "microsoft")


@st.composite
def months(draw: st.DrawFn, *, whole: bool = False) -> dict[str, GivenLeg]:
    """Up to four lists, some of them missing or empty, and perhaps what tenants were counted."""
    found = draw(st.dictionaries(st.sampled_from(LISTS), leg_tables(whole=whole), max_size=4))
    if draw(st.booleans()):
        found["microsoft"] = draw(counted(whole=whole))
    return found


def counted(*, whole: bool = False) -> st.SearchStrategy[GivenLeg]:
    """Identities by Organization: never a whole list, since who has no tenant is unknown."""
    rows = st.lists(st.builds(Line, _SOME, st.just("itdr"), QUANTITIES), max_size=4).map(tuple)
    unsure = st.lists(st.tuples(_SOME, st.just("itdr")), max_size=0 if whole else 2).map(tuple)
    return st.builds(GivenLeg, rows, unsure, st.just(True))


_EXACT = st.one_of(st.integers(0, 60), st.sampled_from([Decimal("0.0001"), Decimal("4.9999"), Decimal("2.5"), Decimal(10_000)]))


@st.composite
def statements(draw: st.DrawFn) -> list[Stated]:
    """Tolerances of every scope, none stated twice."""
    found: dict[tuple[object, ...], Stated] = {}
    for _ in range(draw(st.integers(0, 4))):
        scope = draw(st.sampled_from(["everywhere", "account", "product", "organization", "organization_product"]))
        organization = draw(_SOME) if scope.startswith("organization") else None
        product = draw(_PRODUCT) if scope.endswith("product") else None
        level = draw(st.sampled_from(["investigate", "escalate"]))
        percent, units = Fraction(draw(_EXACT)), Fraction(draw(_EXACT))
        found[(scope, organization, product, level)] = Stated(scope, level, percent, units, organization, product)
    return list(found.values())


def table(leg: GivenLeg) -> LegTable:
    rows = [(line.organization, line.product, line.quantity, line.price) for line in leg.lines]
    frame = pd.DataFrame(rows, columns=["organization", "product", "quantity", "unit_price"])
    typed = frame.astype({"organization": "int64", "product": "str", "quantity": "int64", "unit_price": "Int64"})
    rejected = [(ANY_ORGANIZATION if who is None else who, what or ANY_PRODUCT) for who, what in leg.rejected]
    return LegTable(typed, pd.DataFrame(rejected, columns=["organization", "product"]), leg.partial)


def tables(legs: dict[str, GivenLeg]) -> dict[LegName, LegTable]:
    return {cast(LegName, name): table(leg) for name, leg in legs.items()}


def tolerance(stated: Stated) -> Tolerance:
    percent, units = (Decimal(part.numerator) / Decimal(part.denominator) for part in (stated.percent, stated.units))
    return Tolerance(cast(Any, stated.level), percent, units, cast(Any, stated.scope), stated.organization, stated.product)


def judged(rows: pd.DataFrame) -> dict[Cell, Judged]:
    """The engine's rows in the oracle's words."""
    found = {}
    for row in rows.to_dict("records"):
        checks = ("expected", "rebilled", "microsoft")
        found[(int(row["organization"]), str(row["product"]))] = Judged(
            quantities={leg: whole(row[leg]) for leg in LEGS},
            differences={leg: whole(row[f"{leg}_difference"]) for leg in (*checks, "previous")},
            severities={check: SEVERITIES[row[f"{check}_severity"]] for check in checks if not pd.isna(row[f"{check}_severity"])},
            severity=SEVERITIES[row["severity"]],
            flags={flag for flag in FLAGS if row[flag]},
            cost=whole(row["cost"]),
            sell=whole(row["sell"]),
            money={check: whole(row[f"{check}_money"]) for check in checks},
        )
    assert len(found) == len(rows), "one row an Organization and product"
    return found


def whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
