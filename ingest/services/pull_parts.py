"""The job that reads one part of a pull, in stints: each answer is kept as it comes, so that whoever follows goes on after the last one.

A stint ends when others wait for a worker, because most of a pull is waiting for the account's minute. No call is made within a
transaction. Two workers at one part (one of them presumed dead) cannot both keep an answer of the same number: who is second stops.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import DatabaseError, IntegrityError, transaction
from django.db import connection as database
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.services import Refused
from ingest import jobs, storage
from ingest.huntress import ENDPOINTS, Bounds, Client, HuntressError, Kind, Patience, actor, errors
from ingest.huntress.answers import id_of, parsed, records_in
from ingest.huntress.asking import Again, Got, Kept, Reading, digest_of, sentence_case
from ingest.huntress.subjects import SUBJECTS
from ingest.models import Connection, Job, Pull, PullPage, PullPart
from ingest.services import pull_ends, pumping
from ingest.services.connections import client_for
from ingest.services.pull_ends import Outcome
from ingest.services.subjects import NAMED
from ingest.sources.answers import open_archive
from ingest.sources.reading import Unreadable

State = PullPart.State
PATIENCE: Final = Patience()
BOUNDS: Final = Bounds()
#: Seconds that a part has a worker to itself while others wait for one; longer where taking it up took long.
STINT: Final = 30.0
_TIMES_TAKEN_UP: Final = 10
#: Seconds after which a stint ends in any case, long before Celery ends the task.
_LONGEST: Final = 20 * 60.0
_TELL: Final = 0.5
_FAST: Final = 1
_OK: Final = 200


class StintOver(Exception):
    """Others wait, or somebody else went on with this part: look again at what was kept."""


def given_up(subject: int, message: str) -> None:
    """A person cancelled the job, or its workers died of it: then what came is kept, by a job of its own."""
    part = PullPart.objects.select_related("job", "pull__connection__account", "pull__by", "account").get(pk=subject)
    if part.state not in PullPart.OPEN:
        return
    if part.job is None or part.job.state == Job.State.CANCELLED:
        pull_ends.cancel(part.pk, message)
        transaction.on_commit(lambda: pumping.pump(part.pull_id))
        return
    label = f"Keeping what came of {NAMED[part.subject].label.lower()}"
    job = jobs.enqueue("keep", part.pk, label=label, account=part.account or part.pull.connection.account, by=part.pull.by)
    PullPart.objects.filter(pk=part.pk).update(job=job, said=message)


def _lost(subject: int, message: str) -> None:
    if PullPart.objects.filter(pk=subject, state__in=PullPart.OPEN).update(
        state=State.FAILED, ended_at=timezone.now(), said=message[:2000]
    ):
        PullPage.objects.filter(part=subject).delete()
        pull = PullPart.objects.values_list("pull", flat=True).get(pk=subject)
        transaction.on_commit(lambda: pumping.pump(pull))


@jobs.handles("keep", give_up=_lost)
def keep_what_came(subject: int, progress: jobs.Progress) -> None:
    """End a part whose job has failed, with what it has."""
    part = with_all(subject)
    if part.state in PullPart.OPEN:
        pull_ends.end(part, Outcome(State.PARTIAL, State.FAILED, lacks=[part.said]), progress.job_id)
        pumping.pump(part.pull_id)


@jobs.handles("pull", give_up=given_up)
def read_part(subject: int, progress: jobs.Progress) -> None:
    """Read one part as far as a stint goes. What it did not get is the part's to say, and no failure of the job."""
    mine = PullPart.objects.filter(pk=subject, job=progress.job_id, state__in=PullPart.OPEN)
    if not mine.update(state=State.RUNNING, began_at=Coalesce("began_at", timezone.now())):
        return
    part = with_all(subject)
    if _is_of_another(part):
        pull_ends.cancel(
            part.pk, "The key was replaced by one of another Huntress account, and this pull was for the one before. Pull again."
        )
        pumping.pump(part.pull_id)
        return
    try:
        outcome = _Stint(part, progress).run()
    except StintOver:
        go_on_later(part, progress.job_id)
        return
    pull_ends.end(part, outcome, progress.job_id)
    pumping.pump(part.pull_id)


def with_all(subject: int) -> PullPart:
    return PullPart.objects.select_related("pull__connection__account", "pull__connection__added_by", "pull__by", "account").get(pk=subject)


