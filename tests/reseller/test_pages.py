"""A reseller's pages: searched, sorted and paged in the database, whatever there is; what is said there is kept and done."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from ingest.models import ResellerAccount, ResellerUsage
from recon.demo.huntress import records
from tests.reseller.making import BRIGHTFEN, NOON, QUILLMERE, World, organization_line, own_line

pytestmark = pytest.mark.django_db
MANY = 5_000


@pytest.fixture
def ruth(client: Client, world: World) -> Client:
    client.force_login(world.ruth)
    return client


def text_of(client: Client, name: str, *args: Any, query: str = "", status: int = 200) -> str:
    response = client.get(reverse(name, args=args) + query)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def crowd(world: World, count: int) -> None:
    ResellerAccount.objects.bulk_create(
        ResellerAccount(
            reseller=world.reseller, external_id=str(9_000 + place), name=f"Account {place:04} IT", status="enabled", first_seen_at=NOON,
            seen_at=NOON, cycle_day=1 + place % 28,
        )
        for place in range(count)
    )  # fmt: skip


def test_five_thousand_accounts_are_a_page_of_fifty(ruth: Client, world: World, django_assert_num_queries: Any) -> None:
    crowd(world, MANY)
    address = reverse("recon:reseller", args=[world.reseller.pk])
    for query in ("", "?sort=-cycle_day&page=40", "?q=0042", "?show=waiting&sort=account"):
        with django_assert_num_queries(12):
            page = ruth.get(address + query).content.decode()
        assert page.count('id="account-') == (1 if "0042" in query else 50)
    with django_assert_num_queries(8):
        assert "<html" not in ruth.get(address, headers={"HX-Request": "true"}).content.decode()


def test_the_overview_leads_to_the_connection_its_pulls_and_its_plan(ruth: Client, world: World) -> None:
    page, slug = text_of(ruth, "recon:reseller", world.reseller.pk), world.connection.account.slug
    for address in ("ingest:pulls", "ingest:pull_plan"):
        assert f'href="{reverse(address, args=[slug])}"' in page
    assert f'href="{reverse("ingest:connection", args=[slug, world.connection.pk])}"' in page


def test_lines_of_five_thousand_accounts_are_a_page_of_fifty(ruth: Client, world: World, django_assert_num_queries: Any) -> None:
    own = [own_line(place, "edr", 10, 12, of=records.account(9_000 + place, f"Account {place} IT")) for place in range(1, 1_001)]
    world.usage(own, [])
    ResellerUsage.objects.update(odd="")
    address = reverse("recon:reseller_usage", args=[world.reseller.pk])
    for query in ("", "?sort=-short&page=7", "?q=Account+77", "?show=short&product=edr"):
        with django_assert_num_queries(12):
            page = " ".join(ruth.get(address + query).content.decode().split())
    assert "All 1,000 lines" in page
    assert "12,000" in page


def test_what_does_not_add_up_stands_first_with_words(ruth: Client, world: World) -> None:
    own = [own_line(1, "edr", 300, 400), own_line(2, "edr", 50, 40, of=BRIGHTFEN, billable=47)]
    world.usage(own, [organization_line(1, 41001, {"edr": 300}), organization_line(2, 55001, {"edr": 50}, of=BRIGHTFEN)])
    page = text_of(ruth, "recon:reseller_usage", world.reseller.pk)
    rows = page[page.index("<tbody>") :]
    assert rows.index("Brightfen Support") < rows.index("Quillmere IT")
    assert "50 is the sum, and 47 is billed: −3." in page
    assert "1 line" in page


def test_an_annual_line_of_zero_is_no_error(ruth: Client, world: World) -> None:
    world.subscriptions(records.subscription(6004, QUILLMERE, "sat", 700, billing_interval="annual"))
    world.usage([own_line(1, "sat", 650, 700, billable=0)], [organization_line(1, 41001, {"sat": 650})])
    page = text_of(ruth, "recon:reseller_usage", world.reseller.pk)
    assert "Paid up front" in page
    assert ResellerUsage.objects.get().odd == ""


def test_a_zero_of_a_contract_that_nobody_knows_cannot_be_told(ruth: Client, world: World) -> None:
    world.usage([own_line(1, "sat", 650, 700, billable=0)], [organization_line(1, 41001, {"sat": 650})])
    assert ResellerUsage.objects.get().odd == "zero"
    assert "right for an annual contract, and whether it is one is not known" in text_of(ruth, "recon:reseller_usage", world.reseller.pk)


def test_accounts_of_one_tier_are_added_together(ruth: Client, world: World) -> None:
    """Two minimums of 100 with 150 and 50 units: together they have what they promised, and nothing is charged beyond it."""
    tier = [{"minimum": 100, "maximum": 499, "starts_at": "2025-12-01T00:00:00Z"}]
    world.accounts(QUILLMERE, BRIGHTFEN)
    world.subscriptions(*(records.subscription(n, of, "edr", 100, schedules=tier) for n, of in ((6001, QUILLMERE), (6002, BRIGHTFEN))))
    world.usage(
        [own_line(1, "edr", 150, 100), own_line(2, "edr", 50, 100, of=BRIGHTFEN, billable=50)],
        [organization_line(1, 41001, {"edr": 150}), organization_line(2, 55001, {"edr": 50}, of=BRIGHTFEN)],
    )
    assert ResellerUsage.objects.get(owner__external_id="7002").odd == "pooled"
    page = text_of(ruth, "recon:reseller_usage", world.reseller.pk)
    assert "with the other accounts of its tier it adds up" in page
    assert "Minimum 100 to 499, monthly, Huntress supported" in page


def test_seats_for_own_use_are_a_candidate_in_words(ruth: Client, world: World) -> None:
    world.accounts(QUILLMERE)
    world.usage([own_line(1, "edr", 30, non_billable=10, billable=20)], [organization_line(1, 41001, {"edr": 30})])
    said = "Perhaps its 10 Neighborhood Watch seats, for own use, are what is non-billable."
    assert said in text_of(ruth, "recon:reseller_usage", world.reseller.pk)


# --- acting -----------------------------------------------------------------------------------------------------------------------


def test_an_account_is_mapped_on_its_page(ruth: Client, world: World) -> None:
    world.accounts(QUILLMERE)
    address = reverse("recon:reseller_account", args=[world.reseller.pk, world.found().pk])
    assert ruth.post(address, {"act": "map", "account": "quillmere-it"}).status_code == 302
    assert world.found().account == world.account


def test_a_refusal_keeps_what_was_typed(ruth: Client, world: World) -> None:
    world.accounts(BRIGHTFEN)
    address = reverse("recon:reseller_account", args=[world.reseller.pk, world.found(7002).pk])
    response = ruth.post(address, {"act": "make", "name": "Brightfen & Sons", "slug": "quillmere-it", "day": "3"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "An account has that address already." in page
    assert 'value="Brightfen &amp; Sons"' in page
    assert not Account.objects.filter(name="Brightfen & Sons").exists()


def test_a_day_that_is_none_is_refused(ruth: Client, world: World) -> None:
    world.accounts(BRIGHTFEN)
    address = reverse("recon:reseller_account", args=[world.reseller.pk, world.found(7002).pk])
    for text in ("", "0", "32", "first", "1.5"):
        response = ruth.post(address, {"act": "make", "name": "Brightfen", "slug": "brightfen", "day": text})
        assert "a number from 1 to 31" in response.content.decode()


def test_ticked_accounts_are_said_to_be_not_ours_together(ruth: Client, world: World) -> None:
    crowd(world, 3)
    rows = [str(pk) for pk in ResellerAccount.objects.values_list("pk", flat=True)[:2]]
    address = reverse("recon:reseller", args=[world.reseller.pk])
    response = ruth.post(address, {"act": "ignore", "row": rows, "because": " "})
    assert response.status_code == 422
    assert len(re.findall(r'name="row"[^>]+ checked>', response.content.decode())) == 2
    ruth.post(address, {"act": "ignore", "row": rows, "because": "Trials."})
    assert ResellerAccount.objects.filter(ignored_because="Trials.").count() == 2


@pytest.mark.parametrize("given", [{}, {"act": "sell"}, {"act": "make"}, {"act": "make", "row": ["x", "9" * 30, "-1"]}])
def test_nonsense_is_refused_in_words(ruth: Client, world: World, given: dict[str, Any]) -> None:
    assert ruth.post(reverse("recon:reseller", args=[world.reseller.pk]), given).status_code == 422


def test_who_only_looks_is_offered_nothing_to_do(client: Client, world: World) -> None:
    world.accounts(QUILLMERE)
    client.force_login(world.vera)
    page = text_of(client, "recon:reseller", world.reseller.pk)
    assert "Quillmere IT" in page
    assert 'form="bulk"' not in page
    assert "Admins of Cobbleside Group say which account it is." in text_of(
        client, "recon:reseller_account", world.reseller.pk, world.found().pk
    )


def test_what_is_empty_says_what_to_do(ruth: Client, world: World) -> None:
    assert "Accounts appear here when the list of accounts is pulled" in text_of(ruth, "recon:reseller", world.reseller.pk)
    assert "They come when the reseller’s invoices are pulled" in text_of(ruth, "recon:reseller_usage", world.reseller.pk)


def test_home_leads_those_with_the_role_and_nobody_else_to_the_reseller(client: Client, world: World) -> None:
    address = reverse("recon:reseller", args=[world.reseller.pk])
    for user, is_shown in ((world.ruth, True), (world.vera, True), (world.ines, False)):
        client.force_login(user)
        assert (address in client.get("/").content.decode()) is is_shown
    assert address not in client.get(reverse("accounts:settings", args=[world.account.slug])).content.decode()
