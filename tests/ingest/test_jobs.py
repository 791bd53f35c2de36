"""Background work: claimed once, kept by a lease, started again when its worker died, and never lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from ingest import jobs
from ingest.models import Job, SourceFile
from tests.conftest import _queue_at
from tests.ingest.making import SMALL, dead, now
from tests.recon.making import at_once

KIND = "test"
Work = Callable[[int, jobs.Progress], None]


@pytest.fixture
def given_up() -> list[str]:
    return []


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, given_up: list[str]) -> Callable[[Work], None]:
    """Say what a job of the kind "test" does."""

    def work(run: Work) -> None:
        handler = jobs.Handler(run, lambda subject, message: given_up.append(message))
        monkeypatch.setitem(jobs.HANDLERS, KIND, handler)

    work(lambda subject, progress: None)
    return work


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The messages that go to the queue."""
    messages: list[int] = []
    monkeypatch.setattr(jobs.current_app, "send_task", lambda name, args: messages.append(args[0]))
    return messages


def enqueued(account: Account, subject: int = 1, **fields: object) -> Job:
    job = jobs.enqueue(KIND, subject, label="A test", account=account)
    if fields:
        Job.objects.filter(pk=job.pk).update(**fields)
        job.refresh_from_db()
    return job


# --- claims and leases ------------------------------------------------------------------------------------------------------------


def test_of_two_claims_one_wins(account, work):
    ran = []
    work(lambda subject, progress: ran.append(subject))
    job = enqueued(account, 7)
    jobs.run(job.pk)
    jobs.run(job.pk)
    assert ran == [7]
    assert (now(job).state, now(job).attempt) == ("done", 1)


@pytest.mark.django_db(transaction=True)
def test_of_six_claims_at_once_one_wins(account, work):
    ran = []
    work(lambda subject, progress: (ran.append(subject), time.sleep(0.2)))  # type: ignore[func-returns-value]
    job = enqueued(account, 7)
    assert at_once(*[lambda: jobs.run(job.pk)] * 6) == [None] * 6
    assert ran == [7]
    assert (now(job).state, now(job).attempt) == ("done", 1)


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_for_as_long_as_the_work_takes(account, work, monkeypatch):
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.6))
    monkeypatch.setattr(jobs, "RENEW_SECONDS", 0.1)
    swept = []

    def long(subject: int, progress: jobs.Progress) -> None:
        for _ in range(6):
            time.sleep(0.2)
            swept.append(jobs.sweep())

    work(long)
    job = enqueued(account)
    jobs.run(job.pk)
    assert swept == [0] * 6
    assert (now(job).state, now(job).attempt, now(job).lease_until) == ("done", 1, None)


def test_what_a_dead_worker_held_is_started_again(account, work, sent):
    ran = []
    work(lambda subject, progress: ran.append(subject))
    job = enqueued(account, 7, **dead())
    assert jobs.sweep() == 1
    assert (now(job).state, now(job).lease_until, sent) == ("queued", None, [job.pk])
    jobs.run(job.pk)
    assert (ran, now(job).state, now(job).attempt) == ([7], "done", 2)


def test_a_message_that_comes_late_finds_a_dead_workers_job_free(account, work):
    job = enqueued(account, **dead())
    jobs.run(job.pk)
    assert (now(job).state, now(job).attempt) == ("done", 2)


def test_a_living_workers_job_is_left_to_it(account, work, sent):
    job = enqueued(account, state="running", attempt=1, lease_until=timezone.now() + timedelta(seconds=5))
    assert jobs.sweep() == 0
    jobs.run(job.pk)
    assert (now(job).state, now(job).attempt, sent) == ("running", 1, [])


def test_after_three_dead_workers_it_is_given_up_with_a_sentence(account, work, sent, given_up):
    job = enqueued(account, **dead(attempt=3))
    assert jobs.sweep() == 0
    assert now(job).state == "failed"
    assert now(job).error == "The worker stopped 3 times while doing this. Is the file too large for it?"
    assert (given_up, sent) == ([now(job).error], [])


def test_what_cannot_be_tidied_up_does_not_hold_up_the_sweep(account, work, sent, monkeypatch):
    def broken(subject: int, message: str) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setitem(jobs.HANDLERS, KIND, jobs.Handler(lambda subject, progress: None, broken))
    stuck, waiting = enqueued(account, 1, **dead(attempt=3)), enqueued(account, 2, **dead())
    assert jobs.sweep() == 1
    assert sent == [waiting.pk]
    assert now(stuck).state == "running"  # neither ended nor tidied: the next sweep tries again


def test_a_forgotten_message_is_sent_again_once_in_a_while(account, work, sent):
    fresh = enqueued(account, 1)
    forgotten = enqueued(account, 2, sent_at=timezone.now() - jobs.RESEND - timedelta(seconds=1))
    assert (jobs.sweep(), sent) == (1, [forgotten.pk])
    assert jobs.sweep() == 0
    assert now(fresh).state == now(forgotten).state == "queued"


# --- a late finisher --------------------------------------------------------------------------------------------------------------


def _returns() -> None:
    return


def _fails() -> None:
    raise jobs.JobFailed("Too late.")


