"""Accounts by months: what state each cycle is in, with the holes visible."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from accounts.calendar import Cycle, cycle_containing, previous_cycle
from accounts.models import Account, BillingCycle, User
from ingest.models import Job, SourceFile
from recon.context import ordinal
from recon.models import Reconciliation, Severity
from recon.month_page import net

CYCLES: Final = 6
PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Cell:
    """One account's cycle. ``state`` is a code of the states in ``recon_ui``; url is empty where there is nothing to open."""

    cycle: Cycle
    state: str
    word: str
    url: str


@dataclass(frozen=True)
class AccountRow:
    account: Account
    anniversary: str
    url: str
    cells: list[Cell]
    newest: dict[str, Any]
    newest_url: str
    newest_cycle: Cycle | None
    open_files: int
    jobs: int

    @property
    def flagged(self) -> int:
        severities = self.newest.get("severities", {})
        return sum(int(severities.get(str(level.value), 0)) for level in (Severity.INVESTIGATE, Severity.ESCALATE))

    @property
    def overcharged(self) -> int:
        return -int(self.newest["all"]["rebilled"]["under"])

    @property
    def expected_gap(self) -> int:
        return net(self.newest["all"]["expected"])


@dataclass(frozen=True)
class HomePage:
    rows: list[AccountRow]
    columns: list[date]
    page: Page[Account]
    waiting: list[SourceFile]

    @property
    def open_files(self) -> int:
        """Every file that waits for a person; ``waiting`` are the newest few of them."""
        return sum(row.open_files for row in self.rows)

    @property
    def holes(self) -> int:
        return sum(cell.state == "missing" for row in self.rows for cell in row.cells)


def home_page(user: User, number: str) -> HomePage:
    """Everything the first page shows, in a constant number of queries."""
    page = Paginator(Account.objects.visible_to(user).order_by("name", "pk"), PER_PAGE).get_page(number)
    accounts = list(page.object_list)
    months = _months(accounts)
    open_files = _counts(SourceFile.objects.filter(account__in=accounts, state__in=["ready", "refused"]))
    jobs = _counts(Job.objects.filter(account__in=accounts, state__in=["queued", "running"]))
    waiting = SourceFile.objects.filter(account__in=accounts, state__in=["ready", "refused"]).select_related("account")[:8]
    rows = [_row(one, months[one.pk], open_files.get(one.pk, 0), jobs.get(one.pk, 0)) for one in accounts]
    ends = max((row.cells for row in rows), key=len, default=[])
    return HomePage(rows=rows, columns=[cell.cycle.end for cell in ends], page=page, waiting=list(waiting))


def _counts(rows: Any) -> dict[int, int]:
    return dict(rows.order_by().values_list("account").annotate(count=Count("pk")))


def _months(accounts: list[Account]) -> dict[int, dict[date, tuple[BillingCycle, Reconciliation | None]]]:
    billed = Count("inputs", filter=Q(inputs__leg="billed", inputs__ended_at__isnull=True))
    cycles = BillingCycle.objects.filter(account__in=accounts).annotate(billed=billed)
    revisions = {r.cycle_id: r for r in Reconciliation.objects.filter(cycle__account__in=accounts).order_by("revision")}
    months: dict[int, dict[date, tuple[BillingCycle, Reconciliation | None]]] = defaultdict(dict)
    for cycle in cycles:
        months[cycle.account_id][cycle.start] = (cycle, revisions.get(cycle.pk))
    return months


def _row(account: Account, months: dict[date, tuple[BillingCycle, Reconciliation | None]], open_files: int, jobs: int) -> AccountRow:
    today = timezone.now().astimezone(ZoneInfo(account.time_zone)).date()
    running = cycle_containing(today, account.anniversary_day)
    cycles = [running]
    while len(cycles) < CYCLES:
        cycles.append(previous_cycle(cycles[-1], account.anniversary_day))
    first = min(months, default=running.start)
    cells = [_cell(account, cycle, running, months.get(cycle.start), first) for cycle in reversed(cycles)]
    newest = next((months[start] for start in sorted(months, reverse=True) if months[start][1] and months[start][1].run), None)  # type: ignore[union-attr]
    return AccountRow(
        account=account,
        anniversary=ordinal(account.anniversary_day),
        url=reverse("recon:account", args=[account.slug]),
        cells=cells,
        newest=newest[1].totals if newest and newest[1] else {},
        newest_url=_month_url(account, newest[0].start) if newest else "",
        newest_cycle=newest[0].dates if newest else None,
        open_files=open_files,
        jobs=jobs,
    )


def _cell(account: Account, cycle: Cycle, running: Cycle, month: tuple[BillingCycle, Reconciliation | None] | None, first: date) -> Cell:
    if month and month[0].billed:  # type: ignore[attr-defined]  # annotated by _months
        return Cell(cycle, "preparation", "In preparation", _month_url(account, cycle.start))
    if cycle.start >= running.start:
        return Cell(cycle, "running", "Running", _month_url(account, cycle.start) if month else "")
    if cycle.start < first:
        return Cell(cycle, "", "Before this account", "")
    return Cell(cycle, "missing", "Missing", _month_url(account, cycle.start) if month else reverse("ingest:files", args=[account.slug]))


def _month_url(account: Account, start: date) -> str:
    return reverse("recon:month", args=[account.slug, start.isoformat()])
