"""Making a file count: its rows are loaded as those of its kind, and it takes its leg of a cycle, or its place beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, cast
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import may, roles_in
from accounts.calendar import Cycle
from accounts.models import Account, BillingCycle, Tenant, User
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range, day
from ingest import jobs, turns
from ingest.models import Job, Kind, LegInput, SourceFile
from ingest.services.mappings import is_proposal
from ingest.services.pulled import brought_by
from ingest.services.retention import refuse_purged
from ingest.sources import READERS
from recon.loads import LOADERS, Effect
from recon.services.beside import served_by
from recon.services.directories import refuse_unplaceable
from recon.services.months import ask_for_recount, changed, newest
from recon.services.sweeping import ask_for_sweep

State = SourceFile.State
#: Turns of single files, beyond all numbers of accounts.
_STREAMS: Final = 1 << 30
#: Answers of these kinds are of the moment in which they came.
_OF_A_MOMENT: Final = frozenset({"agents", "live", "identities", "directory"})


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
        _refuse_role(locked.account, locked.kind, by)
        begin(locked, cycle_row(locked.account, cycle), by=by, without_rejected=without_rejected, partial=partial)
        return jobs.enqueue("import", locked.pk, label=f"Importing {locked.name}", account=locked.account, by=by, source_file=locked)


def begin(locked: SourceFile, cycle: BillingCycle, *, by: User, without_rejected: bool, partial: bool) -> None:
    """From now on a file is being imported for a cycle. Raises Refused for one that nobody has read, or of which nothing can be loaded."""
    _refuse_import(locked, without_rejected)
    _refuse_other_cycle(locked, cycle)
    if locked.kind == Kind.DIRECTORY:
        refuse_unplaceable(locked, cycle)
    locked.cycle, locked.state, locked.imported_by = cycle, State.IMPORTING, by
    locked.partial, locked.without_rejected = partial or _lacks_something(locked), without_rejected
    locked.preview.pop("kept_aside", None)
    locked.save(update_fields=["cycle", "state", "imported_by", "partial", "without_rejected", "preview"])


def _refuse_import(source_file: SourceFile, without_rejected: bool) -> None:
    if source_file.state != State.READY:
        raise Refused(f"{source_file.name} is {source_file.get_state_display().lower()}: there is nothing to import.")
    if not source_file.kind:
        raise Refused("Say first what kind of document this is.")
    if is_proposal(source_file):
        raise Refused("Its columns are no longer those that were mapped. Look at what is proposed, and confirm it first.")
    is_empty_answer = "archive" in source_file.preview and not source_file.rejected  # whoever has nothing says so
    if not source_file.loaded + source_file.merged and not is_empty_answer:
        raise Refused("No row of this file can be loaded. Correct the mapping, or the file.")
    if source_file.rejected and not without_rejected:
        raise Refused(f"{source_file.rejected} rows are rejected. Mend the file, or say that it is imported without them.")


def _refuse_role(account: Account, kind: str, by: User) -> None:
    """Some lists are rules of the account rather than figures of a month: who states its rules puts them in force."""
    need = LOADERS[kind].need
    if need is not None and not may(roles_in(by, account), need):
        raise Refused(f"Only an admin of {account} puts {READERS[kind].one} in force, uses it again or withdraws it.")


def _lacks_something(source_file: SourceFile) -> bool:
    """What an archive of answers says of itself holds, whatever a person says of it: who is not in it may be there all the same."""
    archive: dict[str, object] = source_file.preview.get("archive") or {}
    return bool(archive.get("lacks"))


def _refuse_other_cycle(source_file: SourceFile, cycle: BillingCycle) -> None:
    """What was counted at one moment says nothing about a cycle in which that moment was not."""
    if not source_file.is_archive or source_file.kind not in _OF_A_MOMENT:
        return
    answered = datetime.fromisoformat(source_file.preview["answered_at"])
    came = answered.astimezone(ZoneInfo(source_file.account.time_zone)).date()
    if not cycle.start <= came < cycle.end:
        where = cycle_range(cycle)
        raise Refused(f"Its answers came on {day(came)}, and what was counted then says nothing about {where}. Choose that day's cycle.")


def use_again(source_file: SourceFile, *, by: User, cycle: Cycle, partial: bool) -> LegInput:
    """Let a file that was imported for one cycle serve another in the same way: a list that did not change in a month."""
    with transaction.atomic():
        locked = SourceFile.objects.select_for_update(of=("self",), no_key=True).select_related("account").get(pk=source_file.pk)
        if locked.state != State.IMPORTED:
            raise Refused(f"{locked.name} is {locked.get_state_display().lower()}: only what was imported can be used again.")
        _refuse_role(locked.account, locked.kind, by)
        refuse_purged(locked)
        if LOADERS[locked.kind].place is not None:
            raise Refused(f"{locked.name} says who was there at one moment, and serves the cycle of that moment alone.")
        row = cycle_row(locked.account, cycle)
        _refuse_other_cycle(locked, row)
        if LegInput.objects.filter(cycle=row, source_file=locked, leg=locked.kind, ended_at__isnull=True).exists():
            raise Refused(f"{locked.name} already serves that cycle.")
        given = _take_leg(locked, row, by=by, partial=partial or _lacks_something(locked))
        _record("recon.input.used_again", given, by)
        return given


def withdraw(leg_input: LegInput, *, by: User) -> None:
    """Take a file out of its month again. It stays, and can be used again."""
    _refuse_role(leg_input.cycle.account, leg_input.leg, by)
    with transaction.atomic():
        ended = LegInput.objects.filter(pk=leg_input.pk, ended_at__isnull=True)
        if not ended.update(ended_at=timezone.now(), ended_by=by):
            raise Refused("That file no longer serves this month.")
        _look_again(leg_input, by)
        _record("recon.input.withdrawn", leg_input, by)


def back_to_preview(subject: int, message: str) -> None:
    """An import that did not end leaves no line behind. Where somebody imports meanwhile, that import clears up before it loads."""
    if SourceFile.objects.filter(pk=subject, state=State.IMPORTING).update(state=State.READY, imported_by=None):
        transaction.on_commit(lambda: _clear(subject))


def _clear(subject: int) -> None:
    source_file = SourceFile.objects.get(pk=subject)
    with turns.try_turn(_turn_of(source_file)) as is_mine:
        if is_mine and SourceFile.objects.filter(pk=subject, state=State.READY).exists():
            LOADERS[source_file.kind].forget(subject)


@jobs.handles("import", give_up=back_to_preview)
def import_file(subject: int, progress: jobs.Progress) -> None:
    """Turn a checked file into lines, then let it count, in that order: until the last step nobody sees a line of it."""
    source_file = SourceFile.objects.select_related("account", "cycle", "imported_by").get(pk=subject)
    if source_file.state != State.IMPORTING:
        return
    loader = LOADERS[source_file.kind]
    reading = loader.read(source_file, progress)
    with turns.turn(_turn_of(source_file), lambda: progress(0, 0, "Waiting for another import")):
        if SourceFile.objects.filter(pk=subject, state=State.IMPORTING).exists():
            _let_count(source_file, loader.load(source_file, reading, progress))
            loader.settled(source_file)


def _turn_of(source_file: SourceFile) -> int:
    """Two files of one account that are the first to name a customer must make one Organization of it, not two: they take turns.

    A list that makes none, and takes long, waits for nothing but an earlier attempt at itself.
    """
    return _STREAMS + source_file.pk if LOADERS[source_file.kind].alone else source_file.account_id


def _let_count(source_file: SourceFile, teach: Callable[[], None]) -> None:
    cycle, by = cast(BillingCycle, source_file.cycle), cast(User, source_file.imported_by)
    with transaction.atomic():
        importing = SourceFile.objects.filter(pk=source_file.pk, state=State.IMPORTING)
        if importing.update(state=State.IMPORTED, imported_at=timezone.now()):
            teach()
            if place := LOADERS[source_file.kind].place:
                place(source_file, cycle, by)
                return
            pull = brought_by(source_file)
            given = _take_leg(source_file, cycle, by=by, partial=source_file.partial)
            _record("recon.input.imported", given, pull.by if pull else by, **({"pull": pull.pk} if pull else {}))


def _take_leg(source_file: SourceFile, cycle: BillingCycle, *, by: User, partial: bool) -> LegInput:
    """Put a file into its leg; the one that was there stays, superseded."""
    now = timezone.now()
    before = LegInput.objects.select_for_update().filter(cycle=cycle, leg=source_file.kind, ended_at__isnull=True).first()
    if before:
        LegInput.objects.filter(pk=before.pk).update(ended_at=now, ended_by=by)
    new = LegInput.objects.create(cycle=cycle, leg=source_file.kind, source_file=source_file, partial=partial, by=by)
    if before:
        LegInput.objects.filter(pk=before.pk).update(superseded_by=new)
    _look_again(new, by)
    return new


def _look_again(given: LegInput, by: User) -> None:
    """Count again what is counted from such a file. What only shows something of a month does not take it out of a review."""
    effect = LOADERS[given.leg].effect
    if effect is Effect.COUNTED:
        changed(given.cycle, by=by, leg=given.leg)
    elif effect is Effect.COUNTED_ON and _is_counted_by(given):
        for cycle in served_by(given):
            ask_for_recount(cycle, by=by)
    elif effect is Effect.EVIDENCE and newest(given.cycle).is_working:
        ask_for_recount(given.cycle, by=by)
    if given.leg == "agents" and LegInput.objects.filter(pk=given.pk, ended_at__isnull=True).exists():
        ask_for_sweep(given, by=by)


def _is_counted_by(given: LegInput) -> bool:
    """Whose licences are billed is asked where there are tenants; elsewhere a list of exclusions takes no month out of its review."""
    return given.leg != Kind.EXCLUSIONS or Tenant.objects.filter(account=given.cycle.account_id, organization__isnull=False).exists()


def _record(action: str, given: LegInput, by: User | None, **more: int) -> None:
    file, cycle = given.source_file, given.cycle
    leg = READERS[given.leg].label.lower()
    after = {"file": file.pk, "leg": given.leg, "sha256": file.sha256, "partial": given.partial} | more
    subject, revision = f"{file.name} ({leg})", newest(cycle).revision
    audit.record(action, subject, account=cycle.account, actor=by, cycle=cycle, revision=revision, after=after)
