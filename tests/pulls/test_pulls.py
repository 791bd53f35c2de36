"""A pull from beginning to end: what it brings, what it keeps, what it says, and who may ask for one."""

from __future__ import annotations

import hashlib
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.services import Refused
from ingest import jobs
from ingest.models import Connection, Job, Pull, PullPage, PullPart, SourceFile
from ingest.services import pull_ends, pulls, pumping
from ingest.services.pull_ends import Outcome
from recon.demo.huntress import ACCOUNT_KEY, FakeHuntress
from tests.pulls.making import archive_of, ids_in, nothing_left, part_with, parts_of, states_of, work, worked
from tests.review.making import World

pytestmark = pytest.mark.django_db
BODY = b'{"agents": [], "pagination": {}}'
EVERYTHING = {"live", "agents", "identities", "invoices"}


@pytest.fixture
def pull(connection: Connection, world: World) -> Pull:
    return pulls.ask(connection, by=world.mara)


def test_everything_is_read_whole_and_each_becomes_a_file(pull: Pull, world: World) -> None:
    pull = worked(pull)
    assert states_of(pull) == dict.fromkeys(EVERYTHING, "whole")
    assert pull.ended_at is not None
    assert nothing_left()
    files = {part.subject: part.source_file for part in parts_of(pull).values()}
    assert {name: (file.kind, file.state) for name, file in files.items() if file} == {name: (name, "received") for name in EVERYTHING}
    agents = files["agents"]
    assert agents is not None
    assert agents.name.startswith("Agents from Huntress, ")
    assert agents.received_by == world.mara
    assert {job.subject for job in Job.objects.filter(kind="take")} == {file.pk for file in files.values() if file}


def test_an_archive_holds_every_answer_as_it_came(pull: Pull, fake: FakeHuntress) -> None:
    part = parts_of(worked(pull))["agents"]
    with archive_of(part) as archive:
        manifest = archive.manifest
        assert [entry.number for entry in manifest.answers] == [1, 2, 3]
        assert list(archive.bodies())  # each against its SHA-256
    assert (manifest.source, manifest.subject, manifest.kind, manifest.lacks) == ("huntress", "agents", "agents", ())
    assert manifest.whose == {"id": "5", "name": "Quillmere IT"}
    assert sorted(ids_in(part, "agents", "agents")) == list(range(1_000_001, 1_001_204))
    assert (part.pages, part.records) == (3, 1_203)
    assert fake.calls("agents") == 3


def test_live_counts_are_the_list_and_each_organization_s_detail(pull: Pull) -> None:
    part = parts_of(worked(pull))["live"]
    assert sorted(ids_in(part, "organization", "organization")) == sorted(ids_in(part, "organizations", "organizations"))
    assert (part.pages, part.records) == (31, 30)


def test_one_subject_alone_can_be_asked_for(connection: Connection, world: World) -> None:
    pull = worked(pulls.ask(connection, by=world.mara, subjects=["agents"]))
    assert states_of(pull) == {"agents": "whole"}


def test_the_secret_is_in_no_archive(pull: Pull) -> None:
    for part in parts_of(worked(pull)).values():
        with archive_of(part) as archive:
            text = repr(archive.manifest)
            assert not [one for one in ACCOUNT_KEY if one in text]


def test_a_second_one_waits_for_the_first(pull: Pull, connection: Connection, world: World) -> None:
    with pytest.raises(Refused, match="is under way since"):
        pulls.ask(connection, by=world.jonah)
    worked(pull)
    assert pulls.ask(connection, by=world.jonah).pk != pull.pk


def test_two_pulls_of_the_same_answers_are_two_files_and_neither_fails(pull: Pull, connection: Connection, world: World) -> None:
    worked(pull)
    again = worked(pulls.ask(connection, by=world.mara))
    assert states_of(again) == dict.fromkeys(EVERYTHING, "whole")


