"""Prices that no list states come off the price list in force, are frozen with a signature, and say where they come from."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Organization, Role, User
from ingest.models import SourceFile
from recon.models import Drift, SignedInput, Variance
from recon.pricing import price_list_of
from recon.services import review
from tests.recon import making
from tests.recon.conftest import Put
from tests.recon.making import AFTER, BEFORE, compare, current, month_of, rows_of

EDR = ["Organization", "EDR"]
PRICES = ["Organization", "Product", "From Quantity", "Cost", "Sell Price"]
List = Callable[..., SourceFile]


def prices(account: Account, row: str = "Tarn Vale Dental") -> tuple[int | None, int | None, int | None]:
    """Cost, sell and the money of what is not rebilled."""
    found: Variance = next(one for one in rows_of(account) if one.name == row)
    return found.cost, found.sell, found.rebilled_money


@pytest.fixture
def unpriced(put: Put) -> None:
    put("billed", EDR, ["Tarn Vale Dental", 12], ["Garrowby Farms", 3])
    put("rebilled", EDR, ["Garrowby Farms", 3])


def test_leakage_gets_its_money_from_the_price_list(account: Account, put: Put, unpriced: None) -> None:
    compare()
    assert prices(account) == (None, None, None)
    put("prices", PRICES, ["", "EDR", 0, "2.90", "6.50"], ["", "EDR", 10, "2.70", "6.00"])
    compare()
    assert prices(account) == (2_700_000, 6_000_000, 72_000_000)
    assert prices(account, "Garrowby Farms") == (2_700_000, 6_500_000, 0)  # Huntress adds up the account, customers pay by their own units


def test_an_organizations_own_price_comes_first(account: Account, put: Put, unpriced: None) -> None:
    put(
        "prices", PRICES, ["", "EDR", 0, "2.90", "6.50"], ["Tarn Vale Dental", "EDR", 0, "", "5.00"], ["Nobody Known", "EDR", 0, "", "1.00"]
    )
    compare()
    assert prices(account)[:2] == (2_900_000, 5_000_000)


def test_a_price_of_an_organization_made_since_the_others_were_read_is_nobodys(account: Account, put: Put, unpriced: None) -> None:
    known = pd.DataFrame(Organization.objects.order_by("pk").values_list("pk"), columns=["pk"])
    put("expected", EDR, ["Zennor Farms", 4])
    put("prices", PRICES, ["", "EDR", 0, "2.90", "6.50"], ["Zennor Farms", "EDR", 0, "", "5.00"])
    listed = price_list_of(current(account, "prices"), known.assign(root=range(len(known))))
    assert sorted(listed.lines["unit_price"]) == [2_900_000, 6_500_000]


def test_the_newest_list_that_starts_by_then_is_in_force(account: Account, put: Put, unpriced: None) -> None:
    put("prices", PRICES, ["", "EDR", 0, "2.90", "6.50"], cycle=BEFORE, name="first.csv")
    put("prices", PRICES, ["", "EDR", 0, "3.90", "7.50"], cycle=AFTER, name="later.csv")
    compare()
    assert prices(account)[:2] == (2_900_000, 6_500_000)
    assert month_of(account).inputs["prices"]["name"] == "first.csv"


def test_the_row_says_where_its_prices_come_from(account: Account, preparer: Client, put: Put) -> None:
    put("billed", ["Organization", "EDR", "EDR price"], ["Tarn Vale Dental", 12, "2.80"])
    put("prices", PRICES, ["", "EDR", 10, "2.70", "6.00"], name="rates.csv")
    compare()
    (row,) = rows_of(account)
    html = preparer.get(reverse("recon:row", args=[account.slug, making.CYCLE.start, row.organization_id, "edr"])).content.decode()
    assert "billed.csv, line 2" in html
    assert "price list rates.csv, line 2, for everyone, from 10 units on" in html


def test_a_signature_freezes_the_prices_and_says_when_others_are_in_force(account: Account, mara: User, put: Put) -> None:
    for leg in ("billed", "expected", "rebilled"):
        put(leg, EDR, ["Tarn Vale Dental", 12])
    listed = put("prices", PRICES, ["", "EDR", 0, "2.90", "6.50"], name="rates.csv")
    compare()
    jonah = making.new_person(account, "jonah@quillmere.example", Role.REVIEWER)
    signed = review.sign(review.submit(month_of(account), by=mara), by=jonah)
    assert SignedInput.objects.get(reconciliation=signed, leg="prices").source_file == listed
    put("prices", PRICES, ["", "EDR", 0, "3.10", "6.50"], name="new-rates.csv")
    for job in making.Job.objects.filter(kind="drift"):
        making.jobs.run_now(job)
    changes = Drift.objects.get(reconciliation=signed).changes
    assert "The prices changed: the price list new-rates.csv is in force now, and rates.csv was signed." in changes
    assert prices(account)[:2] == (2_900_000, 6_500_000)
