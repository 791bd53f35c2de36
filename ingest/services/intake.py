"""Receiving a file and reading it into a preview. Nothing counts until it is imported."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import IO, Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.calendar import Cycle, cycle_containing, parse_cycle, previous_cycle
from accounts.models import Account, Organization, User
from accounts.names import normalise
from accounts.services import Refused
from ingest import bulk, jobs, storage
from ingest.models import Job, RowIssue, SourceFile, SourceRow
from ingest.sources import guess_kind, read
from ingest.sources.reading import Issue, Leg, Mapping, Reading, Row, Unreadable

State = SourceFile.State
_OPEN_STATES = (State.RECEIVED, State.READY, State.REFUSED)


@dataclass(frozen=True)
class Received:
    """``again`` when the same bytes were here already: then ``source_file`` is the one that has them."""

    source_file: SourceFile
    again: bool
    job: Job | None = None


def receive(account: Account, *, name: str, content: IO[bytes], by: User, kind: str = "") -> Received:
    """Store a file as it came and ask a worker to read it. Raises Refused for one that is empty or too large."""
    name = name.replace("\\", "/").rpartition("/")[2].replace("\0", "")[-255:] or "unnamed"
    limit = settings.RECON_MAX_UPLOAD_MB
    size = content.seek(0, os.SEEK_END)
    if not size:
        raise Refused(f"{name} is empty: there is nothing to read in it.")
    if size > limit * 1024 * 1024:
        raise Refused(f"{name} is larger than {limit} MB. Split it, or ask an admin to raise the limit.")
    stored = storage.store(content)
    same = SourceFile.objects.filter(account=account, sha256=stored.sha256).exclude(state=State.DISCARDED)
    if here := same.filter(kind=kind).first() if kind else same.first():
        return Received(here, again=True)
    try:
        with transaction.atomic():
            new = SourceFile.objects.create(account=account, name=name, sha256=stored.sha256, size=stored.size, received_by=by, kind=kind)
            after = {"file": new.pk, "sha256": new.sha256, "size": new.size}
            audit.record("ingest.file.received", new.name, account=account, actor=by, after=after)
            return Received(new, again=False, job=_ask_to_read(new, by))
    except IntegrityError:  # the same bytes, a moment earlier
        return Received(same.latest("pk"), again=True)


def read_again(
    source_file: SourceFile, *, by: User, kind: str, cycle: Cycle, mapping: Mapping | None, account: Account | None = None
) -> Job:
    """Read with what a person stated. ``mapping`` None means: guess again. Raises Refused once it counts."""
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
        locked.preview = locked.preview | {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": "stated by you"}
        locked.save()
        return _ask_to_read(locked, by)


def state_cycle(source_file: SourceFile, cycle: Cycle) -> None:
    """Set the cycle alone: nothing has to be read again for it."""
    source_file.preview = source_file.preview | {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": "stated by you"}
    source_file.save(update_fields=["preview"])


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


def _could_not_read(subject: int, message: str) -> None:
    issue = {"line": None, "level": "error", "code": "not_read", "message": message}
    changed = SourceFile.objects.filter(pk=subject, state=State.RECEIVED).update(state=State.REFUSED)
    if changed:
        RowIssue.objects.create(source_file_id=subject, **issue)


@jobs.handles("read", give_up=_could_not_read)
def read_into_preview(subject: int, progress: jobs.Progress) -> None:
    """Read a file's bytes and keep what a person needs to judge it."""
    source_file = SourceFile.objects.select_related("account").get(pk=subject)
    if source_file.state != State.RECEIVED:
        return
    data = storage.fetch(source_file.sha256)
    mapping = Mapping.from_json(source_file.mapping) if source_file.mapping_stated and source_file.mapping else None
    kind, because = source_file.kind, "stated by you"
    try:
        if not kind:
            kind, because = _guessed_kind(data, source_file.name, progress)
        reading = read(data, name=source_file.name, leg=cast(Leg, kind or "expected"), mapping=mapping, progress=progress)
    except Unreadable as refusal:
        _keep(source_file, State.REFUSED, kind, refusal, dict(source_file.preview) | _refused_preview(refusal), rows=refusal.first_rows)
    else:
        preview = dict(source_file.preview) | {"kind_because": because} | _preview(source_file, reading)
        _keep(source_file, State.READY, kind, reading, preview, rows=reading.odd_rows)


def _guessed_kind(data: bytes, name: str, progress: jobs.Progress) -> tuple[str, str]:
    """What the file's name says it is, else its titles and headers, else nothing: then a person says it."""
    guess = guess_kind(name) or read(data, name=name, leg="expected", progress=progress).guesses.get("kind")
    return (guess.value, guess.because) if guess else ("", "nothing in the file tells")


