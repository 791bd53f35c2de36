"""When a pull is due by itself: every night and on the last day of a cycle where the account is, and once for what was slept through."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Account
from ingest.models import Connection, Pull, PullPart
from ingest.services import pulls, slots
from recon.demo.huntress import FakeHuntress
from tests.pulls.making import states_of, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db
LONDON, SYDNEY = ZoneInfo("Europe/London"), ZoneInfo("Australia/Sydney")


@pytest.fixture
def quiet(connection: Connection, world: World) -> Connection:
    """Added long ago, nightly at 02:30 and at 20:00 of the last day, in London; cycles begin on the 14th."""
    Connection.objects.update(added_at=datetime(2026, 1, 1, tzinfo=UTC), nightly_at=time(2, 30), last_day_at=time(20, 0))
    Account.objects.update(time_zone="Europe/London", anniversary_day=14)
    connection.refresh_from_db()
    world.account.refresh_from_db()
    return Connection.objects.select_related("account").get(pk=connection.pk)


def at(day: int, hour: int, minute: int = 0, month: int = 11, zone: ZoneInfo = LONDON) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=zone)


def due(connection: Connection, now: datetime, filled: datetime | None = None) -> tuple[datetime, str] | None:
    return slots.due_slot(connection, filled, now)


def test_a_night_begins_at_its_hour(quiet: Connection) -> None:
    assert due(quiet, at(20, 2, 29), filled=at(19, 2, 30)) is None
    assert due(quiet, at(20, 2, 30), filled=at(19, 2, 30)) == (at(20, 2, 30), "nightly")


def test_it_is_filled_once(quiet: Connection) -> None:
    assert due(quiet, at(20, 9), filled=at(20, 2, 30)) is None


def test_ten_nights_of_sleep_are_one_pull(quiet: Connection) -> None:
    assert due(quiet, at(20, 9), filled=at(10, 2, 30)) == (at(20, 2, 30), "nightly")


def test_the_last_day_is_the_day_before_the_end(quiet: Connection) -> None:
    assert due(quiet, at(13, 20, 1), filled=at(13, 2, 30)) == (at(13, 20), "last_day")
    assert due(quiet, at(14, 1), filled=at(13, 20)) is None
    assert due(quiet, at(12, 20, 1), filled=at(12, 2, 30)) is None


def test_a_last_day_that_was_slept_through_is_over(quiet: Connection) -> None:
    """What stands there on the day after is another cycle's count."""
    assert due(quiet, at(14, 0, 5), filled=at(13, 2, 30)) is None
    assert due(quiet, at(14, 9), filled=at(13, 2, 30)) == (at(14, 2, 30), "nightly")


def test_hours_are_those_of_the_account(quiet: Connection, world: World) -> None:
    quiet.account.time_zone = "Australia/Sydney"
    assert due(quiet, at(13, 9, 30), filled=at(13, 2, 30, zone=SYDNEY)) == (at(13, 20, zone=SYDNEY), "last_day")


@pytest.mark.parametrize("month", [3, 10])
def test_a_night_in_which_the_clock_is_changed_has_its_pull(quiet: Connection, month: int) -> None:
    day = {3: 29, 10: 25}[month]
    quiet.nightly_at = time(1, 30)
    found = due(quiet, at(day, 9, month=month), filled=at(day - 1, 1, 30, month=month))
    assert found is not None
    assert due(quiet, at(day, 10, month=month), filled=found[0]) is None


def test_a_connection_does_not_fill_slots_from_before_it(quiet: Connection) -> None:
    quiet.added_at = at(20, 8)
    assert due(quiet, at(20, 9)) is None
    assert due(quiet, at(21, 3)) == (at(21, 2, 30), "nightly")


def test_beat_begins_one_pull_and_no_second(quiet: Connection, fake: FakeHuntress) -> None:
    assert slots.begin_due() == 1
    assert slots.begin_due() == 0
    pull = worked(Pull.objects.get())
    assert set(states_of(pull).values()) == {"whole"}
    assert slots.begin_due() == 0
    assert (pull.by, pull.planned_for is not None) == (None, True)
    file = PullPart.objects.filter(pull=pull, subject="agents").get().source_file
    assert file is not None
    assert file.received_by == quiet.added_by


def test_a_pull_that_was_asked_for_does_not_swallow_the_night_s(quiet: Connection, world: World) -> None:
    asked = pulls.ask(quiet, by=world.mara, subjects=["agents"])
    assert slots.begin_due() == 0
    worked(asked)
    assert slots.begin_due() == 1


@pytest.mark.parametrize(
    "fields", [{"is_scheduled": False}, {"key_kind": ""}, {"removed_at": datetime(2026, 11, 1, tzinfo=UTC), "sealed": ""}]
)
def test_nothing_is_begun_for_what_is_not_to_be_pulled(quiet: Connection, fields: dict[str, Any]) -> None:
    Connection.objects.update(**fields)
    assert slots.begin_due() == 0


def test_a_refused_key_is_asked_for_twice_a_night_and_heals_by_itself(quiet: Connection, fake: FakeHuntress) -> None:
    fake.revoke("account")
    calls = len(fake.seen)
    slots.begin_due()
    assert set(states_of(worked(Pull.objects.get())).values()) == {"refused"}
    assert len(fake.seen) - calls == 2
    fake.desk.revoked.clear()
    Pull.objects.update(planned_for=Pull.objects.get().created_at - timedelta(days=2))
    slots.begin_due()
    assert set(states_of(worked(Pull.objects.first())).values()) == {"whole"}  # type: ignore[arg-type]
    quiet.refresh_from_db()
    assert quiet.trouble == ""


def test_an_hour_that_the_clock_leaves_out_comes_when_it_would_have(quiet: Connection) -> None:
    """On 29 March 2026 London's clock goes from 01:00 to 02:00. A slot after its pull's start ends a reseller's round."""
    quiet.nightly_at = time(1, 30)
    one_in_utc = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert due(quiet, one_in_utc, filled=at(28, 1, 30, month=3)) is None
    found = due(quiet, one_in_utc + timedelta(minutes=30), filled=at(28, 1, 30, month=3))
    assert found is not None
    assert found[0].astimezone(UTC) == one_in_utc + timedelta(minutes=30)
