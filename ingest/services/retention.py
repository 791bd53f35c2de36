"""How long what is about people is kept, and really deleting it afterwards: rows, cells that were shown, and the bytes themselves.

A purge leaves a tombstone: which file it was (SHA-256, size, dates), when it was purged and by which rule. What was counted stays with
the month that was signed. A month is closed from such data first, so no rule is shorter than a cycle and some days.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, User
from accounts.services import Refused
from ingest import bulk, storage
from ingest.models import (
    DirectoryLicence,
    DirectoryUser,
    IdentityLine,
    Job,
    Kind,
    PullPart,
    RejectedLine,
    Retention,
    RowIssue,
    SourceFile,
    SourceRow,
    Tombstone,
)

log = logging.getLogger(__name__)
State = SourceFile.State
#: Kinds of file that are about people.
PERSONAL: Final = (Kind.IDENTITIES, Kind.DIRECTORY)
LEAST_DAYS: Final = 45
MOST_DAYS: Final = 3_660
_ROWS: Final = (DirectoryLicence, DirectoryUser, IdentityLine, SourceRow, RowIssue, RejectedLine)
#: What a preview goes on to say of a file whose content is gone.
_KEPT: Final = ("archive", "answered_at", "cycle", "cycle_because", "kept_aside")


def days_of(account: Account) -> int | None:
    """None: it is kept for as long as the account is there."""
    return Retention.objects.filter(account=account).values_list("days", flat=True).first()


@transaction.atomic
def state_days(account: Account, days: int | None, *, by: User) -> None:
    """Say how long it is kept. Raises Refused."""
    require(by, account, Need.ADMINISTER)
    if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
        raise Refused(
            f"Say {LEAST_DAYS} to {MOST_DAYS:,} days, or leave it empty. A month is closed and signed from these data first.", field="days"
        )
    before = days_of(account)
    Retention.objects.update_or_create(account=account, defaults={"days": days, "by": by})
    if before != days:
        said = f"{days} days" if days else "for as long as the account is there"
        audit.record("ingest.retention.changed", said, account=account, actor=by, before={"days": before}, after={"days": days})


def due(account: Account, days: int, now: datetime) -> QuerySet[SourceFile]:
    """The files whose time is over and that nobody is at. What waits for a person is purged like what was imported."""
    busy = Job.objects.filter(source_file=OuterRef("pk"), state__in=[Job.State.QUEUED, Job.State.RUNNING])
    old = SourceFile.objects.filter(account=account, kind__in=PERSONAL, received_at__lt=now - timedelta(days=days))
    return old.filter(~Exists(busy), tombstone__isnull=True).exclude(state=State.IMPORTING).order_by("pk")


def purge_due(now: datetime | None = None) -> int:
    """Purge every file whose time is over, and end what an earlier purge could not; returns how many were purged."""
    now, purged = now or timezone.now(), 0
    for rule in Retention.objects.filter(days__isnull=False).select_related("account"):
        for source_file in due(rule.account, rule.days or MOST_DAYS, now):
            try:
                purged += _bury(source_file, rule.days or MOST_DAYS, now)
            except Exception:  # one file must not keep the others
                log.exception("file %s could not be purged", source_file.pk)
    for tombstone in Tombstone.objects.filter(bytes_gone_at__isnull=True).select_related("source_file"):
        try:
            _delete(tombstone)
        except Exception:
            log.exception("what file %s held could not be deleted", tombstone.source_file_id)
    storage.sweep_purging()
    return purged


def _bury(source_file: SourceFile, days: int, now: datetime) -> bool:
    """From here on nobody reads it. The rows and bytes go afterwards, and are gone after again where a kill comes between."""
    with transaction.atomic():
        locked = SourceFile.objects.select_for_update(of=("self",)).select_related("account").get(pk=source_file.pk)
        if locked.state == State.IMPORTING or Tombstone.objects.filter(source_file=locked).exists():
            return False
        Tombstone.objects.create(source_file=locked, at=now, days=days)
        locked.preview = _bared(locked.preview)
        if locked.state != State.IMPORTED:
            locked.state = State.DISCARDED
        locked.save(update_fields=["preview", "state"])
        after = {"file": locked.pk, "sha256": locked.sha256, "days": days}
        audit.record("ingest.file.purged", locked.name, account=locked.account, actor=None, after=after)
    return True


def _bared(preview: dict[str, Any]) -> dict[str, Any]:
    return {name: preview[name] for name in _KEPT if name in preview}


def _delete(tombstone: Tombstone) -> None:
    source_file = tombstone.source_file
    if connection.vendor == "sqlite":  # else what was in a row stays in the file until its place is used again
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
    for model in _ROWS:
        bulk.remove(model._default_manager.filter(source_file=source_file.pk))
    if storage.discard(source_file.sha256, lambda: _is_used(source_file.sha256)):
        Tombstone.objects.filter(pk=tombstone.pk).update(bytes_gone_at=timezone.now())


def _is_used(sha256: str) -> bool:
    """Whether another file, or a part of a pull that has become none, has the same bytes."""
    others = SourceFile.objects.filter(sha256=sha256, tombstone__isnull=True)
    return others.exists() or PullPart.objects.filter(sha256=sha256, source_file__isnull=True).exists()


# --- what is said of it ---


def tombstone_of(source_file: SourceFile) -> Tombstone | None:
    return Tombstone.objects.filter(source_file=source_file).first()


def refuse_purged(source_file: SourceFile) -> None:
    """Raises Refused for a file whose content is gone."""
    if found := tombstone_of(source_file):
        raise Refused(said_of(source_file, found))


def said_of(source_file: SourceFile, tombstone: Tombstone) -> str:
    return f"{source_file.name} was purged on {tombstone.at:%Y-%m-%d}: such data are kept for {tombstone.days} days."


def purged_of(account: Account) -> QuerySet[Tombstone]:
    """Newest first."""
    return Tombstone.objects.filter(source_file__account=account).select_related("source_file").order_by("-at", "-pk")


def kept_of(account: Account) -> dict[str, Any]:
    """How much there is: ``files``, and ``oldest``, when the first of them came."""
    files = SourceFile.objects.filter(account=account, kind__in=PERSONAL, tombstone__isnull=True)
    oldest = files.order_by("received_at").values_list("received_at", flat=True).first()
    return {"files": files.count(), "oldest": oldest}