def _keep(
    source_file: SourceFile, state: State, kind: str, said: Reading | Unreadable, preview: dict[str, Any], rows: Iterable[Row]
) -> None:
    bulk.remove(SourceRow.objects.filter(source_file=source_file))
    bulk.remove(RowIssue.objects.filter(source_file=source_file))
    columns = ["source_file_id", "line", "level", "code", "message", "column", "value"]
    bulk.load(RowIssue, columns, _issue_records(source_file.pk, said.issues))
    if isinstance(said, Reading):
        odd = ((source_file.pk, r.line, r.bucket, r.reason[:200], json.dumps(r.cells)) for r in rows)
        bulk.load(SourceRow, ["source_file_id", "line", "bucket", "reason", "cells"], odd)
    counts = said.counts if isinstance(said, Reading) else source_file.counts
    mapping = said.mapping.to_json() if said.mapping else source_file.mapping
    fields: dict[str, Any] = {"state": state, "preview": preview, "mapping": mapping}
    fields |= {name: getattr(counts, name) for name in ("loaded", "merged", "set_aside", "rejected")}
    if not source_file.kind:
        fields["kind"] = _free_kind(source_file, kind)
    with transaction.atomic():
        now = SourceFile.objects.select_for_update().get(pk=source_file.pk)
        if now.state == State.RECEIVED and _asked(now) == _asked(source_file):
            stated = {name: now.preview[name] for name in ("cycle", "cycle_because") if now.preview.get("cycle_because") == "stated by you"}
            SourceFile.objects.filter(pk=now.pk).update(**fields | {"preview": preview | stated})


def _asked(source_file: SourceFile) -> tuple[Any, ...]:
    """What a reading was asked to do. When a person asked for another one meanwhile, that one's result counts."""
    return (source_file.account_id, source_file.kind, source_file.mapping_stated, source_file.mapping)


def _free_kind(source_file: SourceFile, kind: str) -> str:
    """The guessed kind, unless the same bytes are there as that already: then a person says what this one is."""
    twins = SourceFile.objects.filter(account=source_file.account, sha256=source_file.sha256, kind=kind)
    return "" if twins.exclude(state=State.DISCARDED).exclude(pk=source_file.pk).exists() else kind


def _issue_records(source_file_id: int, issues: Iterable[Issue]) -> Iterator[tuple[Any, ...]]:
    for issue in issues:
        yield (source_file_id, issue.line, issue.level, issue.code, issue.message[:1000], issue.column[:200], issue.value[:200])


def _refused_preview(refusal: Unreadable) -> dict[str, Any]:
    if not refusal.header and not refusal.first_rows:
        return {}  # what was known of it before is still there for a person to correct
    return {"header": refusal.header, "sheets": refusal.sheets, "first_rows": [asdict(row) for row in refusal.first_rows]}


def _preview(source_file: SourceFile, reading: Reading) -> dict[str, Any]:
    names = set(reading.lines["organization"].unique())
    keys = {normalise(name) for name in names}
    known = Organization.objects.filter(account=source_file.account).values_list("name_key", flat=True)
    sums = reading.lines.groupby("product", observed=True)["quantity"].sum()
    cycle = _cycle(source_file, reading)
    return {
        "header": reading.header,
        "sheets": reading.sheets,
        "first_rows": [asdict(row) for row in reading.first_rows],
        "totals": {str(product): int(total) for product, total in sums.items()},
        "organizations": len(keys),
        "known": len(keys.intersection(known)),
        "prices": bool(reading.lines["unit_price"].notna().any()),
        **cycle,
    }


def _cycle(source_file: SourceFile, reading: Reading) -> dict[str, str]:
    """The cycle a person stated; else the one that the file names; else the last one that is over."""
    if source_file.preview.get("cycle_because") == "stated by you":
        return {}
    account = source_file.account
    if guess := reading.guesses.get("cycle"):
        cycle = _cycle_of(guess.value, account)
        return {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": guess.because}
    cycle = last_finished(account)
    return {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": "the last cycle that is over"}


def _cycle_of(text: str, account: Account) -> Cycle:
    """A range's own cycle; for a single day, the cycle that ends on it or had ended by then."""
    if ":" in text:
        stated = parse_cycle(text)
        return cycle_containing(stated.start, account.anniversary_day)
    day = date.fromisoformat(text)
    return previous_cycle(cycle_containing(day, account.anniversary_day), account.anniversary_day)


def last_finished(account: Account) -> Cycle:
    """The newest cycle whose last day is over in the account's own time zone."""
    today = timezone.now().astimezone(ZoneInfo(account.time_zone)).date()
    return previous_cycle(cycle_containing(today, account.anniversary_day), account.anniversary_day)


def _in_words(kind: str) -> str:
    return {"billed": "a billed report", "expected": "an expected list", "rebilled": "a rebilled list"}.get(kind, "a file")
