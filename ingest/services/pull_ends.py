"""How a part of a pull ends: what came is kept as one archive, and handed on; what did not come is said."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.models import Account, Tenant, User
from ingest import jobs, storage
from ingest.huntress import Kind
from ingest.models import Connection, DirectoryFile, PullPage, PullPart, ResellerAccount, SourceFile
from ingest.services.subjects import NAMED, TENANT
from ingest.sources import answers
from ingest.storage import Stored

State = PullPart.State
_OK: Final = 200
_MOST_SAID: Final = 2000
_NOT_MAPPED: Final = "That this account of Huntress’ is this one was taken back meanwhile, so what came is not taken in."
_SPOOLED: Final = 8 << 20
_PAGE_FIELDS: Final = ("number", "endpoint", "address", "status", "headers", "asked_at", "sha256", "size", "records")


@dataclass(frozen=True)
class Outcome:
    """What became of a part: its state if anything came, and if nothing did; what it lacks, and what else is worth knowing.

    ``stops`` is set where no other part can fare better, and says why. ``about`` is more to be said in the archive.
    """

    state: State
    empty_state: State
    lacks: Sequence[str] = ()
    remarks: Sequence[str] = ()
    unchanged: Sequence[str] = ()
    stops: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


def end(part: PullPart, outcome: Outcome, job_id: int) -> bool:
    """Keep what came and end the part; False where it was no longer this job's to end. Safe to do again."""
    pages = list(PullPage.objects.filter(part=part).order_by("number").values(*_PAGE_FIELDS))
    came = [page for page in pages if page["status"] == _OK]
    stored = _archived(part, outcome, came, [page for page in pages if page["status"] != _OK]) if came else None
    said = " ".join([*outcome.lacks, *outcome.remarks])[:_MOST_SAID]
    fields: dict[str, Any] = {"state": outcome.state if came else outcome.empty_state, "ended_at": timezone.now(), "said": said}
    fields |= {"pages": len(came), "doing": ""} | ({"sha256": stored.sha256, "size": stored.size} if stored else {"records": 0})
    with transaction.atomic():
        if not PullPart.objects.filter(pk=part.pk, state__in=PullPart.OPEN, job=job_id).update(**fields):
            return False
        PullPage.objects.filter(part=part).delete()
        if stored and _is_mapped_still(part):
            _hand_on(part, stored, bool(outcome.lacks), came[-1]["asked_at"])
        elif stored:
            PullPart.objects.filter(pk=part.pk).update(said=f"{_NOT_MAPPED} {said}".strip()[:_MOST_SAID])
        if outcome.stops:
            _stop_others(part, outcome.stops)
    return True


def cancel(part_id: int, said: str) -> None:
    """End a part that a person does not want any more: what came of it is dropped. Within a transaction."""
    still = PullPart.objects.filter(pk=part_id, state__in=PullPart.OPEN)
    if still.update(state=State.CANCELLED, ended_at=timezone.now(), said=said[:_MOST_SAID], doing=""):
        PullPage.objects.filter(part=part_id).delete()


def _stop_others(part: PullPart, said: str) -> None:
    """What waits is not asked for: it would fare alike."""
    waiting = PullPart.objects.filter(pull=part.pull_id, state=State.WAITING)
    waiting.update(state=State.REFUSED, ended_at=timezone.now(), said=f"Not asked for. {said}"[:_MOST_SAID])


def _is_mapped_still(part: PullPart) -> bool:
    """Whether what a reseller's key read is still said to be that account's: else it is another's, and no file of this one."""
    reseller = part.pull.connection.reseller_id
    if part.account is None or reseller is None:
        return True
    return ResellerAccount.objects.filter(reseller=reseller, external_id=part.external_id, account=part.account).exists()


