"""A reseller's key: its own lists first, then account after account, each within its turn; nobody sees what is another's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Reseller, User
from accounts.services import Refused
from ingest import storage
from ingest.models import Connection, Job, Pull, PullPart, ResellerAccount, SourceFile
from ingest.services import pulls, pumping, rounds, slots
from ingest.sources.answers import open_archive
from recon.demo.huntress import FakeHuntress, Fault
from recon.demo.huntress.story import Story
from tests.pulls.making import archive_of, ended, found, ids_in, part_with, parts_of, settled, states_of, work, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db
WHOLE = ["accounts", "subscriptions", "usage"]


def all_of(pull: Pull) -> list[tuple[str, str, str]]:
    parts = PullPart.objects.filter(pull=pull).select_related("account").order_by("number")
    return [(part.account.name if part.account else "", part.subject, part.state) for part in parts]


def test_a_round_begins_with_the_reseller_s_own_and_goes_over_its_accounts(mapped: Connection, ruth: User) -> None:
    pull = pulls.ask(mapped, by=ruth)
    work()
    pumping.sweep()
    assert [one[1] for one in all_of(pull)] == WHOLE, "the accounts are being taken in"
    settled(pull)
    pull = worked(pull)
    assert pull.ended_at is not None
    assert all_of(pull) == [
        *(("", name, "whole") for name in WHOLE),
        *((name, subject, "whole") for name in ("Quillmere IT", "Brightfen Support") for subject in ("live", "agents", "invoices")),
    ]  # fmt: skip


def test_what_is_the_reseller_s_is_no_account_s_file(mapped: Connection, ruth: User) -> None:
    pull = pulls.ask(mapped, by=ruth, subjects=WHOLE[:2])
    pull = worked(pull)
    assert states_of(pull) == {"accounts": "whole", "subscriptions": "whole"}
    assert not SourceFile.objects.exists()
    assert {job.subject for job in Job.objects.filter(kind="settle")} == {part.pk for part in parts_of(pull).values()}
    with archive_of(parts_of(pull)["accounts"]) as archive:
        assert archive.manifest.whose == {"id": "300", "name": "Cobbleside Group"}
        assert archive.manifest.kind == ""


def test_an_account_s_file_is_its_own(mapped: Connection, ruth: User, brightfen: Account) -> None:
    pull = pulls.ask(mapped, by=ruth)
    work()
    settled(pull)
    worked(pull)
    part = PullPart.objects.get(account=brightfen, subject="agents")
    assert part.source_file is not None
    assert part.source_file.account == brightfen
    with archive_of(part) as archive:
        assert archive.manifest.whose == {"id": "7002", "name": "Account 7002"}
        assert {entry.endpoint for entry in archive.manifest.answers} == {"account_agents"}


def test_an_account_with_a_key_of_its_own_is_left_to_it(mapped: Connection, world: World, ruth: User) -> None:
    Connection.objects.create(account=world.account, name="Own", sealed="x", added_by=world.ines, key_kind="account")
    assert [line.external_id for line in rounds.lines(mapped)] == ["7002"]


def test_accounts_that_nobody_knows_or_that_are_gone_have_no_turn(mapped: Connection, reseller: Reseller) -> None:
    found(reseller, "7003", None)
    ResellerAccount.objects.filter(external_id="7001").update(gone_at=timezone.now())
    assert [line.external_id for line in rounds.lines(mapped)] == ["7002"]


def test_one_account_s_trouble_stops_no_other(mapped: Connection, ruth: User, story: FakeHuntress) -> None:
    pull = pulls.ask(mapped, by=ruth)
    work()
    story.fail(Fault("status", at="organizations", status=500, times=4))
    settled(pull)
    pull = worked(pull)
    assert [state for name, subject, state in all_of(pull) if subject == "live"] == ["failed", "whole"]
    assert pull.ended_at is not None


def test_a_key_that_is_refused_ends_the_round(mapped: Connection, ruth: User, story: FakeHuntress) -> None:
    pull = pulls.ask(mapped, by=ruth)
    work()
    settled(pull)
    story.revoke("reseller")
    pull = worked(pull)
    assert [state for *_, state in all_of(pull)] == ["whole"] * 3 + ["refused"] * 6
    assert pull.ended_at is not None


def test_a_round_ends_when_the_next_night_begins(mapped: Connection, ruth: User) -> None:
    pull = pulls.ask(mapped, by=ruth)
    work()
    settled(pull)
    Pull.objects.filter(pk=pull.pk).update(created_at=timezone.now() - timedelta(days=2))
    pull = worked(pull)
    assert [one[1] for one in all_of(pull)] == WHOLE
    assert pull.ended_at is not None


def test_who_was_not_reached_is_first_in_the_next(mapped: Connection, world: World, brightfen: Account) -> None:
    before = pulls.begin(mapped, [])
    part_with(before, account=world.account, **ended("live", ended_at=timezone.now() - timedelta(days=3)))
    part_with(before, account=brightfen, **ended("live", ended_at=timezone.now() - timedelta(days=9)))
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert [line.external_id for line in rounds.ordered(rounds.lines(mapped, now), now)] == ["7002", "7001"]


def test_an_account_that_is_asked_for_goes_next(mapped: Connection, ruth: User, world: World) -> None:
    pull = pulls.ask(mapped, by=ruth)
    assert pulls.ask(mapped, by=world.mara, account=world.account) == pull
    with pytest.raises(Refused, match="is being pulled, or is next"):
        pulls.ask(mapped, by=world.mara, account=world.account)
    assert [(name, subject) for name, subject, _ in all_of(pull)][3:] == [
        (world.account.name, one) for one in ("live", "agents", "invoices")
    ]


def test_an_account_alone_through_the_reseller_s_key(mapped: Connection, world: World) -> None:
    pull = worked(pulls.ask(mapped, by=world.mara, account=world.account))
    assert pull.ended_at is not None
    assert states_of(pull) == {"live": "whole", "agents": "whole", "invoices": "whole"}


def test_an_account_that_nobody_has_matched_is_refused_in_words(of_reseller: Connection, world: World) -> None:
    with pytest.raises(Refused, match="Nobody has said yet which account at Huntress"):
        pulls.ask(of_reseller, by=world.mara, account=world.account)


def test_a_member_of_an_account_asks_for_nothing_of_the_reseller(mapped: Connection, world: World, brightfen: Account) -> None:
    for account in (None, brightfen):
        with pytest.raises(Refused, match="Your role"):
            pulls.ask(mapped, by=world.ines, account=account)


def test_a_member_cancels_their_own_and_not_the_round(mapped: Connection, world: World, ruth: User) -> None:
    mine = pulls.ask(mapped, by=world.mara, account=world.account)
    pulls.cancel(mine, by=world.mara)
    worked(mine)
    everybody = pulls.ask(mapped, by=ruth)
    with pytest.raises(Refused, match="Your role"):
        pulls.cancel(everybody, by=world.ines)


# --- usage ---


def usage(mapped: Connection, ruth: User) -> PullPart:
    pull = worked(pulls.ask(mapped, by=ruth, subjects=["usage"]))
    settled(pull)
    return parts_of(pull)["usage"]


def test_the_usage_of_each_invoice_is_read_once_and_again_when_it_changed(mapped: Connection, ruth: User, story: FakeHuntress) -> None:
    first = usage(mapped, ruth)
    assert (first.state, first.pages) == ("whole", 1 + 6 * 2)
    second = usage(mapped, ruth)
    assert (second.state, second.pages) == ("whole", 1)
    story.edit("reseller_invoices", 69_998, status="full_refund")
    story.edit("reseller_invoices", 70_000, status="open")
    third = usage(mapped, ruth)
    assert (third.state, third.pages) == ("whole", 1 + 2 * 2)
    fourth = usage(mapped, ruth)
    assert fourth.pages == 1 + 2, "an open one can still get other lines"
    with storage.opened(fourth.sha256) as stream:
        assert sorted(open_archive(stream).manifest.about["unchanged"]) == ["69995", "69996", "69997", "69998", "69999"]


def test_what_was_not_taken_in_is_read_again(mapped: Connection, ruth: User) -> None:
    usage(mapped, ruth)
    PullPart.objects.update(settled_at=None)
    assert usage(mapped, ruth).pages == 13


def test_one_of_the_two_lists_refused_leaves_the_other(mapped: Connection, ruth: User, story: FakeHuntress) -> None:
    story.fail(Fault("status", at="account_usage_line_items", status=403, times=0))
    part = usage(mapped, ruth)
    assert (part.state, part.pages) == ("partial", 7)
    assert len(ids_in(part, "organization_usage", "organization_usage_line_items")) > 6


# --- by itself ---


def test_the_last_day_takes_those_whose_last_day_it_is(mapped: Connection, brightfen: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    Connection.objects.update(added_at=now - timedelta(days=90), last_day_at=(now - timedelta(minutes=1)).time())
    Account.objects.filter(pk=brightfen.pk).update(anniversary_day=(now + timedelta(days=1)).day)
    mapped.refresh_from_db()
    before = pulls.begin(mapped, [], why="nightly", planned_for=rounds.nightly_slot(mapped))
    Pull.objects.filter(pk=before.pk).update(ended_at=now)
    if now.hour == 0 and now.minute < 2:
        pytest.skip("the minute before is another day")
    assert slots.begin_due() == 1
    pull = Pull.objects.exclude(pk=before.pk).get()
    assert pull.why == "last_day"
    assert {(name, subject) for name, subject, _ in all_of(worked(pull))} == {
        (brightfen.name, subject) for subject in ("live", "agents", "invoices")
    }
    assert slots.begin_due() == 0


def test_a_night_begins_with_the_reseller_s_own(mapped: Connection, settings: Any) -> None:
    Connection.objects.update(added_at=timezone.now() - timedelta(days=90), last_day_at="23:59")
    assert slots.begin_due() == 1
    assert [one[1] for one in all_of(Pull.objects.get())] == WHOLE


def test_the_story_has_what_these_tests_count_on() -> None:
    assert len(Story().table("reseller_invoices", None).ids) == 6  # type: ignore[union-attr]
