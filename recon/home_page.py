"""Accounts by months: what state each cycle is in, with the holes visible; what waits for somebody; the money at risk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, F
from django.urls import reverse

from accounts.access import Need, may
from accounts.audit import DECISIONS
from accounts.calendar import Cycle, next_cycle, previous_cycle
from accounts.models import Account, AuditEvent, BillingCycle, Membership, User
from accounts.templatetags.recon_ui import cycle_range, day, plural
from ingest.models import SourceFile
from recon.context import ordinal
from recon.contract_page import renewals_soon
from recon.filters import UNEXPLAINED
from recon.models import Reconciliation, Severity, Variance
from recon.month_page import net
from recon.pull_line import PullLine, pull_lines
from recon.states import WORDS, MonthState, running_cycle, states_of

CYCLES: Final = 6
PER_PAGE: Final = 50
_SHOWN: Final = 12
Months = dict[date, MonthState]
#: What fits into a cell of the grid.
_SHORT: Final = {"changed": "Changed", "preparation": "Preparing"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One account's cycle. ``state`` is a code of the states in ``recon_ui``; url is empty where there is nothing to open."""

    cycle: Cycle
    state: str
    word: str
    words: str
    url: str


@dataclass(frozen=True)
class AccountRow:
    account: Account
    anniversary: str
    url: str
    cells: list[Cell]
    holes: list[Cycle]
    newest: dict[str, Any]
    newest_url: str
    newest_cycle: Cycle | None

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


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that a person here can do something about."""

    state: str
    account: Account
    figure: str
    more: str
    url: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """Where the last pull of an account stands."""

    account: Account
    line: PullLine


@dataclass(frozen=True)
class HomePage:
    rows: list[AccountRow]
    columns: list[date]
    page: Page[Account]
    waiting: list[Waiting]
    files: list[SourceFile]
    files_count: int
    pulls: list[Pulled]
    resellers: dict[int, str]

    @property
    def holes(self) -> int:
        return sum(len(row.holes) for row in self.rows)

    @property
    def waiting_shown(self) -> list[Waiting]:
        return self.waiting[:_SHOWN]

    @property
    def pulls_shown(self) -> list[Pulled]:
        return self.pulls[:_SHOWN]

    @property
    def pulls_more(self) -> int:
        return max(0, len(self.pulls) - _SHOWN)

    @property
    def waiting_more(self) -> int:
        return max(0, len(self.waiting) - _SHOWN)


def home_page(user: User, number: str) -> HomePage:
    """Everything the first page shows, in a constant number of queries."""
    page = Paginator(Account.objects.visible_to(user).order_by("name", "pk"), PER_PAGE).get_page(number)
    accounts = list(page.object_list)
    months = _months(accounts)
    newest = {pk: _newest_compared(of_account) for pk, of_account in months.items()}
    totals = _totals(one.pk for one in newest.values() if one)
    rows = [_row(one, months[one.pk], newest.get(one.pk), totals) for one in accounts]
    held = list(Membership.objects.filter(user=user).values_list("account", "reseller", "reseller__name", "role"))
    roles = _roles(held, accounts)
    workable = [one for one in accounts if may(roles[one.pk], Need.WORK)]
    files = SourceFile.objects.filter(account__in=workable, state__in=["ready", "refused"]).exclude(preview__has_key="kept_aside")
    ends = max((row.cells for row in rows), key=len, default=[])
    return HomePage(
        rows=rows,
        columns=[cell.cycle.end for cell in ends],
        page=page,
        waiting=_waiting(user, rows, months, roles),
        files=list(files.select_related("account")[:8]),
        files_count=files.count(),
        pulls=_pulled(accounts, roles),
        resellers={reseller: name for _, reseller, name, _ in held if reseller is not None},
    )


#: What asks for something comes first.
_FIRST: Final = ("rejected", "todo", "running", "missing", "done")


def _pulled(accounts: list[Account], roles: dict[int, set[str]]) -> list[Pulled]:
    lines = pull_lines(accounts, roles)
    return sorted((Pulled(one, lines[one.pk]) for one in accounts), key=lambda one: _FIRST.index(one.line.tone))


def _months(accounts: list[Account]) -> dict[int, Months]:
    months: dict[int, Months] = defaultdict(dict)
    for one in states_of(BillingCycle.objects.filter(account__in=accounts)):
        months[one.cycle.account_id][one.cycle.start] = one
    return months


def _newest_compared(months: Months) -> MonthState | None:
    """The newest with a bill that was held against something: what a pull alone made of the running cycle has no money in it."""
    compared = (months[start] for start in sorted(months, reverse=True) if months[start].run)
    return next((one for one in compared if one.is_billed or one.state != Reconciliation.State.WORKING), None)


def _totals(revisions: Iterable[int | None]) -> dict[int, dict[str, Any]]:
    return dict(Reconciliation.objects.filter(pk__in=list(revisions)).order_by().values_list("pk", "totals"))


def _roles(held: list[tuple[Any, ...]], accounts: list[Account]) -> dict[int, set[str]]:
    return {
        one.pk: {role for account, reseller, _, role in held if account == one.pk or (reseller is not None and reseller == one.reseller_id)}
        for one in accounts
    }


def _row(account: Account, months: Months, newest: MonthState | None, totals: dict[int, dict[str, Any]]) -> AccountRow:
    running = running_cycle(account)
    cycles = [running]
    while len(cycles) < CYCLES:
        cycles.append(previous_cycle(cycles[-1], account.anniversary_day))
    first = min(months, default=running.start)
    return AccountRow(
        account=account,
        anniversary=ordinal(account.anniversary_day),
        url=reverse("recon:account", args=[account.slug]),
        cells=[_cell(account, cycle, running, months.get(cycle.start), first) for cycle in reversed(cycles)],
        holes=_holes(account, months, running),
        newest=totals.get(newest.pk, {}) if newest and newest.pk else {},
        newest_url=_month_url(account, newest.cycle.start) if newest else "",
        newest_cycle=newest.cycle.dates if newest else None,
    )


def _holes(account: Account, months: Months, running: Cycle) -> list[Cycle]:
    """Every cycle without a bill between the account's first one and the running one, however long ago."""
    if not months:
        return []
    found, cycle = [], months[min(months)].cycle.dates
    while cycle.start < running.start:
        month = months.get(cycle.start)
        if month is None or month.code(running.start) == "missing":
            found.append(cycle)
        cycle = next_cycle(cycle, account.anniversary_day)
    return found


