"""Closing a month: submit, return, sign, reopen. A transition succeeds or raises Refused, naming what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.access import Need, may, roles_in
from accounts.calendar import next_cycle
from accounts.guard import require
from accounts.models import BillingCycle, User
from accounts.services import Refused
from ingest import bulk
from ingest.models import Job
from recon import seal, store
from recon.board import Figured, board_of, count_anew
from recon.filters import open_notes
from recon.models import Certification, Reconciliation, ReconcilingItem, RowDecision, SettledRow, SignedInput, TieOutItem
from recon.product_rules import undecided_names
from recon.services import naming, questions
from recon.services.decisions import rejected_rows
from recon.services.months import ask_for_recount
from recon.tie_out import as_signed, current_tie_out

State = Reconciliation.State


class Reason(models.TextChoices):
    """Why a signed month is opened again."""

    LATE_FILE = "late_file", "A later file changes it"
    WRONG_DECISION = "wrong_decision", "A decision was wrong"
    CREDIT_NOTE = "credit_note", "A credit note or a dispute’s outcome"
    OTHER = "other", "Other"


#: What a revision takes along of its items.
_STANDING: Final[dict[str, Any]] = {"state": "accepted"}


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that stands in the way of submitting: how much of it, in words, and where it is mended (a name for the page).

    ``money``: what it is worth a month in micros, where that is known.
    """

    code: str
    count: int
    words: str
    money: int | None = None


def blockers(reconciliation: Reconciliation, *, inputs: store.Inputs | None = None, board: Figured | None = None) -> list[Blocker]:
    """Everything that stands in the way, counted; empty when the revision can be submitted. A page gives what it knows already."""
    cycle = reconciliation.cycle
    inputs, board = inputs or store.inputs_of(cycle), board or board_of(reconciliation)
    files = {given.source_file_id for given in inputs.legs.values()}
    waiting = len(naming.waiting_names(files))
    asked = questions.left_of(cycle)
    found = [
        Blocker("no_bill", int("billed" not in inputs.legs), "no billed report"),
        Blocker("stale", int(reconciliation.stale or not reconciliation.run or _is_counting(cycle)), "comparison that is not finished"),
        Blocker("unexplained", board.of(view="open").rows, "row with an unexplained difference"),
        Blocker("not_reviewed", board.of(view="always").rows, "row that is always looked at, not reviewed"),
        Blocker("rejected", len(rejected_rows(reconciliation, inputs)), "rejected row, not settled"),
        Blocker("waiting", waiting, "name to match"),
        Blocker("products", len(undecided_names(cycle.account_id, files)), "product name to decide"),
        Blocker("questions", asked.count, "Organization to decide", asked.money),
        Blocker("notes", open_notes().filter(cycle=cycle).count(), "open note"),
        Blocker("order", _unsigned_before(cycle), "earlier month that is missing or not signed"),
    ]
    return [one for one in found if one.count]


def _blockers_anew(held: Reconciliation) -> list[Blocker]:
    """From the rows themselves: nothing is handed on or signed by figures that were kept."""
    return blockers(held, board=Figured(count_anew(held, held.run)))


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


def statements_of(reconciliation: Reconciliation) -> list[str]:
    """What is certified: once a month is submitted, the words of its preparer, and until then those that the account asks for.

    Empty where they were not kept: the month was submitted by a version that did not.
    """
    if reconciliation.is_working:
        return reconciliation.cycle.account.to_certify
    kept = Certification.objects.filter(reconciliation=reconciliation, part=Certification.Part.PREPARER).first()
    return kept.lines if kept else []


@transaction.atomic
def submit(
    reconciliation: Reconciliation, *, by: User, seen_run: int | None = None, certified: Sequence[str] | None = None
) -> Reconciliation:
    """Hand a month to its reviewer. ``seen_run`` is the comparison that the person saw, ``certified`` the statements they agreed to."""
    held = _held(reconciliation)
    require(by, held.cycle.account, Need.WORK)
    if held.state != State.WORKING:
        raise Refused(f"This month is {held.get_state_display().lower()} already.")
    if seen_run is not None and seen_run != held.run:
        raise Refused("The month was compared anew since you looked. Look again, then submit.")
    if found := _blockers_anew(held):
        raise Refused("Not yet: " + ", ".join(f"{one.count} × {one.words}" for one in found) + ".")
    statements, now = _agreed(held, certified), timezone.now()
    held.state, held.preparer, held.submitted_at = State.IN_REVIEW, by, now
    held.save(update_fields=["state", "preparer", "submitted_at"])
    _certify(held, Certification.Part.PREPARER, statements, by, now)
    _record(held, "recon.reconciliation.submitted", by, statements=statements)
    return held


