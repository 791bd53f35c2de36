"""The agents of one customer that came and went between the lists of two cycles: which rows, and why nothing can be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import Account
from accounts.templatetags.recon_ui import day, plural
from ingest.models import AgentLine, FileOwner, LegInput
from recon.engine.turnover import Machine, Turnover, turnover

#: Of a customer with more machines than this in both lists, the sweep says what changed; a page does not read them all.
_MOST = 40_000
_SHOWN = 20


@dataclass(frozen=True)
class CameAndWent:
    """``found`` is None where nothing can be said, and ``why_not`` why. ``earlier`` and ``later`` are the lists."""

    earlier: LegInput | None
    later: LegInput | None
    found: Turnover | None = None
    why_not: str = ""

    @property
    def came(self) -> tuple[Machine, ...]:
        return self.found.came[:_SHOWN] if self.found else ()

    @property
    def went(self) -> tuple[Machine, ...]:
        return self.found.went[:_SHOWN] if self.found else ()

    @property
    def came_more(self) -> int:
        return len(self.found.came) - len(self.came) if self.found else 0

    @property
    def went_more(self) -> int:
        return len(self.found.went) - len(self.went) if self.found else 0

    @property
    def between(self) -> str:
        """The days that the lists are of, and that a cycle between them has none."""
        if self.earlier is None or self.later is None:
            return ""
        gap = "" if self.earlier.cycle.end == self.later.cycle.start else "; no list of the cycles between"
        return f"between {day(_day_of(self.earlier))} and {day(_day_of(self.later))}{gap}"

    @property
    def words(self) -> str:
        """``45 agents: 46 before, 2 came and 3 went``: the figures add up."""
        found = self.found
        if found is None:
            return ""
        return f"{plural(found.after, 'agent')}: {found.before} before, {len(found.came)} came and {len(found.went)} went."


def came_and_went(account: Account, family: Sequence[int]) -> CameAndWent:
    """Between the agent lists of the two newest cycles that have one. In three queries."""
    lists = LegInput.objects.filter(cycle__account=account, leg="agents", ended_at__isnull=True, source_file__state="imported")
    newest = list(lists.select_related("source_file", "cycle__account", "sweep").order_by("-cycle__start")[:2])
    if len(newest) < 2:
        why = "one cycle has an agent list; who came and went is known from the second on" if newest else "no cycle has an agent list"
        return CameAndWent(None, newest[0] if newest else None, why_not=f"Cannot be told: {why}.")
    later, earlier = newest
    if incomplete := [one for one in (earlier, later) if one.partial or one.source_file.rejected]:
        why = f"the list of {day(_day_of(incomplete[0]))} is not complete, and who is not in it may be there all the same"
        return CameAndWent(earlier, later, why_not=f"Cannot be told: {why}.")
    owners = FileOwner.objects.filter(source_file__in=[earlier.source_file_id, later.source_file_id], organization__in=family)
    named = list(owners.order_by().values_list("source_file_id", "number", "rows"))
    if sum(rows for *_, rows in named) > _MOST:
        return CameAndWent(earlier, later, why_not="Too many machines for this page: the sweep’s changes name them.")
    before, after = ([number for file, number, _ in named if file == one.source_file_id] for one in newest[::-1])
    return CameAndWent(earlier, later, _between(earlier.source_file_id, before, later.source_file_id, after))


def _between(earlier: int, before: list[int], later: int, after: list[int]) -> Turnover:
    its = Q(source_file=earlier, owner__in=before) | Q(source_file=later, owner__in=after)
    machines: dict[int, list[Machine]] = {earlier: [], later: []}
    rows = AgentLine.objects.filter(its).order_by().values_list("source_file_id", "hostname", "serial", "line")
    for file, hostname, serial, line in rows.iterator(chunk_size=20_000):
        machines[file].append(Machine(hostname, serial, line))
    return turnover(machines[earlier], machines[later])


def _day_of(given: LegInput) -> date:
    """The day that a list is of, as the sweep found it; else the day on which it came."""
    sweep = getattr(given, "sweep", None)
    if given.as_of or (sweep and sweep.as_of):
        return given.as_of or sweep.as_of  # type: ignore[union-attr]
    return given.source_file.received_at.astimezone(ZoneInfo(given.cycle.account.time_zone)).date()
