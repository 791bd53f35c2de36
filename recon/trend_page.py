"""Alarms in words: a count that will not go down, and identities that creep with nothing behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page, Paginator
from django.urls import reverse

from accounts.models import Account
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import plural, units
from recon.contract_words import counted
from recon.trend_evidence import Swept, leavers_behind, swept_behind
from recon.trends import IDENTITIES, Kind, Trend, Trends, trends_of

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
    kinds = {one.kind for one in trends}
    swept = swept_behind(account) if "stays" in kinds else None
    leavers = leavers_behind(account, [one.organization for one in trends if one.kind == "creeps"]) if "creeps" in kinds else None
    return [_said(account, one, swept, leavers) for one in trends]


def _said(account: Account, trend: Trend, swept: Mapping[int, Swept] | None, leavers: Mapping[int, int] | None) -> Said:
    pk, url = trend.organization, reverse("recon:organization", args=[account.slug, trend.organization])
    if trend.product == IDENTITIES:
        return Said(trend, url, words_of(trend, leavers=None if leavers is None else leavers.get(pk)))
    behind = None if swept is None else swept.get(pk, Swept())
    sweep = reverse("recon:sweep_machines", args=[account.slug, pk]) if behind and behind.machines else ""
    return Said(trend, url, words_of(trend, behind), sweep)


def words_of(trend: Trend, swept: Swept | None = None, leavers: int | None = None) -> str:
    """``swept``: what of its machines is on the sweep's list; ``leavers``: how many of its billable identities are disabled. None where
    there is no list of them."""
    return f"{_creeps(trend)} {_leavers(leavers)}" if trend.product == IDENTITIES else f"{_stays(trend)} {_behind(swept)}"


def _behind(swept: Swept | None) -> str:
    if swept is None:
        return "Look for agents that no longer check in."
    if not swept.machines:
        return "None of it is on the sweep’s list."
    are = "is" if swept.machines == 1 else "are"
    return f"Behind it: {plural(swept.machines, 'machine')} of it {are} on the sweep’s list ({swept.words})."


def _leavers(leavers: int | None) -> str:
    if leavers is None:
        return "Look for leavers who kept a licence."
    if not leavers:
        return "None of its billable identities is disabled: look for licences that nobody asked for."
    are = "identity is" if leavers == 1 else "identities are"
    return f"{units(leavers)} of its billable {are} disabled: leavers who kept a licence."


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
        return f"{_up(trend)}, and neither agents nor an expected list say what is behind it."
    return f"{_up(trend)}, while {' and '.join(beside)}."


def _up(trend: Trend) -> str:
    alarm = trend.alarm
    return f"{BY_CODE[trend.product].label} up from {units(alarm.first)} to {units(alarm.last)} in {counted(alarm.cycles)} cycles"


def _went(ends: tuple[int, int]) -> str:
    was, now = ends
    return f"stayed at {units(now)}" if was == now else f"went from {units(was)} to {units(now)}"