def _hand_on(part: PullPart, stored: Stored, is_partial: bool, at: datetime) -> None:
    account = part.account
    if account is None:
        label = f"Taking in {NAMED[part.subject].label.lower()}"
        jobs.enqueue("settle", part.pk, label=label, account=part.pull.connection.account, by=part.pull.by)
        return
    by = part.pull.by or part.pull.connection.added_by
    source_file = _source_file(part, account, stored, is_partial, at, by)
    PullPart.objects.filter(pk=part.pk).update(source_file=source_file)
    if source_file.state == SourceFile.State.RECEIVED:
        label = f"Taking in {source_file.name}"
        jobs.enqueue("take", source_file.pk, label=label, account=account, by=part.pull.by, source_file=source_file)


def _source_file(part: PullPart, account: Account, stored: Stored, is_partial: bool, at: datetime, by: User) -> SourceFile:
    """The archive as a file of the account; the one that is there where somebody added the same bytes before."""
    kind = NAMED[part.subject].kind
    same = SourceFile.objects.filter(account=account, kind=kind, sha256=stored.sha256).exclude(state=SourceFile.State.DISCARDED)
    if found := same.first():
        return found
    local = at.astimezone(ZoneInfo(account.time_zone))
    tenant, named = (_tenant(part) if part.subject == TENANT else None), NAMED[part.subject]
    whose = f" of {tenant}" if tenant else ""
    name = f"{named.label}{whose[:100]} from {named.whence}, {local.day} {local:%b %Y %H:%M}.zip"
    new = SourceFile.objects.create(
        account=account, kind=kind, name=name, sha256=stored.sha256, size=stored.size, received_by=by, partial=is_partial
    )
    if tenant:
        DirectoryFile.objects.create(source_file=new, tenant=tenant)
    after = {"file": new.pk, "sha256": new.sha256, "size": new.size, "pull": part.pull_id}
    audit.record("ingest.pull.brought", new.name, account=account, actor=part.pull.by, after=after)
    return new


def _tenant(part: PullPart) -> Tenant | None:
    """The tenant that a part is of; the one that was removed last where it is there no more."""
    known = Tenant.objects.filter(account=part.account_id, guid=part.external_id)
    return known.order_by(F("removed_at").desc(nulls_first=True), "-pk").first()


def _archived(part: PullPart, outcome: Outcome, came: Sequence[dict[str, Any]], missed: Sequence[dict[str, Any]]) -> Stored:
    entries = tuple(
        answers.Entry(**page | {"number": number, "asked_at": page["asked_at"].isoformat()}) for number, page in enumerate(came, start=1)
    )
    manifest = answers.Manifest(
        source=part.pull.connection.provider,
        subject=part.subject,
        kind=NAMED[part.subject].kind,
        whose=_whose(part),
        began_at=entries[0].asked_at,
        ended_at=entries[-1].asked_at,
        lacks=tuple(outcome.lacks),
        answers=entries,
        about={
            "key": part.pull.connection.key_kind,
            "remarks": list(outcome.remarks),
            "unchanged": list(outcome.unchanged),
            "missed": [{name: page[name] for name in ("endpoint", "address", "status")} | page["headers"] for page in missed],
            **outcome.about,
        },
    )
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as file:
        answers.write(file, manifest, _bodies(part))
        return storage.store(file)


def _bodies(part: PullPart) -> Iterator[bytes]:
    came = PullPage.objects.filter(part=part, status=_OK).order_by("number").values_list("body", flat=True)
    for body in came.iterator(chunk_size=20):
        yield zlib.decompress(bytes(body))


def _whose(part: PullPart) -> dict[str, str]:
    """The account, or the reseller, in the words of Huntress."""
    connection: Connection = part.pull.connection
    if part.subject == TENANT:
        tenant = _tenant(part)
        return {"id": part.external_id, "name": tenant.name if tenant else ""}
    if part.account is None:
        return {"id": connection.actor_reseller, "name": connection.actor}
    if connection.reseller_id:
        found = ResellerAccount.objects.filter(reseller=connection.reseller_id, external_id=part.external_id).first()
        return {"id": part.external_id, "name": found.name if found else ""}
    return {"id": connection.actor_account, "name": connection.actor if connection.key_kind == Kind.ACCOUNT else ""}
