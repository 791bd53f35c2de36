"""Renewals by date, and one contract: its course, its money, what is not known, and how an admin changes it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Contract, ContractVersion
from recon.home_page import home_page
from recon.services import contracts
from tests.contracts.making import RENEWAL, START, billed, said, step, typed
from tests.match_pages.pages import Pages
from tests.review.making import NOVEMBER, World, work

pytestmark = pytest.mark.django_db
LIST_QUERIES, ONE_QUERIES = 12, 15
TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)

FORM: dict[str, Any] = {
    "product": "edr", "minimum": "1500", "interval": "monthly", "support_type": "partner_supported", "start": "2026-06-14",
    "renewal": "2027-06-14", "auto_renew": "yes", "unit_cost": "2.905", "external_id": "sub-77",
    "step-TOTAL_FORMS": "2", "step-INITIAL_FORMS": "0",
    "step-0-starts": "2026-12-14", "step-0-minimum": "1600", "step-0-unit_cost": "",
    "step-1-starts": "", "step-1-minimum": "", "step-1-unit_cost": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _on_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.states.timezone.now", lambda: TODAY)


# --- typed in


def test_an_admin_types_one_in_and_reads_it(ines: Pages, world: World) -> None:
    said_there = ines.post("add_contract", **FORM)
    contract = Contract.objects.get()
    version = contract.versions.get()
    assert (contract.product, contract.source, contract.external_id) == ("edr", "typed", "sub-77")
    assert (version.minimum, version.unit_cost, version.auto_renew, version.by) == (1500, 2_905_000, True, world.ines)
    assert [(one.starts, one.minimum, one.unit_cost) for one in version.steps.all()] == [(date(2026, 12, 14), 1600, None)]
    assert "$2.905 for one unit and cycle" in said_there
    assert "14 Dec 2026 1,600" in said_there
    assert "Ines typed in the contract EDR, from 14 Jun 2026 to 14 Jun 2027" in ines.get("audit")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"minimum": ""}, "Write a whole number of units, such as 1500."),
        ({"minimum": "12.5"}, "Write a whole number of units, such as 1500."),
        ({"minimum": "-1"}, "From 0 up."),
        ({"unit_cost": "2,90"}, "Write an amount, such as 2.90."),
        ({"unit_cost": "2.9000001"}, "At most 6 decimals."),
        ({"unit_cost": "NaN"}, "Write an amount, such as 2.90."),
        ({"renewal": "2026-06-14"}, "After the day on which it starts."),
        ({"start": "14/06/2026 noon"}, "Write a day, such as 2027-02-14."),
        ({"product": "backup"}, "backup is not one of the available choices"),
        ({"step-0-minimum": ""}, "What is the minimum from that day?"),
        ({"step-0-starts": ""}, "From which day?"),
        ({"step-0-starts": "2027-06-14"}, "A step on 14 Jun 2027 is not between 14 Jun 2026 and 14 Jun 2027."),
        ({"step-1-starts": "2026-12-14", "step-1-minimum": "9"}, "Two steps begin on 14 Dec 2026: one day has one minimum."),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(ines: Pages, wrong: dict[str, str], words: str) -> None:
    response = ines.client.post(ines.address("add_contract"), FORM | wrong)
    assert response.status_code == 422
    body = response.content.decode()
    assert words in body
    assert 'value="sub-77"' in body
    assert not Contract.objects.exists()


def test_a_second_one_of_the_same_day_is_refused(ines: Pages, world: World) -> None:
    typed(world)
    response = ines.client.post(ines.address("add_contract"), FORM)
    assert "A contract for EDR from 14 Jun 2026 is here already: change that one." in response.content.decode()


def test_a_change_is_a_version_and_the_one_before_stays(ines: Pages, world: World) -> None:
    contract = typed(world)
    form = FORM | {"minimum": "120", "why": "Upgraded.", "seen": "1", "step-TOTAL_FORMS": "0"}
    assert "Version 2 is in force." in ines.post("change_contract", contract.pk, **form)
    assert [(one.minimum, one.ended_at is None) for one in contract.versions.order_by("number")] == [(100, False), (120, True)]
    page = ines.get("contract", contract.pk)
    assert "Version 2: minimum 120" in page
    assert "Version 1: minimum 100" in page
    assert "Upgraded." in page
    event = AuditEvent.objects.get(action="recon.contract.changed")
    assert (event.before["minimum"], event.after["minimum"], event.after["reason"]) == (100, 120, "Upgraded.")


def test_who_looked_at_an_older_version_overwrites_nothing(ines: Pages, world: World) -> None:
    contract = typed(world)
    contracts.change(contract, said(130), by=world.ines)
    response = ines.client.post(ines.address("change_contract", contract.pk), FORM | {"seen": "1"})
    assert response.status_code == 422
    assert "Somebody changed this contract meanwhile: version 2 is in force." in response.content.decode()
    assert ContractVersion.objects.filter(ended_at__isnull=True).get().minimum == 130


def test_one_that_was_a_mistake_is_taken_away_with_a_reason(ines: Pages, world: World) -> None:
    contract = typed(world)
    refused = ines.client.post(ines.address("end_contract", contract.pk), {"because": " "})
    assert (refused.status_code, "Say why the contract is taken away" in refused.content.decode()) == (422, True)
    assert "No contract yet" in ines.post("end_contract", contract.pk, because="Typed twice.")
    assert "Taken away by Ines on" in ines.get("contract", contract.pk)
    assert "was taken away" in ines.post("change_contract", contract.pk, **FORM)


def test_the_next_one_begins_where_this_one_ends(ines: Pages, world: World) -> None:
    contract = typed(world, steps=(step(date(2026, 12, 14), 140, 2_500_000),))
    body = ines.client.get(ines.address("add_contract"), {"after": contract.pk}).content.decode()
    for value in ("2027-06-14", "2028-06-14", "140", "2.5"):
        assert f'value="{value}"' in body
    later = typed(world, minimum=140, start=RENEWAL, renewal=date(2028, 6, 14))
    assert "another takes its place on 14 Jun 2027" in ines.get("contract", contract.pk)
    assert "It begins on 14 Jun 2027." in ines.get("contract", later.pk)


# --- read


def test_one_on_its_way_over_says_when(ines: Pages, world: World) -> None:
    contract = typed(world)
    billed(world, [88, 91, 93, 95, 98])
    page = ines.get("contract", contract.pk)
    assert "On its way over the minimum: 2 agents under it now, and over it in the cycle 14 Dec 2026 – 14 Jan 2027 on its run-rate" in page
    assert "five months before the renewal" in page
    assert "up by 2.4 agents a cycle" in page
    assert "billed as they come: nothing is left to true up" in page
    assert "35 units nobody had" in page  # 12 + 9 + 7 + 5 + 2
    assert "$101.50" in page


def test_steadily_over_is_said_months_before_the_renewal(ines: Pages, world: World) -> None:
    contract = typed(world, interval="annual")
    billed(world, [104, 104, 106, 106])
    page = ines.get("contract", contract.pk)
    assert "Steadily over the minimum: in each of the last four cycles, now 6 agents over it, seven months before the renewal." in page
    assert "the true-up to expect" in page
    assert "$0 on the monthly invoice is no error" in page
    assert "Steadily over the minimum" in ines.get("renewals")


def test_a_missing_month_is_a_gap_and_no_zero(ines: Pages, world: World) -> None:
    contract = typed(world)
    billed(world, [80, 80, None, 80])
    page = ines.get("contract", contract.pk)
    assert "1 cycle without a complete report of it: 14 Sep – 14 Oct 2026. A gap is not a zero." in page
    assert "60 units nobody had; 1 cycle unknown" in page
    body = ines.client.get(ines.address("contract", contract.pk)).content.decode()
    assert body.count('class="actual" points') == 1  # two and two are joined by nothing; one of them is a dot alone


def test_what_is_unknown_is_said(ines: Pages, world: World) -> None:
    contract = typed(world, unit_cost=None)
    billed(world, [80, 80])
    page = ines.get("contract", contract.pk)
    assert "Not known yet: two cycles in a row with a complete report under this contract, and three are needed." in page
    assert "No run-rate: 2 cycles of the last twelve" in page
    assert "No cost price: what a shortfall or a true-up comes to in money cannot be told." in page
    assert "Whether it renews by itself." in page
    assert "$" not in page.replace("so $0 on", "")


def test_a_part_of_a_report_is_no_count(ines: Pages, world: World) -> None:
    contract = typed(world)
    world.put("billed", {("Tarn Vale Dental", "edr"): 80}, NOVEMBER, partial=True)
    work()
    assert "No cycle with a complete report" in ines.get("renewals")
    assert "no complete report" in ines.get("contract", contract.pk)


def test_a_viewer_reads_and_changes_nothing(client: Client, world: World) -> None:
    contract = typed(world)
    tom = Pages(client, world, world.tom)
    assert "Type in a contract" not in tom.get("renewals")
    assert "Take this contract away" not in tom.get("contract", contract.pk)
    assert client.get(tom.address("add_contract")).status_code == 403


@pytest.mark.parametrize("count", [1, 4])
def test_the_pages_ask_the_same_for_few_and_for_many(ines: Pages, world: World, count: int, django_assert_num_queries: Any) -> None:
    billed(world, [80] * 2 * count)
    for number in range(count):
        last = typed(world, start=date(2026, 6 - number, 14), renewal=date(2027, 6, 14), steps=(step(date(2026, 12, 14), 90 + number),))
    ines.get("renewals")
    with django_assert_num_queries(LIST_QUERIES):
        ines.get("renewals")
    with django_assert_num_queries(ONE_QUERIES):
        ines.get("contract", last.pk)


# --- elsewhere


def test_the_month_shows_what_the_minimum_adds(ines: Pages, world: World) -> None:
    typed(world)
    typed(world, "itdr", 10)
    billed(world, [98, 93])
    page = ines.get("month", NOVEMBER.start)
    assert "EDR: minimum 100 shortfall 7, $20.30" in page
    assert "93 agents billed; the rest is charged all the same and belongs to no customer" in page
    assert "ITDR: minimum 10" in page
    assert "no complete billed report of it" in page


def test_a_month_before_the_contract_has_no_minimum(ines: Pages, world: World) -> None:
    typed(world, start=date(2026, 11, 14))
    billed(world, [98])
    assert "minimum 100" not in ines.get("month", NOVEMBER.start)


def test_a_renewal_within_90_days_waits_for_an_admin(world: World) -> None:
    near = typed(world, renewal=date(2027, 2, 18))
    typed(world, "itdr", renewal=date(2027, 2, 19))
    waiting = [one for one in home_page(world.ines, "").waiting if "renewals" in one.url]
    assert [one.figure for one in waiting] == ["EDR renews"]
    assert waiting[0].more == "18 Feb 2027 · in 90 days, whether it renews by itself is not known"
    assert not [one for one in home_page(world.mara, "").waiting if "renewals" in one.url]
    typed(world, start=near.versions.get().renewal, renewal=date(2028, 2, 18))
    assert not [one for one in home_page(world.ines, "").waiting if "renewals" in one.url]


def test_one_whose_date_has_passed_goes_on_waiting(ines: Pages, world: World) -> None:
    contract = typed(world, start=date(2025, 11, 14), renewal=date(2026, 11, 14))
    assert [one.figure for one in home_page(world.ines, "").waiting if "renewals" in one.url] == ["EDR renewed?"]
    assert "so no minimum is known since 14 Nov 2026" in ines.get("contract", contract.pk)
    assert START < RENEWAL


def test_an_upgrade_in_the_middle_of_a_term_takes_over(ines: Pages, world: World) -> None:
    old = typed(world)
    typed(world, minimum=120, start=date(2026, 10, 20), renewal=date(2027, 10, 20))
    billed(world, [98, 98])
    assert "EDR: minimum 120 shortfall 22" in ines.get("month", NOVEMBER.start)
    assert "Another contract took its place on 20 Oct 2026." in ines.get("contract", old.pk)
