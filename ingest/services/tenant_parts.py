"""The job that reads one tenant, in stints: each answer is kept as it comes, so that whoever follows goes on after the last one.

What decides a count (the SKUs, who holds which) is needed; a refusal of anything else is a named gap, kept like an answer, so that nobody
asks for it again. No call is made within a transaction.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Tenant
from accounts.services import Refused
from accounts.skus import sku_key
from ingest import jobs
from ingest.graph import CALLS, Answer, Call, Client, Gap, GraphError, Mailboxes, Patience, Position, Walk, answered, gap_of, parsed, skewed
from ingest.graph import records_in as records_of
from ingest.graph.errors import BadRequest, LinkExpired, Needs, NotThere, SignInRefused, WrongTenant
from ingest.graph.errors import Refused as CallRefused
from ingest.graph.reach import tenant_in
from ingest.models import Connection, ExcludedSku, Job, LegInput, PullPage, PullPart
from ingest.services import pull_ends, pull_parts, pumping
from ingest.services.microsoft_app import graph_for
from ingest.services.pull_ends import Outcome
from ingest.services.pull_parts import StintOver

State = PullPart.State
PATIENCE: Final = Patience()
_OK: Final = 200
_TELL: Final = 0.5
_FAST: Final = 1
_TOGETHER: Final = 20
_LONGEST: Final = 20 * 60.0
#: What the app cannot do for any tenant, whichever is asked next.
_OF_THE_APP: Final = frozenset({Needs.CREDENTIAL, Needs.CLOCK})


@jobs.handles("pull_tenant", give_up=pull_parts.given_up)
def read_tenant(subject: int, progress: jobs.Progress) -> None:
    """Read one tenant as far as a stint goes. What it did not get is the part's to say, and no failure of the job."""
    mine = PullPart.objects.filter(pk=subject, job=progress.job_id, state__in=PullPart.OPEN)
    if not mine.update(state=State.RUNNING, began_at=Coalesce("began_at", timezone.now())):
        return
    part = pull_parts.with_all(subject)
    try:
        outcome = _Stint(part, progress).run()
    except StintOver:
        pull_parts.go_on_later(part, progress.job_id)
        return
    pull_ends.end(part, outcome, progress.job_id)
    pumping.pump(part.pull_id)


