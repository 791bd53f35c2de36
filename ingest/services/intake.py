"""Receiving a file and reading it into a preview. Nothing counts until it is imported."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.calendar import Cycle
from accounts.models import Account, User
from accounts.services import Refused
from ingest import bulk, guards, jobs, storage, streams
from ingest.models import Job, RowIssue, SourceFile, SourceRow, Tombstone
from ingest.services import mappings, retention
from ingest.services.previews import STATED, preview_of, refused_preview
from ingest.sources import READERS, kind_of, read, recognise
from ingest.sources.answers import is_archive, open_archive
from ingest.sources.reading import Issue, Mapping, Reading, Row, Unreadable
from ingest.sources.refusals import refusal

State = SourceFile.State
_OPEN_STATES = (State.RECEIVED, State.READY, State.REFUSED)
#: What a preview says of the one reading that it was made by, and of none that follows.
_OF_ONE_READING = ("profile", "as_guessed", "stated_by", "columns")


@dataclass(frozen=True)
class Received:
    """``again`` when the same bytes were here already: then ``source_file`` is the one that has them."""

    source_file: SourceFile
    again: bool
    job: Job | None = None


def receive(account: Account, *, name: str, content: IO[bytes], by: User, kind: str = "") -> Received:
    """Store a file as it came and ask a worker to read it. Raises Refused for one that is empty or too large."""
    name = name.replace("\\", "/").rpartition("/")[2].replace("\0", "")[-255:] or "unnamed"
    limit = streams.limit_bytes(kind)
    size = content.seek(0, os.SEEK_END)
    if not size:
        raise Refused(f"{name} is empty: there is nothing to read in it.")
    if size > limit:
        raise Refused(f"{name} is larger than {limit // 2**20} MB. Split it, or ask an admin to raise the limit.")
    stored = storage.store(content)
    same = SourceFile.objects.filter(account=account, sha256=stored.sha256).exclude(state=State.DISCARDED)
    if here := same.filter(kind=kind).first() if kind else same.first():
        _refuse_purged(here)
        return Received(here, again=True)
    try:
        with transaction.atomic():
            new = SourceFile.objects.create(account=account, name=name, sha256=stored.sha256, size=stored.size, received_by=by, kind=kind)
            after = {"file": new.pk, "sha256": new.sha256, "size": new.size}
            audit.record("ingest.file.received", new.name, account=account, actor=by, after=after)
            return Received(new, again=False, job=_ask_to_read(new, by))
    except IntegrityError:  # the same bytes, a moment earlier
        return Received(same.latest("pk"), again=True)


def _refuse_purged(source_file: SourceFile) -> None:
    """Raises Refused for bytes that were purged: they go again with the next purge."""
    if found := retention.tombstone_of(source_file):
        Tombstone.objects.filter(pk=found.pk).update(bytes_gone_at=None)
        raise Refused(f"{retention.said_of(source_file, found)} The same file is not taken in again.")


def read_again(
    source_file: SourceFile,
    *,
    by: User,
    kind: str,
    cycle: Cycle,
    mapping: Mapping | None,
    account: Account | None = None,
    as_guessed: bool = False,
) -> Job:
    """Read with what a person stated. Raises Refused once it counts.

    ``mapping`` None means: as such a list was read before, else guessed; ``as_guessed`` leaves out what was remembered.
    """
    target = account or source_file.account
    with transaction.atomic():
        locked = SourceFile.objects.select_for_update().get(pk=source_file.pk)
        if locked.state not in _OPEN_STATES:
            raise Refused(f"{locked.name} is {locked.get_state_display().lower()}: what it means can no longer be changed.")
        twin = SourceFile.objects.filter(account=target, sha256=locked.sha256, kind=kind).exclude(state=State.DISCARDED)
        if twin.exclude(pk=locked.pk).exists():
            raise Refused(f"The same bytes are already in {target} as {_in_words(kind)}.")
        locked.account, locked.kind, locked.state = target, kind, State.RECEIVED
        locked.mapping, locked.mapping_stated = mapping.to_json() if mapping else None, mapping is not None
        before = {name: value for name, value in locked.preview.items() if name not in _OF_ONE_READING}
        asked = {"as_guessed": True} if as_guessed else {"stated_by": by.pk} if mapping else {}
        locked.preview = before | asked | {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": STATED}
        locked.save()
        return _ask_to_read(locked, by)


@transaction.atomic
def discard(source_file: SourceFile, *, by: User | None) -> None:
    """Put a file aside that never counted; its bytes stay. Raises Refused for one that counts."""
    changed = SourceFile.objects.filter(pk=source_file.pk, state__in=_OPEN_STATES).update(state=State.DISCARDED)
    if not changed:
        raise Refused(f"{source_file.name} is {source_file.get_state_display().lower()}: withdraw it from its month instead.")
    audit.record("ingest.file.discarded", source_file.name, account=source_file.account, actor=by, after={"file": source_file.pk})


def _ask_to_read(source_file: SourceFile, by: User) -> Job:
    return jobs.enqueue(
        "read", source_file.pk, label=f"Reading {source_file.name}", account=source_file.account, by=by, source_file=source_file
    )


def could_not_read(subject: int, message: str) -> None:
    """End the reading of a file that still waits for it."""
    issue = {"line": None, "level": "error", "code": "not_read", "message": message}
    changed = SourceFile.objects.filter(pk=subject, state=State.RECEIVED).update(state=State.REFUSED)
    if changed:
        RowIssue.objects.create(source_file_id=subject, **issue)


@jobs.handles("read", give_up=could_not_read)
def read_into_preview(subject: int, progress: jobs.Progress) -> None:
    """Read a file's bytes and keep what a person needs to judge it."""
    source_file = SourceFile.objects.select_related("account").get(pk=subject)
    if source_file.state != State.RECEIVED:
        return
    plan = Plan(source_file.kind, {"kind_because": STATED, "kind_sureness": ""})
    try:
        with guards.at_most(settings.RECON_MAX_READ_SECONDS):
            data = streams.start_of(source_file)
            plan = _plan(source_file, data)
            reading = _read(source_file, data, plan, progress)
    except guards.TookTooLong as late:
        raise jobs.JobFailed(str(late)) from late
    except Unreadable as refusal:
        _keep(source_file, State.REFUSED, plan, refusal, refused_preview(refusal), rows=refusal.first_rows)
    else:
        _keep(source_file, State.READY, plan, reading, preview_of(source_file, reading), rows=reading.odd_rows)


