"""Agent lists as somebody would upload them, their months, and what is found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from accounts.calendar import Cycle
from accounts.models import BillingCycle, Organization
from ingest import jobs
from ingest.models import Job, SourceFile
from recon.engine import sweep as engine
from recon.models import Sweep, SweepFinding
from recon.sweep_counts import Counted, counted
from tests.recon.making import csv_bytes, put
from tests.review.making import NOVEMBER, World

HEADER = ["Hostname", "Organization", "Serial Number", "Platform", "Last Callback At"]
AS_OF = date(2026, 11, 10)


def seen(days: int | None, as_of: date = AS_OF) -> str:
    """A check-in at noon, so many days before the list's own day; None: there never was one."""
    return "" if days is None else f"{as_of - timedelta(days=days)}T12:00:00Z"


def host(name: str, organization: str, days: int | None, serial: str = "", as_of: date = AS_OF) -> list[str]:
    return [name, organization, serial, "windows", seen(days, as_of)]


#: The stories of huntress.md §6: who is quiet for how long, who never came, who stands twice.
STORY = [
    host("TV-01", "Tarn Vale Dental", 0, "SN-1"),
    host("TV-20", "Tarn Vale Dental", 20, "SN-2"),
    host("TV-21", "Tarn Vale Dental", 21, "SN-3"),
    host("TV-22", "Tarn Vale Dental", 22, "SN-4"),
    host("GF-45", "Garrowby Farms", 45, "SN-5"),
    host("GF-46", "Garrowby Farms", 46, "SN-6"),
    host("GF-NEW", "Garrowby Farms", None, "SN-7"),
    host("GF-07", "Garrowby Farms", 3, "SN-8"),
    host("gf-07", "Garrowby Farms", 1, "SN-9"),
    host("DB-1", "Dunfell Bakery", 2, "SN-10"),
]


@dataclass
class Swept:
    """An account with agent lists, and what is found in them."""

    world: World
    files: list[SourceFile] = field(default_factory=list)

    def put(self, rows: Sequence[Sequence[str]], cycle: Cycle = NOVEMBER, *, header: Sequence[str] = HEADER, **said: Any) -> SourceFile:
        content = csv_bytes(list(header), *map(list, rows))
        name = f"agents-{len(self.files) + 1}.csv"
        self.files.append(put(self.world.account, self.world.mara, "agents", content, cycle, name=name, **said))
        look()
        return self.files[-1]

    @property
    def counted(self) -> Counted:
        return counted(self.world.account)

    @property
    def sweep(self) -> Sweep:
        found = self.counted.sweep
        assert found is not None
        return found

    def found(self, *kinds: str) -> list[tuple[str, str]]:
        """Host and kind of every finding, or of those of some kinds."""
        rows = self.counted.shown
        rows = rows.filter(kind__in=kinds) if kinds else rows
        return sorted(rows.values_list("hostname", "kind"))

    def finding(self, hostname: str) -> SweepFinding:
        return self.counted.shown.select_related("sweep__account", "organization").get(hostname=hostname)

    def organization(self, name: str) -> Organization:
        return Organization.objects.select_related("account").get(account=self.world.account, name=name)

    def cycle(self, cycle: Cycle = NOVEMBER) -> BillingCycle:
        return BillingCycle.objects.select_related("account").get(account=self.world.account, start=cycle.start)


def look() -> None:
    """Do what waits to be looked through, and what that waits for."""
    while job := Job.objects.filter(kind__in=["sweep", "recount", "ask", "drift"], state="queued").order_by("pk").first():
        done = jobs.run_now(job)
        assert done.state == Job.State.DONE, done.error


def agents(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A table for the engine; what a row does not say is usual."""
    usual: dict[str, Any] = {"group": 1, "serial": "", "seen_day": None, "installed_day": None, "stale_days": 21}
    full = [usual | {"line": line} | row for line, row in enumerate(rows, start=2)]
    columns = ["group", "line", "hostname", "serial", "seen", "seen_day", "installed_day", "stale_days"]
    for row in full:
        row.setdefault("seen", None if row["seen_day"] is None else row["seen_day"] * 86_400)
    frame = pd.DataFrame(full, columns=columns)
    for name in ("seen", "seen_day", "installed_day"):
        frame[name] = pd.array(frame[name].tolist(), dtype="Int64")
    return frame


def kinds(found: pd.DataFrame) -> dict[int, str]:
    return dict(zip(found["line"].tolist(), found["kind"].tolist(), strict=True))


def noon(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time()).replace(hour=12)


__all__ = ["AS_OF", "HEADER", "STORY", "Swept", "agents", "engine", "host", "kinds", "look", "noon", "seen"]
