"""One question as its page shows it, with whom else it can be compared, and what its answer changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from django.db.models import F
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString

from accounts.likeness import certainty, compare
from accounts.models import Account, BillingCycle, Organization
from accounts.products import BY_CODE
from accounts.roots import families_of
from ingest.models import LegInput, UsageLine
from recon.match_fields import Field, fields_of, marked, together_words
from recon.match_words import Words
from recon.models import Question, Reconciliation, Variance
from recon.services import questions as service
from recon.services.pairs import Side, SideBySide
from recon.services.sides import side_of

_PLACES_SHOWN: Final = 3
Kind = Question.Kind
State = Question.State


@dataclass(frozen=True, slots=True)
class Became:
    """A row that an answer changed: as it was, and as it is, or will be when it is counted."""

    name: str
    product: str
    rows_before: int
    before: dict[str, int | None]
    after: dict[str, int | None]
    is_rebilled: bool
    url: str

    @property
    def legs(self) -> list[dict[str, Any]]:
        """The lists that know it, or knew it, with the units of both."""
        found = [{"words": leg, "before": self.before.get(leg), "after": self.after.get(leg)} for leg in ("billed", "expected", "rebilled")]
        return [one for one in found if one["before"] is not None or one["after"] is not None]


@dataclass(frozen=True)
class Pair:
    """One question beside the queue. ``beside`` is who it is compared with instead of the suggested one."""

    account: Account
    question: Question
    sides: SideBySide
    words: Words
    beside: Organization | None

    @property
    def subject(self) -> Side:
        return self.sides.subject

    @property
    def candidate(self) -> Side | None:
        if self.is_own_rename:
            return replace(self.sides.subject, name=str(self.question.evidence.get("before", "")), former=[])
        return self.sides.candidate

    @property
    def is_own_rename(self) -> bool:
        """Whether it is one known Organization under a new name."""
        return self.question.kind == Kind.RENAMED and self.question.subject_id == self.question.candidate_id

    @cached_property
    def marked(self) -> tuple[SafeString, SafeString]:
        """Both names, with what differs marked."""
        other = self.candidate.name if self.candidate else ""
        marks = self.sides.marks or (compare(self.subject.name, other).marks if other else None)
        left, right = marks or (None, None)
        is_whole = marks is not None and (self.subject.name[: marks[0][0]] + self.subject.name[marks[0][1] :]).strip() == ""
        if is_whole or self.subject.name == other:
            left = right = None
        return marked(self.subject.name, left), marked(other, right)

    @property
    def score(self) -> int | None:
        if self.is_own_rename or self.sides.candidate is None:
            return None
        return self.sides.candidate.score

    @cached_property
    def fields(self) -> list[Field]:
        other = None if self.is_own_rename else self.sides.candidate
        return fields_of(self.subject, other, self.sides.shared_hostnames)

    @cached_property
    def places(self) -> list[dict[str, Any]]:
        """The first lines of the month's lists that name it, or that wait under its name."""
        served = LegInput.objects.filter(cycle=self.question.cycle_id, ended_at__isnull=True).values("source_file")
        its: dict[str, Any] = {"organization": self.question.subject_id}
        if self.question.subject_id is None:
            its = {"organization__isnull": True, "name__in": [name for names in self.subject.spelt.values() for name in names]}
        lines: Any = UsageLine.objects.filter(source_file__in=served, **its).values("source_file", "line", file=F("source_file__name"))
        return list(lines.distinct().order_by("source_file", "line")[:_PLACES_SHOWN])

    @property
    def is_wide(self) -> bool:
        """Whether there are two sides to compare."""
        return self.candidate is not None

    @property
    def together(self) -> str:
        """What *same* would make of the month's figures."""
        is_merge = self.sides.candidate is not None and not self.is_own_rename and self.question.kind != Kind.SWAPPED
        return together_words(self.sides) if is_merge and "same" in self.sides.answers else ""

    @property
    def choices(self) -> list[Side]:
        """Whom a name fits, to choose from."""
        return self.sides.others if self.question.kind == Kind.AMBIGUOUS else []

    @property
    def parts(self) -> list[Side]:
        """Further parts of a split customer, or of a merger, beside the one that is shown."""
        return [] if self.question.kind == Kind.AMBIGUOUS or self.beside else self.sides.others

    @property
    def for_it(self) -> list[Any]:
        return [reason for reason in self.sides.reasons if reason.points > 0]

    @property
    def against(self) -> list[Any]:
        return [reason for reason in self.sides.reasons if reason.points <= 0]

    @property
    def is_open(self) -> bool:
        return self.question.state == State.OPEN


def compared(sides: SideBySide, beside: Organization) -> SideBySide:
    """The same question with another Organization on the other side, weighed by names and keys alone, and never surer than the first."""
    other = side_of(beside, sides.question.cycle)
    likeness = compare(sides.subject.name, other.name, keys=(sides.subject.key, other.key))
    answers = service.answers_to(sides.question) | {
        Question.Answer.SAME.value: f"They become one customer with {other.name}: rows are added up, and the lines stay where they are, so "
        "that it can be undone."
    }
    if sides.question.kind == Kind.AMBIGUOUS:
        answers[Question.Answer.SAME.value] = f"Its rows count for {other.name}. The name becomes an alias, dated today."
    return replace(
        sides,
        candidate=replace(other, score=likeness.score),
        others=[],
        runner_up=None,
        reasons=[service.Reason(one.words, one.points) for one in likeness.reasons],
        marks=likeness.marks,
        shared_hostnames=None,
        certainty=certainty(likeness.score, max(0, likeness.score - sides.question.score)),
        answers=answers,
    )


def became(account: Account, answered: Question) -> list[Became]:
    """What an answer did to the rows of the month that it changed: as counted since, else as they will be."""
    kept = answered.evidence.get("effects") or []
    if not kept:
        return []
    cycle = BillingCycle.objects.get(account=account, pk=kept[0]["cycle"])
    month = Reconciliation.objects.filter(cycle=cycle, run__gt=0).order_by("-revision").first()
    now: dict[tuple[int, str], dict[str, int | None]] = {}
    if month is not None and not month.stale:
        pks = {one["organization"] for one in kept}
        roots = {root: pk for pk, family in families_of(account, pks).items() for root in family[:1]}
        rows = Variance.objects.filter(reconciliation=month, run=F("reconciliation__run"), organization__in=roots)
        now = {
            (roots[row.organization_id], row.product): {leg: getattr(row, leg) for leg in ("billed", "expected", "rebilled")}
            for row in rows
        }
    found = []
    for one in kept:
        key = (one["organization"], one["product"])
        url = reverse("recon:row", args=[account.slug, cycle.start.isoformat(), *key]) if key in now else ""
        label = BY_CODE[one["product"]].label
        found.append(Became(one["name"], label, one["rows_before"], one["before"], now.get(key, one["after"]), one["is_rebilled"], url))
    return found
