"""Which Organization is this? One queue an account: what the comparison suspects, decided by people, remembered, and taken back.

Questions are asked by ``recon.services.asking`` when a month is counted. What a person answers is never asked again; every answer is
audited, counts as a decision of the months that it touches, lets those be counted anew, and can be undone.

Contract for pages: ``waiting``, ``entry``, ``queue``, ``decided``, ``question``, ``side_by_side``, ``answer``, ``postpone``, ``undo``,
``answer_exact``, ``answer_own``, ``count_open``, ``left_of``. All that change something raise Refused, in words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import BigIntegerField, Count, F, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from accounts import audit
from accounts.access import Need
from accounts.guard import require
from accounts.models import Account, BillingCycle, Organization, User
from accounts.services import Refused
from ingest import jobs
from recon.models import Question, Reconciliation
from recon.services import answers, merging
from recon.services.answers import STANDING
from recon.services.effects import Effect, effects_of, kept
from recon.services.months import changed, newest
from recon.services.pairs import PERHAPS, Answer, Kind, Reason, Side, SideBySide, answers_to, side_by_side

__all__ = [
    "MONEY", "ORDER", "Effect", "Entry", "Left", "Outcome", "Reason", "Side", "SideBySide", "answer", "answer_exact", "answer_own",
    "answers_to", "count_blocking", "count_open", "decided", "entry", "left_of", "postpone", "question", "queue", "side_by_side", "undo",
    "waiting",
]  # fmt: skip
State = Question.State
_ACTS: Final = {given.value: f"recon.match.{given.value}" for given in Answer}
#: What blocks first, then by weight; what was postponed last.
ORDER: Final = (F("postponed_at").asc(nulls_first=True), "-is_blocking", "-weight", "pk")
#: What a question is worth a month, in micros; null where no price is known.
MONEY: Final = Cast(KeyTextTransform("money", "evidence"), BigIntegerField())


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the queue. ``perhaps`` says what is suspected; ``money`` is in micros, null where no price is known."""

    question: Question
    perhaps: str
    money: int | None

    @property
    def is_postponed(self) -> bool:
        return self.question.postponed_at is not None


@dataclass(frozen=True, slots=True)
class Left:
    """How much is to be decided, and what it is worth a month as far as prices are known (micros; null where none is)."""

    count: int
    money: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer did: the months that are counted anew (or, signed, checked for drift), and rows before and after.

    ``effects`` are of the newest month that is worked on, as its page shows it now; the recount has the last word.
    """

    question: Question
    words: str
    cycles: tuple[BillingCycle, ...] = ()
    effects: tuple[Effect, ...] = ()


# --- looking


def waiting(account: Account) -> QuerySet[Question]:
    """What waits to be decided, in the queue's order, to be filtered and paged."""
    return _open(account).select_related("subject", "candidate", "runner_up", "cycle").order_by(*ORDER)


def queue(account: Account) -> list[Entry]:
    """All that waits. One query."""
    return [entry(one) for one in waiting(account)]


def decided(account: Account) -> QuerySet[Question]:
    """What was answered, the newest first."""
    answered = Question.objects.filter(account=account, state=State.ANSWERED).order_by("-answered_at", "-pk")
    return answered.select_related("subject", "candidate", "answered_by", "cycle")


def question(account: Account, pk: int) -> Question:
    """One question of the account, whatever its state. Raises Question.DoesNotExist."""
    return Question.objects.select_related("subject", "candidate", "runner_up", "cycle", "answered_by").get(account=account, pk=pk)


def count_open(account: Account) -> int:
    return _open(account).count()


def left_of(cycle: BillingCycle) -> Left:
    """What a month asked and is not closed over. Names that fit several are counted by the rows that wait (``recon.services.naming``)."""
    blocking = Question.objects.filter(cycle=cycle, state=State.OPEN, is_blocking=True).exclude(kind=Kind.AMBIGUOUS)
    return Left(**blocking.aggregate(count=Count("pk"), money=Sum(MONEY)))


def count_blocking(cycle: BillingCycle) -> int:
    return left_of(cycle).count


def _open(account: Account) -> QuerySet[Question]:
    return Question.objects.filter(account=account, state=State.OPEN)


def entry(one: Question) -> Entry:
    perhaps = PERHAPS[one.kind]
    if one.kind == Kind.RENAMED and one.subject_id == one.candidate_id:
        perhaps = f"renamed, before: {one.evidence.get('before', '')}"
    elif one.candidate and one.kind not in {Kind.AMBIGUOUS, Kind.FALLBACK_KEY}:
        perhaps = f"{perhaps}: {one.candidate.name}" if one.kind != Kind.UNMATCHED else f"{perhaps}, perhaps {one.candidate.name}"
    return Entry(one, perhaps, one.evidence.get("money"))


