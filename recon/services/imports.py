"""Making a file count: its rows become lines of known Organizations, and it takes its leg of a cycle."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.calendar import Cycle
from accounts.models import Account, BillingCycle, User
from ingest import bulk, jobs, storage, turns
from ingest.models import Job, LegInput, RejectedLine, SourceFile, UsageLine
from ingest.services.intake import Refused
from ingest.sources import read
from ingest.sources.reading import Leg, Mapping, Reading, Unreadable
from recon.services.identities import apply, identify
from recon.services.months import changed, newest

State = SourceFile.State


def cycle_row(account: Account, cycle: Cycle) -> BillingCycle:
    """The account's row for a cycle. Raises Refused where it would overlap another one."""
    overlapping = BillingCycle.objects.filter(account=account, start__lt=cycle.end, end__gt=cycle.start)
    row = overlapping.exclude(start=cycle.start).first()
    if row is None:
        row, _ = BillingCycle.objects.get_or_create(account=account, start=cycle.start, defaults={"end": cycle.end})
    if row.dates != cycle:
        raise Refused(f"{cycle.start} to {cycle.end} overlaps the cycle {row.start} to {row.end} of {account}.")
    return row


def start_import(
    source_file: SourceFile,
    *,
    by: User,
    cycle: Cycle,
    without_rejected: bool = False,
    partial: bool = False,
) -> Job:
    """Ask a worker to import a file that a person has checked. Raises Refused, naming what stands in the way."""
    with transaction.atomic():
        locked = SourceFile.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=source_file.pk)
        _refuse_import(locked, without_rejected)
        locked.cycle = cycle_row(locked.account, cycle)
        locked.state, locked.imported_by = State.IMPORTING, by
        locked.partial, locked.without_rejected = partial, without_rejected
        locked.save(update_fields=["cycle", "state", "imported_by", "partial", "without_rejected"])
        return jobs.enqueue("import", locked.pk, label=f"Importing {locked.name}", account=locked.account, by=by, source_file=locked)


def _refuse_import(source_file: SourceFile, without_rejected: bool) -> None:
    if source_file.state != State.READY:
        raise Refused(f"{source_file.name} is {source_file.get_state_display().lower()}: there is nothing to import.")
    if not source_file.kind:
        raise Refused("Say first whether this is a billed report, an expected or a rebilled list.")
    if not source_file.loaded + source_file.merged:
        raise Refused("No row of this file can be loaded. Correct the mapping, or the file.")
    if source_file.rejected and not without_rejected:
        raise Refused(f"{source_file.rejected} rows are rejected. Mend the file, or say that it is imported without them.")


def use_again(source_file: SourceFile, *, by: User, cycle: Cycle, partial: bool) -> LegInput:
    """Let a file that was imported for one cycle serve the same leg of another: a list that did not change in a month."""
    with transaction.atomic():
        locked = SourceFile.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=source_file.pk)
        if locked.state != State.IMPORTED:
            raise Refused(f"{locked.name} is {locked.get_state_display().lower()}: only what was imported can be used again.")
        row = cycle_row(locked.account, cycle)
        if LegInput.objects.filter(cycle=row, source_file=locked, leg=locked.kind, ended_at__isnull=True).exists():
            raise Refused(f"{locked.name} already serves that cycle.")
        given = _take_leg(locked, row, by=by, partial=partial)
        _record("recon.input.used_again", given, by)
        return given


def withdraw(leg_input: LegInput, *, by: User) -> None:
    """Take a file out of its month again. It stays, and can be used again."""
    with transaction.atomic():
        ended = LegInput.objects.filter(pk=leg_input.pk, ended_at__isnull=True)
        if not ended.update(ended_at=timezone.now(), ended_by=by):
            raise Refused("That file no longer serves this month.")
        changed(leg_input.cycle, by=by, leg=leg_input.leg)
        _record("recon.input.withdrawn", leg_input, by)


def _back_to_preview(subject: int, message: str) -> None:
    """An import that did not end leaves no line behind. Where somebody imports meanwhile, that import clears up before it loads."""
    if SourceFile.objects.filter(pk=subject, state=State.IMPORTING).update(state=State.READY, imported_by=None):
        transaction.on_commit(lambda: _clear(subject))


def _clear(subject: int) -> None:
    source_file = SourceFile.objects.get(pk=subject)
    with turns.try_turn(source_file.account_id) as is_mine:
        if is_mine and SourceFile.objects.filter(pk=subject, state=State.READY).exists():
            _forget_lines(subject)


