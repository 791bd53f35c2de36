"""Closing a month: submit, return, sign, reopen. A transition succeeds or raises Refused, naming what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from django.db import models, transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts import audit
from accounts.access import Need, may, roles_in
from accounts.calendar import next_cycle
from accounts.models import BillingCycle, User
from accounts.names import normalise
from ingest import bulk
from ingest.models import Job, UsageLine
from ingest.services.intake import Refused
from recon import seal, store
from recon.filters import NOT_REVIEWED, UNEXPLAINED, open_notes
from recon.models import Reconciliation, ReconcilingItem, RowDecision, SettledRow, Severity, SignedInput, Variance
from recon.services.decisions import rejected_rows
from recon.services.months import ask_for_recount

State = Reconciliation.State


class Reason(models.TextChoices):
    """Why a signed month is opened again."""

    LATE_FILE = "late_file", "A later file changes it"
    WRONG_DECISION = "wrong_decision", "A decision was wrong"
    CREDIT_NOTE = "credit_note", "A credit note or a dispute’s outcome"
    OTHER = "other", "Other"


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that stands in the way of submitting: how much of it, in words, and where it is mended (a name for the page)."""

    code: str
    count: int
    words: str


def blockers(reconciliation: Reconciliation) -> list[Blocker]:
    """Everything that stands in the way, counted; empty when the revision can be submitted."""
    cycle = reconciliation.cycle
    rows = Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run)
    loud = rows.filter(severity__gte=Severity.INVESTIGATE).aggregate(
        unexplained=Count("pk", filter=UNEXPLAINED), not_reviewed=Count("pk", filter=NOT_REVIEWED)
    )
    inputs = store.inputs_of(cycle)
    files = [given.source_file_id for given in inputs.legs.values()]
    names = UsageLine.objects.filter(source_file__in=files, organization__isnull=True).values_list("name", flat=True).distinct()
    waiting = len(set(map(normalise, names)))
    found = [
        Blocker("no_bill", int("billed" not in inputs.legs), "no billed report"),
        Blocker("stale", int(reconciliation.stale or not reconciliation.run or _is_counting(cycle)), "comparison that is not finished"),
        Blocker("unexplained", loud["unexplained"], "row with an unexplained difference"),
        Blocker("not_reviewed", loud["not_reviewed"], "row that is always looked at, not reviewed"),
        Blocker("rejected", len(rejected_rows(reconciliation)), "rejected row, not settled"),
        Blocker("waiting", waiting, "name to match"),
        Blocker("notes", open_notes().filter(cycle=cycle).count(), "open note"),
        Blocker("order", _unsigned_before(cycle), "earlier month that is missing or not signed"),
    ]
    return [one for one in found if one.count]


