"""Tolerances are stated, previewed and saved on one page, and no change of two admins is lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, AuditEvent, BillingCycle, Organization, User
from recon.models import Reconciliation, Severity, TolerancePolicy, Variance
from recon.policies import policy_of, scopes_of
from recon.services import months
from tests.tolerances.months import account_with_people, compared, work_off

pytestmark = pytest.mark.django_db
DEFAULTS = {"investigate_percent": "5", "investigate_units": "0", "escalate_percent": "10", "escalate_units": "1", "floor": "0.00"}


@pytest.fixture
def quillmere(client: Client) -> tuple[Account, dict[str, User]]:
    account, people = account_with_people()
    client.force_login(people["admin"])
    return account, people


@pytest.fixture
def account(quillmere: tuple[Account, dict[str, User]]) -> Account:
    return quillmere[0]


@pytest.fixture
def month(quillmere: tuple[Account, dict[str, User]]) -> BillingCycle:
    return compared(quillmere[0], quillmere[1]["preparer"])


def form(*scopes: dict[str, Any], seen: int = 0, act: str = "save", **more: str) -> dict[str, str]:
    """As the page would send it; a scope states what differs from the defaults."""
    data = {"lines": str(len(scopes)), "seen": str(seen), "act": act, **more}
    for number, scope in enumerate(scopes):
        for name, value in ({"organization": "", "product": ""} | DEFAULTS | scope).items():
            data[f"s{number}-{name}"] = str(value)
    return data


def post(client: Client, data: dict[str, str]) -> Any:
    return client.post(reverse("recon:tolerances", args=["quillmere-it"]), data)


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_the_defaults_are_version_0(client: Client, account: Account) -> None:
    html = text(client.get(reverse("recon:tolerances", args=["quillmere-it"])))
    assert "Version 0, the defaults, is in force" in html
    assert 'name="s0-escalate_percent" value="10"' in html
    assert "Save as version 1" in html


def test_a_preview_counts_on_the_last_month_and_saves_nothing(client: Client, month: BillingCycle) -> None:
    html = text(post(client, form({"investigate_percent": 20, "escalate_percent": 30}, act="preview")))
    assert "0 rows would be flagged, 1 fewer." in html
    assert "14 Sep – 14 Oct 2026" in html
    html = text(post(client, form({"investigate_percent": 2}, act="preview")))
    assert "2 rows would be flagged, 1 more." in html
    assert 'name="s0-investigate_percent" value="2"' in html
    assert not TolerancePolicy.objects.exists()


def test_a_preview_without_a_month_says_so(client: Client, account: Account) -> None:
    assert "No month was compared yet" in text(post(client, form({}, act="preview")))


def test_saving_makes_a_version_and_counts_the_month_anew(client: Client, account: Account, month: BillingCycle) -> None:
    response = post(client, form({"investigate_percent": "7.5", "escalate_percent": "20", "floor": "12.34"}, why="Noise"))
    assert response.status_code == 302
    policy = policy_of(account)
    assert policy is not None
    assert (policy.version, policy.why, str(policy.by)) == (1, "Noise", "Admin Kestle")
    (scope,) = scopes_of(policy)
    assert (scope.investigate_percent, scope.floor) == (Decimal("7.5"), 12_340_000)
    assert months.newest(month).stale
    work_off()
    assert months.newest(month).policy == policy
    event = AuditEvent.objects.get(action="recon.tolerance.changed")
    assert event.after["the whole account"]["investigate_percent"] in ("7.5", "7.5000")
    html = text(client.get(reverse("recon:tolerances", args=["quillmere-it"])))
    assert "The whole account: investigate 5% → 7.5%, escalate 10% → 20%, money floor $0.00 → $12.34." in html
    assert "Noise" in html


def test_the_most_specific_scope_wins_whole(client: Client, month: BillingCycle) -> None:
    garrowby = Organization.objects.get(name="Garrowby Dental")
    post(client, form({}, {"organization": garrowby.pk, "investigate_percent": 50, "escalate_percent": 50}))
    work_off()
    row = Variance.objects.get(organization=garrowby, run=months.newest(month).run)
    assert row.expected_severity == Severity.WITHIN
    post(client, form({}, {"organization": garrowby.pk, "investigate_percent": 50, "escalate_percent": 50},
                      {"organization": garrowby.pk, "product": "edr"}, seen=1))  # fmt: skip
    work_off()
    row = Variance.objects.get(organization=garrowby, run=months.newest(month).run)
    assert row.expected_severity == Severity.INVESTIGATE
    html = text(client.get(reverse("recon:tolerances", args=["quillmere-it"])))
    assert "Garrowby Dental, EDR added: investigate above 5% and 0 units, escalate above 10% and 1 unit." in html


def test_two_admins_do_not_overwrite_each_other(client: Client, account: Account) -> None:
    assert post(client, form({"investigate_percent": 6})).status_code == 302
    response = post(client, form({"investigate_percent": 8}))
    assert response.status_code == 422
    assert "Somebody changed the tolerances while you did." in text(response)
    assert 'name="s0-investigate_percent" value="8"' in text(response)
    assert TolerancePolicy.objects.count() == 1


def test_saving_what_is_in_force_is_no_version(client: Client, account: Account) -> None:
    post(client, form({"investigate_percent": 6}))
    assert "nothing is changed" in text(post(client, form({"investigate_percent": "6.0"}, seen=1)))
    assert TolerancePolicy.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"investigate_percent": "five"}, "Write a number, such as 5 or 2.5."),
        ({"investigate_percent": ""}, "Write a number, such as 5 or 2.5."),
        ({"escalate_percent": "NaN"}, "Write a number, such as 5 or 2.5."),
        ({"investigate_units": "-1"}, "From 0 up."),
        ({"investigate_percent": "5.00001"}, "At most 4 decimals."),
        ({"escalate_percent": "10001"}, "At most 10,000."),
        ({"floor": "0.005"}, "At most 2 decimals."),
        ({"escalate_percent": "4"}, "Not below investigate."),
    ],
)
def test_what_cannot_be_read_is_kept_and_marked(client: Client, account: Account, typed: dict[str, str], said: str) -> None:
    for act in ("preview", "save"):
        response = post(client, form(typed, act=act))
        assert response.status_code == 422
        ((name, value),) = typed.items()
        assert said in text(response)
        assert not value or f'name="s0-{name}" value="{value}"' in text(response)
    assert not TolerancePolicy.objects.exists()


def test_a_scope_is_added_and_removed_in_the_form_alone(client: Client, month: BillingCycle) -> None:
    garrowby = Organization.objects.get(name="Garrowby Dental")
    html = text(post(client, form({"investigate_percent": "6"}, act="add") | {"new-name": "garrowby dental", "new-product": "edr"}))
    assert "Garrowby Dental, EDR" in html
    assert f'name="s1-organization" value="{garrowby.pk}"' in html
    assert 'name="s1-investigate_percent" value="6"' in html
    html = text(post(client, form({}, {"organization": garrowby.pk, "product": "edr"}, act="remove-1")))
    assert "s1-organization" not in html
    assert "s0-organization" in text(post(client, form({}, act="remove-0")))
    assert not TolerancePolicy.objects.exists()


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ({}, "Name an Organization, choose a product, or both."),
        ({"new-name": "Nobody at all"}, "No Organization is called “Nobody at all”."),
        ({"new-name": "a"}, "Several Organizations could be meant: choose one."),
        ({"new-product": "backup"}, "Name an Organization, choose a product, or both."),
    ],
)
def test_a_scope_that_is_not_clear_is_asked_about(client: Client, month: BillingCycle, new: dict[str, str], said: str) -> None:
    response = post(client, form({}, act="add") | new)
    assert response.status_code == 422
    assert said in text(response)


def test_an_organization_of_another_account_is_no_scope(client: Client, account: Account) -> None:
    other = Account.objects.create(name="Brightfen", slug="brightfen")
    theirs = Organization.objects.create(account=other, name="Theirs")
    response = post(client, form({}, {"organization": theirs.pk}))
    assert response.status_code == 302
    (scope,) = scopes_of(policy_of(account))
    assert scope.organization is None
    assert "No Organization is called" in text(post(client, form({}, act="add", seen=1) | {"new-name": "Theirs"}))


@pytest.mark.parametrize(
    "data", [{}, {"lines": "x"}, {"lines": "999999999", "act": "save"}, {"lines": "1", "s0-product": "edr", "act": "save"}]
)
def test_a_form_without_the_whole_account_is_refused(client: Client, account: Account, data: dict[str, str]) -> None:
    response = post(client, data)
    assert response.status_code == 422
    assert not TolerancePolicy.objects.exists()


def test_a_signed_month_keeps_its_version(client: Client, month: BillingCycle, quillmere: tuple[Account, dict[str, User]]) -> None:
    people = quillmere[1]
    Reconciliation.objects.filter(cycle=month).update(
        state="signed", preparer=people["preparer"], reviewer=people["reviewer"], submitted_at="2026-10-20T12:00Z",
        signed_at="2026-10-20T12:00Z", digest="ab" * 32,
    )  # fmt: skip
    run = months.newest(month).run
    post(client, form({"investigate_percent": 1}))
    work_off()
    after = months.newest(month)
    assert (after.state, after.run, after.policy) == ("signed", run, None)
    assert after.drift.changes


@pytest.mark.parametrize("role", ["viewer", "preparer", "reviewer"])
def test_who_is_no_admin_sees_them_and_changes_nothing(client: Client, quillmere: tuple[Account, dict[str, User]], role: str) -> None:
    client.force_login(quillmere[1][role])
    html = text(client.get(reverse("recon:tolerances", args=["quillmere-it"])))
    assert "Admins change the tolerances." in html
    assert "<input class=" not in html.split("<main")[1]
    assert post(client, form({"investigate_percent": 6})).status_code == 403
