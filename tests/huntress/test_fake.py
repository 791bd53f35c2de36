"""The invented Huntress tells the stories that it should: those of the demonstration's files, and those that only an API shows."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.huntress import ENDPOINTS, Client, Credential, Walk
from recon.demo.huntress import ACCOUNT_KEY
from recon.demo.huntress.estate import Crowd
from recon.demo.huntress.story import Story

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
QUILLMERE, BRIGHTFEN = 7001, 7002


def rows(story: Story, name: str, scope: int | None = None) -> dict[int, dict[str, Any]]:
    table = story.table(name, scope)
    assert table is not None
    return {number: table.make(number) for number in table.ids}


def test_between_two_snapshots_ids_stay_and_names_keys_and_counts_change() -> None:
    before, after = (rows(Story(snapshot, now=NOW), "organizations") for snapshot in (0, 1))
    assert (before[41054]["name"], after[41054]["name"]) == ("Fenwick Lowe", "Lowe Ferris Partners")
    assert (before[41033]["key"], after[41033]["key"]) == ("copperfield-surveyors", "copperfield-chartered")
    assert (before[41156]["agents_count"] > 0, after[41156]["agents_count"]) == (True, 0)
    assert {before[number]["name"] for number in before.keys() - after.keys()} == {"Ottersgill Outdoor"}


def test_a_typed_key_stands_beside_the_good_one_and_two_have_one_name() -> None:
    owners = rows(Story(now=NOW), "organizations").values()
    keys = {owner["key"] for owner in owners}
    assert sorted(key.removesuffix("-41190") for key in keys if key.startswith("tarn-vale")) == ["tarn-vale-dental", "tarn-vale-dentel"]
    assert len(keys) == len(owners)
    assert sum(owner["name"] == "Harbour Lane Joinery" for owner in owners) == 2


def test_agents_are_stale_on_both_sides_of_the_thresholds_and_one_never_called() -> None:
    agents = [one for one in rows(Story(now=NOW), "agents").values() if one["organization_id"] == 41009]
    days = sorted((NOW - datetime.fromisoformat(one["last_callback_at"])) // timedelta(days=1) for one in agents if one["last_callback_at"])
    assert days[-5:] == [20, 21, 22, 45, 46]
    assert sum(one["last_callback_at"] is None for one in agents) == 1


def test_a_machine_set_up_anew_is_there_twice() -> None:
    hosts = [(one["organization_id"], one["hostname"], one["serial_number"]) for one in rows(Story(now=NOW), "agents").values()]
    assert [one for one in set(hosts) if hosts.count(one) == 2] == [(41036, "CC-05", "41036-0005")]


def test_the_detail_counts_who_is_unresponsive_at_21_days() -> None:
    story = Story(now=NOW)
    usage = story.detail(rows(story, "organizations")[41009])["edr"]
    assert usage["unresponsive_agents_count"] == 3
    assert usage["billable_agents_count"] == rows(story, "organizations")[41009]["agents_count"]


def test_a_shared_mailbox_stops_being_billed_a_month_late() -> None:
    mailbox = 41108 * 1_000 + 900
    assert [rows(Story(snapshot, now=NOW), "identities")[mailbox]["billable"] for snapshot in (0, 1)] == [True, False]


def test_a_minimum_floors_the_bill_and_a_yearly_contract_is_there() -> None:
    story = Story(now=NOW)
    usage = {(one["account"]["id"], one["product"]): one["usage"] for one in rows(story, "account_usage", 70_000).values()}
    assert usage[BRIGHTFEN, "edr"] == {"billable": 75, "non_billable": 0, "actual": 59}
    assert usage[QUILLMERE, "edr"]["billable"] == usage[QUILLMERE, "edr"]["actual"]
    yearly = [one for one in rows(story, "subscriptions").values() if one["billing_interval"] == "annual"]
    assert [(one["account"]["id"], one["product"]) for one in yearly] == [(QUILLMERE, "sat")]


def test_agents_belong_to_organizations_as_these_count_them() -> None:
    crowd = Crowd(agents=60_000, organizations=1_000)
    started = time.perf_counter()
    owners, agents = crowd.table("organizations", None), crowd.table("agents", None)
    assert owners
    assert agents
    counts: dict[int, int] = {}
    for number in agents.ids[:3_000]:
        owner = agents.make(number)["organization_id"]
        counts[owner] = counts.get(owner, 0) + 1
    assert counts == {number: owners.make(number)["agents_count"] for number in owners.ids[:50]}
    assert time.perf_counter() - started < 1


def test_it_runs_by_itself() -> None:
    command = [sys.executable, "-m", "recon.demo.huntress", "--agents", "700", "--limit", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            base = process.stdout.readline().removeprefix("Ready: ").strip()
            with Client(Credential(*ACCOUNT_KEY), base=base) as client:
                assert sum(len(page.records) for page in Walk(client, ENDPOINTS["agents"])) == 700
        finally:
            process.terminate()
