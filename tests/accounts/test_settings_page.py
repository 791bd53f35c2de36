"""An account's settings change as long as no cycle rests on them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, AuditEvent, BillingCycle, Membership, Role, User
from accounts.models.account import USUAL_STATEMENT

pytestmark = pytest.mark.django_db
FORM = {"name": "Quillmere IT", "anniversary_day": "14", "time_zone": "Europe/London", "currency": "USD"}


@pytest.fixture
def account() -> Account:
    return Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14, time_zone="Europe/London", currency="USD")


@pytest.fixture
def signed_in(client: Client, account: Account) -> Client:
    ines = User.objects.create_user("ines@quillmere.example", "four-brass-lanterns")
    Membership.objects.create(user=ines, account=account, role=Role.ADMIN)
    client.force_login(ines)
    return client


@pytest.fixture
def cycle(account: Account) -> BillingCycle:
    return BillingCycle.objects.create(account=account, start=date(2026, 10, 14), end=date(2026, 11, 14))


def save(client: Client, **fields: str) -> Any:
    return client.post(reverse("accounts:settings", args=["quillmere-it"]), FORM | fields)


def test_everything_changes_before_the_first_cycle(signed_in: Client, account: Account) -> None:
    response = save(signed_in, name=" Quillmere \n Group ", anniversary_day="31", time_zone="America/New_York", currency="EUR")
    assert response.status_code == 302
    account.refresh_from_db()
    kept = (account.name, account.anniversary_day, account.time_zone, account.currency, account.slug)
    assert kept == ("Quillmere Group", 31, "America/New_York", "EUR", "quillmere-it")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"anniversary_day": "15"}, "The anniversary day stays 14: the cycles on record begin and end on it."),
        ({"currency": "GBP"}, "The currency stays USD: the prices of the cycles on record are in it."),
    ],
)
def test_what_a_cycle_rests_on_is_refused_with_the_reason(
    signed_in: Client, account: Account, cycle: BillingCycle, fields: dict[str, str], why: str
) -> None:
    response = save(signed_in, name="Another name", **fields)
    assert response.status_code == 422
    html = response.content.decode()
    assert f'_error">{why}' in html
    account.refresh_from_db()
    assert (account.name, account.anniversary_day, account.currency) == ("Quillmere IT", 14, "USD")


def test_name_and_time_zone_change_at_any_time(signed_in: Client, account: Account, cycle: BillingCycle) -> None:
    assert save(signed_in, name="Quillmere Group", time_zone="UTC").status_code == 302
    account.refresh_from_db()
    assert (account.name, account.time_zone) == ("Quillmere Group", "UTC")


def test_what_cannot_change_says_so_before_it_is_tried(signed_in: Client, cycle: BillingCycle) -> None:
    html = signed_in.get(reverse("accounts:settings", args=["quillmere-it"])).content.decode()
    assert html.count("readonly") == 2
    assert "begin and end on it." in html


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"anniversary_day": "0"},
        {"anniversary_day": "32"},
        {"anniversary_day": "4.5"},
        {"time_zone": "Europe/Quillmere"},
        {"time_zone": ""},
        {"currency": "usd"},
        {"currency": "US"},
        {"currency": "DOLLAR"},
    ],
)
def test_what_cannot_be_is_marked(signed_in: Client, account: Account, fields: dict[str, str]) -> None:
    response = save(signed_in, **fields)
    assert response.status_code == 422
    html = response.content.decode()
    assert 'aria-invalid="true"' in html
    assert 'aria-label="Account: Quillmere IT"' in html
    assert Account.objects.values().get() == {"id": account.pk, "reseller_id": None, "slug": "quillmere-it"} | FORM | {
        "anniversary_day": 14,
        "solo_rule": False,
        "statements": "",
        "stale_days": 21,
    }


def test_a_time_zone_that_lists_do_not_offer_is_kept(signed_in: Client, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(time_zone="EST5EDT")
    assert save(signed_in, time_zone="EST5EDT").status_code == 302


def test_statements_are_kept_one_a_line_and_asked_for_from_then_on(signed_in: Client, account: Account) -> None:
    assert account.to_certify == [USUAL_STATEMENT]
    assert (
        save(signed_in, statements="  The bill  is as read. \r\n\r\nNobody who left is charged for.\r\nThe bill is as read.").status_code
        == 302
    )
    account.refresh_from_db()
    assert account.to_certify == ["The bill is as read.", "Nobody who left is charged for."]
    event = AuditEvent.objects.get(action="accounts.account.changed")
    assert (event.before, event.after) == ({"statements": ""}, {"statements": "The bill is as read.\nNobody who left is charged for."})
    assert "Nobody who left is charged for." in signed_in.get(reverse("accounts:settings", args=["quillmere-it"])).content.decode()


@pytest.mark.parametrize("stated", ["", " \n ", USUAL_STATEMENT])
def test_nothing_stated_is_the_usual_statement_and_follows_it(signed_in: Client, account: Account, stated: str) -> None:
    Account.objects.filter(pk=account.pk).update(statements="The bill is as read.")
    assert save(signed_in, statements=stated).status_code == 302
    account.refresh_from_db()
    assert (account.statements, account.to_certify) == ("", [USUAL_STATEMENT])


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ("\n".join(f"Statement {n}." for n in range(13)), "At most 12 statements, one a line; these are 13."),
        ("Short.\n" + "x" * 1001, "Statement 2 has 1,001 characters; a statement has at most 1,000."),
    ],
)
def test_statements_that_nobody_would_read_are_refused(signed_in: Client, account: Account, stated: str, why: str) -> None:
    response = save(signed_in, statements=stated)
    assert response.status_code == 422
    assert why in response.content.decode()
    account.refresh_from_db()
    assert account.statements == ""
