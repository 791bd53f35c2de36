"""The line on the last pull: when, whole or not, missed, or nothing connected; of many accounts at once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import Account, Reseller
from ingest.models import Connection, PullPart
from recon.pull_line import PullLine, pull_line, pull_lines
from tests.live.making import connection, part
from tests.review.making import World

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LONG_BEFORE = NOW - timedelta(days=90)


def line(world: World, now: datetime = NOW, *, role: str = "viewer") -> PullLine:
    return pull_line(Account.objects.get(pk=world.account.pk), {role}, now)


def connected(world: World, **fields: Any) -> Connection:
    made = connection(world, key_kind="account", **fields)
    Connection.objects.filter(pk=made.pk).update(added_at=LONG_BEFORE)
    return made


@pytest.mark.parametrize(("role", "action"), [("admin", "Connect"), ("preparer", "Add files"), ("viewer", "")])
def test_without_a_connection_who_may_is_invited_to_connect_and_others_to_upload(world: World, role: str, action: str) -> None:
    found = line(world, role=role)
    assert (found.words, found.action, bool(found.url)) == ("Huntress is not connected", action, bool(action))


def test_a_removed_connection_is_none_and_what_it_brought_is_told(world: World) -> None:
    made = connected(world)
    part(world, made, at=NOW - timedelta(days=3))
    Connection.objects.filter(pk=made.pk).update(removed_at=NOW, sealed="")
    assert line(world).words == "Huntress is not connected"
    assert "What was pulled last is of 17 Nov 2026, 10:00." in line(world).more


def test_nothing_pulled_yet(world: World) -> None:
    connected(world)
    assert line(world).words == "Nothing pulled from Huntress yet"


def test_a_connection_that_nobody_tested(world: World) -> None:
    connection(world)
    assert line(world).words == "Connected to Huntress, and not tested yet"


def test_a_whole_pull_of_last_night(world: World) -> None:
    made = part(world, connected(world), at=NOW.replace(hour=2, minute=34))
    found = line(world)
    assert (found.words, found.tone, found.more) == ("Pulled from Huntress 20 Nov 2026, 02:34, whole", "done", "")
    assert found.url.endswith(f"/{made.pull_id}/")


def test_a_pull_that_lacks_something(world: World) -> None:
    done = part(world, connected(world), at=NOW.replace(hour=2, minute=34), state="refused")
    PullPart.objects.create(pull=done.pull, number=2, subject="agents", account=world.account, state="whole", ended_at=done.ended_at)
    found = line(world)
    assert (found.words, found.tone) == ("Pulled from Huntress 20 Nov 2026, 02:34, 1 part of 2 not whole", "todo")


@pytest.mark.parametrize(
    ("ended", "is_missed"),
    [(NOW.replace(hour=2, minute=31), False), (NOW.replace(hour=2, minute=29), True), (NOW - timedelta(days=4), True)],
)
def test_a_night_without_a_pull_is_said(world: World, ended: datetime, is_missed: bool) -> None:
    part(world, connected(world), at=ended)
    assert ("did not come" in line(world).more) is is_missed


def test_a_night_is_not_missed_while_it_may_still_be_at_it(world: World) -> None:
    part(world, connected(world), at=NOW - timedelta(days=1))
    assert line(world, NOW.replace(hour=6)).more == ""


def test_a_connection_without_a_schedule_misses_nothing(world: World) -> None:
    part(world, connected(world, is_scheduled=False), at=NOW - timedelta(days=9))
    assert line(world).tone == "done"


def test_the_hour_is_that_of_the_accounts_time_zone(world: World) -> None:
    """Half past two in Auckland was 20 hours and a half ago; the pull an hour before it is of the night before."""
    Account.objects.update(time_zone="Pacific/Auckland")
    part(world, connected(world, nightly_at=time(2, 30)), at=NOW - timedelta(hours=21, minutes=30))
    assert "did not come" in line(world).more
    assert "20 Nov 2026, 01:30" in line(world).words


def test_trouble_and_a_pull_under_way_are_said(world: World) -> None:
    made = connected(world)
    running = part(world, made, at=NOW.replace(hour=2, minute=34))
    PullPart.objects.filter(pk=running.pk).update(state="running", ended_at=None)
    assert line(world).words == "Being pulled from Huntress now"
    Connection.objects.update(trouble="The key was refused.")
    assert (line(world).words, line(world).more) == ("Huntress cannot be asked", "The key was refused.")


def test_a_resellers_key_serves_its_accounts_and_may_take_its_nights(world: World) -> None:
    reseller = Reseller.objects.create(name="Northgate")
    Account.objects.update(reseller=reseller)
    other = Account.objects.create(name="Brightwater", slug="brightwater", anniversary_day=3, reseller=reseller)
    made = connected(world, reseller=reseller)
    part(world, made, at=NOW - timedelta(days=2))
    found = pull_lines([*Account.objects.all()], {}, NOW)
    assert found[other.pk].words == "Nothing pulled from Huntress yet"
    assert found[world.account.pk].tone == "done"


@pytest.mark.parametrize("count", [1, 40])
def test_any_number_of_accounts_takes_one_query(world: World, count: int, django_assert_num_queries: Any) -> None:
    made = connected(world)
    part(world, made)
    others = [Account.objects.create(name=f"A {n}", slug=f"a-{n}", anniversary_day=1) for n in range(count)]
    with django_assert_num_queries(1):
        assert len(pull_lines([world.account, *others], {}, NOW)) == count + 1
