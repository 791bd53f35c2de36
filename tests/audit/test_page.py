"""The audit trail on a page and as a file: sentences, filters, pages, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts import audit
from accounts.models import Account, AuditEvent, BillingCycle, User
from tests.tolerances.months import account_with_people

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(client: Client) -> dict[str, User]:
    _, people = account_with_people()
    client.force_login(people["viewer"])
    return people


@pytest.fixture
def account(people: dict[str, User]) -> Account:
    return Account.objects.get()


@pytest.fixture
def cycle(account: Account) -> BillingCycle:
    return BillingCycle.objects.create(account=account, start="2026-09-14", end="2026-10-14")


@pytest.fixture
def trail(account: Account, people: dict[str, User], cycle: BillingCycle) -> None:
    cycle.refresh_from_db()
    of_month: dict[str, Any] = {"cycle": cycle, "revision": 2}
    audit.record("recon.item.added", "Tarn Vale, EDR", account=account, actor=people["preparer"], after={"quantity": 3}, **of_month)
    audit.record(
        "recon.reconciliation.signed_off", "2026-09-14 to 2026-10-14, revision 2", account=account, actor=people["reviewer"], **of_month
    )
    audit.record("recon.note.added", '=HYPERLINK("x"), EDR', account=account, actor=people["preparer"])
    audit.record(
        "accounts.account.changed", "Quillmere IT", account=account, actor=None, before={"solo_rule": False}, after={"solo_rule": True}
    )
    other = Account.objects.create(name="Brightfen", slug="brightfen")
    audit.record("recon.note.added", "something of theirs", account=other, actor=None)


def page(client: Client, **query: Any) -> str:
    response = client.get(reverse("recon:audit", args=["quillmere-it"]), query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split("<main")[1].split())


def test_each_act_is_a_sentence(client: Client, trail: None) -> None:
    html = page(client)
    assert "<b>Preparer Kestle</b> explained <b>Tarn Vale, EDR</b>" in html
    assert "<b>Reviewer Kestle</b> signed <b>14 Sep – 14 Oct 2026, revision 2</b>" in html
    assert "<b>Whoever runs this server</b> changed the settings of <b>Quillmere IT</b>" in html
    assert "<dt>solo rule</dt><dd>no → yes</dd>" in html
    assert "<dt>quantity</dt><dd>3</dd>" in html
    assert "something of theirs" not in html
    assert "/a/quillmere-it/months/2026-09-14/" in html
    assert html.index("changed the settings") < html.index("explained <b>")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"what": "recon.item.added"}, {"Tarn Vale"}),
        ({"who": "preparer"}, {"Tarn Vale", "HYPERLINK"}),
        ({"month": "it"}, {"Tarn Vale", "revision 2</b>"}),
        ({"since": "2001-01-01", "until": "2001-01-02"}, set()),
        ({"since": "2001-01-01"}, {"Tarn Vale", "HYPERLINK", "revision 2</b>", "changed the settings of"}),
        ({"what": "no.such.act"}, {"Tarn Vale", "HYPERLINK", "revision 2</b>", "changed the settings of"}),
        ({"since": "yesterday"}, {"Tarn Vale", "HYPERLINK", "revision 2</b>", "changed the settings of"}),
        ({"who": "99999999999999999999"}, {"Tarn Vale", "HYPERLINK", "revision 2</b>", "changed the settings of"}),
    ],
)
def test_filters(client: Client, trail: None, people: dict[str, User], cycle: BillingCycle, query: dict[str, str], shown: set[str]) -> None:
    of = {"who": {"preparer": people["preparer"].pk}, "month": {"it": cycle.pk}}
    html = page(client, **{name: of.get(name, {}).get(value, value) for name, value in query.items()})
    events = html.split('class="items events"')[-1] if "items events" in html else ""
    assert {one for one in ("Tarn Vale", "HYPERLINK", "revision 2</b>", "changed the settings of") if one in events} == shown
    if not shown:
        assert "No event fits" in html


def test_a_fragment_is_the_list_alone(client: Client, trail: None) -> None:
    response = client.get(reverse("recon:audit", args=["quillmere-it"]), headers={"HX-Request": "true"})
    assert response.content.decode().lstrip().startswith('<section class="card list"')


def test_the_number_of_queries_does_not_grow(
    client: Client, account: Account, people: dict[str, User], trail: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page(client)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        page(client)
    for n in range(120):
        user = User.objects.create_user(f"p{n}@quillmere.example", None) if n < 20 else people["preparer"]
        audit.record("recon.note.added", f"row {n}", account=account, actor=user)
    with django_assert_num_queries(len(few)):
        html = page(client)
    assert html.count('<li class="item">') == 50
    assert "1–50 of 124 events" in html
    assert "row 0<" in page(client, page="3")


def test_the_file_is_safe_to_open(client: Client, trail: None) -> None:
    response = client.get(reverse("recon:audit_csv", args=["quillmere-it"]), {"what": "recon.note.added"})
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit-quillmere-it.csv"'
    text = b"".join(response.streaming_content).decode("utf-8")  # type: ignore[attr-defined]
    assert text.startswith("\ufeff")
    header, line = csv.reader(text.removeprefix("\ufeff").splitlines())
    assert dict(zip(header, line, strict=True))["Sentence"] == 'noted on =HYPERLINK("x"), EDR'
    User.objects.filter(name="Preparer Kestle").update(name="=cmd|' /C calc'!A0")
    response = client.get(reverse("recon:audit_csv", args=["quillmere-it"]))
    rows = list(csv.reader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines()))  # type: ignore[attr-defined]
    assert len(rows) == 5
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_nothing_happened_yet(client: Client, account: Account) -> None:
    assert "Nothing was done yet" in page(client)
    assert not AuditEvent.objects.exists()
