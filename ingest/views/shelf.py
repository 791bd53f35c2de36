"""The files of an account, newest first, and which of them count in which cycle. A constant number of queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.db.models.fields.json import KT
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.calendar import parse_cycle
from accounts.models import Account, BillingCycle
from accounts.templatetags.recon_ui import cycle_range, day, plural, units
from ingest.models import DirectorySnapshot, Job, Kind, Leg, LegInput, PullPart, SourceFile
from ingest.services.subjects import TENANT

PER_PAGE: Final = 25
PAGE_FIELD: Final = "files"
CYCLES_SHOWN: Final = 8
OPEN_JOBS: Final = (Job.State.QUEUED, Job.State.RUNNING)
State = SourceFile.State

#: State → tone, icon and the word at the end of the line.
_LOOKS: Final = {
    State.RECEIVED: ("review", "jobs", "being read"),
    State.READY: ("todo", "todo", "to check"),
    State.REFUSED: ("rejected", "escalate", "refused"),
    State.IMPORTING: ("review", "jobs", "importing"),
    State.IMPORTED: ("done", "match", "imported"),
    State.DISCARDED: ("aside", "x", "discarded"),
}


@dataclass(frozen=True)
class Item:
    """One file in the list. ``job`` while something is done with it."""

    file: SourceFile
    tone: str
    symbol: str
    word: str
    more: str
    job: Job | None


class Shelf:
    """One page of the list: ``days`` of items, and whether it changes by itself."""

    def __init__(self, request: HttpRequest, account: Account, opened: SourceFile | None = None) -> None:
        self.opened = opened
        self.page: Page[SourceFile] = Paginator(_files(account), PER_PAGE).get_page(request.GET.get(PAGE_FIELD))
        self.items = [_item(one) for one in self.page]
        self.is_busy = any(item.job for item in self.items)
        self.field = PAGE_FIELD
        address = reverse("ingest:file", args=[account.slug, opened.pk]) if opened else reverse("ingest:files", args=[account.slug])
        self.url = f"{address}?{PAGE_FIELD}={self.page.number}"

    @property
    def days(self) -> Iterator[tuple[str, list[Item]]]:
        today = timezone.localdate()
        for received, items in groupby(self.items, key=lambda item: timezone.localdate(item.file.received_at)):
            yield _day_name(received, today), list(items)


def _files(account: Account) -> QuerySet[SourceFile]:
    """What people brought and what pulls did, but for tenants, of which there may be thousands a night: those are with their pull."""
    current = LegInput.objects.filter(source_file=OuterRef("pk"), ended_at__isnull=True)
    in_force = DirectorySnapshot.objects.filter(source_file=OuterRef("pk"), superseded_at__isnull=True)
    of_tenant = Exists(PullPart.objects.filter(source_file=OuterRef("pk"), subject=TENANT))
    jobs = Job.objects.filter(state__in=OPEN_JOBS).order_by("-created_at", "-pk")
    return (
        SourceFile.objects.filter(account=account)
        .exclude(state=State.DISCARDED)
        .exclude(of_tenant)
        .select_related("cycle")
        .annotate(serves=Exists(current) | Exists(in_force), cycle_shown=KT("preview__cycle"), totals=KT("preview__totals"))
        .annotate(organizations=KT("preview__organizations"), kept_aside=KT("preview__kept_aside"), answered=KT("preview__answered_at"))
        .prefetch_related(Prefetch("jobs", jobs, to_attr="open_jobs"))
        .defer("preview", "mapping")
        .order_by("-received_at", "-pk")
    )


def _day_name(received: date, today: date) -> str:
    return {today: "Today", today - timedelta(days=1): "Yesterday"}.get(received) or day(received)


def _item(source_file: Any) -> Item:
    tone, symbol, word = _LOOKS[source_file.state]
    if source_file.state == State.IMPORTED and not source_file.serves:
        tone, symbol, word = "merged", "within", "no longer counts"
    if source_file.state == State.READY and source_file.kept_aside:
        tone, symbol, word = "aside", "unchecked", "kept, not imported"
    elif source_file.state == State.READY and source_file.rejected:
        word = f"{units(source_file.rejected)} rejected"
    busy = source_file.open_jobs if source_file.state in {State.RECEIVED, State.IMPORTING} else []
    return Item(source_file, tone, symbol, word, " · ".join(_facts(source_file)), busy[0] if busy else None)


def _facts(source_file: Any) -> Iterable[str]:
    yield source_file.get_kind_display() or "Kind not known"
    if source_file.answered and source_file.partial:
        yield "incomplete"
    if source_file.cycle:
        yield cycle_range(source_file.cycle)
    elif source_file.cycle_shown:
        yield cycle_range(parse_cycle(source_file.cycle_shown))
    if source_file.state == State.IMPORTED and source_file.totals:
        yield f"{plural(int(source_file.organizations), 'Organization')}, {plural(sum(json.loads(source_file.totals).values()), 'unit')}"


@dataclass(frozen=True)
class Counted:
    """One cycle, the file that counts in each leg (None: a hole), and those that stand beside the legs, in the order of kinds."""

    cycle: BillingCycle
    legs: list[tuple[str, LegInput | None]]
    beside: list[LegInput]


def counted(account: Account) -> list[Counted]:
    """Which files count, in the newest cycles."""
    cycles = list(BillingCycle.objects.filter(account=account).order_by("-start")[:CYCLES_SHOWN])
    current = LegInput.objects.filter(cycle__in=cycles, ended_at__isnull=True).select_related("source_file")
    serving = {(one.cycle_id, one.leg): one for one in current.defer("source_file__preview", "source_file__mapping")}
    others = [kind for kind in Kind.values if kind not in Leg.values]
    return [
        Counted(
            cycle,
            [(Leg(leg).label, serving.get((cycle.pk, leg))) for leg in Leg.values],
            [serving[cycle.pk, kind] for kind in others if (cycle.pk, kind) in serving],
        )
        for cycle in cycles
    ]