@jobs.handles("import", give_up=_back_to_preview)
def import_file(subject: int, progress: jobs.Progress) -> None:
    """Turn a checked file into lines, then let it count, in that order: until the last step nobody sees a line of it."""
    source_file = SourceFile.objects.select_related("account", "cycle", "imported_by").get(pk=subject)
    if source_file.state != State.IMPORTING:
        return
    reading = _read(source_file, progress)
    # Two files of one account that are the first to name a customer must make one Organization of it, not two.
    with turns.turn(source_file.account_id, lambda: progress(0, 0, "Waiting for another import")):
        if SourceFile.objects.filter(pk=subject, state=State.IMPORTING).exists():
            _count_in(source_file, reading, progress)


def _count_in(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> None:
    rows = len(reading.lines)
    progress(0, rows, "Matching Organizations")
    plan = identify(source_file, reading)
    _forget_lines(source_file.pk)
    bulk.load_frame(UsageLine, _line_records(source_file.pk, plan.lines), lambda done: progress(done, rows, "Loading rows"))
    bulk.load_frame(RejectedLine, pd.DataFrame(_whose(source_file.pk, plan.rejected)))
    cycle, by = cast(BillingCycle, source_file.cycle), cast(User, source_file.imported_by)
    with transaction.atomic():
        importing = SourceFile.objects.filter(pk=source_file.pk, state=State.IMPORTING)
        if importing.update(state=State.IMPORTED, imported_at=timezone.now()):
            apply(plan, source_file.account, by=by)
            _record("recon.input.imported", _take_leg(source_file, cycle, by=by, partial=source_file.partial), by)


def _read(source_file: SourceFile, progress: jobs.Progress) -> Reading:
    mapping = Mapping.from_json(source_file.mapping) if source_file.mapping else None
    data = storage.fetch(source_file.sha256)
    # A stated mapping speaks for itself; a guessed one is guessed again, so that the checks on guesses are made again too.
    stated = mapping if source_file.mapping_stated else None
    try:
        return read(data, name=source_file.name, leg=cast(Leg, source_file.kind), mapping=stated, progress=progress)
    except Unreadable as refusal:
        raise jobs.JobFailed(str(refusal)) from refusal


def _take_leg(source_file: SourceFile, cycle: BillingCycle, *, by: User, partial: bool) -> LegInput:
    """Put a file into its leg; the one that was there stays, superseded."""
    now = timezone.now()
    before = LegInput.objects.select_for_update().filter(cycle=cycle, leg=source_file.kind, ended_at__isnull=True).first()
    if before:
        LegInput.objects.filter(pk=before.pk).update(ended_at=now, ended_by=by)
    new = LegInput.objects.create(cycle=cycle, leg=source_file.kind, source_file=source_file, partial=partial, by=by)
    if before:
        LegInput.objects.filter(pk=before.pk).update(superseded_by=new)
    changed(cycle, by=by, leg=source_file.kind)
    return new


def _record(action: str, given: LegInput, by: User) -> None:
    file, cycle = given.source_file, given.cycle
    leg = {"billed": "billed report", "expected": "expected list", "rebilled": "rebilled list"}[given.leg]
    after = {"file": file.pk, "leg": given.leg, "sha256": file.sha256, "partial": given.partial}
    subject, revision = f"{file.name} ({leg})", newest(cycle).revision
    audit.record(action, subject, account=cycle.account, actor=by, cycle=cycle, revision=revision, after=after)


def _forget_lines(source_file_id: int) -> None:
    bulk.remove(UsageLine.objects.filter(source_file=source_file_id))
    bulk.remove(RejectedLine.objects.filter(source_file=source_file_id))


def _line_records(source_file_id: int, lines: pd.DataFrame) -> pd.DataFrame:
    numbers = {column: lines[column].astype("Int64").array for column in ("quantity", "unit_price", "merged_into")}
    return pd.DataFrame({**_whose(source_file_id, lines), **numbers})


def _whose(source_file_id: int, rows: pd.DataFrame) -> dict[str, Any]:
    """What lines and rejected lines have in common: the place, the product, and whose it is in our words and in the file's."""
    return {
        "source_file_id": np.full(len(rows), source_file_id),
        "line": rows["line"].array,
        "product": rows["product"].astype("str").array,
        "organization_id": rows["pk"].astype("Int64").mask(rows["pk"] == 0).array,
        "name": rows["organization"].astype("str").str.slice(0, 500).array,
        "huntress_id": rows["organization_id"].astype("str").str.slice(0, 64).array,
        "key": rows["organization_key"].astype("str").str.slice(0, 256).array,
    }