def _cell(account: Account, cycle: Cycle, running: Cycle, month: MonthState | None, first: date) -> Cell:
    url = _month_url(account, cycle.start) if month else ""
    if month:
        state = month.code(running.start)
    elif cycle.start >= running.start:
        state = "running"
    elif cycle.start < first:
        return Cell(cycle, "", "Before this account", "before this account", "")
    else:
        state, url = "missing", reverse("ingest:files", args=[account.slug])
    words = WORDS[state]
    return Cell(cycle, state, _SHORT.get(state, words.capitalize()), words, url)


# --- what waits -------------------------------------------------------------------------------------------------------------------


def _waiting(user: User, rows: list[AccountRow], months: dict[int, Months], roles: dict[int, set[str]]) -> list[Waiting]:
    """Months to sign, to reopen, to submit, holes, and renewals: as far as the person's roles let them do something about it."""
    mine = [row for row in rows if may(roles[row.account.pk], Need.WORK)]
    running = {row.account.pk: running_cycle(row.account).start for row in mine}
    open_months = [(row.account, month) for row in mine for _, month in sorted(months[row.account.pk].items(), reverse=True)]
    by_state: dict[str, list[tuple[Account, MonthState]]] = defaultdict(list)
    for account, month in open_months:
        by_state[month.code(running[account.pk])].append((account, month))
    left = _left_to_explain([month for _, month in by_state["preparation"]])
    decided = _decided(user, [month for _, month in by_state["review"]])
    found = [
        _to_sign(account, month)
        for account, month in by_state["review"]
        if may(roles[account.pk], Need.SIGN) and (account.solo_rule or not (month.preparer == user.pk or _has_decided(decided, month)))
    ]
    found += [
        Waiting("changed", account, "changed", f"{_dates(month)} · signed, and {_drifted(month)}", _url(account, month))
        for account, month in by_state["changed"]
    ]
    found += [_to_submit(account, month, left.get(month.pk or 0, 0)) for account, month in by_state["preparation"]]
    found += [_missing(row, months[row.account.pk]) for row in mine if row.holes]
    found += [
        Waiting("todo", one.account, one.figure, one.more, reverse("recon:contract", args=[one.account.slug, one.contract]))
        for one in renewals_soon([row.account for row in rows if may(roles[row.account.pk], Need.ADMINISTER)])
    ]
    return found


