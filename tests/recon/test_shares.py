"""One Organization rebilled to several customers: their names become its own, the sheet shares it out, and all of it can be undone."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Alias, AuditEvent, CustomerShare, Organization, User
from accounts.services import Refused
from recon.exports import TARGETS
from recon.models import Variance
from recon.services import review, shares
from recon.services.exports import month_sheet
from recon.services.months import ask_for_recount
from recon.services.shares import Wanted
from tests.recon import making
from tests.recon.conftest import Put
from tests.recon.making import compare, month_of, units_of

HEAD = ["Organization", "Product", "Quantity", "Unit Price"]
SPLIT = [Wanted("Greyfriars North", 3), Wanted("Greyfriars South", 2, "PSA-77")]


@pytest.fixture
def greyfriars(account: Account, put: Put) -> Organization:
    """Billed as one, rebilled to two customers of other names."""
    put(
        "billed",
        ["Organization", "Organization ID", "EDR", "ITDR"],
        ["Greyfriars Trust", "41069", 101, 0],
        ["Ashcombe Haulage", "41009", 4, 1],
    )
    put(
        "rebilled",
        HEAD,
        ["Greyfriars North", "EDR", 50, "6.00"],
        ["Greyfriars South", "EDR", 40, "6.50"],
        ["Ashcombe Haulage", "EDR", 4, "6.50"],
        ["Ashcombe Haulage", "ITDR", 1, "4.00"],
    )
    compare()
    return Organization.objects.get(account=account, huntress_id="41069")


def sheet(account: Account) -> list[tuple[str, str, str, str, str]]:
    month = month_of(account)
    rows = Variance.objects.filter(reconciliation=month, run=month.run)
    out = io.BytesIO()
    TARGETS["rebill-csv"].write(month_sheet(month, rows), out)
    lines = csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig")))
    return [(line["customer"], line["product"], line["old_quantity"], line["new_quantity"], line["unit_price"]) for line in lines]


def test_its_customers_names_become_its_own_and_the_row_is_their_sum(account: Account, mara: User, greyfriars: Organization) -> None:
    assert units_of(account)["Greyfriars Trust", "edr"][:3] == (101, None, 0)
    shares.share_out(greyfriars, SPLIT, by=mara)
    compare()
    assert units_of(account)["Greyfriars Trust", "edr"][:3] == (101, None, 90)
    assert ("Greyfriars North", "edr") not in units_of(account)
    assert set(Alias.objects.filter(organization=greyfriars).values_list("name", flat=True)) == {"Greyfriars North", "Greyfriars South"}


def test_the_sheet_has_a_line_for_each_customer(account: Account, mara: User, greyfriars: Organization) -> None:
    shares.share_out(greyfriars, SPLIT, by=mara)
    compare()
    assert [line for line in sheet(account) if line[0].startswith("Greyfriars")] == [
        ("Greyfriars North", "edr", "50", "61", "6.00"),
        ("Greyfriars South", "edr", "40", "40", "6.50"),
        ("Greyfriars North", "itdr", "0", "0", ""),
        ("Greyfriars South", "itdr", "0", "0", ""),
    ]


def test_next_months_list_is_known_by_the_customers_names(account: Account, mara: User, greyfriars: Organization, put: Put) -> None:
    shares.share_out(greyfriars, SPLIT, by=mara)
    put("billed", ["Organization", "Organization ID", "EDR"], ["Greyfriars Trust", "41069", 90], cycle=making.AFTER)
    put("rebilled", HEAD, ["Greyfriars North", "EDR", 54, "6.00"], ["Greyfriars South", "EDR", 36, "6.50"], cycle=making.AFTER)
    compare()
    assert units_of(account, making.AFTER)["Greyfriars Trust", "edr"][:3] == (90, None, 90)


def test_it_is_taken_back_exactly_and_put_back(account: Account, mara: User, greyfriars: Organization) -> None:
    before = units_of(account)
    shares.share_out(greyfriars, SPLIT, by=mara)
    shares.end(greyfriars, by=mara)
    compare()
    assert units_of(account) == before
    assert not Alias.objects.filter(revoked_at__isnull=True).exists()
    assert not Organization.objects.filter(merged_into__isnull=False).exists()
    shares.undo(greyfriars, by=mara)
    compare()
    assert units_of(account)["Greyfriars Trust", "edr"][2] == 90
    shares.share_out(greyfriars, [Wanted("Greyfriars North", 1), Wanted("Greyfriars West", 1)], by=mara)
    shares.undo(greyfriars, by=mara)
    assert [(one.customer, one.parts, one.psa_id) for one in shares.shares_in_force(greyfriars)] == [
        ("Greyfriars North", 3, ""),
        ("Greyfriars South", 2, "PSA-77"),
    ]
    actions = AuditEvent.objects.filter(action__startswith="recon.share").order_by("pk").values_list("action", flat=True)
    assert list(actions) == [f"recon.share.{act}" for act in ("changed", "ended", "undone", "changed", "undone")]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([Wanted("Greyfriars North", 1)], "two customers at least"),
        ([Wanted("Greyfriars North", 1), Wanted("greyfriars  north", 2)], "are one name"),
        ([Wanted("Greyfriars North", 0), Wanted("Greyfriars South", 2)], "a whole number from 1"),
        ([Wanted("Greyfriars North", 1), Wanted("  ", 2)], "needs the customer’s name"),
        ([Wanted("Greyfriars North", 1), Wanted("Ashcombe Haulage", 2)], "an Organization of the bill itself"),
    ],
)
def test_what_makes_no_split_is_refused_and_nothing_stays(
    account: Account, mara: User, greyfriars: Organization, wanted: list[Wanted], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        shares.share_out(greyfriars, wanted, by=mara)
    assert not CustomerShare.objects.exists()
    assert not Alias.objects.exists()


def test_a_month_in_review_goes_back_to_its_preparer(account: Account, mara: User, put: Put) -> None:
    put("billed", ["Organization", "Organization ID", "EDR"], ["Greyfriars Trust", "41069", 10])
    put("expected", ["Organization", "EDR"], ["Greyfriars Trust", 10])
    compare()
    review.submit(month_of(account), by=mara)
    shares.share_out(Organization.objects.get(huntress_id="41069"), SPLIT, by=mara)
    assert month_of(account).is_working


def test_the_page_states_ends_and_undoes(preparer: Client, account: Account, greyfriars: Organization) -> None:
    address = reverse("recon:shares", args=[account.slug, greyfriars.pk])
    form = {"act": "share", "customer": ["Greyfriars North", "Greyfriars South", ""], "parts": ["1", "2", ""], "psa_id": ["", "", ""]}
    html = preparer.post(address, form, follow=True).content.decode()
    assert "Rebilled to 2 customers" in html
    assert "33.33%" in html
    assert "One customer again" in html
    preparer.post(address, {"act": "end"})
    assert not shares.shares_in_force(greyfriars)
    preparer.post(address, {"act": "undo"})
    assert len(shares.shares_in_force(greyfriars)) == 2


def test_a_refused_form_keeps_what_was_typed(preparer: Client, account: Account, greyfriars: Organization) -> None:
    form = {"act": "share", "customer": ["Greyfriars North", "Greyfriars South"], "parts": ["half", "2"], "psa_id": ["", ""]}
    answer = preparer.post(reverse("recon:shares", args=[account.slug, greyfriars.pk]), form)
    assert answer.status_code == 422
    assert "“half” is not" in answer.content.decode()
    assert 'value="half"' in answer.content.decode()


def test_nobody_is_rebilled_for_internal_use_and_the_sheet_says_why(account: Account, mara: User, greyfriars: Organization) -> None:
    Organization.objects.filter(pk=greyfriars.pk).update(standing="internal", standing_reason="Our own office.")
    ask_for_recount(month_of(account).cycle, by=mara)
    compare()
    assert not [line for line in sheet(account) if line[0].startswith("Greyfriars Trust")]
    month = month_of(account)
    left_out = month_sheet(month, Variance.objects.filter(reconciliation=month, run=month.run)).left_out
    assert "Greyfriars Trust: internal use, so nobody is rebilled (101 EDR billed). Our own office." in left_out
