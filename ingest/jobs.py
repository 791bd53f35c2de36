"""Background work: enqueue, claim, run, renew, finish. A job is a row with a lease, so that no kill loses it.

Every handler is safe to run twice, because it may be: a worker that was presumed dead can still be alive.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from celery import current_app
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Account, User
from ingest.models import Job, SourceFile

log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=15)
RENEW_SECONDS: Final = 4.0
#: A job that was sent and not started by then is sent again: brokers forget, and a claim makes repeats harmless.
RESEND: Final = timedelta(seconds=30)
MAX_ATTEMPTS: Final = 3
_REPORT_SECONDS: Final = 0.4
_TOO_MUCH_MEMORY: Final = "This needs more memory than a worker may use. Make the file smaller, or ask an admin to allow more."
_OPEN: Final = (Job.State.QUEUED, Job.State.RUNNING)


class JobFailed(Exception):
    """The work cannot be done; the message is for people."""


class Cancelled(Exception):
    """A person asked for it to stop."""


class LeaseLost(Exception):
    """Another worker has taken the job over: stop without a trace."""


@dataclass
class Progress:
    """How far a job is. Calling it is cheap; every now and then it tells the row, and learns whether to go on."""

    job_id: int
    attempt: int
    _told: float = 0.0

    def __call__(self, done: int, total: int, doing: str = "") -> None:
        """Rows done out of ``total``. Raises Cancelled when a person asked for it, LeaseLost when the job is another's now."""
        now = time.monotonic()
        if now - self._told < _REPORT_SECONDS and done != total:
            return
        self._told = now
        fields = {"done": done, "total": total} | ({"doing": doing[:200]} if doing else {})
        if not _mine(self.job_id, self.attempt).update(**fields):
            raise LeaseLost
        if Job.objects.filter(pk=self.job_id, cancel_asked=True).exists():
            raise Cancelled


@dataclass(frozen=True)
class Handler:
    """What a kind of job does with its subject, and how it tidies up when the work ends without success."""

    run: Callable[[int, Progress], None]
    give_up: Callable[[int, str], None] | None = None


HANDLERS: Final[dict[str, Handler]] = {}


def handles(
    kind: str, *, give_up: Callable[[int, str], None] | None = None
) -> Callable[[Callable[[int, Progress], None]], Callable[[int, Progress], None]]:
    """Register the function that does one kind of job."""

    def register(run: Callable[[int, Progress], None]) -> Callable[[int, Progress], None]:
        HANDLERS[kind] = Handler(run, give_up)
        return run

    return register


def enqueue(kind: str, subject: int, *, label: str, account: Account, by: User | None = None, source_file: SourceFile | None = None) -> Job:
    """Ask for work, to be sent when the transaction commits. What already waits for the same subject serves this one too."""
    waiting = Job.objects.filter(kind=kind, subject=subject, state=Job.State.QUEUED).first()
    if waiting:
        return waiting
    job = Job.objects.create(kind=kind, subject=subject, label=label[:300], account=account, by=by, source_file=source_file)
    transaction.on_commit(lambda: send(job.pk))
    return job


def send(job_id: int) -> None:
    """Hand a job to the queue. When the queue is away the sweep does it later, so that is no error of the page's."""
    try:
        current_app.send_task("ingest.tasks.run_job", [job_id])
    except (OSError, OperationalError) as error:
        log.warning("job %s waits for the queue: %s", job_id, error)


def run(job_id: int) -> None:
    """Do a job, if it is there to be done: at most one worker holds its lease."""
    job = _claim(job_id)
    if job is None:
        return
    handler = HANDLERS[job.kind]
    try:
        with _renewing(job.pk, job.attempt):
            handler.run(job.subject, Progress(job.pk, job.attempt))
    except LeaseLost:
        return
    except Cancelled:
        _finish(job, Job.State.CANCELLED, "Cancelled.")
    except JobFailed as failure:
        _finish(job, Job.State.FAILED, str(failure))
    except Exception as error:
        if _is_want_of_memory(error):
            _finish(job, Job.State.FAILED, _TOO_MUCH_MEMORY)
            return
        log.exception("job %s (%s %s) failed", job.pk, job.kind, job.subject)
        _finish(job, Job.State.FAILED, f"Something went wrong on our side. The log says more under “job {job.pk}”.")
    else:
        _finish(job, Job.State.DONE, "")