@transaction.atomic
def send_back(reconciliation: Reconciliation, *, by: User, reason: str) -> Reconciliation:
    """Return a submitted month to its preparer, with the reason. Its preparer may take it back, too."""
    held = _held(reconciliation)
    require(by, held.cycle.account, Need.WORK if by.pk == held.preparer_id else Need.SIGN)
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
def sign(
    reconciliation: Reconciliation,
    *,
    by: User,
    seen_run: int | None = None,
    certified: Sequence[str] | None = None,
    seen_tie: str | None = None,
) -> Reconciliation:
    """Seal a revision. Raises Refused, naming what stands in the way. The reviewer certifies what the preparer did.

    ``seen_tie`` is the fingerprint of the tie-out that the person saw: an invoice may change while a month is in review.
    """
    held = _held(reconciliation)
    if held.state != State.IN_REVIEW:
        raise Refused(f"This month is {held.get_state_display().lower()}: only what was submitted is signed.")
    if objection := reviewer_objection(held, by):
        raise Refused(objection)
    if seen_run is not None and seen_run != held.run:
        raise Refused("The month was compared anew since you looked. Look again, then sign.")
    if held.inputs != store.inputs_of(held.cycle).described() or _is_counting(held.cycle):
        raise Refused("A file changed since this was compared. It goes back to its preparer.")
    if found := [one for one in _blockers_anew(held) if one.code != "stale"]:
        raise Refused("Not yet: " + ", ".join(f"{one.count} × {one.words}" for one in found) + ".")
    if seen_tie is not None and seen_tie != current_tie_out(held).fingerprint:
        raise Refused("An invoice of this month changed since you looked. Look at its tie-out again, then sign.")
    statements = _agreed(held, certified)
    held.solo_rule = held.cycle.account.solo_rule
    held.reviewer, held.signed_at = by, timezone.now()
    _keep_inputs(held)
    as_signed(held).save()
    _certify(held, Certification.Part.REVIEWER, statements, by, held.signed_at)
    identities = seal.identities(held)
    held.digest = seal.digest(held, identities)
    held.state = State.SIGNED
    held.save(update_fields=["solo_rule", "reviewer", "signed_at", "digest", "state"])
    said = {"digest": held.digest, "solo_rule": held.solo_rule, "statements": statements, "identities": identities}
    _record(held, "recon.reconciliation.signed_off", by, **said)
    return held


def _agreed(held: Reconciliation, certified: Sequence[str] | None) -> list[str]:
    """The statements that are certified now. Raises Refused unless they are those that the person read."""
    statements = statements_of(held)
    if not statements:
        raise Refused("What its preparer certified was not kept. Return the month, so that it is submitted again.")
    if certified is None or list(certified) == statements:
        return statements
    if not certified:
        raise Refused("Read the statement and tick that you certify it.")
    raise Refused("The statement was changed since you read it. Read it again, then certify it.")


def _certify(held: Reconciliation, part: str, statements: Sequence[str], by: User, at: datetime) -> None:
    said = {"statements": "\n".join(statements), "by": by, "at": at}
    Certification.objects.update_or_create(reconciliation=held, part=part, defaults=said)


def _keep_inputs(held: Reconciliation) -> None:
    SignedInput.objects.bulk_create(
        SignedInput(reconciliation=held, leg=leg, source_file_id=given["file"], sha256=given["sha256"])
        for leg, given in held.inputs.items()
    )


@transaction.atomic
def reopen(reconciliation: Reconciliation, *, by: User, reason: str, words: str) -> Reconciliation:
    """Start the next revision from a signed one's facts and decisions. The signed one stays as it is."""
    held = _held(reconciliation)
    require(by, held.cycle.account, Need.SIGN)
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
    questions.follow_merges(following)
    audit.record(
        "recon.reconciliation.reopened", _subject(held), account=held.cycle.account, actor=by, cycle=held.cycle,
        revision=following.revision, after={"reason": reason, "words": following.reopened_words, "from": held.revision},
    )  # fmt: skip
    ask_for_recount(held.cycle, by=by)
    return following


def _copy_decisions(signed: Reconciliation, following: Reconciliation) -> None:
    """As they are, with their authors and times; the acts that made them stay behind, so they are taken back one by one."""
    for model in (RowDecision, SettledRow, ReconcilingItem, TieOutItem):
        left = {"id", "reconciliation_id", "decision_id"}
        columns = [str(field.column) for field in model._meta.concrete_fields if field.column not in left]
        rows = model._default_manager.filter(reconciliation=signed)
        if model in (ReconcilingItem, TieOutItem):
            rows = rows.filter(**_STANDING)
        records = ((following.pk, *values) for values in list(rows.values_list(*columns)))
        bulk.load(model, ["reconciliation_id", *columns], records)


def _held(reconciliation: Reconciliation) -> Reconciliation:
    return Reconciliation.objects.select_for_update(of=("self",)).select_related("cycle__account").get(pk=reconciliation.pk)


def _subject(held: Reconciliation) -> str:
    return f"{held.cycle.start} to {held.cycle.end}, revision {held.revision}"


def _record(held: Reconciliation, action: str, by: User, **after: object) -> None:
    audit.record(action, _subject(held), account=held.cycle.account, actor=by, cycle=held.cycle, revision=held.revision, after=dict(after))
