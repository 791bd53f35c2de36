"""What the pages of pulls are put together from: the list, one pull with its parts, and how far each is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Tenant
from accounts.templatetags.recon_ui import plural
from ingest.models import Connection, Pull, PullPart
from ingest.services import pulls, rounds
from ingest.services.plan import span
from ingest.services.subjects import NAMED, Named
from ingest.tables import in_words

PULLS_PER_PAGE: Final = 25
PARTS_PER_PAGE: Final = 50
State = PullPart.State
#: State → tone, icon, word.
LOOKS: Final[dict[str, tuple[str, str, str]]] = {
    State.FAILED: ("rejected", "escalate", "Failed"),
    State.REFUSED: ("rejected", "blocked", "Refused"),
    State.PARTIAL: ("todo", "todo", "Incomplete"),
    State.CANCELLED: ("aside", "x", "Cancelled"),
    State.RUNNING: ("review", "running", "Running"),
    State.WAITING: ("aside", "half", "Waiting"),
    State.WHOLE: ("done", "match", "Whole"),
}


def summary(counts: Mapping[str, int]) -> str:
    """``3 whole, 1 refused``; the good ones first."""
    return ", ".join(f"{counts[state]:,} {LOOKS[state][2].lower()}" for state in reversed(LOOKS) if counts.get(state))


def look(pull: Pull, counts: Mapping[str, int]) -> tuple[str, str, str]:
    """A pull's own state: while it goes on, running; incomplete where some of it came; else the worst of its parts."""
    if pull.ended_at is None:
        return LOOKS[State.RUNNING]
    found = [state for state in LOOKS if counts.get(state)]
    if not found:
        return ("aside", "half", "Nothing to do")
    return LOOKS[State.PARTIAL if len(found) > 1 and {State.WHOLE, State.PARTIAL} & set(found) else found[0]]


@dataclass(frozen=True)
class Row:
    """One pull in the list."""

    pull: Pull
    look: tuple[str, str, str]
    summary: str
    records: int
    took: str
    whose: str


class History:
    """One page of an account's pulls. ``may_see_whole`` shows those of the reseller over all of its accounts."""

    def __init__(self, request: HttpRequest, account: Account, connection: Connection | None, *, may_see_whole: bool) -> None:
        self.page: Page[Pull] = Paginator(pulls.pulls_of(account, whole=may_see_whole), PULLS_PER_PAGE).get_page(request.GET.get("page"))
        seen = PullPart.objects.filter(pull__in=[pull.pk for pull in self.page])
        if not may_see_whole:
            seen = seen.filter(account=account)
        counts: dict[int, dict[str, int]] = {}
        records: dict[int, int] = {}
        for pull, state, count, total in seen.values_list("pull", "state").annotate(Count("pk"), Sum("records")).order_by():
            counts.setdefault(pull, {})[state] = count
            records[pull] = records.get(pull, 0) + total
        self.rows = [_row(pull, counts.get(pull.pk, {}), records.get(pull.pk, 0), account, may_see_whole) for pull in self.page]
        self.is_busy = any(pull.ended_at is None for pull in self.page)
        self.per_minute = rounds.per_minute(connection) if connection else 0
        self.url = f"{reverse('ingest:pulls', args=[account.slug])}?page={self.page.number}"


def _row(pull: Pull, counts: Mapping[str, int], records: int, account: Account, may_see_whole: bool) -> Row:
    took = in_words((pull.ended_at or timezone.now()) - pull.created_at)
    whose = f"all accounts of {pull.connection.reseller}" if may_see_whole and pull.connection.reseller_id else ""
    return Row(pull, look(pull, counts), summary(counts), records, took, whose)


@dataclass(frozen=True)
class PartRow:
    """One part. ``until`` is when it is about to be read, where it is being read now."""

    part: PullPart
    subject: Named
    look: tuple[str, str, str]
    until: datetime | None
    file_url: str
    tenant: Tenant | None = None


