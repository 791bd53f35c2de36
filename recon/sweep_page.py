"""The sweep: which machines to remove, by customer, by when, and what it saves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from accounts.templatetags.recon_ui import day, moment, money, plural, units
from ingest.models import AgentLine
from recon.agent_lists import pulled_at
from recon.engine.sweep import NEVER_DAYS, UNINSTALL_WAITS_DAYS, Deadline, Worth
from recon.models import Sweep, SweepFinding
from recon.states import running_cycle
from recon.sweep_counts import Counted

#: Past so many hours, days are said as well.
_HOURS_ALONE: Final = 72


def worth_words(given: Worth, currency: str) -> str:
    """What machines cost a month, as far as prices are known.

    >>> worth_words(Worth(3, 5_800_000, 1), "USD"), worth_words(Worth(2, 0, 2), "USD")
    ('$5.80 a month and 1 machine without a price', 'no price is known')
    """
    if given.unpriced and not given.priced:
        return "no price is known"
    unpriced = f" and {plural(given.unpriced, 'machine')} without a price" if given.unpriced else ""
    return f"{money(given.money, currency)} a month{unpriced}"


def hours_words(hours: int) -> str:
    """
    >>> hours_words(0), hours_words(31), hours_words(220)
    ('less than an hour', '31 hours', '220 hours, 9 days and 4 hours')
    """
    if not hours:
        return "less than an hour"
    said = plural(hours, "hour")
    return said if hours <= _HOURS_ALONE else f"{said}, {plural(hours // 24, 'day')} and {plural(hours % 24, 'hour')}"


@dataclass(frozen=True)
class SweepPage:
    account: Account
    counted: Counted
    now: datetime

    @property
    def sweep(self) -> Sweep | None:
        return self.counted.sweep

    @property
    def looked(self) -> Sweep:
        """The look that is shown, where there is one."""
        assert self.sweep is not None  # noqa: S101  (pages ask ``counted.is_counted`` first)
        return self.sweep

    # --- the list, and its day

    @property
    def as_of(self) -> date | None:
        return self.looked.as_of if self.counted.is_counted else None

    @property
    def pulled(self) -> str:
        """When the list was pulled, where the account is; "" for one that has another form, or whose day a person stated."""
        given = self.looked.given
        at = None if given.as_of else pulled_at(given)
        return moment(at.replace(tzinfo=None)) if at else ""

    @property
    def age(self) -> str:
        """How old the list is today, in words."""
        days = (self.counted.today - self.as_of).days if self.as_of else 0
        return "of today" if days < 1 else f"{plural(days, 'day')} old today"

    @property
    def is_of_another_cycle(self) -> bool:
        """Whether a month is looked at by the list of an earlier one."""
        return bool(self.sweep and self.counted.cycle and self.sweep.given.cycle_id != self.counted.cycle.pk)

    @property
    def never_days(self) -> int:
        return NEVER_DAYS

    @property
    def uninstall_waits(self) -> int:
        return UNINSTALL_WAITS_DAYS

    # --- until when

    @cached_property
    def deadline(self) -> Deadline:
        return Deadline.of(running_cycle(self.account), ZoneInfo(self.account.time_zone))

    @property
    def hours_left(self) -> int | None:
        return self.deadline.hours_left(self.now)

    @property
    def left_words(self) -> str:
        return hours_words(self.hours_left) if self.hours_left is not None else ""

    @property
    def is_over(self) -> bool:
        return self.hours_left is None

    @property
    def saves(self) -> str:
        """What follows from removing them, as a sentence goes on."""
        if not self.worth.priced:
            return "lowers the bill, by how much is not known: there is no cost price of EDR"
        return f"saves {worth_words(self.worth, self.account.currency)}"

    @property
    def worth(self) -> Worth:
        return self.counted.worth

    # --- figures

    @cached_property
    def sums(self) -> dict[str, int]:
        return dict(self.counted.to_remove.order_by().values_list("kind").annotate(count=Count("pk")))

    @cached_property
    def stats(self) -> list[dict[str, str]]:
        both = self.counted.to_remove.filter(is_duplicate=True).exclude(kind="duplicate").count()
        at_risk, kept = self.counted.to_remove.filter(is_at_risk=True).count(), self.counted.kept.count()
        stale = f"from {plural(self.account.stale_days, 'day')} on, or as its Organization's"
        return [
            {"label": "To remove", "figure": units(self.worth.machines), "note": f"of {plural(self.looked.agents, 'agent')} in the list"},
            {"label": "Cost a month", "figure": self._money, "note": self._money_note},
            {"label": "No check-in", "figure": units(self.sums.get("stale", 0)), "note": stale},
            {"label": "Never checked in", "figure": units(self.sums.get("never", 0)), "note": f"{NEVER_DAYS} days after the install"},
            {"label": "Stands twice", "figure": units(self.sums.get("duplicate", 0)), "note": f"and {units(both)} of the others"},
            {"label": "May be orphaned", "figure": units(at_risk), "note": f"if they come back after {UNINSTALL_WAITS_DAYS} days"},
            {"label": "Kept", "figure": units(kept), "note": "not counted here"},
        ]

    @property
    def _money(self) -> str:
        return money(self.worth.money, self.account.currency) if self.worth.priced or not self.worth.machines else "–"

    @property
    def _money_note(self) -> str:
        if self.worth.unpriced:
            return f"{plural(self.worth.unpriced, 'machine')} without a price"
        return "at the cost price of EDR"

    # --- since the list before

    @property
    def earlier(self) -> Sweep | None:
        return self.sweep.compared_with if self.sweep else None

    @property
    def changes(self) -> list[tuple[str, str, int]]:
        """Code, words and how many, of what happened between the two lists."""
        return [(code, words, self.looked.counts.get(code, 0)) for code, words in CHANGE_WORDS.items()]


CHANGE_WORDS: Final = {
    "swept": "were swept: to be removed then, and gone now",
    "gone": "went otherwise: they were alive",
    "returned": "came back: they have checked in since",
    "new": "are new",
}


def sweep_page(counted: Counted) -> SweepPage:
    return SweepPage(counted.account, counted, timezone.now())


def kept_query(query: QueryDict) -> str:
    """What of an address goes along to the list as a file: the filters, and the month."""
    given: Any = QueryDict(mutable=True)
    for name in ("month", "q", "show"):
        if said := query.get(name):
            given[name] = said
    return given.urlencode()


def twins_of(findings: list[SweepFinding]) -> dict[int, AgentLine]:
    """By finding, the newer agent of the same hostname or serial; one query for each list."""
    lines = {(one.source_file_id, one.twin_line) for one in findings if one.twin_line}
    files = {file for file, _ in lines}
    found: dict[tuple[int, int], AgentLine] = {}
    for file in files:
        rows = AgentLine.objects.filter(source_file=file, line__in=[line for its, line in lines if its == file and line])
        found |= {(file, row.line): row for row in rows}
    return {one.pk: found[one.source_file_id, one.twin_line] for one in findings if (one.source_file_id, one.twin_line) in found}  # type: ignore[index]


def why(finding: SweepFinding, twin: AgentLine | None) -> str:
    """In words: why a machine is on the list."""
    said: list[str] = []
    match finding.kind:
        case "stale":
            said.append(f"No check-in for {plural(finding.days or 0, 'day')}")
        case "never":
            when = (
                f", {plural(finding.days, 'day')} after its install" if finding.days is not None else "; when it was installed is not known"
            )
            said.append(f"Never checked in{when}")
    if finding.is_duplicate and twin:
        what = "hostname" if twin.hostname.strip().casefold() == finding.host_key else "serial"
        checked = f"checked in {day(twin.last_seen)}" if twin.last_seen else "has no check-in either"
        name = "" if what == "hostname" else f" ({twin.hostname})"
        said.append(f"Stands twice: a newer agent of the same {what}{name} {checked}, line {twin.line} of the list")
    return "; ".join(said)


def month_figures(counted: Counted, url: str) -> dict[str, Any]:
    """The month's step: tone, bold words and the rest. Never green where something could not be looked at."""
    step = {"tone": "blind", "bold": "Cannot be checked", "url": url}
    if not counted.has_list:
        return step | {"rest": "no agent list", "url": reverse("ingest:files", args=[counted.account.slug])}
    if not counted.is_counted or counted.sweep is None:
        return step | {"bold": "Not looked through", "rest": "a worker is at it" if counted.is_busy else "the agent list"}
    sweep, worth = counted.sweep, counted.worth
    is_other = counted.cycle is not None and sweep.given.cycle_id != counted.cycle.pk
    if worth.machines:
        left = f", as of {day(sweep.as_of)}" if is_other else ""
        return step | {
            "tone": "todo",
            "bold": plural(worth.machines, "machine"),
            "rest": f"{worth_words(worth, counted.account.currency)}{left}",
        }
    if is_other:
        return step | {"rest": f"the newest agent list is of {day(sweep.as_of)}"}
    if not sweep.has_check_ins:
        return step | {"rest": "the agent list has no check-ins"}
    if sweep.given.partial or sweep.given.source_file.rejected:
        return step | {"rest": "the agent list is not complete"}
    return step | {"tone": "done", "bold": "Done", "rest": f"nothing to remove on {day(sweep.as_of)}"}
