"""The pages of the sweep: what is on them, for whom, in which state, and at how many queries."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.test import Client

from accounts.models import AuditEvent, Organization
from ingest import jobs
from ingest.models import Job
from recon.models import SweepKeep
from recon.services import sweeping
from recon.states import today_in
from recon.sweep_counts import counted
from tests.match_pages.pages import Pages, words
from tests.review.making import DECEMBER, NOVEMBER, OCTOBER, World, refusal
from tests.sweep.making import HEADER, STORY, Swept, host, look


@pytest.fixture
def mara(client: Client, world: World) -> Pages:
    return Pages(client, world, world.mara)


def test_the_sweep_says_how_many_machines_at_whom_and_what_they_cost(mara: Pages, swept: Swept) -> None:
    said = mara.get("sweep")
    assert "Agent list of 10 Nov 2026" in said
    assert "To remove 6 of 10 agents in the list" in said
    assert "Cost a month $17.40 at the cost price of EDR" in said
    assert "Garrowby Farms 4 2 1 1 3 25 Sep 2026 21 days 11.60" in said
    assert "Tarn Vale Dental 2 2 0 0 2 19 Oct 2026 21 days 5.80" in said
    assert "Dunfell Bakery" not in said


def test_a_customer_opens_its_machines_with_the_reason_for_each(mara: Pages, swept: Swept) -> None:
    said = mara.get("sweep_machines", swept.organization("Garrowby Farms").pk)
    assert "GF-46 SN-6 windows No check-in May be orphaned No check-in for 46 days" in said
    assert "GF-NEW SN-7 windows Never checked in May be orphaned Never checked in; when it was installed is not known" in said
    assert "Stands twice: a newer agent of the same hostname checked in 9 Nov 2026, line 10 of the list" in said
    assert "TV-21" not in said


def test_it_is_filtered_sorted_and_paged(mara: Pages, swept: Swept) -> None:
    assert "Tarn Vale Dental" not in mara.get("sweep", q="garrowby").partition("Since the list before")[0]
    assert "Garrowby Farms 2 2 0 0" in mara.get("sweep", q="GF-4")
    assert "Garrowby Farms 1 0 1 0" in mara.get("sweep", show="never")
    by_name = mara.get("sweep", sort="-name")
    assert by_name.index("Tarn Vale Dental") < by_name.index("Garrowby Farms")
    assert "No machine fits" in mara.get("sweep", q="nobody")


def test_an_organizations_own_days_hold_there_and_are_looked_at_again(mara: Pages, swept: Swept, world: World) -> None:
    farms = swept.organization("Garrowby Farms")
    assert "is stale after 60 days" in mara.post("organization", farms.pk, act="stale", stale_days="60")
    look()
    assert swept.found("stale") == [("TV-21", "stale"), ("TV-22", "stale")]
    event = AuditEvent.objects.get(action="recon.sweep.threshold")
    assert (event.before, event.after["stale_days"]) == ({"stale_days": None}, 60)
    assert "changed after how many days an agent is stale: Garrowby Farms" in mara.get("audit")
    mara.post("organization", farms.pk, act="stale", stale_days="")
    look()
    assert len(swept.found("stale")) == 4
    refused = mara.client.post(mara.address("organization", farms.pk), {"act": "stale", "stale_days": "10"})
    assert (refused.status_code, "Choose one of 2, 7, 14" in refused.content.decode()) == (422, True)


def test_the_accounts_days_are_an_admins_to_state(client: Client, swept: Swept, world: World) -> None:
    ines = Pages(client, world, world.ines)
    assert "stale after 45 days" in ines.post("sweep_threshold", stale_days="45")
    look()
    assert swept.found("stale") == [("GF-45", "stale"), ("GF-46", "stale")]
    assert "Choose 21, 30, 45, 60 or 90 days." in ines.post("sweep_threshold", stale_days="14")
    assert "does not do that" in refusal(lambda: sweeping.state_account_threshold(world.account, 60, by=world.mara))


def test_the_day_of_a_list_is_its_newest_check_in_unless_somebody_says(mara: Pages, swept: Swept) -> None:
    assert "It is being looked through again" in mara.post("sweep", act="day", as_of="2026-11-12")
    look()
    said = mara.get("sweep")
    assert "Agent list of 12 Nov 2026" in said
    assert "as you stated; days are counted from it" in said
    assert [host for host, _ in swept.found("stale")] == ["GF-45", "GF-46", "TV-20", "TV-21", "TV-22"]
    tomorrow = today_in(swept.world.account) + timedelta(days=1)
    refused = mara.client.post(mara.address("sweep"), {"act": "day", "as_of": tomorrow.isoformat()})
    assert (refused.status_code, "is not over yet" in refused.content.decode()) == (422, True)
    unreadable = mara.client.post(mara.address("sweep"), {"act": "day", "as_of": "12/11/2026"})
    assert "Write the day of the list, such as 2026-11-10." in unreadable.content.decode()


# --- keeping a machine


def test_a_machine_is_kept_for_a_reason_until_a_day_and_let_go_again(mara: Pages, swept: Swept) -> None:
    farms, until = swept.organization("Garrowby Farms"), today_in(swept.world.account) + timedelta(days=30)
    said = mara.post(
        "sweep_machines", farms.pk, act="keep", finding=swept.finding("GF-46").pk, reason=" On  leave. ", until=until.isoformat()
    )
    assert "GF-46 is kept until" in said
    assert "On leave. (Mara," in said
    assert (swept.counted.worth.machines, swept.counted.kept.count()) == (5, 1)
    sweeping.ask_again(swept.world.account, by=None)
    look()
    assert swept.counted.worth.machines == 5, "a later look keeps it too"
    kept = SweepKeep.objects.get()
    assert "is on the list again" in mara.post("sweep_machines", farms.pk, act="unkeep", keep=kept.pk)
    assert swept.counted.worth.machines == 6
    actions = AuditEvent.objects.filter(action__startswith="recon.sweep").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["recon.sweep.kept", "recon.sweep.no_longer_kept"]
    assert "not kept any more" in refusal(lambda: sweeping.no_longer_keep(kept, by=swept.world.mara))


def test_what_was_kept_is_on_the_list_again_after_its_day(swept: Swept) -> None:
    today = today_in(swept.world.account)
    kept = sweeping.keep(swept.finding("GF-46"), reason="On leave.", until=today + timedelta(days=1), by=swept.world.mara)
    SweepKeep.objects.filter(pk=kept.pk).update(until=today - timedelta(days=1))
    sweeping.ask_again(swept.world.account, by=None)
    look()
    assert swept.counted.worth.machines == 6
    again = sweeping.keep(swept.finding("GF-46"), reason="Still on leave.", until=today + timedelta(days=9), by=swept.world.mara)
    assert swept.finding("GF-46").keep == again


@pytest.mark.parametrize(
    ("reason", "days", "words"),
    [(" ", 5, "Say why it is kept."), ("x" * 501, 5, "at most 500 characters; this one has 501"), ("Ours.", 0, "a day after today"),
     ("Ours.", 400, "a day after today")],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_and_what_was_typed_stays(mara: Pages, swept: Swept, reason: str, days: int, words: str) -> None:
    until = today_in(swept.world.account) + timedelta(days=days)
    form = {"act": "keep", "finding": swept.finding("GF-46").pk, "reason": reason, "until": until.isoformat()}
    response = mara.client.post(mara.address("sweep_machines", swept.organization("Garrowby Farms").pk), form)
    assert (response.status_code, words in response.content.decode()) == (422, True)
    assert f'value="{until.isoformat()}"' in response.content.decode()
    assert not SweepKeep.objects.exists()


def test_a_viewer_looks_and_keeps_nothing(client: Client, swept: Swept, world: World) -> None:
    tom, farms = Pages(client, world, world.tom), swept.organization("Garrowby Farms")
    said = tom.get("sweep_machines", farms.pk)
    assert "GF-46" in said
    assert "Keep…" not in said
    assert "It is of another day" not in tom.get("sweep")
    assert client.post(tom.address("sweep_machines", farms.pk), {"act": "keep"}).status_code == 403
    finding, until = swept.finding("GF-46"), today_in(world.account) + timedelta(days=5)
    assert "does not do that" in refusal(lambda: sweeping.keep(finding, reason="Ours.", until=until, by=world.tom))


# --- two lists


def test_the_next_list_tells_what_was_swept_what_came_back_and_what_is_new(mara: Pages, swept: Swept) -> None:
    as_of = swept.sweep.as_of
    assert as_of is not None
    later = as_of + timedelta(days=2)
    left = [host(row[0], row[1], 0, row[2], later) for row in STORY if row[0] in {"TV-01", "TV-20", "GF-45", "gf-07", "DB-1"}]
    swept.put([*left, host("TV-99", "Tarn Vale Dental", 0, "SN-99", later)])
    assert swept.found("swept") == [("GF-07", "swept"), ("GF-46", "swept"), ("GF-NEW", "swept"), ("TV-21", "swept"), ("TV-22", "swept")]
    assert swept.found("returned", "new", "gone") == [("GF-45", "returned"), ("TV-99", "new")]
    assert "Since the list of 10 Nov 2026 5 were swept" in mara.get("sweep")
    assert "GF-46 Garrowby Farms SN-6" in mara.get("sweep_changes", kind="swept")
    assert "TV-99 Tarn Vale Dental SN-99" in mara.get("sweep_changes", kind="new")


def test_with_one_list_nothing_is_said_to_have_changed(mara: Pages, swept: Swept) -> None:
    assert "There is no earlier list of another day" in mara.get("sweep")
    assert "There is one list only" in mara.get("sweep_changes")


# --- the list to hand on


def test_the_list_is_taken_along_as_csv_and_as_a_workbook(mara: Pages, swept: Swept) -> None:
    swept.put([*STORY, host("=cmd()", "Tarn Vale Dental", 90, "SN-X")])
    response: Any = mara.client.get(mara.address("sweep_csv"))
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Customer,Organization ID,Hostname,Serial,Platform,Last check-in,Days,Why")
    assert lines[1].startswith("Garrowby Farms,,GF-46,SN-6,windows,2026-09-25,46,No check-in for 46 days,")
    assert lines[1].endswith(",2.90,2026-11-10,7")
    assert len(lines) == 8
    assert any(",'=cmd()," in line for line in lines)
    assert response.headers["Content-Disposition"] == 'attachment; filename="sweep-quillmere-it-2026-11-10.csv"'
    filtered: Any = mara.client.get(mara.address("sweep_csv"), {"show": "never"})
    assert len(b"".join(filtered.streaming_content).splitlines()) == 2
    book = openpyxl.load_workbook(BytesIO(mara.client.get(mara.address("sweep_xlsx")).content))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][0] == "Machines to remove · Quillmere IT · agent list of 10 Nov 2026"
    assert (rows[2][2], rows[2][9], len(rows)) == ("GF-46", 2.9, 9)


def test_too_many_for_a_workbook_is_said(mara: Pages, swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.exports.sweep_list.XLSX_ROWS", 5)
    response: Any = mara.client.get(mara.address("sweep_xlsx"), follow=True)
    assert "6 machines are too many for a workbook, which takes 5 here. Take the CSV" in words(response)


def test_it_is_printed_whole(mara: Pages, swept: Swept) -> None:
    said = mara.get("sweep_print")
    assert "Garrowby Farms 4 machines" in said
    assert "☐ GF-46" in said


# --- states


def test_without_a_list_nothing_can_be_checked_and_nothing_is_green(mara: Pages, world: World) -> None:
    world.quiet()
    assert "Cannot be checked: no agent list" in mara.get("sweep")
    assert "2 Sweep Cannot be checked · no agent list" in mara.get("month", NOVEMBER.start)
    assert "There is no agent list yet" in mara.post("sweep", act="look")


def test_the_months_step_counts_the_same_machines(mara: Pages, swept: Swept) -> None:
    assert "2 Sweep 6 machines · $17.40 a month" in mara.get("month", NOVEMBER.start)


def test_a_swept_list_is_done_and_an_old_one_never_is(mara: Pages, swept: Swept, world: World) -> None:
    swept.put([STORY[0], STORY[-1]])
    assert "2 Sweep Done · nothing to remove on 10 Nov 2026" in mara.get("month", NOVEMBER.start)
    world.quiet(DECEMBER)
    assert "2 Sweep Cannot be checked · the newest agent list is of 10 Nov 2026" in mara.get("month", DECEMBER.start)
    world.quiet(OCTOBER)
    assert "2 Sweep Cannot be checked · no agent list" in mara.get("month", OCTOBER.start)


def test_a_list_without_check_ins_says_what_it_cannot_tell(mara: Pages, swept: Swept) -> None:
    swept.put([row[:4] for row in STORY], header=HEADER[:4])
    assert swept.found() == [("GF-07", "duplicate")]
    assert "this list has no check-ins" in mara.get("sweep")
    swept.put([STORY[0][:4]], header=HEADER[:4])
    assert "2 Sweep Cannot be checked · the agent list has no check-ins" in mara.get("month", NOVEMBER.start)


def test_while_a_worker_is_at_it_the_page_says_so_and_shows_what_was_there(mara: Pages, swept: Swept) -> None:
    sweeping.ask_again(swept.world.account, by=swept.world.mara)
    said = mara.get("sweep")
    assert "Looking through the agent list. Waiting for a worker. What is below is from before" in said
    assert "Garrowby Farms 4" in said


def test_a_look_that_failed_says_why_and_is_tried_again(mara: Pages, swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise jobs.JobFailed("The list is gone.")

    monkeypatch.setattr("recon.services.sweeping.look_through", broken)
    sweeping.ask_again(swept.world.account, by=swept.world.mara)
    jobs.run_now(Job.objects.get(kind="sweep", state="queued"))
    assert "The agent list could not be looked through. The list is gone. What is below is from before." in mara.get("sweep")
    monkeypatch.undo()
    assert "is being looked through" in mara.post("sweep", act="look")
    look()
    assert "could not be looked through" not in mara.get("sweep")


def test_machines_that_nobody_is_known_for_cost_all_the_same_and_move_when_they_are_matched(
    mara: Pages, swept: Swept, world: World
) -> None:
    swept.put([*STORY, host("YS-1", "Yarrowfield Scouts", 30)])
    assert "Not matched yet 1 1 0 0" in mara.get("sweep")
    assert "Nobody has said whose machines these are" in mara.get("sweep_machines", 0)
    finding = swept.finding("YS-1")
    until = today_in(world.account) + timedelta(days=5)
    assert "Match its Organization first" in refusal(lambda: sweeping.keep(finding, reason="Ours.", until=until, by=world.mara))
    world.put("rebilled", {("Yarrowfield Scouts", "edr"): 1})
    look()
    assert "Yarrowfield Scouts 1 1 0 0" in mara.get("sweep")


def test_members_count_with_their_customer(mara: Pages, swept: Swept) -> None:
    farms, dental = swept.organization("Garrowby Farms"), swept.organization("Tarn Vale Dental")
    Organization.objects.filter(pk=dental.pk).update(merged_into=farms)
    said = mara.get("sweep")
    assert "Garrowby Farms 6 4 1 1" in said
    assert "TV-22" in mara.get("sweep_machines", farms.pk)


SWEEP_QUERIES, MACHINES_QUERIES = 18, 17


@pytest.mark.parametrize(("customers", "machines"), [(3, 2), (40, 30)])
def test_the_pages_ask_the_same_of_the_database_for_few_and_for_many(
    mara: Pages, swept: Swept, world: World, customers: int, machines: int, django_assert_num_queries: Any
) -> None:
    names = [f"Customer {number}" for number in range(customers)]
    world.put("billed", {(name, "edr"): 2 for name in names}, price=2_900_000)
    look()
    swept.put([host(f"H{number}-{n}", name, 30) for number, name in enumerate(names) for n in range(machines)])
    pk = swept.organization("Customer 1").pk
    mara.get("sweep")
    with django_assert_num_queries(SWEEP_QUERIES):
        mara.get("sweep")
    with django_assert_num_queries(MACHINES_QUERIES):
        mara.get("sweep_machines", pk)


def test_the_list_of_a_month_is_the_one_that_serves_it(swept: Swept, world: World) -> None:
    swept.put([host("OLD-1", "Tarn Vale Dental", 70), host("OLD-2", "Tarn Vale Dental", 40)], OCTOBER)
    assert counted(world.account, swept.cycle(OCTOBER)).worth.machines == 1
    assert counted(world.account, swept.cycle(NOVEMBER)).worth.machines == 6
    assert counted(world.account).worth.machines == 6