def _is_of_another(part: PullPart) -> bool:
    """Whether the connection's own key is no longer of the account that this part began with: pages of two would be one list."""
    connection = part.pull.connection
    return connection.reseller_id is None and bool(connection.key_kind) and part.external_id != connection.actor_account


def go_on_later(part: PullPart, job_id: int) -> None:
    """By a job of its own; where the pull was cancelled since the stint last looked, by none."""
    with transaction.atomic():
        pull = Pull.objects.select_for_update(of=("self",)).select_related("cancelled_by").get(pk=part.pull_id)
        if pull.cancelled_by:
            pull_ends.cancel(part.pk, f"Cancelled by {pull.cancelled_by}.")
            transaction.on_commit(lambda: pumping.pump(pull.pk))
            return
        PullPart.objects.filter(pk=part.pk, job=job_id, state=State.RUNNING).update(job=pumping.enqueue(part, part.pull))


@dataclass
class _Stint:
    """One worker's go at a part."""

    part: PullPart
    progress: jobs.Progress
    _reading: Reading | None = field(default=None, init=False)
    _pages: int = field(default=0, init=False)
    _began: float = field(default_factory=time.monotonic, init=False)
    _until: float = field(default=0.0, init=False)
    _told: float = field(default=0.0, init=False)

    def run(self) -> Outcome:
        """Raises StintOver, and what the progress raises."""
        self._until = self._began + STINT
        connection = self.part.pull.connection
        try:
            opened = client_for(connection, while_waiting=self._look_up, patience=PATIENCE, bounds=BOUNDS)
            with opened as client, _without_waiting_for_the_disk():
                return self._ask(client, connection)
        except Refused as refused:  # the key cannot be used at all
            same = Connection.objects.filter(pk=connection.pk, sealed=connection.sealed, removed_at__isnull=True)
            same.exclude(key_kind="").update(trouble=str(refused)[:1000])
            return Outcome(State.PARTIAL, State.FAILED, lacks=[str(refused)], stops=str(refused))

    def _ask(self, client: Client, connection: Connection) -> Outcome:
        reading = self._reading = self._prepared(client, Kind(connection.key_kind))
        error: HuntressError | None = None
        try:
            for one in reading:
                if isinstance(one, Again):
                    self._drop(one, reading)
                else:
                    self._keep(one)
                    self._works(connection, one)
                self._look_up()
                self._pause_for_others()
        except HuntressError as caught:
            error = caught
        refusal = error if isinstance(error, errors.Refused) else reading.refusal
        stops = self._stopped(client, connection, refusal) if refusal else ""
        self._tell()
        return _outcome(reading, error, stops, self.part)

    def _prepared(self, client: Client, key: Kind) -> Reading:
        kept = _kept(self.part)
        self._pages = sum(one.status == _OK for one in kept)
        return Reading(
            client,
            SUBJECTS[self.part.subject],
            key,
            account=self.part.external_id,
            kept=kept,
            body_of=self._body_of,
            known=_known(self.part),
            remarks=self.part.said.splitlines(),
            expected=self.part.expected_calls,
        )

    # --- what is kept ---

    def _body_of(self, one: Kept) -> bytes:
        body = PullPage.objects.filter(part=self.part, number=one.number).values_list("body", flat=True).get()
        taken_up = time.monotonic() - self._began
        self._until = max(self._until, self._began + taken_up * (1 + _TIMES_TAKEN_UP))
        return zlib.decompress(bytes(body))

    def _keep(self, got: Got) -> None:
        """One answer, at once, committed by itself."""
        page = PullPage(
            part=self.part,
            number=got.number,
            endpoint=got.endpoint,
            address=got.address,
            status=got.status,
            headers={"said": got.said} if got.said else dict(got.headers),
            asked_at=got.asked_at,
            sha256=hashlib.sha256(got.body).hexdigest(),
            size=len(got.body),
            records=got.records,
            body=zlib.compress(got.body, _FAST),
        )
        try:
            page.save(force_insert=True)
        except IntegrityError as taken:
            self._tell()  # raises, where it is the other one's part now
            raise StintOver from taken
        self._pages += got.status == _OK

    def _drop(self, again: Again, reading: Reading) -> None:
        """A list that begins anew; why is kept with the part, so that whoever follows does not begin it a third time."""
        with transaction.atomic():
            PullPage.objects.filter(part=self.part, number__gte=again.number).delete()
            PullPart.objects.filter(pk=self.part.pk).update(said="\n".join(reading.remarks))
        self._pages = PullPage.objects.filter(part=self.part, status=_OK).count()

    # --- how it goes ---

    def _look_up(self) -> None:
        """Called while the client waits or reads, several times a second."""
        if time.monotonic() - self._told >= _TELL:
            self._tell()

    def _tell(self) -> None:
        """Say how far it is. Raises Cancelled or LeaseLost where it is not to go on."""
        self._told = time.monotonic()
        reading = self._reading
        if reading is None:
            return
        said = sentence_case(reading.doing)
        self.progress(0, 0, said)
        fields = {
            "pages": self._pages,
            "records": reading.records,
            "expected_calls": max(1, reading.expected, self._pages),
            "doing": said[:200],
        }
        PullPart.objects.filter(pk=self.part.pk, job=self.progress.job_id, state=State.RUNNING).update(**fields)

    def _pause_for_others(self) -> None:
        now = time.monotonic()
        if now < self._until:
            return
        if now > self._began + _LONGEST or Job.objects.filter(state=Job.State.QUEUED).exists():
            self._tell()
            raise StintOver
        self._until = now + STINT

    # --- the key ---

    def _works(self, connection: Connection, got: Got) -> None:
        """An answer came, so what was said of the key before is no longer true."""
        if connection.trouble and got.status == _OK:
            Connection.objects.filter(pk=connection.pk, trouble=connection.trouble).update(trouble="")
            connection.trouble = ""

    def _stopped(self, client: Client, connection: Connection, refusal: errors.Refused) -> str:
        """Whether the key itself was refused, and not this endpoint alone: one more call tells. Then nothing else is asked with it."""
        try:
            actor(client)
        except errors.Refused as dead:
            said = str(dead)
            Connection.objects.filter(pk=connection.pk, removed_at__isnull=True).update(trouble=said[:1000])
            return said
        except HuntressError:
            return ""
        return ""


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """An answer that a power cut takes is asked for again, so no call waits for the disk; what ends the part does. SQLite's
    WAL is so anyway.
    """
    if database.vendor != "postgresql":
        yield
        return
    with database.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        with suppress(DatabaseError), database.cursor() as cursor:  # a broken session has forgotten it already
            cursor.execute("RESET synchronous_commit")


