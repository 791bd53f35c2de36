"""The first page: accounts by months, holes, money, files that wait, and as many queries for one account as for thirty."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Membership, Reseller, Role
from ingest.models import SourceFile
from recon.home_page import home_page
from tests.recon.making import BEFORE, CYCLE, arrive, compare, csv_bytes, new_account, new_person, signed_in
from tests.recon.making import put as put_file
from tests.recon.stock import stocked

NAMES = ["Organization", "EDR"]
PRICED = ["Organization", "EDR", "EDR price"]
HOME_QUERIES = 12


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 November 2026: the cycle to 14 November is over, the next one runs."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))


def page_of(user: Any, number: str = "") -> Any:
    return home_page(user, number)


def test_a_month_with_a_bill_is_in_preparation_and_one_without_is_a_hole(account, mara, put):
    put("billed", NAMES, ["Tarn Vale Dental", 3], cycle=BEFORE)
    compare()
    (row,) = page_of(mara).rows
    assert [cell.state for cell in row.cells] == ["", "", "", "preparation", "missing", "running"]
    assert page_of(mara).holes == 1


def test_a_month_with_only_an_expected_list_is_still_a_hole(account, mara, put):
    put("expected", NAMES, ["Tarn Vale Dental", 3])
    assert [cell.state for cell in page_of(mara).rows[0].cells][-2:] == ["missing", "running"]


def test_money_is_that_of_the_newest_compared_cycle(account, mara, preparer, put):
    put("billed", NAMES, ["Tarn Vale Dental", 9], cycle=BEFORE)
    put("billed", NAMES, ["Tarn Vale Dental", 10], ["Marrick", 1])
    put("rebilled", PRICED, ["Tarn Vale Dental", 7, "6.50"], ["Marrick", 3, "2.00"])
    compare()
    (row,) = page_of(mara).rows
    assert (row.newest_cycle, row.flagged, row.newest["all"]["rebilled"]["over"], row.overcharged) == (CYCLE, 2, 19_500_000, 4_000_000)
    said = preparer.get("/").content.decode()
    assert "$19.50" in said
    assert "$4.00" in said


def test_what_cannot_be_checked_shows_no_money(account, preparer, put):
    put("billed", NAMES, ["Tarn Vale Dental", 10])
    compare()
    assert "No sell price known, or nothing compared" in preparer.get("/").content.decode()


def test_every_file_that_waits_is_counted_and_the_newest_are_listed(account, mara, preparer):
    for number in range(11):
        arrive(account, mara, csv_bytes(NAMES, ["Tarn Vale Dental", number]), kind="billed", name=f"list-{number}.csv")
    page = page_of(mara)
    assert (page.files_count, len(page.files)) == (11, 8)
    assert '<span class="count is-hot">11</span>' in preparer.get("/").content.decode()


def test_nobody_sees_another_ones_account(account, put, mara):
    put("billed", NAMES, ["Tarn Vale Dental", 3])
    stranger = new_person(None, "sid@elsewhere.example")
    assert page_of(stranger).rows == []
    answer = signed_in(stranger).get("/").content.decode()
    assert "No account is yours yet" in answer
    assert "Quillmere" not in answer


def test_a_role_through_two_ways_shows_an_account_once(account, mara):
    reseller = Reseller.objects.create(name="Cobbleside Group")
    Account.objects.update(reseller=reseller)
    Membership.objects.create(user=mara, reseller=reseller, role=Role.ADMIN)
    assert len(page_of(mara).rows) == 1


@pytest.mark.parametrize("accounts", [1, 30])
def test_it_asks_the_same_of_the_database_for_one_account_and_for_thirty(account, mara, preparer, accounts, django_assert_num_queries):
    for number in range(1, accounts):
        another = new_account(f"Brightfen {number:02}", f"brightfen-{number}")
        Membership.objects.create(user=mara, account=another, role=Role.VIEWER)
    for one in Account.objects.all():
        put_file(one, mara, "billed", csv_bytes(NAMES, ["Tarn Vale Dental", one.pk]), CYCLE)
        stocked(one, 2, BEFORE)
        arrive(one, mara, csv_bytes(NAMES, ["Tarn Vale Dental", 100 + one.pk]), kind="expected")
    assert SourceFile.objects.filter(state="ready").count() == accounts
    with django_assert_num_queries(HOME_QUERIES):
        assert preparer.get("/").status_code == 200


def test_fifty_accounts_a_page_and_the_rest_on_the_next(mara):
    for number in range(55):
        Membership.objects.create(user=mara, account=new_account(f"Brightfen {number:02}", f"brightfen-{number}"), role=Role.VIEWER)
    assert (len(page_of(mara).rows), len(page_of(mara, "2").rows), page_of(mara, "x").page.number) == (50, 6, 1)