@dataclass
class _Stint:
    """One worker's go at a tenant.

    ``lacks`` are calls without which nobody can be counted, ``gaps`` others, each with a sentence.
    """

    part: PullPart
    progress: jobs.Progress
    lacks: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    _kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    _held: dict[str, set[str]] = field(default_factory=dict)
    _waiting: list[PullPage] = field(default_factory=list)
    _number: int = 0
    _pages: int = 0
    _records: int = 0
    _doing: str = "Signing in"
    _began: float = field(default_factory=time.monotonic)
    _until: float = 0.0
    _told: float = 0.0
    _stored: float = field(default_factory=time.monotonic)

    def run(self) -> Outcome:
        """Raises StintOver, and what the progress raises."""
        self._until = self._began + pull_parts.STINT
        tenant = Tenant.objects.filter(account=self.part.account_id, guid=self.part.external_id, removed_at__isnull=True).first()
        if tenant is None:
            return Outcome(State.PARTIAL, State.REFUSED, lacks=["The tenant was removed."])
        try:  # a refusal is repeated for a minute without asking: who was refused before is asked anew
            client = graph_for(tenant, while_waiting=self._look_up, is_test=bool(tenant.trouble), patience=PATIENCE)
        except Refused as refused:  # the app cannot be used at all
            self._app_says(str(refused))
            return Outcome(State.PARTIAL, State.REFUSED, lacks=[str(refused)], stops=str(refused))
        stops = ""
        with client:
            try:
                self._read(client, tenant)
            except SignInRefused as error:
                stops = self._not_signed_in(tenant, error)
            except GraphError as error:
                self.lacks.setdefault(error.endpoint or "organization", str(error))
            finally:
                self._store()
            if said := skewed(client):
                self.remarks.append(said)
        self._tell()
        return self._outcome(stops)

    def _outcome(self, stops: str) -> Outcome:
        is_refused = bool(stops) or not self._pages
        return Outcome(
            state=State.PARTIAL if self.lacks else State.WHOLE,
            empty_state=State.REFUSED if is_refused else State.FAILED,
            lacks=list(dict.fromkeys(self.lacks.values())),
            remarks=[*dict.fromkeys(self.gaps.values()), *self.remarks],
            stops=stops,
            about={"lacks": sorted(self.lacks), "gaps": dict(sorted(self.gaps.items()))},
        )

    # --- what is asked ---

    def _read(self, client: Client, tenant: Tenant) -> None:
        for number, name, status, told in self._pages_kept():
            self._number, self._pages = max(self._number, number), self._pages + (status == _OK)
            self._kept[name] = {} if status == _OK else told
        self._prove(client, tenant)
        skus = self._skus(client)
        self._single(client, CALLS["trials"])
        is_known = self._users(client)
        self._walk(client, CALLS["deleted_users"])
        if is_known:
            self._mailboxes(client, self._asked_for(skus))

    def _pages_kept(self) -> Iterable[tuple[int, str, int, dict[str, Any]]]:
        return PullPage.objects.filter(part=self.part).order_by("number").values_list("number", "endpoint", "status", "headers")

    def _prove(self, client: Client, tenant: Tenant) -> None:
        """That the token is for this tenant, before anything else of it is kept. Raises WrongTenant."""
        call = CALLS["organization"]
        body = next(self._bodies(call.name), None) or self._get(client, call).body
        found = records_of(parsed(body, call), call, body)
        if [tenant_in(one).id for one in found] != [tenant.guid]:
            raise WrongTenant("Microsoft's answer is for another tenant than the one that was asked for.", endpoint=call.name)
        if tenant.trouble:
            Tenant.objects.filter(pk=tenant.pk, trouble=tenant.trouble).update(trouble="")
        self._app_works()

    def _skus(self, client: Client) -> dict[str, str]:
        """Part numbers by GUID, both as they are compared. Without them nobody can say what is excluded."""
        call = CALLS["skus"]
        body = self._single(client, call)
        records = records_of(parsed(body, call), call) if body else ()
        return {str(one["skuId"]).lower(): sku_key(str(one.get("skuPartNumber") or "")) for one in records}

    def _single(self, client: Client, call: Call) -> bytes:
        """An answer's bytes; none where it was refused."""
        if self._was_said(call):
            return b""
        if kept := next(self._bodies(call.name), None):
            return kept
        try:
            return self._get(client, call).body
        except (CallRefused, NotThere, BadRequest) as error:
            self._refused(call, error)
            return b""

    def _users(self, client: Client) -> bool:
        """Read who holds what; False where that cannot be known."""
        call = CALLS["users" if "users" in self._kept else "licensed_users"]
        try:
            self._walk(client, call)
        except BadRequest:  # some clouds do not know the question: then everybody is asked for
            call = CALLS["users"]
            self._walk(client, call)
        return call.name not in self.lacks

    def _walk(self, client: Client, call: Call) -> None:
        if self._was_said(call):
            return
        try:
            self._walk_from(client, call, self._position(call))
        except LinkExpired:
            self._begin_anew(call)
            self._walk_from(client, call, Position())

    def _position(self, call: Call) -> Position:
        position = Position()
        for body in self._bodies(call.name):
            data = parsed(body, call)
            self._learn(call, position.take(data, records_of(data, call, body), call))
        return position

    def _learn(self, call: Call, records: Iterable[Mapping[str, Any]]) -> None:
        """What each user holds, by id."""
        if call.name not in ("users", "licensed_users"):
            return
        for one in records:
            licences = one.get("assignedLicenses")
            self._held[one["id"]] = {str(each.get("skuId") or "").lower() for each in licences} if isinstance(licences, list) else set()

    def _walk_from(self, client: Client, call: Call, position: Position) -> None:
        walk = Walk(client, call, position)
        self._doing = f"Reading {call.label}"
        try:
            for page in walk:
                self._keep(call.name, page.answer, len(page.records) + page.repeats)
                self._records += len(page.records)
                self._learn(call, page.records)
                self._pause_for_others()
        except (CallRefused, NotThere) as error:
            self._refused(call, error)
            return
        if walk.gap:
            self._keep_gap(call, walk.gap)
        if walk.remark:
            (self.gaps if call.is_optional else self.lacks)[call.name] = walk.remark

    def _begin_anew(self, call: Call) -> None:
        self._store()
        PullPage.objects.filter(part=self.part, endpoint=call.name).delete()
        self._kept.pop(call.name, None)
        self._held.clear()
        self.remarks.append(f"The place in {call.label} where reading had stopped was too old, so it was read anew.")

    def _asked_for(self, skus: Mapping[str, str]) -> list[str]:
        """Who holds a licence that is not excluded: of nobody else it is asked what the mailbox is for."""
        excluded = self._excluded()
        return sorted(user for user, guids in self._held.items() if any(skus.get(guid, "") not in excluded for guid in guids))

    def _excluded(self) -> frozenset[str]:
        today = timezone.localdate()
        given = LegInput.objects.filter(cycle__account=self.part.account_id, leg="exclusions", ended_at__isnull=True)
        newest = given.filter(cycle__start__lte=today).order_by("-cycle__start").values_list("source_file", flat=True).first()
        return frozenset(ExcludedSku.objects.filter(source_file=newest).values_list("sku_key", flat=True)) if newest else frozenset()

    def _mailboxes(self, client: Client, users: Iterable[str]) -> None:
        call = CALLS["mailboxes"]
        if self._was_said(call):
            return
        boxes = Mailboxes(client, users, answered(self._bodies(call.name)))
        self._doing = f"Reading {call.label}"
        try:
            for batch in boxes:
                self._keep(call.name, batch.answer, len(batch.purposes))
                self._pause_for_others()
        except SignInRefused:
            raise
        except GraphError as error:  # it explains, and decides nothing: what came of it is good
            self.gaps[call.name] = f"It is not known of everybody {call.without}. {error}"
            return
        if boxes.gap:
            self._keep_gap(call, boxes.gap)

    # --- what is kept ---

    def _get(self, client: Client, call: Call) -> Answer:
        self._doing = f"Reading {call.label}"
        answer = client.get(call)
        self._keep(call.name, answer, len(answer.records()))
        return answer

    def _bodies(self, name: str) -> Iterator[bytes]:
        """What an earlier stint kept of a call."""
        if name not in self._kept:
            return
        pages = PullPage.objects.filter(part=self.part, endpoint=name, status=_OK).order_by("number")
        for body in pages.values_list("body", flat=True).iterator(chunk_size=20):
            yield zlib.decompress(bytes(body))

    def _keep(self, name: str, answer: Answer, records: int) -> None:
        self._insert(name, answer.address, answer.status, dict(answer.headers), answer.asked_at, answer.body, records)
        self._pages += 1

    def _insert(self, name: str, address: str, status: int, told: dict[str, str], asked_at: datetime, body: bytes, records: int) -> None:
        """Keep one answer. Those that come within a moment are stored together: a lost worker's follower asks for no more than these."""
        self._number += 1
        page = PullPage(part=self.part, number=self._number, endpoint=name, address=address[:2000], status=status, headers=told)
        page.asked_at, page.records, page.size = asked_at, records, len(body)
        page.sha256, page.body = hashlib.sha256(body).hexdigest(), zlib.compress(body, _FAST)
        self._waiting.append(page)
        if len(self._waiting) >= _TOGETHER or time.monotonic() - self._stored >= _TELL:
            self._store()

    def _store(self) -> None:
        """In a transaction of its own. Two workers at one part cannot both keep an answer of the same number."""
        pages, self._waiting, self._stored = self._waiting, [], time.monotonic()
        try:
            with transaction.atomic():
                PullPage.objects.bulk_create(pages)
        except IntegrityError as taken:
            self._tell()  # raises, where it is the other one's part now
            raise StintOver from taken

    def _refused(self, call: Call, error: GraphError) -> None:
        gap = gap_of(call, error)
        self._keep_gap(call, gap or Gap(call.name, error.code, str(error)), error.status or 0)

    def _keep_gap(self, call: Call, gap: Gap, status: int = 403) -> None:
        """That it was refused, as an answer without a body: asked again by nobody, and said in the archive."""
        (self.gaps if call.is_optional else self.lacks)[call.name] = gap.sentence
        said = {"said": gap.sentence, "code": gap.code}
        self._insert(call.name, "", 403 if status == _OK else status, said, datetime.now(UTC), b"", 0)

    def _was_said(self, call: Call) -> bool:
        """Whether an earlier stint was refused this."""
        if not (told := self._kept.get(call.name)):
            return False
        (self.gaps if call.is_optional else self.lacks)[call.name] = str(told.get("said", ""))
        return True

    # --- how it goes ---

    def _look_up(self) -> None:
        """Called while the client waits or reads, several times a second."""
        if time.monotonic() - self._told >= _TELL:
            self._tell()

    def _tell(self) -> None:
        """Say how far it is. Raises Cancelled or LeaseLost where it is not to go on."""
        self._told = time.monotonic()
        self.progress(0, 0, self._doing)
        fields: dict[str, Any] = {"pages": self._pages, "records": self._records, "doing": self._doing[:200]}
        fields["expected_calls"] = max(self.part.expected_calls, self._pages)
        PullPart.objects.filter(pk=self.part.pk, job=self.progress.job_id, state=State.RUNNING).update(**fields)

    def _pause_for_others(self) -> None:
        now = time.monotonic()
        if now < self._until:
            return
        if now > self._began + _LONGEST or Job.objects.filter(state=Job.State.QUEUED).exists():
            self._tell()
            raise StintOver
        self._until = now + pull_parts.STINT

    # --- who is told ---

    def _not_signed_in(self, tenant: Tenant, error: SignInRefused) -> str:
        """Whether no other tenant can fare better, in words; else the tenant is told of."""
        said = str(error)
        self.lacks["sign_in"] = said
        if error.needs in _OF_THE_APP:
            self._app_says(said)
            return said
        Tenant.objects.filter(pk=tenant.pk).update(trouble=said[:1000])
        return ""

    def _app_says(self, said: str) -> None:
        Connection.objects.filter(pk=self.part.pull.connection_id, removed_at__isnull=True).update(trouble=said[:1000])

    def _app_works(self) -> None:
        connection = self.part.pull.connection
        if connection.trouble:
            Connection.objects.filter(pk=connection.pk, trouble=connection.trouble).update(trouble="")