class OnePull:
    """A pull, as far as the person may see it: ``counts`` of all parts that may be seen, and one page of them."""

    def __init__(self, request: HttpRequest, pull: Pull, account: Account, *, may_see_whole: bool) -> None:
        self.pull, self.account = pull, account
        parts = pulls.parts_seen(pull, account, whole=may_see_whole)
        grouped = parts.order_by().values_list("state")
        rows = list(grouped.annotate(parts=Count("pk"), calls=Sum("pages"), all=Sum("records"), to_come=Sum(_TO_COME)))
        self.counts = {state: count for state, count, *_ in rows}
        self.calls, self.records = sum(row[2] for row in rows), sum(row[3] for row in rows)
        self.to_come = sum(row[4] for row in rows if row[0] in PullPart.OPEN)
        self.total = self.calls + self.to_come
        self.look, self.summary = look(pull, self.counts), summary(self.counts)
        self.per_minute = 0 if self.is_of_tenants else rounds.per_minute(pull.connection)
        self.until = timezone.now() + span(self.to_come, self.per_minute) if pull.ended_at is None and self.per_minute else None
        self.took = in_words((pull.ended_at or timezone.now()) - pull.created_at)
        self.is_whole_view = may_see_whole and pull.connection.reseller_id is not None
        self.goes_round = self.is_whole_view and pull.ended_at is None and rounds.goes_round(pull)
        self.page: Page[PullPart] = Paginator(parts.order_by("number"), PARTS_PER_PAGE).get_page(request.GET.get("page"))
        self.rows = list(self._rows(self.page))
        self.url = f"{reverse('ingest:pull', args=[account.slug, pull.pk])}?page={self.page.number}"

    @property
    def is_of_tenants(self) -> bool:
        """Whether Microsoft is asked: each part is a tenant, and no limit a minute is known."""
        return bool(self.pull.connection.provider == Connection.Provider.MICROSOFT)

    @property
    def is_busy(self) -> bool:
        return self.pull.ended_at is None

    @property
    def lacks(self) -> int:
        """How many of its parts are not whole."""
        return sum(self.counts.get(state, 0) for state in (State.PARTIAL, State.REFUSED, State.FAILED))

    def _rows(self, parts: Iterable[PullPart]) -> Iterable[PartRow]:
        tenants = self._tenants(parts) if self.is_of_tenants else {}
        for part in parts:
            is_running = part.state == State.RUNNING and self.per_minute > 0
            until = timezone.now() + span(max(0, part.expected_calls - part.pages), self.per_minute) if is_running else None
            yield PartRow(part, NAMED[part.subject], LOOKS[part.state], until, self._file_url(part), tenants.get(part.external_id))

    def _tenants(self, parts: Iterable[PullPart]) -> dict[str, Tenant]:
        """By id, those of the parts that are shown; of one that came twice the one that is there."""
        rows = Tenant.objects.filter(account=self.account, guid__in=[part.external_id for part in parts])
        return {one.guid: one for one in rows.order_by(F("removed_at").asc(nulls_last=True), "pk")}

    def _file_url(self, part: PullPart) -> str:
        """A file is shown in the account whose it is: the link leads there, and asks again who may see it."""
        if part.source_file is None or part.account is None:
            return ""
        return reverse("ingest:file", args=[part.account.slug, part.source_file.pk])


_TO_COME: Final = Greatest(F("expected_calls") - F("pages"), 0)


class PlanPage:
    """Who is next with a reseller's key, and about when; one page of the accounts in the order of their turns."""

    def __init__(self, request: HttpRequest, connection: Connection) -> None:
        now = timezone.now()
        self.connection, self.per_minute = connection, rounds.per_minute(connection)
        self.pull = Pull.objects.filter(connection=connection, ended_at__isnull=True).select_related("connection__account").first()
        found = rounds.lines(connection, now)
        waiting = rounds.waiting_in(self.pull, found, now) if self.pull and rounds.goes_round(self.pull) else rounds.ordered(found, now)
        self.is_going = bool(self.pull) and rounds.goes_round(self.pull)  # type: ignore[arg-type]
        before = self._calls_before()
        starts_at = now if self.is_going else rounds.nightly_slot(connection, now) + timedelta(days=1)
        self.starts_at = starts_at
        self.accounts, self.waiting = len(found), len(waiting)
        self.calls = sum(line.turn.calls for line in waiting) + before
        self.lasts = in_words(span(self.calls, self.per_minute))
        self.whole = in_words(span(sum(line.turn.calls for line in found), self.per_minute))
        self.never = sum(line.whole_at is None for line in found)
        self.page: Page[Any] = Paginator(waiting, PARTS_PER_PAGE).get_page(request.GET.get("page"))
        self.rows = self._rows(waiting, starts_at, before, now)

    def _calls_before(self) -> int:
        open_parts = Q(pull=self.pull, state__in=PullPart.OPEN) if self.pull else Q(pk__in=())
        return PullPart.objects.filter(open_parts).aggregate(calls=Sum(_TO_COME))["calls"] or 0

    def _rows(self, waiting: Sequence[rounds.Line], starts_at: datetime, before: int, now: datetime) -> list[dict[str, Any]]:
        first = self.page.start_index() - 1 if waiting else 0
        calls = before + sum(line.turn.calls for line in waiting[: max(0, first)])
        rows = []
        for place, line in enumerate(self.page.object_list, start=first + 1):
            rows.append({"place": place, "line": line, "at": starts_at + span(calls, self.per_minute), "why": _why(line, now)})
            calls += line.turn.calls
        return rows


def _why(line: rounds.Line, now: datetime) -> str:
    """Why it has this place in the order."""
    turn = line.turn
    if turn.is_due(now):
        return "its cycle ends today, and it was not read since the hour"
    if turn.is_ending(now):
        return "its cycle is about to end"
    if turn.tried_at is None:
        return "never read"
    return f"last read {plural((now - turn.tried_at).days, 'day')} ago" if now - turn.tried_at >= timedelta(days=1) else "read within a day"
