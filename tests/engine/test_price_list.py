"""Rows for which no list states a price have that of the price list in force."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recon.engine import ANY_ORGANIZATION, PriceList, reconcile
from tests.engine.making import judged, tables
from tests.engine.oracle import GivenLeg, Judged, Line


def listed(*rows: tuple[str, int, str, int, int]) -> PriceList:
    return PriceList(pd.DataFrame(rows, columns=["side", "organization", "product", "from_quantity", "unit_price"]))


def month(prices: PriceList, **legs: GivenLeg) -> dict[tuple[int, str], Judged]:
    return judged(reconcile(tables(legs), 5, price_list=prices))


def leg(*quantities: int, price: int | None = None, **options: Any) -> GivenLeg:
    return GivenLeg(tuple(Line(number, "edr", quantity, price) for number, quantity in enumerate(quantities)), **options)


EVERYONE = ("sell", ANY_ORGANIZATION, "edr", 0, 6_500_000)


def test_leakage_on_a_row_that_the_rebilled_list_does_not_name_gets_its_money() -> None:
    billed, rebilled = leg(4, 9), GivenLeg((Line(1, "edr", 9, None),))
    row = month(listed(EVERYONE), billed=billed, rebilled=rebilled)[0, "edr"]
    assert (row.quantities["rebilled"], row.sell, row.money["rebilled"]) == (0, 6_500_000, 26_000_000)


def test_what_a_list_states_itself_comes_first() -> None:
    row = month(listed(EVERYONE, ("cost", ANY_ORGANIZATION, "edr", 0, 1)), billed=leg(4, price=2_900_000), rebilled=leg(4, price=5_000_000))
    assert (row[0, "edr"].cost, row[0, "edr"].sell) == (2_900_000, 5_000_000)


def test_where_lines_state_two_prices_the_price_list_is_no_answer() -> None:
    rebilled = GivenLeg((Line(0, "edr", 2, 5_000_000), Line(0, "edr", 2, 6_000_000)))
    assert month(listed(EVERYONE), billed=leg(4), rebilled=rebilled)[0, "edr"].sell is None


def test_an_organizations_own_price_comes_before_everyones() -> None:
    rows = month(listed(EVERYONE, ("sell", 1, "edr", 0, 5_000_000)), billed=leg(4, 4))
    assert [rows[who, "edr"].sell for who in (0, 1)] == [6_500_000, 5_000_000]


def test_an_own_price_that_the_quantity_does_not_reach_leaves_everyones() -> None:
    rows = month(listed(EVERYONE, ("sell", 0, "edr", 10, 5_000_000), ("sell", 1, "edr", 10, 5_000_000)), billed=leg(9, 10))
    assert [rows[who, "edr"].sell for who in (0, 1)] == [6_500_000, 5_000_000]


def test_customers_pay_by_their_own_quantity_and_huntress_charges_by_the_accounts() -> None:
    tiers = [(side, ANY_ORGANIZATION, "edr", start, price) for side in ("cost", "sell") for start, price in ((0, 9), (10, 7))]
    rows = month(listed(*tiers), billed=leg(6, 12))
    assert [(rows[who, "edr"].cost, rows[who, "edr"].sell) for who in (0, 1)] == [(7, 9), (7, 7)]


def test_two_prices_of_one_tier_are_none() -> None:
    assert month(listed(EVERYONE, (*EVERYONE[:4], 7_000_000)), billed=leg(4))[0, "edr"].sell is None


def test_a_product_that_the_price_list_does_not_have_has_no_price() -> None:
    assert month(listed(EVERYONE), billed=GivenLeg((Line(0, "siem", 4, None),)))[0, "siem"].sell is None


def test_where_the_bill_is_not_known_the_other_lists_quantity_decides_on_the_tier() -> None:
    tiers = (EVERYONE, ("sell", ANY_ORGANIZATION, "edr", 10, 5_000_000))
    assert month(listed(*tiers), rebilled=leg(12))[0, "edr"].sell == 5_000_000