def test_the_same_bytes_again_are_the_same_file(connection: Connection, world: World) -> None:
    pull = pulls.begin(connection, [])
    job = Job.objects.create(kind="pull", subject=0, label="Pulling", account=world.account)
    files = []
    for _ in range(2):
        part = part_with(pull, "agents", state="running", account=world.account, job=job)
        PullPage.objects.create(
            part=part, number=1, endpoint="agents", address="/v1/agents", status=200, asked_at=datetime(2026, 11, 23, tzinfo=UTC),
            sha256=hashlib.sha256(BODY).hexdigest(), size=len(BODY), body=zlib.compress(BODY),
        )  # fmt: skip
        assert pull_ends.end(part, Outcome(PullPart.State.WHOLE, PullPart.State.FAILED), job.pk)
        files.append(PullPart.objects.get(pk=part.pk).source_file)
    assert files[0] == files[1]
    assert SourceFile.objects.count() == 1
    assert Job.objects.filter(kind="take").count() == 1


def test_at_most_so_many_parts_are_with_the_workers(connection: Connection, world: World, settings: Any) -> None:
    settings.RECON_PULL_PARTS = 2
    pull = pulls.ask(connection, by=world.mara)
    assert Job.objects.filter(kind="pull", state="queued").count() == 2
    work(1, stop=True)
    assert Job.objects.filter(kind="pull", state="queued").count() == 2
    assert sorted(states_of(pull).values()) == ["waiting"] * 3 + ["whole"]


def test_who_may_not_work_asks_for_nothing(connection: Connection, world: World) -> None:
    stranger = User.objects.create_user("owen@brightfen.example", None)
    for who in (world.tom, stranger):
        with pytest.raises(Refused, match="Your role"):
            pulls.ask(connection, by=who)
    assert not Pull.objects.exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"key_kind": ""}, "has to be tested first"), ({"provider": "microsoft"}, "is not a connection to Huntress")],
)
def test_what_cannot_be_pulled_is_refused_in_words(connection: Connection, world: World, fields: dict[str, str], said: str) -> None:
    for name, value in fields.items():
        setattr(connection, name, value)
    connection.save()
    with pytest.raises(Refused, match=said):
        pulls.ask(connection, by=world.mara)


def test_asking_is_audited_and_so_is_what_came(pull: Pull, world: World) -> None:
    worked(pull)
    events = [event.action for event in AuditEvent.objects.filter(account=world.account, action__startswith="ingest.pull").order_by("pk")]
    assert events == ["ingest.pull.asked", *["ingest.pull.brought"] * 4]


def test_a_cancelled_pull_asks_for_nothing_more(pull: Pull, world: World, fake: FakeHuntress) -> None:
    calls = len(fake.seen)
    pulls.cancel(pull, by=world.jonah)
    pull = worked(pull)
    assert set(states_of(pull).values()) == {"cancelled"}
    assert pull.ended_at is not None
    assert pull.cancelled_by == world.jonah
    assert len(fake.seen) == calls
    with pytest.raises(Refused, match="has ended already"):
        pulls.cancel(pull, by=world.jonah)


def test_one_cancelled_job_ends_its_part_alone(pull: Pull) -> None:
    assert jobs.ask_to_cancel(Job.objects.get(kind="pull", state="queued"))
    pull = worked(pull)
    assert states_of(pull) == {"live": "cancelled", "agents": "whole", "identities": "whole", "invoices": "whole"}
    assert not PullPage.objects.exists()


def test_a_viewer_cancels_nothing(pull: Pull, world: World) -> None:
    with pytest.raises(Refused, match="Your role"):
        pulls.cancel(pull, by=world.tom)


def test_where_a_subject_stands(pull: Pull, world: World) -> None:
    assert pulls.latest_whole(world.account, "agents") is None
    pull = worked(pull)
    found = pulls.latest_whole(world.account, "agents")
    assert found is not None
    assert found.pull == pull


def test_the_next_pull_knows_how_many_calls_the_last_one_took(pull: Pull, connection: Connection, world: World) -> None:
    worked(pull)
    again = pulls.ask(connection, by=world.mara)
    expected = {name: part.expected_calls for name, part in parts_of(again).items()}
    assert expected == {
        "live": 31,
        "agents": 3,
        "identities": 1,
        "invoices": 1,
    }


def test_a_part_that_lost_its_job_is_found(pull: Pull) -> None:
    Job.objects.filter(kind="pull").delete()
    pumping.sweep()
    assert states_of(worked(pull)) == dict.fromkeys(EVERYTHING, "whole")