def _read(source_file: SourceFile, data: bytes, plan: Plan, progress: jobs.Progress) -> Reading:
    if plan.kind in streams.KINDS:
        return streams.read_agents(source_file, plan.mapping, progress)
    if source_file.size > streams.limit_bytes(plan.kind or "expected"):
        raise streams.too_large(source_file)
    kind = plan.kind or "expected"
    data = storage.fetch(source_file.sha256) if len(data) < source_file.size else data
    return read(data, name=source_file.name, kind=kind, mapping=plan.mapping, limits=guards.limits(), progress=progress)


@dataclass(frozen=True)
class Plan:
    """How a file is to be read, and what its page says of that. ``applied`` is a mapping that was remembered."""

    kind: str
    said: dict[str, Any]
    mapping: Mapping | None = None
    applied: mappings.Applied | None = None


def _plan(source_file: SourceFile, data: bytes) -> Plan:
    """As an archive of answers says itself; as a person stated; else as such a list was read before, or as its words tell."""
    if is_archive(data):
        return Plan(_kind_of_archive(source_file), {"kind_because": "its list of answers says so", "kind_sureness": "certain"})
    kind, said = source_file.kind, {"kind_because": STATED, "kind_sureness": ""}
    if source_file.mapping_stated and source_file.mapping:
        return Plan(kind, said, Mapping.from_json(source_file.mapping))
    guess = None if kind else recognise(data, name=source_file.name, limits=guards.limits(streamed=True))
    applied = None if source_file.preview.get("as_guessed") else mappings.applied_to(data, source_file.account, kind, guess)
    if not kind:
        said = {"kind_because": "nothing in the file tells", "kind_sureness": "unsure"}
        if guess:
            kind, said = guess.value, {"kind_because": guess.because, "kind_sureness": guess.sureness}
        if applied and applied.kind != kind:
            kind, said = applied.kind, {"kind_because": applied.because, "kind_sureness": "likely"}
    return Plan(kind, said, applied.mapping if applied else None, applied)