def _left_to_explain(months: list[MonthState]) -> dict[int, int]:
    """Rows with something unexplained, by revision, on the index of the worst rows."""
    rows = Variance.objects.filter(
        UNEXPLAINED, reconciliation__in=[m.pk for m in months], run=F("reconciliation__run"), severity__gte=Severity.INVESTIGATE
    )
    return dict(rows.order_by().values_list("reconciliation").annotate(count=Count("pk")))


def _decided(user: User, months: list[MonthState]) -> list[tuple[int, int]]:
    events = AuditEvent.objects.filter(actor=user, cycle__in=[m.cycle.pk for m in months], action__in=DECISIONS)
    return [(cycle or 0, revision or 0) for cycle, revision in events.order_by().values_list("cycle", "revision").distinct()]


def _has_decided(decided: list[tuple[int, int]], month: MonthState) -> bool:
    return any(cycle == month.cycle.pk and revision <= month.revision for cycle, revision in decided)


def _to_sign(account: Account, month: MonthState) -> Waiting:
    more = f"{_dates(month)} · from {month.preparer_name}, {day(month.submitted_at)}"
    return Waiting("review", account, "to sign", more, _url(account, month))


def _to_submit(account: Account, month: MonthState, left: int) -> Waiting:
    reopened = f", revision {month.revision}" if month.revision > 1 else ""
    if not month.run:
        return Waiting("todo", account, "to compare", f"{_dates(month)}{reopened} · being compared", _url(account, month))
    if left:
        return Waiting("todo", account, f"{plural(left, 'row')} to explain", f"{_dates(month)}{reopened} · to submit", _url(account, month))
    return Waiting("todo", account, "to submit", f"{_dates(month)}{reopened} · every flagged row is explained", _url(account, month))


def _missing(row: AccountRow, months: Months) -> Waiting:
    account, oldest = row.account, row.holes[0]
    url = _month_url(account, oldest.start) if oldest.start in months else reverse("ingest:files", args=[account.slug])
    figure = "missing" if len(row.holes) == 1 else f"{len(row.holes)} missing"
    more = f"{cycle_range(oldest)} · no billed report, and later months cannot be signed"
    return Waiting("missing", account, figure, more if len(row.holes) == 1 else f"the first is {more}", url)


def _drifted(month: MonthState) -> str:
    if not month.drifted_rows:
        return "something that it rests on is another now"
    return f"{plural(month.drifted_rows, 'row')} would be counted otherwise now"


def _dates(month: MonthState) -> str:
    return cycle_range(month.cycle)


def _url(account: Account, month: MonthState) -> str:
    return _month_url(account, month.cycle.start)


def _month_url(account: Account, start: date) -> str:
    return reverse("recon:month", args=[account.slug, start.isoformat()])