def _is_counting(cycle: BillingCycle) -> bool:
    return Job.objects.filter(kind="recount", subject=cycle.pk, state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists()


def _unsigned_before(cycle: BillingCycle) -> int:
    """How many earlier months of the account, since its first, are holes or have no signature: the newest revision's counts.

    A cycle that nothing was ever imported for, or all of it withdrawn, is no month: a hole where it stands between two.
    """
    earlier = BillingCycle.objects.filter(account=cycle.account_id, start__lt=cycle.start).order_by("start")
    has_signature = Q(reconciliations__state=State.SIGNED)
    known = list(earlier.filter(has_signature | Q(inputs__isnull=False, inputs__ended_at__isnull=True)).distinct())
    newest = Reconciliation.objects.filter(cycle__in=known).order_by("revision").values_list("cycle", "state")
    state_of = dict(newest)
    missing = sum(state_of.get(one.pk) != State.SIGNED for one in known)
    for before, after in pairwise([*known, cycle]):
        missing += _holes(before, after)
    return missing


def _holes(before: BillingCycle, after: BillingCycle) -> int:
    """How many cycles fit between two; at least one where they do not meet."""
    if before.end >= after.start:
        return 0
    count, one = 1, next_cycle(before.dates, before.account.anniversary_day)
    while one.end < after.start:
        count, one = count + 1, next_cycle(one, before.account.anniversary_day)
    return count


@transaction.atomic
def submit(reconciliation: Reconciliation, *, by: User, seen_run: int | None = None) -> Reconciliation:
    """Hand a month to its reviewer. ``seen_run`` is the comparison that the person saw."""
    held = _held(reconciliation)
    _need(held, by, Need.WORK)
    if held.state != State.WORKING:
        raise Refused(f"This month is {held.get_state_display().lower()} already.")
    if seen_run is not None and seen_run != held.run:
        raise Refused("The month was compared anew since you looked. Look again, then submit.")
    if found := blockers(held):
        raise Refused("Not yet: " + ", ".join(f"{one.count} × {one.words}" for one in found) + ".")
    held.state, held.preparer, held.submitted_at = State.IN_REVIEW, by, timezone.now()
    held.save(update_fields=["state", "preparer", "submitted_at"])
    _record(held, "recon.reconciliation.submitted", by)
    return held


@transaction.atomic
def send_back(reconciliation: Reconciliation, *, by: User, reason: str) -> Reconciliation:
    """Return a submitted month to its preparer, with the reason. Its preparer may take it back, too."""
    held = _held(reconciliation)
    _need(held, by, Need.WORK if by.pk == held.preparer_id else Need.SIGN)
    if held.state != State.IN_REVIEW:
        raise Refused(f"This month is {held.get_state_display().lower()}: there is nothing to return.")
    if not reason.strip():
        raise Refused("Say why it goes back.")
    held.state = State.WORKING
    held.save(update_fields=["state"])
    _record(held, "recon.reconciliation.returned", by, reason=reason.strip()[:2000])
    return held


def reviewer_objection(reconciliation: Reconciliation, user: User) -> str:
    """Why somebody may not sign this revision; "" when they may. The same answer for every path."""
    account = reconciliation.cycle.account
    if not user.is_active or not may(roles_in(user, account), Need.SIGN):
        return "Reviewers and admins sign."
    if account.solo_rule:
        return ""
    if user.pk == reconciliation.preparer_id:
        return "You submitted this month: a different person signs it."
    if user.pk in audit.deciders(reconciliation.cycle, reconciliation.revision):
        return "You made decisions in this month: a different person signs it."
    return ""


@transaction.atomic
def sign(reconciliation: Reconciliation, *, by: User, seen_run: int | None = None) -> Reconciliation:
    """Seal a revision. Raises Refused, naming what stands in the way."""
    held = _held(reconciliation)
    if held.state != State.IN_REVIEW:
        raise Refused(f"This month is {held.get_state_display().lower()}: only what was submitted is signed.")
    if objection := reviewer_objection(held, by):
        raise Refused(objection)
    if seen_run is not None and seen_run != held.run:
        raise Refused("The month was compared anew since you looked. Look again, then sign.")
    if held.inputs != store.inputs_of(held.cycle).described() or _is_counting(held.cycle):
        raise Refused("A file changed since this was compared. It goes back to its preparer.")
    if found := [one for one in blockers(held) if one.code != "stale"]:
        raise Refused("Not yet: " + ", ".join(f"{one.count} × {one.words}" for one in found) + ".")
    held.solo_rule = held.cycle.account.solo_rule
    held.reviewer, held.signed_at = by, timezone.now()
    _keep_inputs(held)
    identities = seal.identities(held)
    held.digest = seal.digest(held, identities)
    held.state = State.SIGNED
    held.save(update_fields=["solo_rule", "reviewer", "signed_at", "digest", "state"])
    _record(held, "recon.reconciliation.signed_off", by, digest=held.digest, solo_rule=held.solo_rule, identities=identities)
    return held


def _keep_inputs(held: Reconciliation) -> None:
    SignedInput.objects.bulk_create(
        SignedInput(reconciliation=held, leg=leg, source_file_id=given["file"], sha256=given["sha256"])
        for leg, given in held.inputs.items()
    )


@transaction.atomic
def reopen(reconciliation: Reconciliation, *, by: User, reason: str, words: str) -> Reconciliation:
    """Start the next revision from a signed one's facts and decisions. The signed one stays as it is."""
    held = _held(reconciliation)
    _need(held, by, Need.SIGN)
    if held.state != State.SIGNED or Reconciliation.objects.filter(cycle=held.cycle, revision__gt=held.revision).exists():
        raise Refused("Only the newest signed revision is reopened.")
    if reason not in Reason.values:
        raise Refused("Choose why it is reopened.")
    if not words.strip():
        raise Refused("Say in words why it is reopened.")
    following = Reconciliation.objects.create(
        cycle=held.cycle, revision=held.revision + 1, reopened_because=reason, reopened_words=words.strip()[:2000]
    )
    _copy_decisions(held, following)
    audit.record(
        "recon.reconciliation.reopened", _subject(held), account=held.cycle.account, actor=by, cycle=held.cycle,
        revision=following.revision, after={"reason": reason, "words": following.reopened_words, "from": held.revision},
    )  # fmt: skip
    ask_for_recount(held.cycle, by=by)
    return following


def _copy_decisions(signed: Reconciliation, following: Reconciliation) -> None:
    """As they are, with their authors and times; the acts that made them stay behind, so they are taken back one by one."""
    for model in (RowDecision, SettledRow, ReconcilingItem):
        left = {"id", "reconciliation_id", "decision_id"}
        columns = [str(field.column) for field in model._meta.concrete_fields if field.column not in left]
        rows = model._default_manager.filter(reconciliation=signed)
        if model is ReconcilingItem:
            rows = ReconcilingItem.objects.filter(reconciliation=signed, state=ReconcilingItem.State.ACCEPTED)
        records = ((following.pk, *values) for values in list(rows.values_list(*columns)))
        bulk.load(model, ["reconciliation_id", *columns], records)


def _held(reconciliation: Reconciliation) -> Reconciliation:
    return Reconciliation.objects.select_for_update(of=("self",)).select_related("cycle__account").get(pk=reconciliation.pk)


def _need(held: Reconciliation, by: User, need: Need) -> None:
    if not by.is_active or not may(roles_in(by, held.cycle.account), need):
        raise Refused("Your role in this account does not do that.")


def _subject(held: Reconciliation) -> str:
    return f"{held.cycle.start} to {held.cycle.end}, revision {held.revision}"


def _record(held: Reconciliation, action: str, by: User, **after: object) -> None:
    audit.record(action, _subject(held), account=held.cycle.account, actor=by, cycle=held.cycle, revision=held.revision, after=dict(after))
