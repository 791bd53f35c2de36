"""What goes wrong between us and Huntress, all of it over HTTP: the pull ends whole, or says exactly what it lacks."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.sealing import seal
from ingest import jobs
from ingest.huntress import Bounds
from ingest.models import Connection, Job, Pull, PullPage, PullPart
from ingest.services import pull_parts, pulls
from ingest.services.connections import sealed_text
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress, Fault
from recon.demo.huntress.estate import Crowd
from tests.connections.making import add_connection
from tests.pulls.conftest import Serve
from tests.pulls.making import archive_of, ids_in, nothing_left, parts_of, states_of, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db


def pulled(connection: Connection, world: World, *subjects: str) -> Pull:
    pull = worked(pulls.ask(connection, by=world.mara, subjects=subjects or None))
    assert pull.ended_at is not None
    assert nothing_left()
    return pull


# --- the key ---


def test_a_wrong_secret_ends_all_parts_with_one_sentence(connection: Connection, world: World, fake: FakeHuntress) -> None:
    Connection.objects.update(sealed=seal(sealed_text(ACCOUNT_KEY[0], "hs_wrong")))
    calls = len(fake.seen)
    pull = pulled(connection, world)
    assert set(states_of(pull).values()) == {"refused"}
    said = {name: part.said for name, part in parts_of(pull).items()}
    assert said["live"].startswith("Huntress does not accept this key (401).")
    assert said["agents"].startswith("Not asked for. Huntress does not accept this key (401).")
    assert len(fake.seen) - calls == 2, "the list, and whose key it is"
    connection.refresh_from_db()
    assert connection.trouble.startswith("Huntress does not accept this key (401).")


def test_a_key_that_is_revoked_half_way_keeps_what_came(connection: Connection, world: World, fake: FakeHuntress) -> None:
    fake.fail(Fault("act", at="agents", after=1, act=lambda: fake.revoke("account")))
    pull = pulled(connection, world)
    assert states_of(pull) == {"live": "whole", "agents": "partial", "identities": "refused", "invoices": "refused"}
    agents = parts_of(pull)["agents"]
    assert "does not accept this key" in agents.said
    with archive_of(agents) as archive:
        assert len(archive.manifest.answers) == agents.pages < 3
        assert archive.manifest.lacks
    assert agents.source_file is not None
    assert agents.source_file.partial
    connection.refresh_from_db()
    assert "does not accept this key" in connection.trouble


def test_a_key_that_works_again_clears_the_trouble_by_itself(connection: Connection, world: World) -> None:
    Connection.objects.update(trouble="Huntress does not accept this key (401).")
    pulled(connection, world, "agents")
    connection.refresh_from_db()
    assert connection.trouble == ""


def test_a_secret_that_cannot_be_opened_is_said(connection: Connection, world: World, fake: FakeHuntress) -> None:
    Connection.objects.update(sealed="nonsense")
    calls = len(fake.seen)
    pull = pulled(connection, world)
    assert states_of(pull) == {"live": "failed", "agents": "refused", "identities": "refused", "invoices": "refused"}
    assert "cannot be opened" in parts_of(pull)["live"].said
    assert len(fake.seen) == calls


def test_a_removed_connection_asks_nothing(connection: Connection, world: World, fake: FakeHuntress) -> None:
    pull = pulls.ask(connection, by=world.mara)
    Connection.objects.update(removed_at=pull.created_at, removed_by=world.ines, sealed="")
    calls = len(fake.seen)
    assert "was removed" in parts_of(worked(pull))["live"].said
    assert len(fake.seen) == calls


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_endpoint_that_is_refused_stops_no_other(connection: Connection, world: World, fake: FakeHuntress, status: int) -> None:
    fake.fail(Fault("status", at="identities", status=status, times=0))
    pull = pulled(connection, world)
    assert states_of(pull) == {"live": "whole", "agents": "whole", "identities": "refused", "invoices": "whole"}
    refused = parts_of(pull)["identities"]
    assert f"({status})" in refused.said
    assert (refused.sha256, refused.source_file) == ("", None)
    connection.refresh_from_db()
    assert connection.trouble == ""


def test_refused_details_leave_the_counts_without_what_is_billed(serve: Serve, world: World, settings: Any) -> None:
    fake = serve(Crowd(agents=40, organizations=4))
    connection = add_connection(world.account, fake, settings, by=world.ines)
    for number in range(50_001, 50_005):
        fake.fail(Fault("status", at=str(number), status=403, times=0))
    calls = len(fake.seen)
    live = parts_of(pulled(connection, world, "live"))["live"]
    assert (live.state, live.pages) == ("partial", 1)
    assert "Without them it is known how many agents there are, and not how many are billed." in live.said
    assert len(fake.seen) - calls == 3, "the list, one detail, and whose key it is"


# --- the limit, and trouble that passes ---


@pytest.mark.parametrize("retry_after", ["", "0"])
def test_a_storm_of_429_is_waited_out(connection: Connection, world: World, fake: FakeHuntress, retry_after: str) -> None:
    fake.fail(Fault("status", at="agents", status=429, times=3, retry_after=retry_after))
    assert states_of(pulled(connection, world, "agents")) == {"agents": "whole"}


def test_a_storm_that_does_not_end_leaves_what_came(connection: Connection, world: World, fake: FakeHuntress) -> None:
    fake.fail(Fault("status", at="agents", status=429, times=0, after=2))
    agents = parts_of(pulled(connection, world, "agents"))["agents"]
    assert (agents.state, agents.pages) == ("partial", 2)
    assert "used up (429)" in agents.said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("status", at="agents", status=500, times=0), "could not answer for the list of agents (500)"),
        (Fault("cut", at="agents", times=0), "broke before the answer was whole"),
        (Fault("malformed", at="agents", times=0), "no JSON that can be read"),
        (Fault("html", at="agents", times=0), "a web page"),
        (Fault("shape", at="agents", times=0), "should be an object"),
        (Fault("silence", at="agents", times=0, seconds=2), ""),
        (Fault("drip", at="agents", times=0, seconds=0.05), "had not answered in full"),
    ],
    ids=lambda one: one.kind if isinstance(one, Fault) else "",
)
def test_what_never_passes_fails_the_part_alone(
    connection: Connection, world: World, fake: FakeHuntress, monkeypatch: pytest.MonkeyPatch, fault: Fault, said: str
) -> None:
    monkeypatch.setattr(pull_parts, "BOUNDS", Bounds(read=0.5, answer=0.5))
    fake.fail(fault)
    pull = pulled(connection, world, "agents", "invoices")
    assert states_of(pull) == {"agents": "failed", "invoices": "whole"}
    assert said in parts_of(pull)["agents"].said
    assert parts_of(pull)["agents"].source_file is None


@pytest.mark.parametrize("kind", ["status", "cut", "malformed", "html"])
def test_what_passes_leaves_no_trace(connection: Connection, world: World, fake: FakeHuntress, kind: Any) -> None:
    fake.fail(Fault(kind, at="agents", times=2, after=1))
    agents = parts_of(pulled(connection, world, "agents"))["agents"]
    assert (agents.state, agents.said) == ("whole", "")
    assert sorted(ids_in(agents, "agents", "agents")) == list(range(1_000_001, 1_001_204))


@pytest.mark.parametrize("kind", ["repeated_token", "repeated_page"])
def test_a_page_that_repeats_for_ever_ends_and_is_said(connection: Connection, world: World, fake: FakeHuntress, kind: Any) -> None:
    fake.fail(Fault(kind, at="agents", times=0))
    agents = parts_of(pulled(connection, world, "agents"))["agents"]
    assert agents.state == "partial"
    assert "There may be more." in agents.said
    assert agents.pages < 8


# --- what changes meanwhile ---


def test_an_organization_that_is_deleted_meanwhile_is_a_remark(connection: Connection, world: World, fake: FakeHuntress) -> None:
    fake.fail(Fault("act", at="50002", act=lambda: fake.delete("organizations", 50_007)))
    live = parts_of(pulled(connection, world, "live"))["live"]
    assert live.state == "whole"
    assert live.said == "In the list of Organizations, and gone when asked for by itself: 50007."
    assert len(ids_in(live, "organization", "organization")) == 29
    with archive_of(live) as archive:
        assert archive.manifest.lacks == ()
        assert [one["address"] for one in archive.manifest.about["missed"]] == ["organizations/50007"]


def test_one_deleted_between_two_pages_moves_nobody(serve: Serve, world: World, settings: Any) -> None:
    fake = serve(Crowd(agents=1_203, organizations=700))
    connection = add_connection(world.account, fake, settings, by=world.ines)
    fake.fail(Fault("act", at="organizations", after=1, act=lambda: fake.delete("organizations", 50_003)))
    live = parts_of(pulled(connection, world, "live"))["live"]
    ids = ids_in(live, "organizations", "organizations")
    assert len(ids) == len(set(ids)) == 700
    assert len(ids_in(live, "organization", "organization")) == 699


def test_one_organization_that_cannot_be_read_stops_no_other(connection: Connection, world: World, fake: FakeHuntress) -> None:
    fake.fail(Fault("status", at="50005", status=500, times=0))
    live = parts_of(pulled(connection, world, "live"))["live"]
    assert (live.state, live.pages) == ("partial", 30)
    assert live.said.startswith("The counts of one Organization could not be read for 50005.")


def test_three_in_a_row_are_not_the_organizations(connection: Connection, world: World, fake: FakeHuntress) -> None:
    for number in range(50_011, 50_031):
        fake.fail(Fault("status", at=str(number), status=500, times=0))
    live = parts_of(pulled(connection, world, "live"))["live"]
    assert (live.state, live.pages) == ("partial", 11)
    assert fake.calls("50013") > 0
    assert fake.calls("50014") == 0


# --- taken up again ---


def stop_after(monkeypatch: pytest.MonkeyPatch, answers: int) -> None:
    """Let every stint be over after so many answers, as when others wait."""
    count = 0

    def pause(self: Any) -> None:
        nonlocal count
        count += 1
        if count % answers == 0:
            raise pull_parts.StintOver

    monkeypatch.setattr(pull_parts._Stint, "_pause_for_others", pause)


@pytest.mark.parametrize("answers", [1, 2, 7])
def test_stints_read_every_page_and_every_detail_once(
    connection: Connection, world: World, fake: FakeHuntress, monkeypatch: pytest.MonkeyPatch, answers: int
) -> None:
    stop_after(monkeypatch, answers)
    calls = len(fake.seen)
    pull = pulled(connection, world, "live", "agents")
    assert states_of(pull) == {"live": "whole", "agents": "whole"}
    parts = parts_of(pull)
    assert sorted(ids_in(parts["agents"], "agents", "agents")) == list(range(1_000_001, 1_001_204))
    assert sorted(ids_in(parts["live"], "organization", "organization")) == list(range(50_001, 50_031))
    assert len(fake.seen) - calls == 34
    assert (parts["agents"].records, parts["live"].records) == (1_203, 30)
    assert Job.objects.filter(kind="pull").count() > 30 // answers


def test_who_was_missed_is_not_asked_for_again(
    connection: Connection, world: World, fake: FakeHuntress, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(monkeypatch, 4)
    fake.delete("organizations", 50_007)
    fake.desk.gone.clear()
    fake.fail(Fault("act", at="50002", act=lambda: fake.delete("organizations", 50_007)))
    live = parts_of(pulled(connection, world, "live"))["live"]
    assert live.state == "whole"
    assert fake.calls("50007") == 1


def test_a_token_that_has_lapsed_begins_the_list_again(
    connection: Connection, world: World, fake: FakeHuntress, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(monkeypatch, 2)
    fake.fail(Fault("status", at="agents", status=400, after=2))
    agents = parts_of(pulled(connection, world, "agents"))["agents"]
    assert agents.state == "whole"
    assert "it began again" in agents.said
    assert sorted(ids_in(agents, "agents", "agents")) == list(range(1_000_001, 1_001_204))
    assert (agents.pages, agents.records) == (3, 1_203)


def test_a_token_that_always_lapses_ends(connection: Connection, world: World, fake: FakeHuntress, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(monkeypatch, 1)
    for good_before in (1, 2):
        fake.fail(Fault("status", at="agents", status=400, after=good_before))
    agents = parts_of(pulled(connection, world, "agents"))["agents"]
    assert (agents.state, agents.pages) == ("partial", 1)


def test_a_job_that_fails_thrice_keeps_what_came(connection: Connection, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(monkeypatch, 2)
    pull = pulls.ask(connection, by=world.mara, subjects=["agents"])
    jobs.run_now(Job.objects.get(kind="pull", state="queued"))
    second = Job.objects.get(kind="pull", state="queued")
    Job.objects.filter(pk=second.pk).update(state="running", attempt=3, lease_until=pull.created_at)
    jobs.sweep()
    pull = worked(pull)
    agents = parts_of(pull)["agents"]
    assert (agents.state, agents.pages) == ("partial", 2)
    assert "The worker stopped 3 times" in agents.said
    assert agents.source_file is not None
    assert pull.ended_at is not None


def test_a_job_that_fails_before_anything_came_leaves_no_file(connection: Connection, world: World) -> None:
    pull = pulls.ask(connection, by=world.mara, subjects=["agents"])
    Job.objects.filter(kind="pull").update(state="running", attempt=3, lease_until=pull.created_at)
    jobs.sweep()
    agents = parts_of(worked(pull))["agents"]
    assert (agents.state, agents.source_file) == ("failed", None)


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_another_worker_kept_meanwhile_is_not_kept_twice(connection: Connection, world: World, fake: FakeHuntress) -> None:
    """A worker that was presumed dead writes one page more while its successor asks for the same."""
    pull = pulls.ask(connection, by=world.mara, subjects=["agents"])
    taken: list[int] = []
    real = PullPage.save

    def save(self: PullPage, *given: Any, **named: Any) -> None:
        if self.number == 2 and not taken:
            taken.append(1)
            first = PullPage.objects.get(part=self.part, number=1)
            twin = PullPage.objects.get(pk=first.pk)
            twin.pk, twin.number = None, 2
            for name in ("address", "sha256", "size", "records", "body"):
                setattr(twin, name, getattr(self, name))
            real(twin, force_insert=True)
        real(self, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PullPage, "save", save)
        pull = worked(pull)
    part = parts_of(pull)["agents"]
    assert part.state == "whole"
    assert sorted(ids_in(part, "agents", "agents")) == list(range(1_000_001, 1_001_204))


def test_one_account_s_failure_never_stops_another_s(serve: Serve, world: World, settings: Any) -> None:
    fake = serve()
    connection = add_connection(world.account, fake, settings, by=world.ines)
    fake.fail(Fault("status", at="agents", status=500, times=0))
    assert states_of(pulled(connection, world)) == {"live": "whole", "agents": "failed", "identities": "whole", "invoices": "whole"}
    assert not PullPart.objects.filter(state__in=PullPart.OPEN).exists()
