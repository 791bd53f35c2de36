"""Home: the state of every cycle, what waits for whom, and holes that nobody can overlook."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.calendar import Cycle, cycle_containing, previous_cycle
from accounts.models import Account, BillingCycle, Membership, Organization, User
from ingest.models import LegInput, SourceFile
from recon.contracts import months_of
from recon.home_page import HomePage, home_page
from recon.models import Drift, Reconciliation, Severity, Variance
from tests.access.world import NOON
from tests.tolerances.months import account_with_people

pytestmark = pytest.mark.django_db
DIGEST = "ab" * 32


@pytest.fixture
def quillmere() -> tuple[Account, dict[str, User]]:
    return account_with_people()


@pytest.fixture
def account(quillmere: tuple[Account, dict[str, User]]) -> Account:
    return quillmere[0]


@pytest.fixture
def people(quillmere: tuple[Account, dict[str, User]]) -> dict[str, User]:
    return quillmere[1]


def cycles(account: Account, count: int) -> list[Cycle]:
    """The running one, and those before it."""
    found = [cycle_containing(timezone.now().date(), account.anniversary_day)]
    while len(found) < count:
        found.append(previous_cycle(found[-1], account.anniversary_day))
    return found


def month(account: Account, dates: Cycle, by: User, *, billed: bool = True, **fields: Any) -> Reconciliation:
    cycle = BillingCycle.objects.create(account=account, start=dates.start, end=dates.end)
    if billed:
        file = SourceFile.objects.create(
            account=account, name="billed.csv", sha256=f"{cycle.pk:064x}", size=9, received_by=by, kind="billed", state="imported",
            cycle=cycle, imported_by=by, imported_at=NOON,
        )  # fmt: skip
        LegInput.objects.create(cycle=cycle, leg="billed", source_file=file, by=by)
    return Reconciliation.objects.create(cycle=cycle, **({"run": 1, "last_run": 1} | fields))


def signed(people: dict[str, User]) -> dict[str, Any]:
    return in_review(people) | {"state": "signed", "reviewer": people["reviewer"], "signed_at": NOON, "digest": DIGEST}


def in_review(people: dict[str, User]) -> dict[str, Any]:
    return {"state": "in_review", "preparer": people["preparer"], "submitted_at": NOON}


def waits(page: HomePage) -> list[tuple[str, str]]:
    return [(one.state, one.figure) for one in page.waiting]


def test_every_state_has_its_cell(account: Account, people: dict[str, User]) -> None:
    mara = people["preparer"]
    _, prepared, reviewed, hole, changed, old = cycles(account, 6)
    month(account, prepared, mara)
    month(account, reviewed, mara, **in_review(people))
    moved = month(account, changed, mara, **signed(people))
    month(account, old, mara, **signed(people))
    Drift.objects.create(reconciliation=moved, changes=["The billed report late.csv took the place of billed.csv."], rows=2)
    page = home_page(people["viewer"], "")
    assert [cell.state for cell in page.rows[0].cells] == ["signed", "changed", "missing", "review", "preparation", "running"]
    assert [cell.words for cell in page.rows[0].cells][:2] == ["signed", "changed since sign-off"]
    assert page.holes == 1
    assert page.rows[0].holes == [hole]
    assert page.waiting == []  # a viewer looks


def test_a_signature_that_was_checked_and_stands_is_signed(account: Account, people: dict[str, User]) -> None:
    one = month(account, cycles(account, 2)[1], people["preparer"], **signed(people))
    Drift.objects.create(reconciliation=one)
    assert [cell.state for cell in home_page(people["admin"], "").rows[0].cells][-2:] == ["signed", "running"]


def test_a_reopened_month_is_prepared_again(account: Account, people: dict[str, User]) -> None:
    one = month(account, cycles(account, 2)[1], people["preparer"], **signed(people))
    Drift.objects.create(reconciliation=one, changes=["A rebilled list came: late.csv."])
    Reconciliation.objects.create(cycle=one.cycle, revision=2, run=1, last_run=1)
    page = home_page(people["preparer"], "")
    assert page.rows[0].cells[-2].state == "preparation"
    assert "revision 2" in page.waiting[0].more


def test_a_month_with_lists_and_no_bill_is_a_hole(account: Account, people: dict[str, User]) -> None:
    month(account, cycles(account, 2)[1], people["preparer"], billed=False)
    page = home_page(people["preparer"], "")
    assert page.rows[0].cells[-2].state == "missing"
    assert waits(page) == [("missing", "missing")]


def test_holes_are_counted_however_long_ago(account: Account, people: dict[str, User]) -> None:
    month(account, cycles(account, 12)[-1], people["preparer"])
    page = home_page(people["preparer"], "")
    assert page.holes == 10
    assert page.waiting[-1].figure == "10 missing"


def test_what_is_to_submit_says_how_much_is_left(account: Account, people: dict[str, User]) -> None:
    one = month(account, cycles(account, 2)[1], people["preparer"])
    for n, explained in enumerate((0, 4)):
        organization = Organization.objects.create(account=account, name=f"Customer {n}")
        Variance.objects.create(
            reconciliation=one, run=1, organization=organization, product="edr", name=organization.name, billed=14, expected=10,
            expected_difference=4, expected_explained=explained, severity=Severity.ESCALATE, expected_severity=Severity.ESCALATE,
            rebilled_severity=Severity.UNCHECKED,
        )  # fmt: skip
    for who in ("preparer", "reviewer", "admin"):
        assert waits(home_page(people[who], "")) == [("todo", "1 row to explain")]
    Variance.objects.update(expected_explained=4)
    assert waits(home_page(people["preparer"], "")) == [("todo", "to submit")]


def test_a_month_waits_for_those_who_may_sign_it(account: Account, people: dict[str, User]) -> None:
    one = month(account, cycles(account, 2)[1], people["preparer"], **in_review(people))
    assert waits(home_page(people["reviewer"], "")) == [("review", "to sign")]
    assert waits(home_page(people["admin"], "")) == [("review", "to sign")]
    assert waits(home_page(people["preparer"], "")) == []
    audit.record("recon.item.added", "a row", account=account, actor=people["admin"], cycle=one.cycle, revision=1)
    assert waits(home_page(people["admin"], "")) == []
    Reconciliation.objects.update(preparer=people["reviewer"])
    assert waits(home_page(people["reviewer"], "")) == []
    Account.objects.update(solo_rule=True)
    assert waits(home_page(people["reviewer"], "")) == [("review", "to sign")]


def test_files_wait_for_those_who_may_import_them(account: Account, people: dict[str, User]) -> None:
    SourceFile.objects.create(account=account, name="rebilled.csv", sha256="1" * 64, size=9, received_by=people["preparer"], state="ready")
    assert home_page(people["preparer"], "").files_count == 1
    assert home_page(people["viewer"], "").files_count == 0


def test_the_page_and_the_switcher_say_it_in_words(client: Client, account: Account, people: dict[str, User]) -> None:
    _, last, before = cycles(account, 3)
    month(account, last, people["preparer"], **in_review(people))
    moved = month(account, before, people["preparer"], **signed(people))
    Drift.objects.create(reconciliation=moved, changes=["It moved."], rows=1)
    client.force_login(people["reviewer"])
    html = client.get("/").content.decode()
    assert "changed since sign-off" in html
    assert "1 row would be counted otherwise now" in html
    html = client.get(f"/a/quillmere-it/months/{last.start}/").content.decode()
    assert '<span class="muted">in review</span>' in html
    assert '<span class="muted">changed since sign-off</span>' in html


def test_the_number_of_queries_does_not_grow(client: Client, account: Account, people: dict[str, User]) -> None:
    def fill(one: Account) -> None:
        _, first, second, third = cycles(one, 4)
        month(one, first, people["preparer"])
        month(one, second, people["preparer"], **in_review(people))
        month(one, third, people["preparer"], **signed(people))

    fill(account)
    client.force_login(people["reviewer"])
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        client.get("/")
    for n in range(49):
        other = Account.objects.create(name=f"Account {n:02}", slug=f"account-{n}", anniversary_day=1 + n % 28)
        Membership.objects.create(user=people["reviewer"], account=other, role="reviewer")
        fill(other)
    with CaptureQueriesContext(connection) as many:
        html = client.get("/").content.decode()
    assert len(many) == len(few)
    assert html.count('scope="row"') >= 50
    assert date.today() >= cycles(account, 1)[0].start


def test_a_pull_into_the_running_cycle_moves_nobody_from_the_month_that_is_worked_on(
    client: Client, account: Account, people: dict[str, User]
) -> None:
    running, over = cycles(account, 2)
    month(account, over, people["preparer"])
    month(account, running, people["preparer"], billed=False)
    client.force_login(people["preparer"])
    assert client.get(reverse("recon:account", args=[account.slug])).headers["Location"].endswith(f"/months/{over.start.isoformat()}/")
    files = client.get(reverse("ingest:files", args=[account.slug])).content.decode()
    assert f'href="/a/{account.slug}/months/{over.start.isoformat()}/">Month</a>' in files
    assert [row.newest_cycle for row in home_page(people["preparer"], "").rows] == [over]
    assert [cycle for cycle, _ in months_of(account)] == [over]
