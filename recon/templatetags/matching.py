"""How questions and what was answered look on a page."""

from __future__ import annotations

from datetime import date
from typing import Final

from django import template

from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import day, units
from recon.match_page import MatchPage
from recon.models import Question
from recon.services.pairs import Side

register = template.Library()
Answer = Question.Answer
Kind = Question.Kind
_LEGS: Final = {"billed": "billed", "expected": "expected", "rebilled": "rebilled", "previous": "billed before"}


@register.simple_tag
def queue_url(page: MatchPage, question: Question, beside: int | None = None) -> str:
    """A question's address in the queue as it is filtered; ``beside`` is the Organization to compare with."""
    address = page.url(question)
    return f"{address}{'&' if '?' in address else '?'}with={beside}" if beside else address


@register.filter
def decision(question: Question) -> str:
    """What was answered, in words."""
    said = question.evidence.get("other") or (question.candidate.name if question.candidate and not _is_own(question) else "")
    match question.answer:
        case Answer.SAME if _is_own(question):
            return f"the same under a new name, before: {question.evidence.get('before', '')}"
        case Answer.SAME if question.kind == Kind.SWAPPED:
            return f"exchanged names with {said}"
        case Answer.SAME:
            return f"the rows of {said}" if question.kind == Kind.AMBIGUOUS else f"same as {said}"
        case Answer.DIFFERENT if question.kind == Kind.MISSING:
            return "has left"
        case Answer.DIFFERENT:
            return f"different from {said}" if said and question.kind != Kind.AMBIGUOUS else "a customer of its own"
    return question.get_answer_display().lower()


def _is_own(question: Question) -> bool:
    return question.subject_id is not None and question.subject_id == question.candidate_id


@register.filter
def side_units(side: Side) -> str:
    """``12 EDR and 5 SIEM billed``: of the first list that has figures for it."""
    for leg, words in _LEGS.items():
        if of_leg := side.units.get(leg):
            return f"{' and '.join(f'{units(count)} {BY_CODE[code].label}' for code, count in of_leg.items())} {words}"
    return "no units in any list"


@register.filter
def iso_day(iso: str) -> str:
    return day(date.fromisoformat(iso)) if iso else ""
