"""The sweep of pulled lists: when each machine was installed is known, and snapshots tell who came back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Account, User
from ingest import jobs
from ingest.models import Job
from recon.demo.huntress.story import Story
from recon.models import Sweep, SweepFinding
from tests.answers.making import ENDED, agent, agents, archive, asked
from tests.answers.test_taking import A_DAY, bring
from tests.recon.making import signed_in

pytestmark = pytest.mark.django_db


def swept(account: Account, by: User, content: bytes) -> tuple[Sweep, list[tuple[str, str, int | None]]]:
    """A pulled list, looked through: kind, hostname and days of what was found."""
    part = bring(account, by, "agents", content)
    sweep = Sweep.objects.get(given__source_file=part.source_file)
    for job in Job.objects.filter(kind="sweep", state=Job.State.QUEUED):
        assert jobs.run_now(job).state == Job.State.DONE
    sweep.refresh_from_db()
    found = SweepFinding.objects.filter(sweep=sweep, run=sweep.run).order_by("kind", "hostname", "line")
    return sweep, list(found.values_list("kind", "hostname", "days"))


def installed(days: int) -> dict[str, str | None]:
    return {"created_at": (ENDED - days * A_DAY).isoformat(), "last_callback_at": None}


def test_an_install_that_never_checked_in_is_listed_after_three_days(account: Account, mara: User) -> None:
    young = [agent(number, **installed(days)) for number, days in ((1, 0), (2, 2))]
    old = [agent(number, **installed(days)) for number, days in ((3, 3), (4, 40))]
    unknown = agent(5, created_at=None, last_callback_at=None)
    sweep, found = swept(account, mara, archive("agents", agents(*young, *old, unknown, agent(6))))
    assert found == [("never", "WS-3", 3), ("never", "WS-4", 40), ("never", "WS-5", None)]
    assert (str(sweep.as_of), sweep.agents) == ("2026-11-12", 6)


def test_a_serial_twice_is_a_machine_that_was_set_up_anew(account: Account, mara: User) -> None:
    one, other = agent(1, serial_number="SN-7"), agent(2, serial_number="sn-7", last_callback_at="2026-11-10T08:15:00Z")
    _, found = swept(account, mara, archive("agents", agents(one, other)))
    assert [(kind, host) for kind, host, _ in found] == [("duplicate", "WS-2")]


def test_the_day_is_that_of_the_pull_where_the_account_is(account: Account, mara: User) -> None:
    Account.objects.filter(pk=account.pk).update(time_zone="Pacific/Auckland")
    account.refresh_from_db()
    sweep, _ = swept(account, mara, archive("agents", agents(agent(1))))
    assert str(sweep.as_of) == "2026-11-12"
    later, _ = swept(account, mara, archive("agents", agents(agent(1)), ended=ENDED + timedelta(hours=10)))
    assert str(later.as_of) == "2026-11-13"


def test_who_came_back_who_was_swept_and_who_is_new_between_two_pulls(account: Account, mara: User) -> None:
    quiet = {"last_callback_at": "2026-10-01T08:15:00Z"}
    before = archive("agents", agents(agent(1, **quiet), agent(2, **quiet), agent(3), agent(4)), ended=ENDED - A_DAY)
    swept(account, mara, before)
    now = archive("agents", agents(agent(1, last_callback_at="2026-11-12T01:00:00Z"), agent(4), agent(5)))
    sweep, found = swept(account, mara, now)
    assert [(kind, host) for kind, host, _ in found] == [("gone", "WS-3"), ("new", "WS-5"), ("returned", "WS-1"), ("swept", "WS-2")]
    assert sweep.compared_with


def test_nothing_went_because_a_pull_was_incomplete(account: Account, mara: User) -> None:
    swept(account, mara, archive("agents", agents(agent(1), agent(2)), ended=ENDED - 3 * A_DAY, lacks=["Page 2 did not come."]))
    sweep, found = swept(account, mara, archive("agents", agents(agent(2)), lacks=["Page 2 did not come."]))
    assert found == []
    whole, found = swept(account, mara, archive("agents", agents(agent(1), agent(2), agent(3)), ended=ENDED + timedelta(hours=1)))
    assert (sweep.compared_with, whole.compared_with, found) == (None, None, [])


def test_the_invented_huntress_is_swept_and_its_page_says_when_it_was_pulled(account: Account, mara: User) -> None:
    sweep, found = swept(account, mara, asked(Story(now=ENDED), "agents"))
    assert sorted((kind, days) for kind, _, days in found) == [
        ("never", 5), ("stale", 21), ("stale", 22), ("stale", 33), ("stale", 45), ("stale", 46),
    ]  # fmt: skip
    assert SweepFinding.objects.filter(sweep=sweep, is_duplicate=True).count() == 1
    page = signed_in(mara).get(f"/a/{account.slug}/sweep/").content.decode()
    assert "Agent list pulled on <b>12 Nov 2026, 02:31</b>" in page
    assert page.count("pulled on") == 2
