"""What is to be removed, as laws: each machine once, whatever the order, and never more by waiting longer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.calendar import Cycle
from recon.engine.sweep import Deadline, Worth, changes, findings, serial_key, total, undated, worth
from tests.sweep.making import agents, kinds

AS_OF = 20_000
MACHINE = st.fixed_dictionaries(
    {
        "group": st.integers(1, 3),
        "hostname": st.sampled_from(["a", "b", "c", "d"]),
        "serial": st.sampled_from(["", "s1", "s2", "s3"]),
        "seen_day": st.none() | st.integers(AS_OF - 60, AS_OF + 1),
        "installed_day": st.none() | st.integers(AS_OF - 60, AS_OF),
        "stale_days": st.sampled_from([2, 7, 14, 21, 30, 45, 60, 90]),
    }
)
MACHINES = st.lists(MACHINE, max_size=25)


def quiet(days: int | None, **more: Any) -> dict[str, Any]:
    return {"hostname": f"h-{days}", "seen_day": None if days is None else AS_OF - days, **more}


@pytest.mark.parametrize(("days", "is_stale"), [(0, False), (20, False), (21, True), (22, True), (45, True), (46, True)])
def test_an_agent_is_stale_from_its_threshold_on(days: int, is_stale: bool) -> None:
    found = findings(agents([quiet(days)]), AS_OF)
    assert kinds(found) == ({2: "stale"} if is_stale else {})
    assert found["days"].tolist() == ([days] if is_stale else [])


def test_an_organizations_own_threshold_holds_for_it_alone() -> None:
    found = findings(agents([quiet(30, group=1, stale_days=45), quiet(30, group=2, hostname="other", stale_days=7)]), AS_OF)
    assert kinds(found) == {3: "stale"}


@pytest.mark.parametrize(("installed", "is_found"), [(None, True), (0, False), (2, False), (3, True), (40, True)])
def test_who_never_checked_in_is_found_three_days_after_the_install(installed: int | None, is_found: bool) -> None:
    day = None if installed is None else AS_OF - installed
    found = findings(agents([quiet(None, installed_day=day)]), AS_OF)
    assert kinds(found) == ({2: "never"} if is_found else {})
    assert bulk(found["days"]) == ([installed] if is_found else [])


def bulk(column: pd.Series) -> list[Any]:
    return [None if pd.isna(one) else int(one) for one in column]


def test_of_two_with_one_hostname_the_older_is_to_be_removed() -> None:
    rows = [quiet(1, hostname="pc"), quiet(9, hostname="pc"), quiet(1, hostname="pc", group=2)]
    found = findings(agents(rows), AS_OF)
    assert kinds(found) == {3: "duplicate"}
    assert found["twin_line"].tolist() == [2]
    assert not found["is_at_risk"].any(), "a newer agent is on that host"


def test_of_two_with_one_serial_the_older_is_to_be_removed() -> None:
    rows = [quiet(1, hostname="new-name", serial="s1"), quiet(9, hostname="old-name", serial="s1")]
    assert kinds(findings(agents(rows), AS_OF)) == {3: "duplicate"}


def test_a_serial_that_a_maker_left_blank_is_nobodys() -> None:
    assert {serial_key(one) for one in ("", " 0 ", "To be filled by O.E.M.", "Default string", "N/A", "000-000", "Not  Specified")} == {""}


def test_who_is_quiet_and_stands_twice_counts_once_and_is_at_no_risk() -> None:
    found = findings(agents([quiet(1, hostname="pc"), quiet(50, hostname="pc"), quiet(50)]), AS_OF)
    assert kinds(found) == {3: "stale", 4: "stale"}
    assert found["is_duplicate"].tolist() == [True, False]
    assert found["is_at_risk"].tolist() == [False, True]


def test_a_list_without_check_ins_calls_nobody_quiet() -> None:
    found = undated(agents([quiet(None, hostname="pc"), quiet(None, hostname="pc"), quiet(None)]))
    assert kinds(found) == {2: "duplicate"}


@given(MACHINES)
def test_each_machine_counts_once_and_a_newest_one_of_each_name_stays(rows: list[dict[str, Any]]) -> None:
    table = agents(rows)
    found = findings(table, AS_OF)
    assert found["line"].is_unique
    assert set(found["kind"]) <= {"never", "stale", "duplicate"}
    alone = set(found[found["kind"] == "duplicate"]["line"])
    for _, same in table.groupby("group"):
        assert set(same["line"]) - alone, "not all of an Organization are older than another one of it"


@given(MACHINES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], random: Any) -> None:
    table = agents(rows)
    shuffled = table.sample(frac=1, random_state=random.randrange(2**31))
    pd.testing.assert_frame_equal(findings(table, AS_OF), findings(shuffled, AS_OF))
    pd.testing.assert_frame_equal(findings(table, AS_OF), findings(shuffled.reset_index(drop=True), AS_OF))


@given(MACHINES, st.sampled_from([1, 7, 30]))
def test_waiting_longer_never_adds_a_machine(rows: list[dict[str, Any]], more: int) -> None:
    table = agents(rows)
    later = table.assign(stale_days=table["stale_days"] + more)
    assert set(findings(later, AS_OF)["line"]) <= set(findings(table, AS_OF)["line"])


@given(MACHINES)
def test_organizations_do_not_see_each_other(rows: list[dict[str, Any]]) -> None:
    table = agents(rows)
    apart = [findings(table[table["group"] == group], AS_OF) for group in (1, 2, 3)]
    assert {key: kind for one in apart for key, kind in kinds(one).items()} == kinds(findings(table, AS_OF))


def kinds_of(table: pd.DataFrame, day: int) -> list[str]:
    found = kinds(findings(table, day))
    return [found.get(line, "") for line in table["line"].tolist()]


def compared(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> dict[str, list[int]]:
    tables = []
    for rows, day in ((before, AS_OF - 10), (now, AS_OF)):
        table = agents(rows)
        table["kind"] = kinds_of(table, day)
        tables.append(table)
    found = changes(*tables)
    return {kind: found[found["kind"] == kind]["line"].tolist() for kind in ("swept", "gone", "returned", "new")}


def test_between_two_lists_who_was_swept_who_went_who_came_back_and_who_is_new() -> None:
    before = [quiet(50, hostname="old"), quiet(11, hostname="left"), quiet(60, hostname="holiday"), quiet(70, hostname="still")]
    now = [quiet(0, hostname="holiday"), quiet(70, hostname="still"), quiet(1, hostname="fresh")]
    assert compared(before, now) == {"swept": [2], "gone": [3], "returned": [2], "new": [4]}


def test_of_a_machine_that_stood_twice_the_older_was_swept() -> None:
    assert compared([quiet(12, hostname="pc"), quiet(11, hostname="pc")], [quiet(0, hostname="pc")])["swept"] == [2]


def test_serials_that_only_one_list_has_tell_nobody_apart() -> None:
    before = [quiet(11, hostname="pc", serial="s1")]
    assert compared(before, [quiet(1, hostname="pc")]) == {"swept": [], "gone": [], "returned": [], "new": []}


@given(MACHINES, MACHINES)
def test_nobody_comes_or_goes_without_being_told(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> None:
    found = compared(before, now)
    went, came = len(found["swept"]) + len(found["gone"]), len(found["new"])
    assert len(before) - went + came == len(now)


@given(MACHINES)
def test_a_list_beside_itself_is_silent(rows: list[dict[str, Any]]) -> None:
    table = agents(rows)
    table["kind"] = kinds_of(table, AS_OF)
    assert len(changes(table, table)) == 0


# --- until when, and what for


def test_the_deadline_is_the_end_of_the_day_before_the_last_one_where_the_account_is() -> None:
    deadline = Deadline.of(Cycle(date(2026, 10, 14), date(2026, 11, 14)), ZoneInfo("America/New_York"))
    assert deadline.day == date(2026, 11, 12)
    assert deadline.hours_left(datetime(2026, 11, 12, 5, tzinfo=UTC)) == 24
    assert deadline.hours_left(datetime(2026, 11, 13, 4, 30, tzinfo=UTC)) == 0
    assert deadline.hours_left(datetime(2026, 11, 13, 5, tzinfo=UTC)) is None


def test_hours_are_those_that_pass_where_clocks_change() -> None:
    deadline = Deadline.of(Cycle(date(2026, 10, 1), date(2026, 10, 27)), ZoneInfo("Europe/London"))
    assert deadline.hours_left(datetime(2026, 10, 24, 23, tzinfo=UTC)) == 25


def test_a_machine_without_a_price_is_counted_and_not_summed() -> None:
    some = worth({1: 2, 2: 3}, {1: 2_900_000})
    assert (some, total([some, Worth(1, 100, 0)])) == (Worth(5, 5_800_000, 3), Worth(6, 5_800_100, 3))