# --- deciding


@transaction.atomic
def answer(asked: Question, said: str, *, by: User, candidate: Organization | None = None, reason: str = "") -> Outcome:
    """Decide. ``candidate`` is the other one where it is not the suggested one; ``reason`` is needed for internal and not ours."""
    held = _held(asked, by)
    reason = _words(reason)
    if said not in answers_to(held) and not (said == Answer.SAME and candidate):
        raise Refused("That is no answer to this question.")
    if said in STANDING and not reason:
        raise Refused("Say why nobody is rebilled for it.")
    other = _other(held, candidate)
    if said == Answer.SAME and held.kind == Kind.AMBIGUOUS and other is None:
        raise Refused("Choose whose rows these are.")
    done = answers.act(held, said, other, reason, by)
    return _decide(held, said, other, reason, done, by)


@transaction.atomic
def postpone(asked: Question, *, by: User) -> None:
    """Leave it for later: it sinks in the queue, and stays open."""
    held = _held(asked, by)
    Question.objects.filter(pk=held.pk).update(postponed_at=timezone.now())
    audit.record("recon.match.postponed", _subject(held), account=held.account, actor=by, cycle=held.cycle, after={"question": held.pk})


@transaction.atomic
def answer_exact(account: Account, *, by: User) -> list[Outcome]:
    """Say *same* to everything whose evidence is exact: the same id, or the same key."""
    require(by, account, Need.WORK)
    exact = _open(account).filter(is_exact=True).exclude(kind=Kind.SWAPPED).order_by("pk")
    return [answer(one, Answer.SAME, by=by) for one in exact.select_related("account", "cycle", "subject", "candidate")]


@transaction.atomic
def answer_own(account: Account, *, by: User, only: Collection[int] | None = None) -> list[Outcome]:
    """Say *a customer of its own* to unmatched names that nothing is alike: to all, or to ``only`` those."""
    require(by, account, Need.WORK)
    alone = _open(account).filter(kind=Kind.UNMATCHED, candidate__isnull=True).order_by("pk")
    if only is not None:
        alone = alone.filter(pk__in=only)
    return [answer(one, Answer.DIFFERENT, by=by) for one in alone.select_related("account", "cycle", "subject", "candidate")]


@transaction.atomic
def undo(asked: Question, *, by: User) -> Outcome:
    """Take an answer back exactly, and ask again. What was signed meanwhile stays as it was signed."""
    require(by, asked.account, Need.WORK)
    _hold_account(asked.account)
    held = Question.objects.select_for_update(of=("self",)).select_related("account", "cycle", "subject", "candidate").get(pk=asked.pk)
    if held.state != State.ANSWERED:
        raise Refused("That is not decided (any more): there is nothing to undo.")
    touched = set(held.undo.get("touched", []))
    later = Question.objects.filter(account=held.account, state=State.ANSWERED, answered_at__gt=held.answered_at)
    for one in later.only("name", "undo").order_by("-answered_at"):
        if touched & set(one.undo.get("touched", [])):
            raise Refused(f"Something was decided of {one.name} since. Undo that first.")
    cycles = _touched_cycles(held, held.undo)
    said, before = held.answer, held.answered_at
    answers.put_back(held, before)
    made = {"made": held.undo["made"]} if held.undo.get("made") else {}
    cycles = sorted({one.pk: one for one in [*cycles, *_touched_cycles(held, held.undo)]}.values(), key=lambda one: one.start)
    Question.objects.filter(pk=held.pk).update(
        state=State.OPEN, answer="", answer_reason="", answered_by=None, answered_at=None, undo=made, postponed_at=None
    )
    _tell(held, "recon.match.undone", f"{said}, {_subject(held)}", cycles, by, {"question": held.pk, "answer": said})
    held.refresh_from_db()
    return Outcome(held, f"Taken back: {held.name} is to be decided again.", tuple(cycles))


# --- what both need