def _outcome(reading: Reading, error: HuntressError | None, stops: str, part: PullPart) -> Outcome:
    lacks = list(dict.fromkeys([*filter(None, [stops]), *([_sentence(error, part)] if error else []), *reading.lacks]))
    is_refused = isinstance(error, errors.Refused | errors.NotThere)
    return Outcome(
        state=State.PARTIAL if lacks else State.WHOLE,
        empty_state=State.REFUSED if is_refused else State.FAILED,
        lacks=lacks,
        remarks=reading.remarks,
        unchanged=reading.unchanged,
        stops=stops,
    )


def _sentence(error: HuntressError, part: PullPart) -> str:
    without = SUBJECTS[part.subject].without
    endpoint = ENDPOINTS.get(error.endpoint)
    is_of_one = endpoint is not None and "{id}" in endpoint.path
    return f"{error} {without}" if is_of_one and without else str(error)


def _kept(part: PullPart) -> list[Kept]:
    pages = PullPage.objects.filter(part=part).order_by("number").values("number", "endpoint", "address", "status", "headers")
    return [Kept(one["number"], one["endpoint"], one["address"], one["status"], _said(one["headers"])) for one in pages]


def _said(headers: Any) -> str:
    return str(headers.get("said", ""))


def _known(part: PullPart) -> Mapping[str, str]:
    """What the last whole pull had of the reseller's invoices, each as a digest: whose usage lines were taken in need not be read again."""
    if part.subject != "usage":
        return {}
    whole = PullPart.objects.filter(subject="usage", account__isnull=True, pull__connection=part.pull.connection_id, state=State.WHOLE)
    last = whole.filter(settled_at__isnull=False, ended_at__lt=part.began_at).order_by("-ended_at").first()
    if last is None:
        return {}
    endpoint = ENDPOINTS["reseller_invoices"]
    known: dict[str, str] = {}
    try:
        with storage.opened(last.sha256) as stream:
            for entry, body in open_archive(stream).bodies():
                if entry.endpoint == endpoint.name:
                    records = records_in(parsed(body, endpoint), endpoint, body)
                    known |= {id_of(record, endpoint): digest_of(record) for record in records}
    except (OSError, Unreadable, HuntressError):
        return {}
    return known
