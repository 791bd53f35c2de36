"""Alarms in words: a count that will not go down, and identities that creep with nothing behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page, Paginator
from django.urls import reverse

from accounts.models import Account
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import plural, units
from recon.contract_words import counted
from recon.sweep_counts import counted as counted_machines
from recon.trends import AGENTS, IDENTITIES, Kind, Trend, Trends, trends_of

PER_PAGE: Final = 50
TITLES: Final[dict[Kind, str]] = {
    "stays": "A count that will not go down",
    "creeps": "Identities creeping without agents or hiring behind them",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One alarm as a page shows it."""

    trend: Trend
    url: str
    words: str
    sweep_url: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.trend.kind]

    @property
    def product(self) -> str:
        return BY_CODE[self.trend.product].label

    @property
    def money(self) -> int | None:
        return self.trend.money


@dataclass(frozen=True)
class TrendPage:
    trends: Trends
    page: Page[Trend]
    said: list[Said]

    @property
    def counts(self) -> Mapping[str, int]:
        return {kind: sum(one.kind == kind for one in self.trends.found) for kind in TITLES}

    @property
    def money(self) -> int:
        """What all of them cost a cycle, as far as costs are known."""
        return sum(one.money or 0 for one in self.trends.found)

    @property
    def unpriced(self) -> int:
        return sum(one.money is None for one in self.trends.found)


def trend_page(account: Account, number: str) -> TrendPage:
    trends = trends_of(account)
    page: Page[Trend] = Paginator(trends.found, PER_PAGE).get_page(number)
    return TrendPage(trends, page, said_of(account, list(page.object_list)))


def alarms_of(account: Account, family: Sequence[int]) -> list[Said]:
    """The alarms on one customer, by the ids of its Organizations, its own first."""
    return said_of(account, [one for one in trends_of(account, family).found if one.organization == family[0]])


def said_of(account: Account, trends: Sequence[Trend]) -> list[Said]:
    stale = _stale_behind(account) if any(one.product == AGENTS for one in trends) else None
    return [_said(account, one, stale) for one in trends]


def _said(account: Account, trend: Trend, stale: dict[int, int] | None) -> Said:
    url = reverse("recon:organization", args=[account.slug, trend.organization])
    behind = None if stale is None or trend.product != AGENTS else stale.get(trend.organization, 0)
    sweep = reverse("recon:sweep_machines", args=[account.slug, trend.organization]) if behind else ""
    return Said(trend, url, words_of(trend, behind), sweep)


def _stale_behind(account: Account) -> dict[int, int] | None:
    """How many machines of each customer the newest agent list would have removed; None where no list has been looked through."""
    given = counted_machines(account)
    if not given.is_counted:
        return None
    found: dict[int, int] = defaultdict(int)
    for pk, machines in given.by_organization.items():
        found[given.roots.get(pk, pk)] += machines
    return found


def words_of(trend: Trend, stale: int | None = None) -> str:
    """``stale``: how many of its machines are on the sweep's list; None where there is no list."""
    return _creeps(trend) if trend.product == IDENTITIES else f"{_stays(trend)} {_behind(stale)}"


def _behind(stale: int | None) -> str:
    if stale is None:
        return "Look for agents that no longer check in."
    return (
        f"{plural(stale, 'machine')} of it {'is' if stale == 1 else 'are'} on the sweep’s list."
        if stale
        else "None of it is on the sweep’s list."
    )


def _stays(trend: Trend) -> str:
    alarm, what = trend.alarm, BY_CODE[trend.product]
    if alarm.expected is None:
        return f"{_up(trend)} and not once down. No expected list says whether new machines are behind it."
    was, now = alarm.expected
    moved = f"the expected list went from {units(was)} to {units(now)}" if was != now else f"the expected list says {units(now)}"
    count = _up(trend) if alarm.last != alarm.first else f"{what.label} at {units(alarm.last)} for {counted(alarm.cycles)} cycles"
    too_many = plural(alarm.units, f"{what.unit},{what.units}")
    return f"{count} and not once down, while {moved}: {too_many} too many."


def _creeps(trend: Trend) -> str:
    alarm, beside = trend.alarm, []
    if alarm.agents:
        beside.append(f"its agents {_went(alarm.agents)}")
    if alarm.expected:
        beside.append(f"what you expect {_went(alarm.expected)}")
    if not beside:
        return f"{_up(trend)}, and neither agents nor an expected list say what is behind it. Look for leavers who kept a licence."
    return f"{_up(trend)}, while {' and '.join(beside)}. Look for leavers who kept a licence."


def _up(trend: Trend) -> str:
    alarm = trend.alarm
    return f"{BY_CODE[trend.product].label} up from {units(alarm.first)} to {units(alarm.last)} in {counted(alarm.cycles)} cycles"


def _went(ends: tuple[int, int]) -> str:
    was, now = ends
    return f"stayed at {units(now)}" if was == now else f"went from {units(was)} to {units(now)}"
