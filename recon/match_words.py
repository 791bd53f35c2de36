"""How each kind of suspicion is put to people: the question, what it means, and what stands on either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from recon.models import Question

Kind = Question.Kind


@dataclass(frozen=True, slots=True)
class Words:
    """``chip`` names the suspicion, ``asks`` is the question, ``why`` what happened; ``left`` and ``right`` caption the two sides."""

    chip: str
    asks: str
    why: str
    left: str
    right: str = ""


_ARE_THEY: Final = "Are these the same customer?"
WORDS: Final[dict[str, Words]] = {
    Kind.AMBIGUOUS: Words(
        "Fits several",
        "Whose rows are these?",
        "The name fits several Organizations. Its rows count nowhere until you say whose they are.",
        "As the list writes it",
    ),
    Kind.UNMATCHED: Words(
        "Not in the bill",
        _ARE_THEY,
        "A list of ours names it, without an id or a key, and the billed report does not.",
        "In our list alone",
        "In the billed report",
    ),
    Kind.RENAMED: Words(
        "Renamed?",
        _ARE_THEY,
        "One went away and one came, alike in name and in counts.",
        "New in the billed report",
        "No longer in it",
    ),
    Kind.SPLIT: Words(
        "Split?",
        "Is this one customer in parts?",
        "One went away and two came, whose counts add up to it.",
        "No longer in the billed report",
        "New in it",
    ),
    Kind.MERGED: Words(
        "Merged?",
        "Did these become one customer?",
        "Two went away and one came, which has the counts of both.",
        "New in the billed report",
        "No longer in it",
    ),
    Kind.MISTYPED: Words(
        "Mistyped?",
        _ARE_THEY,
        "New in the bill, and nearly the name or key of one that did not go away: a slip in an install script, perhaps.",
        "New in the billed report",
        "Known, and still billed",
    ),
    Kind.SAME_NAME: Words(
        "One name, two keys",
        _ARE_THEY,
        "Two Organizations of one name, told apart by id or key alone.",
        "The newer one",
        "The older one",
    ),
    Kind.SWAPPED: Words(
        "Names swapped",
        "Did these two exchange their names?",
        "Each has the name that the other had before, under its own id or key.",
        "The one",
        "The other",
    ),
    Kind.FALLBACK_KEY: Words(
        "Fall-back key",
        "Whose machines are these?",
        "An install script was given no key, and wrote this one instead. Its agents are billed.",
        "In the billed report",
    ),
    Kind.SITE: Words(
        "Site as Organization",
        "Is this a site of the same customer?",
        "The name is that of a known customer, with a place behind a dash.",
        "The site",
        "The customer",
    ),
    Kind.NEW: Words(
        "New",
        "Is this a customer of its own?",
        "No earlier billed report names it, and nothing that is known is like it. It blocks nothing.",
        "New in the billed report",
    ),
    Kind.MISSING: Words(
        "Missing",
        "Has this customer left?",
        "The report before this one named it. It blocks nothing: its row is looked at in the month.",
        "No longer in the billed report",
    ),
}
#: A known Organization under another name: the same id, or the same key, in both bills.
EXACT_RENAME: Final = Words(
    "Renamed", "Is this still the same customer?", "The same id or key as before, under another name.", "Its name now", "Its name before"
)
#: A key that is new under a key that went away.
SAME_KEY: Final = Words(
    "Renamed", _ARE_THEY, "One went away and one came under the same key.", "New in the billed report", "No longer in it"
)
ALONE: Final = Words(
    "Not in the bill",
    "Who is this?",
    "A list of ours names it, the billed report does not, and nothing in it is alike.",
    "In our list alone",
)


def words_of(question: Question) -> Words:
    if question.kind == Kind.RENAMED and question.is_exact:
        return EXACT_RENAME if question.subject_id == question.candidate_id else SAME_KEY
    if question.kind == Kind.UNMATCHED and question.candidate_id is None:
        return ALONE
    return WORDS[question.kind]