def _is_want_of_memory(error: Exception) -> bool:
    """A thread needs memory for its stack, and a system call for its answer: neither says MemoryError."""
    is_thread = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    return isinstance(error, MemoryError) or is_thread or (isinstance(error, OSError) and error.errno == errno.ENOMEM)


def broke_its_process(job_id: int, message: str) -> None:
    """End a job that took its own process with it, from outside: to try it again would end in the same way."""
    job = Job.objects.filter(pk=job_id, state=Job.State.RUNNING).first()
    if job:
        _finish(job, Job.State.FAILED, message)


def run_now(job: Job) -> Job:
    """Do a job in this process and return it as it ended: for commands that load data and have no worker."""
    run(job.pk)
    job.refresh_from_db()
    return job


def ask_to_cancel(job: Job) -> bool:
    """Stop a job: at once if it waits, at its next report if it runs. False when it has already ended."""
    if _end(job, Job.objects.filter(pk=job.pk, state=Job.State.QUEUED), Job.State.CANCELLED, "Cancelled."):
        return True
    return bool(Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_asked=True))


def sweep() -> int:
    """Start again what a dead worker held and what the queue forgot; give up on what has killed its worker too often.

    Returns how many jobs were sent.
    """
    now = timezone.now()
    dead = Q(state=Job.State.RUNNING, lease_until__lt=now)
    for job in Job.objects.filter(dead, attempt__gte=MAX_ATTEMPTS):
        said = f"The worker stopped {job.attempt} times while doing this. Is the file too large for it?"
        try:
            _end(job, Job.objects.filter(dead, pk=job.pk), Job.State.FAILED, said)
        except Exception:  # one that cannot be tidied up must not keep the others waiting
            log.exception("job %s could not be ended", job.pk)
    Job.objects.filter(dead, attempt__lt=MAX_ATTEMPTS).update(state=Job.State.QUEUED, lease_until=None, sent_at=now - 2 * RESEND)
    forgotten = list(Job.objects.filter(state=Job.State.QUEUED, sent_at__lt=now - RESEND).values_list("pk", flat=True)[:1000])
    Job.objects.filter(pk__in=forgotten).update(sent_at=now)
    for job_id in forgotten:
        send(job_id)
    return len(forgotten)


def _claim(job_id: int) -> Job | None:
    now = timezone.now()
    free = Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=now)
    taken = Job.objects.filter(free, pk=job_id).update(
        state=Job.State.RUNNING, attempt=F("attempt") + 1, lease_until=now + LEASE, started_at=now, done=0, total=0, doing=""
    )
    return Job.objects.get(pk=job_id) if taken else None


def _mine(job_id: int, attempt: int) -> QuerySet[Job]:
    return Job.objects.filter(pk=job_id, attempt=attempt, state=Job.State.RUNNING)


@contextmanager
def _renewing(job_id: int, attempt: int) -> Iterator[None]:
    """Keep the lease while this process lives. Killed with it, the thread lets the lease run out."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_SECONDS):
            with suppress(DatabaseError):
                _mine(job_id, attempt).update(lease_until=timezone.now() + LEASE)
            close_old_connections()
        connection.close()

    thread = threading.Thread(target=renew, name=f"lease-of-job-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(RENEW_SECONDS)


def _finish(job: Job, state: Job.State, error: str) -> None:
    _end(job, _mine(job.pk, job.attempt), state, error)


def _end(job: Job, if_still: QuerySet[Job], state: Job.State, error: str) -> bool:
    """End a job and tidy up after it, both or neither: a kill between them would leave its subject in the middle for ever."""
    with transaction.atomic():
        ended = bool(if_still.update(state=state, error=error[:1000], finished_at=timezone.now(), lease_until=None))
        if ended and state != Job.State.DONE:
            _tidy(job.kind, job.subject, error)
    return ended


def _tidy(kind: str, subject: int, message: str) -> None:
    handler = HANDLERS.get(kind)
    if handler and handler.give_up:
        handler.give_up(subject, message)
