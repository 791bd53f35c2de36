"""What happens between two steps: a cancel while a stint ends, a key of somebody else in the middle, a mapping that is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from ingest import jobs
from ingest.models import Connection, Job, Pull, PullPage, PullPart, ResellerAccount, SourceFile
from ingest.services import pull_parts, pulls, rounds, slots
from recon.demo.huntress import FakeHuntress
from tests.pulls.making import found, nothing_left, parts_of, settled, states_of, work, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db


def test_a_cancel_while_a_stint_ends_is_not_lost(connection: Connection, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job that was told to stop has ended its stint already: the one that would follow it does not."""
    pull = pulls.ask(connection, by=world.mara, subjects=["agents"])

    def over(stint: Any) -> None:
        pulls.cancel(pull, by=world.mara)
        raise pull_parts.StintOver

    monkeypatch.setattr(pull_parts._Stint, "run", over)
    work(most=5)
    assert states_of(pull) == {"agents": "cancelled"}
    assert nothing_left()


def test_a_part_goes_on_with_no_other_account_s_key(connection: Connection, world: World, fake: FakeHuntress) -> None:
    """Pages of two accounts would be one list of one of them."""
    pull = pulls.ask(connection, by=world.mara, subjects=["agents"])
    part = parts_of(pull)["agents"]
    PullPage.objects.create(
        part=part, number=1, endpoint="agents", address="/v1/agents", status=200, asked_at=timezone.now(), sha256="a" * 64,
        size=2, body=b"x",
    )  # fmt: skip
    Connection.objects.filter(pk=connection.pk).update(actor_account="9999")
    worked(pull)
    part.refresh_from_db()
    assert (part.state, part.source_file) == ("cancelled", None)
    assert "another Huntress account" in part.said
    assert fake.calls("agents") == 0
    assert nothing_left()


def test_what_a_part_lost_for_good_is_not_kept(connection: Connection, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = pulls.ask(connection, by=world.mara, subjects=["agents"])
    part = parts_of(pull)["agents"]
    PullPage.objects.create(
        part=part,
        number=1,
        endpoint="agents",
        address="/v1/agents",
        status=200,
        asked_at=timezone.now(),
        sha256="a" * 64,
        size=2,
        body=b"x",
    )
    job = jobs.enqueue("keep", part.pk, label="Keeping", account=world.account)
    PullPart.objects.filter(pk=part.pk).update(job=job)
    assert jobs.run_now(job).state == Job.State.FAILED, "its bytes are damaged"
    assert states_of(pull) == {"agents": "failed"}
    assert nothing_left()


# --- a reseller's ---


def test_what_was_pulled_for_a_mapping_that_was_taken_back_is_nobody_s_file(mapped: Connection, ruth: User, world: World) -> None:
    pull = pulls.ask(mapped, by=ruth, subjects=["agents"], account=world.account)
    ResellerAccount.objects.filter(account=world.account).update(account=None)
    worked(pull)
    part = parts_of(pull)["agents"]
    assert not SourceFile.objects.exists()
    assert not Job.objects.filter(kind="take").exists()
    assert part.sha256
    assert "taken back" in part.said


def test_who_was_not_asked_for_has_not_had_its_turn(mapped: Connection, world: World, ruth: User) -> None:
    """A round that was cancelled before an account was reached must not cost it the snapshot of its last day."""
    pull = Pull.objects.create(connection=mapped, why="nightly", by=ruth, ended_at=timezone.now())
    now = timezone.now()
    asked = {"pull": pull, "account": world.account, "subject": "live", "state": "cancelled", "ended_at": now}
    PullPart.objects.create(number=1, **asked)
    assert [line.turn.tried_at for line in rounds.lines(mapped) if line.account == world.account.pk] == [None]
    PullPart.objects.create(number=2, began_at=now - timedelta(minutes=1), **asked)
    assert [line.turn.tried_at for line in rounds.lines(mapped) if line.account == world.account.pk] == [now]


@pytest.mark.parametrize("fields", [{"key_kind": ""}, {"sealed": "sealed with another key"}])
def test_a_key_that_cannot_be_used_ends_the_round(mapped: Connection, ruth: User, fields: dict[str, str]) -> None:
    for number in range(30):
        found(mapped.reseller, str(8000 + number), None)  # type: ignore[arg-type]
    pull = pulls.ask(mapped, by=ruth)
    Connection.objects.filter(pk=mapped.pk).update(**fields)
    work()
    settled(pull)
    pull = worked(pull)
    assert pull.ended_at is not None
    assert set(PullPart.objects.filter(pull=pull).values_list("account", flat=True)) == {None}


def test_a_reseller_s_last_day_finds_out_that_a_key_works_again(mapped: Connection, story: FakeHuntress, ruth: User) -> None:
    """The trouble of the night before does not cost the snapshots of an evening on which the key works."""
    Connection.objects.filter(pk=mapped.pk).update(trouble="Huntress refused the key.")
    mapped.refresh_from_db()
    slots._begin(mapped, timezone.now(), Pull.Why.LAST_DAY)
    pull = Pull.objects.get()
    work()
    settled(pull)
    worked(pull)
    mapped.refresh_from_db()
    assert mapped.trouble == ""
    assert states_of(pull)["accounts"] == "whole"
    assert not story.calls("usage")