def _hold_account(account: Account) -> None:
    """One answer at a time: two that touch the same Organizations never cross."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _held(asked: Question, by: User) -> Question:
    require(by, asked.account, Need.WORK)
    _hold_account(asked.account)
    held = Question.objects.select_for_update(of=("self",)).select_related("account", "cycle", "subject", "candidate").get(pk=asked.pk)
    if held.state == State.ANSWERED:
        who = held.answered_by
        raise Refused(f"{who} decided this already: {held.get_answer_display().lower()}. Undo that to decide otherwise.")
    if held.state == State.WITHDRAWN:
        raise Refused("This is no longer asked: the lists have changed.")
    return held


def _other(held: Question, candidate: Organization | None) -> Organization | None:
    if candidate is None:
        return None if held.kind == Kind.AMBIGUOUS else held.candidate
    if candidate.account_id != held.account_id or candidate.pk == held.subject_id:
        raise Refused("Choose another Organization of this account.")
    return candidate


def _words(text: str) -> str:
    text = text.strip()
    if len(text) > 500:
        raise Refused(f"The reason has at most 500 characters; this one has {len(text):,}.")
    return text


def _subject(held: Question) -> str:
    if held.candidate and held.candidate_id != held.subject_id:
        return f"{held.name} and {held.candidate}"
    return held.name


def _decide(held: Question, said: str, other: Organization | None, reason: str, done: dict[str, Any], by: User) -> Outcome:
    cycles = _touched_cycles(held, done)
    effects = effects_of(held, said, done, cycles)
    Question.objects.filter(pk=held.pk).update(
        state=State.ANSWERED, answer=said, answer_reason=reason, answered_by=by, answered_at=timezone.now(), undo=done, postponed_at=None,
        evidence=held.evidence | {"effects": kept(effects), "other": other.name if other else ""},
    )  # fmt: skip
    words = _outcome_words(held, said, other)
    after = {"question": held.pk, "kind": held.kind, "reason": reason, "organizations": done.get("touched", [])}
    _tell(held, _ACTS[said], _subject_of(held, other), cycles, by, after)
    held.refresh_from_db()
    return Outcome(held, words, tuple(cycles), tuple(effects))


def _subject_of(held: Question, other: Organization | None) -> str:
    return f"{held.name} and {other}" if other and other.pk != held.subject_id else held.name


def _outcome_words(held: Question, said: str, other: Organization | None) -> str:
    if said in STANDING:
        return f"Remembered: {held.name} is {Answer(said).label.lower()}. Nobody is rebilled for it."
    if held.kind == Kind.AMBIGUOUS:
        return f"Remembered: those rows are {other or held.name}’s."
    if said == Answer.SAME and other and other.pk != held.subject_id and held.kind != Kind.SWAPPED:
        return f"Remembered: {held.name} and {other} are one customer."
    if said == Answer.DIFFERENT and other and other.pk != held.subject_id:
        return f"Remembered: {held.name} is not {other}."
    return f"Remembered: {held.name}."


def _touched_cycles(held: Question, done: dict[str, Any]) -> list[BillingCycle]:
    """The months that the answer changes. An answer that moves nothing changes none."""
    if not any(done.get(what) for what in ("named", "merge", "standing")):
        return []
    return merging.cycles_that_name(held.account, [pk for pk in done["touched"] if pk])


def _tell(held: Question, action: str, subject: str, cycles: Sequence[BillingCycle], by: User, after: dict[str, Any]) -> None:
    """Count the touched months anew, and write the act down in each, and in the month that asked."""
    for cycle in cycles:
        changed(cycle, by=by)
    if held.cycle_id not in {cycle.pk for cycle in cycles}:  # told apart, they may be alike to somebody else
        label = f"Looking anew at who is who, from {held.cycle.start:%-d %b %Y}"
        jobs.enqueue("ask", held.cycle_id, label=label, account=held.account, by=by)
    for cycle in {one.pk: one for one in (*cycles, held.cycle)}.values():
        revision = newest(cycle).revision
        audit.record(action, subject, account=held.account, actor=by, cycle=cycle, revision=revision, after=after)


def follow_merges(following: Reconciliation) -> None:
    """Let the decisions that a reopened revision begins with stand on the rows that they belong to now."""
    moved = merging.gather_after_reopening(following)
    if not any(moved.values()):
        return
    for one in Question.objects.filter(account=following.cycle.account_id, state=State.ANSWERED).filter(~Q(undo={})):
        merge = one.undo.get("merge")
        if merge and (members := set(merge["members"])):
            concerned = defaultdict(lambda: members, cleared=members | {merge["root"]})
            mine = {
                name: [entry for entry in entries if (entry["organization_id"] if name == "kept" else entry[1]) in concerned[name]]
                for name, entries in moved.items()
            }
            if any(mine.values()):
                merge.setdefault("moved_later", []).append(mine)
                Question.objects.filter(pk=one.pk).update(undo=one.undo)
