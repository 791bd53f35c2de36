"""Asking which Organization is which: suspicions of a month become questions, and what no longer holds is withdrawn.

Runs in the recount's job, after the page is turned. In sets, a constant number of queries, and safe to run twice or at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from django.db import transaction

from accounts.models import Account, BillingCycle
from accounts.names import normalise
from accounts.roots import roots_of
from ingest.models import LegInput
from recon.engine.suspicions import Suspicion, detect, name_topic, ordered, pairs_of
from recon.models import Question
from recon.services import naming
from recon.services.evidence import Evidence, Namesakes
from recon.services.parties import Gathered, gathered

State = Question.State
Kind = Question.Kind
_FIELDS: Final = (
    "kind", "cycle_id", "subject_id", "name", "name_key", "candidate_id", "runner_up_id", "score", "margin", "is_exact", "is_blocking",
    "weight", "reasons", "evidence",
)  # fmt: skip
_BATCH: Final = 500


@dataclass(frozen=True)
class _Found:
    """What holds now: questions not yet stored, by topic. ``may_ask``: also what was never asked is."""

    questions: dict[str, Question]
    may_ask: bool


def refresh(cycle: BillingCycle) -> None:
    """Bring the account's questions in line with a month that was just counted.

    Only the newest cycle with a bill raises what is new, so that older months do not; names that fit several are asked for wherever they
    wait, since their rows count nowhere.
    """
    _bring_in_line(cycle, _ambiguous(cycle.account), _suspected(cycle))


def refresh_names(account: Account) -> None:
    """Ask for the names that fit several, alone: of a list that came for a month that is signed, where nothing is counted anew."""
    _bring_in_line(None, _ambiguous(account), _Found({}, may_ask=False), account)


def _bring_in_line(cycle: BillingCycle | None, names: _Found, suspected: _Found, account: Account | None = None) -> None:
    account_id = cycle.account_id if cycle else cast(Account, account).pk
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account_id)
        known = {one.topic: one for one in Question.objects.filter(account=account_id).defer("undo")}
        _store(names, known, reopen=True)
        _store(suspected, known, reopen=False)
        merged = roots_of(account_id)
        gone = [
            one.pk
            for one in known.values()
            if one.state == State.OPEN
            and (
                one.topic not in names.questions
                if one.kind == Kind.AMBIGUOUS
                else one.subject_id in merged or (cycle is not None and one.cycle_id == cycle.pk and one.topic not in suspected.questions)
            )
        ]
        for start in range(0, len(gone), _BATCH * 10):
            Question.objects.filter(pk__in=gone[start : start + _BATCH * 10], state=State.OPEN).update(state=State.WITHDRAWN)


def _store(found: _Found, known: dict[str, Question], *, reopen: bool) -> None:
    """Ask what is new, and bring what is asked already up to date. What was answered stays answered, unless rows wait again."""
    made, changed = [], []
    for topic, question in sorted(found.questions.items()):
        asked = known.get(topic)
        if asked is None:
            if found.may_ask:
                made.append(question)
            continue
        if asked.state == State.ANSWERED and not reopen:
            continue
        if asked.state == State.WITHDRAWN and not found.may_ask:
            continue
        if _takes_over(asked, question):
            changed.append(asked)
    Question.objects.bulk_create(made, batch_size=_BATCH)
    state = ["state", "answer", "answer_reason", "answered_by", "answered_at", "postponed_at"]
    names = [name.removesuffix("_id") for name in _FIELDS]
    Question.objects.bulk_update(changed, [*names, *state], batch_size=_BATCH)


def _takes_over(asked: Question, question: Question) -> bool:
    """Give a question what holds now; whether that is anything new. One that is open stays with the month that asked it first."""
    is_open = asked.state == State.OPEN
    if is_open and asked.cycle_id != question.cycle_id:
        question.cycle_id = asked.cycle_id
    if is_open and all(getattr(asked, name) == getattr(question, name) for name in _FIELDS):
        return False
    for name in _FIELDS:
        setattr(asked, name, getattr(question, name))
    if not is_open:
        asked.state, asked.answer, asked.answer_reason, asked.postponed_at = State.OPEN, "", "", None
        asked.answered_by = asked.answered_at = None
    return True


# --- names that fit several


def _ambiguous(account: Account) -> _Found:
    """A question for each name whose rows wait in a list that serves a month now, in the newest such month."""
    lines = naming.waiting_lines(account).values_list("name", "source_file", "product", "quantity")
    waiting: dict[str, list[Any]] = {}
    for name, file, product, quantity in lines.order_by("name", "source_file", "line"):
        waiting.setdefault(normalise(name)[:500], []).append((name, file, product, quantity))
    if not waiting:
        return _Found({}, may_ask=True)
    files = {file for rows in waiting.values() for _, file, *_ in rows}
    inputs = LegInput.objects.filter(source_file__in=files, ended_at__isnull=True).order_by("cycle__start")
    place = {file: (start, pk, leg) for file, start, pk, leg in inputs.values_list("source_file", "cycle__start", "cycle", "leg")}
    namesakes = Namesakes(account, list(waiting))
    questions = {}
    for name_key, rows in waiting.items():
        spellings = sorted({name for name, *_ in rows})
        topic = name_topic(spellings[0])
        newest = max(place[file][:2] for _, file, *_ in rows)
        said = namesakes.said(name_key, spellings, [(place[file][2], product, quantity) for _, file, product, quantity in rows])
        questions[topic] = Question(
            account=account,
            cycle_id=newest[1],
            kind=Kind.AMBIGUOUS,
            topic=topic,
            name=spellings[0],
            name_key=name_key,
            weight=said.weight,
            reasons=said.reasons,
            evidence=said.shown,
        )
    return _Found(questions, may_ask=True)


# --- what the comparison suspects


def _suspected(cycle: BillingCycle) -> _Found:
    bills = LegInput.objects.filter(cycle__account=cycle.account_id, leg="billed", ended_at__isnull=True).select_related("cycle")
    in_order = list(bills.order_by("cycle__start"))
    here = next((bill for bill in in_order if bill.cycle_id == cycle.pk), None)
    if here is None:
        return _Found({}, may_ask=False)
    earlier = [bill for bill in in_order if bill.cycle.start < cycle.start]
    of_month = gathered(cycle, here, earlier, different=_told_apart(cycle.account))
    suspicions = ordered(detect(of_month.months))
    evidence = Evidence(of_month, suspicions)
    questions = {one.topic: _question(cycle, of_month, one, evidence) for one in suspicions}
    return _Found(questions, may_ask=here is in_order[-1])


def _told_apart(account: Account) -> frozenset[frozenset[int]]:
    """The pairs that a person said are different."""
    topics = Question.objects.filter(account=account, state=State.ANSWERED, answer=Question.Answer.DIFFERENT, topic__startswith="orgs:")
    return frozenset(pair for topic in topics.values_list("topic", flat=True) for pair in pairs_of(topic))


def _question(cycle: BillingCycle, of_month: Gathered, one: Suspicion, evidence: Evidence) -> Question:
    said = evidence.suspicion(one)
    name = of_month.name_of(one.subject)
    return Question(
        account_id=cycle.account_id,
        cycle_id=cycle.pk,
        kind=one.kind,
        topic=one.topic,
        subject_id=one.subject,
        name=name,
        name_key=normalise(one.before or name)[:500],
        candidate_id=one.candidate,
        runner_up_id=one.runner_up,
        score=one.score,
        margin=one.margin,
        is_exact=one.is_exact,
        is_blocking=one.is_blocking,
        weight=said.weight,
        reasons=said.reasons,
        evidence=said.shown,
    )