def _breaks() -> None:
    raise RuntimeError("too late")


@pytest.mark.parametrize("late", [_returns, _fails, _breaks])
def test_who_lost_the_lease_and_finishes_late_changes_nothing(account, work, sent, given_up, late):
    """The first worker stalls, the sweep presumes it dead, a second one does the work, then the first one wakes up."""
    job = enqueued(account)

    def stalls(subject: int, progress: jobs.Progress) -> None:
        if now(job).attempt > 1:
            progress(5, 5, "by the second")
            return
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        jobs.sweep()
        jobs.run(job.pk)
        late()

    work(stalls)
    jobs.run(job.pk)
    ended = now(job)
    assert (ended.state, ended.attempt, ended.error, ended.done, ended.doing) == ("done", 2, "", 5, "by the second")
    assert given_up == []


def test_a_report_after_the_lease_was_lost_stops_the_work(account, work, sent):
    job = enqueued(account)
    reached = []

    def stalls(subject: int, progress: jobs.Progress) -> None:
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        jobs.sweep()
        progress(1, 1)
        reached.append("the rest")

    work(stalls)
    jobs.run(job.pk)
    assert (reached, now(job).state) == ([], "queued")


# --- asking for work --------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_no_job_and_no_message(account, sent):
    with transaction.atomic():
        enqueued(account)
        transaction.set_rollback(True)
    assert (Job.objects.count(), sent) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_a_message_is_sent_when_the_job_can_be_seen_and_not_before(account, sent):
    with transaction.atomic():
        job = enqueued(account)
        assert sent == []
    assert sent == [job.pk]


def test_what_waits_already_serves_a_second_asker_and_what_runs_does_not(account, work):
    first = enqueued(account, 7)
    assert enqueued(account, 7) == first
    Job.objects.filter(pk=first.pk).update(state="running", lease_until=timezone.now() + timedelta(seconds=9))
    assert enqueued(account, 7) != first


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_away_breaks_no_page_and_the_sweep_makes_up_for_it(account, mara, preparer, sent, monkeypatch):
    monkeypatch.undo()  # the real way to the queue
    started = time.monotonic()
    with _queue_at("redis://127.0.0.1:1/0"):
        answer = preparer.post(f"/a/{account.slug}/files/", {"files": SimpleUploadedFile("billed.csv", SMALL)})
    assert answer.status_code == 302
    assert time.monotonic() - started < 5
    job = Job.objects.get()
    assert job.state == "queued"
    jobs.run(job.pk)
    assert SourceFile.objects.get().state == "ready"


# --- how it ends ------------------------------------------------------------------------------------------------------------------


def test_a_failure_that_is_understood_is_said_in_its_own_words(account, work, given_up):
    def fails(subject: int, progress: jobs.Progress) -> None:
        raise jobs.JobFailed("Line 7 has no name.")

    work(fails)
    job = jobs.run_now(enqueued(account))
    assert (job.state, job.error, given_up) == ("failed", "Line 7 has no name.", ["Line 7 has no name."])


@pytest.mark.parametrize("raised", [RuntimeError("password=hunter2"), KeyError("x"), ValueError("/srv/secret")])
def test_a_failure_that_is_not_understood_names_the_log_and_nothing_else(account, work, raised):
    def breaks(subject: int, progress: jobs.Progress) -> None:
        raise raised

    work(breaks)
    job = jobs.run_now(enqueued(account))
    assert (job.state, job.error) == ("failed", f"Something went wrong on our side. The log says more under “job {job.pk}”.")


@pytest.mark.parametrize("raised", [MemoryError(), RuntimeError("can't start new thread"), OSError(12, "Cannot allocate memory")])
def test_want_of_memory_is_said(account, work, raised):
    def hoards(subject: int, progress: jobs.Progress) -> None:
        raise raised

    work(hoards)
    assert jobs.run_now(enqueued(account)).error.startswith("This needs more memory than a worker may use.")


def test_a_long_error_is_cut_to_what_the_row_holds(account, work):
    def fails(subject: int, progress: jobs.Progress) -> None:
        raise jobs.JobFailed("x" * 5000)

    work(fails)
    assert jobs.run_now(enqueued(account)).error == "x" * 1000


def test_what_waits_is_cancelled_at_once_and_tidied_up(account, work, given_up):
    job = enqueued(account)
    assert jobs.ask_to_cancel(job)
    assert (now(job).state, given_up) == ("cancelled", ["Cancelled."])
    jobs.run(job.pk)
    assert now(job).attempt == 0


def test_what_runs_is_cancelled_at_its_next_report(account, work, given_up):
    job = enqueued(account)
    reached = []

    def long(subject: int, progress: jobs.Progress) -> None:
        assert jobs.ask_to_cancel(job)
        assert now(job).state == "running"
        progress(1, 1)
        reached.append("the rest")

    work(long)
    jobs.run(job.pk)
    assert (now(job).state, reached, given_up) == ("cancelled", [], ["Cancelled."])


def test_what_has_ended_cannot_be_cancelled(account, work, given_up):
    job = jobs.run_now(enqueued(account))
    assert not jobs.ask_to_cancel(job)
    assert (now(job).state, given_up) == ("done", [])
