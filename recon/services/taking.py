"""Taking in what a pull brought: read and imported by itself, for the cycle in which its answers came.

So the last pull of a cycle stays as that cycle's snapshot, and a past month is never given today's counts. What stands in the way is said
on the file and on the part of the pull; the file is kept either way, and a person may still import it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import BillingCycle
from accounts.services import Refused
from accounts.templatetags.recon_ui import cycle_range, moment, plural
from ingest import jobs
from ingest.models import Kind, LegInput, SourceFile
from ingest.services.intake import could_not_read, read_into_preview
from ingest.services.previews import answered_in
from ingest.services.pulled import settle
from recon.models import Reconciliation
from recon.services import directories, imports

State = SourceFile.State


def _not_taken(subject: int, message: str) -> None:
    """Whatever it was doing, nothing of it counts, and a person can do it again."""
    could_not_read(subject, message)
    imports.back_to_preview(subject, message)
    source_file = SourceFile.objects.filter(pk=subject).first()
    if source_file is not None:
        settle(source_file, f"It was not taken in: {message}")


@jobs.handles("take", give_up=_not_taken)
def take(subject: int, progress: jobs.Progress) -> None:
    """Safe to do again, from wherever an earlier attempt stopped."""
    read_into_preview(subject, progress)
    _begin(subject)
    imports.import_file(subject, progress)
    source_file = SourceFile.objects.get(pk=subject)
    if source_file.state == State.IMPORTED:
        settle(source_file, _lost_in_words(source_file.rejected))
    elif source_file.state == State.REFUSED:
        settle(source_file, "What came could not be read: see the file.")


def _lost_in_words(rejected: int) -> str:
    if not rejected:
        return ""
    return f"{plural(rejected, 'record')} could not be read, and {'counts' if rejected == 1 else 'count'} nowhere: see the file."


def _begin(subject: int) -> None:
    """Let the import of a file that was read begin, or say why it does not."""
    with transaction.atomic():
        locked = SourceFile.objects.select_for_update(of=("self",), no_key=True).select_related("account", "received_by").get(pk=subject)
        if locked.state != State.READY:
            return
        try:
            imports.begin(
                locked, _cycle_for(locked), by=locked.received_by, without_rejected=True,
                partial=bool(_archive(locked).get("lacks") or locked.rejected),
            )  # fmt: skip
        except Refused as why:
            SourceFile.objects.filter(pk=subject).update(preview=locked.preview | {"kept_aside": str(why)})
            settle(locked, str(why))


def _cycle_for(source_file: SourceFile) -> BillingCycle:
    """The cycle that a pulled file is for. Raises Refused, saying why it is kept and not imported."""
    answered = _answered_at(source_file)
    if answered is None:
        raise Refused("It is no archive of answers, so nobody can say when it was counted. It is kept, and not imported by itself.")
    cycle = imports.cycle_row(source_file.account, answered_in(source_file.account, answered)[0])
    newest = Reconciliation.objects.filter(cycle=cycle).order_by("-revision").first()
    if newest is not None and newest.state == Reconciliation.State.SIGNED:
        raise Refused(f"{cycle_range(cycle)} is signed, and is not touched. The answers are kept, and not imported by themselves.")
    if source_file.kind == Kind.DIRECTORY:
        directories.refuse_lesser(source_file, cycle)
        return cycle
    serving = LegInput.objects.filter(cycle__account=source_file.account_id, leg=source_file.kind, ended_at__isnull=True)
    serving = serving.exclude(source_file=source_file).select_related("source_file")
    current = serving.filter(cycle=cycle).first()
    if current is not None:
        _refuse_lesser(source_file, current, answered)
    if not source_file.loaded and (last := serving.filter(source_file__loaded__gt=0).order_by("-cycle__start").first()):
        _refuse_nothing(last, answered)
    return cycle


def _refuse_lesser(source_file: SourceFile, current: LegInput, answered: datetime) -> None:
    """Raises Refused where what serves the cycle is newer, or whole where this is not, or has something where this has nothing."""
    before = current.source_file
    name, at = before.name, _answered_at(before)
    if (at or current.since) > answered:
        raise Refused(f"{name} is newer, and serves its cycle. This one is kept, and not imported by itself.")
    is_whole = not _archive(before).get("lacks") if at else not current.partial
    if _archive(source_file).get("lacks") and is_whole:
        raise Refused(f"It is incomplete, and {name}, which serves its cycle, is whole: this one is kept, and does not take its place.")


def _refuse_nothing(last: LegInput, answered: datetime) -> None:
    """Raises Refused for an answer that has nothing, where the one before it had something: in this cycle or an earlier one."""
    before = last.source_file
    at = _answered_at(before) or last.since
    if at < answered:
        what = f"{plural(before.loaded, 'record')} on {moment(at)}"
        raise Refused(f"Huntress answered with nothing at all, after {what}. This is kept, and does not take the place of {before.name}.")


def _archive(source_file: SourceFile) -> dict[str, object]:
    found: dict[str, object] = source_file.preview.get("archive") or {}
    return found


def _answered_at(source_file: SourceFile) -> datetime | None:
    """When the last answer in it came; None for what is no archive of answers."""
    said = source_file.preview.get("answered_at")
    return datetime.fromisoformat(said) if said else None