def _kind_of_archive(source_file: SourceFile) -> str:
    """Raises Unreadable for one that is damaged, or is none of the kind that it came as."""
    with storage.opened(source_file.sha256) as stream:
        kind = kind_of(open_archive(stream, guards.limits(streamed=True)).manifest)
    if source_file.kind not in {"", kind}:
        raise refusal(
            "other_kind", f"This archive says that it is {READERS[kind].one}: it cannot be read as {READERS[source_file.kind].one}."
        )
    return kind


def _keep(
    source_file: SourceFile, state: State, plan: Plan, said: Reading | Unreadable, preview: dict[str, Any], rows: Iterable[Row]
) -> None:
    if isinstance(said, Unreadable) or said.kind not in streams.KINDS:  # what is read in batches has kept its rows on the way
        bulk.remove(SourceRow.objects.filter(source_file=source_file))
    bulk.remove(RowIssue.objects.filter(source_file=source_file))
    columns = ["source_file_id", "line", "level", "code", "message", "column", "value"]
    bulk.load(RowIssue, columns, _issue_records(source_file.pk, said.issues))
    if isinstance(said, Reading):
        odd = ((source_file.pk, r.line, r.bucket, r.reason[:200], json.dumps(r.cells)) for r in rows)
        bulk.load(SourceRow, ["source_file_id", "line", "bucket", "reason", "cells"], odd)
    counts = said.counts if isinstance(said, Reading) else source_file.counts
    mapping = said.mapping or plan.mapping
    fields: dict[str, Any] = {"state": state, "mapping": mapping.to_json() if mapping else source_file.mapping}
    fields |= {name: getattr(counts, name) for name in ("loaded", "merged", "set_aside", "rejected")}
    preview = dict(source_file.preview) | plan.said | preview
    if not source_file.kind:
        fields["kind"] = _free_kind(source_file, plan.kind)
    if plan.applied:
        fields["mapping_stated"] = True
        preview["profile"] = plan.applied.said
    with transaction.atomic():
        now = SourceFile.objects.select_for_update().get(pk=source_file.pk)
        if now.state == State.RECEIVED and _asked(now) == _asked(source_file):
            stated = {name: now.preview[name] for name in ("cycle", "cycle_because") if now.preview.get("cycle_because") == STATED}
            SourceFile.objects.filter(pk=now.pk).update(**fields | {"preview": preview | stated})
            _note_mapping(source_file, plan, said)


def _note_mapping(source_file: SourceFile, plan: Plan, said: Reading | Unreadable) -> None:
    """Remember a mapping that a person stated, once it has proved to be one that reads; note the use of one that was remembered."""
    if plan.applied:
        mappings.note_use(plan.applied)
    elif plan.mapping and isinstance(said, Reading) and (by := User.objects.filter(pk=source_file.preview.get("stated_by")).first()):
        mappings.remember(source_file.account, source_file.kind, said.header, said.mapping, by=by)


def _asked(source_file: SourceFile) -> tuple[Any, ...]:
    """What a reading was asked to do. When a person asked for another one meanwhile, that one's result counts."""
    preview = source_file.preview
    return (source_file.account_id, source_file.kind, source_file.mapping_stated, source_file.mapping, preview.get("as_guessed"))


def _free_kind(source_file: SourceFile, kind: str) -> str:
    """The guessed kind, unless the same bytes are there as that already: then a person says what this one is."""
    twins = SourceFile.objects.filter(account=source_file.account, sha256=source_file.sha256, kind=kind)
    return "" if twins.exclude(state=State.DISCARDED).exclude(pk=source_file.pk).exists() else kind


def _issue_records(source_file_id: int, issues: Iterable[Issue]) -> Iterator[tuple[Any, ...]]:
    for issue in issues:
        yield (source_file_id, issue.line, issue.level, issue.code, issue.message[:1000], issue.column[:200], issue.value[:200])


def _in_words(kind: str) -> str:
    return READERS[kind].one if kind in READERS else "a file"
