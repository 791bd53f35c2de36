"""The queue of Organizations to decide, with one question opened beside it, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from accounts.models import Account, Organization
from ingest.models import Job
from recon.match_pair import Became, Pair, became, compared
from recon.match_words import words_of
from recon.models import Question
from recon.services import questions as service

PER_PAGE: Final = 20
DECIDED_SHOWN: Final = 6
DECIDED_PER_PAGE: Final = 20
_ALONE_SHOWN: Final = 50
_FOUND_SHOWN: Final = 8
Kind = Question.Kind
State = Question.State


@dataclass(frozen=True)
class MatchPage:
    account: Account
    query: QueryDict
    asked: Question | None
    beside: Organization | None = None

    # --- the queue

    @property
    def kind(self) -> str:
        kind = self.query.get("kind", "")
        return kind if kind in Kind.values else ""

    @property
    def q(self) -> str:
        return self.query.get("q", "").strip()[:200]

    @property
    def shows_decided(self) -> bool:
        return self.query.get("show") == "decided"

    @property
    def is_filtered(self) -> bool:
        return bool(self.kind or self.q)

    @cached_property
    def _counts(self) -> list[dict[str, Any]]:
        """How much of each kind waits, what it is worth, and how much of it can be answered in one go: one query."""
        waiting = Question.objects.filter(account=self.account, state=State.OPEN).order_by()
        counted: Any = waiting.values("kind").annotate(
            count=Count("pk"),
            money=Sum(service.MONEY),
            blocking=Count("pk", filter=Q(is_blocking=True)),
            exact=Count("pk", filter=Q(is_exact=True) & ~Q(kind=Kind.SWAPPED)),
            alone=Count("pk", filter=Q(kind=Kind.UNMATCHED, candidate__isnull=True)),
        )
        return list(counted)

    def _sum(self, name: str) -> int:
        return sum(int(one[name] or 0) for one in self._counts)

    @property
    def count(self) -> int:
        return self._sum("count")

    @property
    def blocking(self) -> int:
        return self._sum("blocking")

    @property
    def money(self) -> int | None:
        return self._sum("money") if any(one["money"] is not None for one in self._counts) else None

    @property
    def exact(self) -> int:
        return self._sum("exact")

    @property
    def alone(self) -> int:
        return self._sum("alone")

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """The kinds that wait, to filter by."""
        counts = {one["kind"]: one["count"] for one in self._counts}
        return [
            {"code": code, "label": label, "count": counts[code]} for code, label in Kind.choices if code in counts or code == self.kind
        ]

    @cached_property
    def _waiting(self) -> QuerySet[Question]:
        found = service.waiting(self.account).defer("undo")
        if self.kind:
            found = found.filter(kind=self.kind)
        if self.q:
            named = Q(name__icontains=self.q) | Q(candidate__name__icontains=self.q)
            found = found.filter(named)
        return found

    @cached_property
    def page(self) -> Page[Question]:
        """The page of the list that was asked for, or that the opened question is on."""
        number: Any = self.query.get("page", "")
        if not number and self.asked is not None and self.asked.state == State.OPEN:
            number = self._waiting.filter(_ahead_of(self.asked)).count() // PER_PAGE + 1
        return Paginator(self._waiting, PER_PAGE).get_page(number)

    @cached_property
    def entries(self) -> list[service.Entry]:
        return [service.entry(one) for one in self.page.object_list]

    @cached_property
    def question(self) -> Question | None:
        """What is opened: what was asked for, else the first of the page."""
        if self.asked is not None:
            return self.asked
        return self.entries[0].question if self.entries else None

    @property
    def _place(self) -> int | None:
        pk = self.question.pk if self.question else None
        return next((place for place, one in enumerate(self.entries) if one.question.pk == pk), None)

    @property
    def position(self) -> int | None:
        return None if self._place is None else self.page.start_index() + self._place

    @property
    def after(self) -> Question | None:
        return self._beside(1)

    @property
    def before(self) -> Question | None:
        return self._beside(-1)

    def _beside(self, step: int) -> Question | None:
        """The question after (or before) the opened one, on the next page too."""
        if self._place is None:
            return self.entries[0].question if self.entries and step > 0 else None
        place = self._place + step
        if 0 <= place < len(self.entries):
            return self.entries[place].question
        whole = self.page.start_index() - 1 + place
        return self._waiting[whole : whole + 1].first() if 0 <= whole < self.page.paginator.count else None

    @property
    def next_to_open(self) -> Question | None:
        """What comes when this one is decided."""
        return self.after or self.before

    # --- what is answered at once, and what was decided

    @cached_property
    def lonely(self) -> list[service.Entry]:
        """Names of our own lists that nothing in the bill is like."""
        if not self.alone:
            return []
        found = service.waiting(self.account).filter(kind=Kind.UNMATCHED, candidate__isnull=True).defer("undo")
        return [service.entry(one) for one in found[:_ALONE_SHOWN]]

    @cached_property
    def decided(self) -> Page[Question]:
        found = service.decided(self.account).defer("undo")
        if self.shows_decided and self.q:
            found = found.filter(Q(name__icontains=self.q) | Q(candidate__name__icontains=self.q))
        return Paginator(found, DECIDED_PER_PAGE if self.shows_decided else DECIDED_SHOWN).get_page(
            self.query.get("page", "") if self.shows_decided else 1
        )

    # --- the question that is opened

    @cached_property
    def pair(self) -> Pair | None:
        if self.question is None:
            return None
        sides = service.side_by_side(self.question)
        if self.beside is not None:
            sides = compared(sides, self.beside)
        return Pair(self.account, self.question, sides, words_of(self.question), self.beside)

    @cached_property
    def found(self) -> list[Organization]:
        """Organizations that a search for another one found; nobody's members, and not the one that is asked about."""
        wanted = self.query.get("other", "").strip()[:200]
        if not wanted or self.question is None:
            return []
        known = Organization.objects.filter(account=self.account, merged_into__isnull=True).exclude(pk=self.question.subject_id or 0)
        named = Q(name__icontains=wanted) | Q(former_names__name__icontains=wanted) | Q(huntress_id=wanted) | Q(key=wanted)
        return list(known.filter(named).distinct().order_by("name", "pk")[:_FOUND_SHOWN])

    @property
    def wanted(self) -> str:
        return self.query.get("other", "").strip()[:200]

    # --- what an answer changed

    @cached_property
    def job(self) -> Job | None:
        """The work that counts a month of this account anew, or looks whether a signed one has moved."""
        busy = Job.objects.filter(account=self.account, kind__in=["recount", "drift"], state__in=[Job.State.QUEUED, Job.State.RUNNING])
        return busy.order_by("-kind", "created_at", "pk").first()

    @property
    def is_busy(self) -> bool:
        return self.job is not None

    @cached_property
    def last(self) -> Question | None:
        """The answer whose effects are shown: the opened question's own, else the one that was just given."""
        if self.question is not None and self.question.state == State.ANSWERED:
            return self.question
        after = self.query.get("after", "")
        is_number = after.isascii() and after.isdecimal() and len(after) < 19
        return service.decided(self.account).filter(pk=int(after)).first() if is_number else None

    @cached_property
    def became(self) -> list[Became]:
        return became(self.account, self.last) if self.last else []

    def url(self, question: Question | None) -> str:
        """A question's own address, which keeps the list's filter beside it."""
        if question is None:
            return self.list_url
        return _with(reverse("recon:match", args=[self.account.slug, question.pk]), self._kept)

    @property
    def list_url(self) -> str:
        return _with(reverse("recon:matches", args=[self.account.slug]), self._kept)

    @property
    def _kept(self) -> str:
        kept = QueryDict(mutable=True)
        for name in ("kind", "q", "show"):
            if value := self.query.get(name):
                kept[name] = value
        return kept.urlencode()

    @property
    def suffix(self) -> str:
        return f"?{self._kept}" if self._kept else ""


def _with(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address


def _ahead_of(question: Question) -> Q:
    """What stands before a question in the queue (``service.ORDER``)."""
    weightier = Q(weight__gt=question.weight) | Q(weight=question.weight, pk__lt=question.pk)
    ahead = Q(is_blocking=question.is_blocking) & weightier
    if not question.is_blocking:
        ahead |= Q(is_blocking=True)
    if question.postponed_at is None:
        return Q(postponed_at__isnull=True) & ahead
    return Q(postponed_at__isnull=True) | Q(postponed_at__lt=question.postponed_at) | (Q(postponed_at=question.postponed_at) & ahead)
