"""One question as pages show it: two Organizations side by side, with why they look alike. Made from what was stored with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from recon.models import Question

Kind = Question.Kind
Answer = Question.Answer
Units = dict[str, dict[str, int]]
#: What each kind suspects, before the name of the other one.
PERHAPS: Final[dict[str, str]] = {
    Kind.AMBIGUOUS: "fits several Organizations",
    Kind.UNMATCHED: "not in the bill",
    Kind.RENAMED: "perhaps renamed",
    Kind.SPLIT: "perhaps split",
    Kind.MERGED: "perhaps merged",
    Kind.MISTYPED: "perhaps mistyped",
    Kind.SAME_NAME: "one name, two keys",
    Kind.SWAPPED: "names swapped",
    Kind.FALLBACK_KEY: "a script’s fall-back key",
    Kind.SITE: "perhaps a site of",
    Kind.NEW: "new in the bill",
    Kind.MISSING: "no longer in the bill",
}


@dataclass(frozen=True, slots=True)
class Reason:
    words: str
    points: int


@dataclass(frozen=True, slots=True)
class Side:
    """One Organization (or, without ``pk``, one name) with its figures.

    ``spelt`` has the names that each list uses for it, ``units`` its units by leg and product: ``billed``, ``expected``, ``rebilled``
    and ``previous`` (billed in the cycle before). Dates are ISO texts; "" where it was never billed. ``hostnames`` is null without an
    agent list. ``score`` is its likeness to the subject.
    """

    name: str
    pk: int | None = None
    huntress_id: str = ""
    key: str = ""
    spelt: dict[str, list[str]] = field(default_factory=dict)
    former: list[str] = field(default_factory=list)
    units: Units = field(default_factory=dict)
    first_billed: str = ""
    last_billed: str = ""
    hostnames: int | None = None
    standing: str = "customer"
    members: list[str] = field(default_factory=list)
    score: int | None = None

    @property
    def legs(self) -> list[str]:
        """The lists of this cycle that name it."""
        return [leg for leg in ("billed", "expected", "rebilled") if leg in self.units]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A question, ready to be decided.

    ``candidate`` is null where nothing is alike. ``others`` are further parts of a split or merger and further Organizations that an
    ambiguous name fits; ``runner_up`` is the next best. ``marks`` are the differing stretches (from, to) of subject's and candidate's
    names. ``answers`` are what may be said, each with what follows from it.
    """

    question: Question
    subject: Side
    candidate: Side | None
    others: list[Side]
    runner_up: Side | None
    reasons: list[Reason]
    marks: tuple[tuple[int, int], tuple[int, int]] | None
    shared_hostnames: int | None
    certainty: str
    money: int | None
    answers: dict[str, str]

    @property
    def together(self) -> Units:
        """What the two (or all parts) have together, by leg and product."""
        parts = [
            self.subject,
            *([self.candidate] if self.candidate else []),
            *(one for one in self.others if one.pk in _parts(self.question)),
        ]
        sums: Units = {}
        for part in parts:
            for leg, by_product in part.units.items():
                for product, units in by_product.items():
                    sums.setdefault(leg, {})[product] = sums.get(leg, {}).get(product, 0) + units
        return sums


def side_by_side(question: Question) -> SideBySide:
    said: Mapping[str, Any] = question.evidence
    others = [_side(one) for one in said.get("others", [])]
    runner_up = _side(said["runner_up"]) if said.get("runner_up") else None
    marks = said.get("marks")
    return SideBySide(
        question=question,
        subject=_side(said["subject"]) if said.get("subject") else Side(question.name),
        candidate=_side(said["candidate"]) if said.get("candidate") else None,
        others=others,
        runner_up=runner_up,
        reasons=[Reason(words, points) for words, points in question.reasons],
        marks=((marks[0][0], marks[0][1]), (marks[1][0], marks[1][1])) if marks else None,
        shared_hostnames=said.get("shared_hostnames"),
        certainty=said.get("certainty", ""),
        money=said.get("money"),
        answers=answers_to(question),
    )


def _side(values: Mapping[str, Any]) -> Side:
    return Side(**values)


def _parts(question: Question) -> list[int]:
    return list(question.evidence.get("parts", []))


def answers_to(question: Question) -> dict[str, str]:
    """What may be said, with what follows from it, in sentences."""
    who = question.candidate.name if question.candidate else ""
    found: dict[str, str] = {}
    if same := _same(question, who):
        found[Answer.SAME] = same
    found[Answer.DIFFERENT] = _different(question, who)
    if question.kind != Kind.SWAPPED:
        found[Answer.INTERNAL] = "It is the MSP’s own use: nobody is rebilled for it."
        found[Answer.NOT_OURS] = "It is no customer of ours: nobody is rebilled for it."
    return found


def _same(question: Question, who: str) -> str:
    if question.kind == Kind.AMBIGUOUS:
        return "Its rows count for the one you choose. The name becomes an alias, dated today."
    if question.kind == Kind.SWAPPED:
        return "Each stays who its id or key says, under its new name. Nothing moves."
    if question.kind == Kind.RENAMED and question.subject_id == question.candidate_id:
        return "It stays one Organization. The old name becomes an alias, dated today, so that lists that still use it are matched."
    if not who:
        return ""
    return f"They become one customer with {who}: rows are added up, and the lines stay where they are, so that it can be undone."


def _different(question: Question, who: str) -> str:
    match question.kind:
        case Kind.AMBIGUOUS:
            return "An Organization of its own. The name becomes its alias, dated today."
        case Kind.SWAPPED:
            return "Remembered as looked at: they are told apart by id and key, and nothing moves."
        case Kind.RENAMED if question.subject_id == question.candidate_id:
            return "The old name no longer leads here: lists that use it name somebody else."
        case Kind.MISSING:
            return "It has left. Nothing is counted otherwise."
        case _ if who:
            return f"It is not {who}, and this pair is never asked about again."
    return "A customer of its own."
