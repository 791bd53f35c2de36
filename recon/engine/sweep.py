"""Which agents to remove before a cycle ends: those that went quiet, never reported, or stand twice. Tables in, tables out.

Agents of all Organizations may be in one table: each step keeps within ``group``, the Organization as a number. Days are counted from the
day that the list is of, never from today. Rules: Huntress's help for *unresponsive* (21 days unless set otherwise, 3 for an install that
never checked in); a re-imaged machine gets a second agent beside its old one, which is billed until it is removed (docs/domain.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from accounts.calendar import Cycle

#: An install that never checked in counts as unresponsive after so many days.
NEVER_DAYS: Final = 3
#: An uninstall waits so long for its host. Whoever comes back later is orphaned: installed, not billed and not protected.
UNINSTALL_WAITS_DAYS: Final = 30
#: What makers and hypervisors write where a serial number should be: it is no machine's own.
NO_SERIALS: Final = frozenset(
    {
        "0", "none", "n/a", "na", "null", "unknown", "default", "invalid", "not specified", "not available", "not applicable", "empty",
        "default string", "system serial number", "chassis serial number", "serial number", "to be filled by o.e.m.",
        "to be filled by oem", "o.e.m.", "oem", "123456789", "0123456789", "1234567890",
    }
)  # fmt: skip
FINDING_COLUMNS: Final = ("line", "group", "kind", "days", "is_duplicate", "twin_line", "is_at_risk")
_Frame = pd.DataFrame


def serial_key(serial: str) -> str:
    """What a serial number is compared by; "" where it is no machine's own.

    >>> serial_key(" 5CD-1234 "), serial_key("To Be Filled By O.E.M."), serial_key("0000")
    ('5cd-1234', '', '')
    """
    folded = " ".join(serial.split()).casefold()
    return "" if folded in NO_SERIALS or not folded.strip("0.-x ") else folded


def findings(agents: _Frame, as_of: int) -> _Frame:
    """The agents to remove, each once, by line.

    ``agents``: group, line (both int; a line once), hostname and serial (as they are compared; "" is none), seen (Int64, seconds; <NA>:
    never), seen_day and installed_day (Int64, day numbers of the account's own calendar; <NA> unknown), stale_days (int, of its
    Organization). ``as_of`` is the day number of the list.

    ``kind`` is never, stale or duplicate: of an agent that is several, the first. ``twin_line`` is the newer agent of the same hostname
    or serial. ``is_at_risk``: its host may come back after the uninstall stopped waiting; not where a newer agent is on that host.
    """
    days = (as_of - agents["seen_day"]).clip(lower=0)
    waiting = (as_of - agents["installed_day"]).clip(lower=0)
    is_never = agents["seen"].isna() & (waiting.isna() | (waiting >= NEVER_DAYS).fillna(True))
    is_stale = (days >= agents["stale_days"]).fillna(False)
    twins = _twins(agents)
    kind = np.select([is_never, is_stale, twins >= 0], ["never", "stale", "duplicate"], "").astype(object)
    found = pd.DataFrame(
        {
            "line": agents["line"].to_numpy(np.int64),
            "group": agents["group"].to_numpy(np.int64),
            "kind": kind,
            "days": days.where(~agents["seen"].isna(), waiting).astype("Int64").array,
            "is_duplicate": twins >= 0,
            "twin_line": pd.arrays.IntegerArray(np.maximum(twins, 0), twins < 0),
            "is_at_risk": (is_never | is_stale).to_numpy(dtype=bool) & (twins < 0),
        }
    )
    return found[found["kind"] != ""].sort_values("line", ignore_index=True)


def undated(agents: _Frame) -> _Frame:
    """The same of a list that has no check-ins at all: nobody can be called quiet, and only what stands twice is found."""
    found = findings(agents, 0)
    found = found[found["is_duplicate"]].copy()
    found["kind"], found["days"], found["is_at_risk"] = "duplicate", pd.array([pd.NA] * len(found), dtype="Int64"), False
    return found.reset_index(drop=True)


def _twins(agents: _Frame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each agent the line of the newest one that has its hostname, else its serial, within its group; −1 for the newest itself.

    Newer is who checked in last, then who was installed last, then who stands further down.
    """
    newest = np.full(len(agents), -1, dtype=np.int64)
    order = agents.sort_values(["seen", "installed_day", "line"], na_position="first", kind="stable")
    for name in ("hostname", "serial"):
        named = order[order[name] != ""]
        last = named.groupby(["group", name], sort=False)["line"].transform("last")
        older = last[last.to_numpy() != named["line"].to_numpy()]
        at = agents.index.get_indexer(older.index)
        unset = newest[at] < 0
        newest[at[unset]] = older.to_numpy(np.int64)[unset]
    return newest


def changes(before: _Frame, now: _Frame) -> _Frame:
    """What became of the agents of an earlier list, and who came: kind, group and line.

    Both tables are as for ``findings``, with ``kind`` ("" for who was not to be removed). *swept*: to be removed before, and not there now;
    *gone*: not to be removed, and not there now; *returned*: quiet before, and has checked in since; *new*: was not there. Lines of the
    first two are the earlier list's. A serial tells machines apart only where both lists have serials.
    """
    keys = ["group", "hostname", "nth"]
    if (before["serial"] != "").any() and (now["serial"] != "").any():
        keys.insert(2, "serial")
    one, other = _numbered(before, keys[:-1]), _numbered(now, keys[:-1])
    both = one.merge(other, on=keys, how="outer", suffixes=("_before", "_now"), indicator="side", validate="one_to_one")
    quiet = ["stale", "never"]
    is_back = both["kind_before"].isin(quiet) & ~both["kind_now"].isin(quiet)
    is_back &= (both["seen_now"] > both["seen_before"]).fillna(both["seen_now"].notna() & both["seen_before"].isna()).astype(bool)
    left, came = both["side"] == "left_only", both["side"] == "right_only"
    was_found = both["kind_before"].fillna("") != ""
    kinds = np.select([left & was_found, left, came, is_back & ~left & ~came], ["swept", "gone", "new", "returned"], "")
    lines = both["line_now"].where(~left, both["line_before"]).astype("Int64").to_numpy(np.int64, na_value=-1)
    found = pd.DataFrame({"line": lines, "group": both["group"].to_numpy(np.int64), "kind": kinds.astype(object)})
    return found[found["kind"] != ""].sort_values(["kind", "line"], ignore_index=True)


def _numbered(agents: _Frame, keys: list[str]) -> _Frame:
    """Agents that look the same, numbered from the newest on: of two, the one that is left is the newer."""
    order = agents.sort_values(["seen", "installed_day", "line"], na_position="first", kind="stable").iloc[::-1]
    numbered = order[[*keys, "line", "kind", "seen"]].copy()
    numbered["nth"] = order.groupby(keys, sort=False).cumcount().to_numpy()
    return numbered


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a sweep saves a cycle. ``moment`` is the end of the day before the cycle's last day, where the account is."""

    cycle: Cycle
    moment: datetime

    @classmethod
    def of(cls, cycle: Cycle, zone: ZoneInfo) -> Deadline:
        """Huntress counts what stands on the last day; whether the day after it belongs to the cycle is not known, so aim a day before."""
        return cls(cycle, datetime.combine(cycle.last_day, time(), zone))

    @property
    def day(self) -> date:
        """The last day on which a sweep saves the cycle."""
        return (self.moment - timedelta(days=1)).date()

    def hours_left(self, now: datetime) -> int | None:
        """Whole hours; None when it is over: a sweep then saves nothing in this cycle."""
        left = self.moment.timestamp() - now.timestamp()
        return int(left // 3600) if left > 0 else None


@dataclass(frozen=True, slots=True)
class Worth:
    """What machines cost a month, in micros. ``unpriced`` ones have no known cost price: they are in ``machines``, not in ``money``."""

    machines: int
    money: int
    unpriced: int

    @property
    def priced(self) -> int:
        return self.machines - self.unpriced


def worth(machines: Mapping[int, int], prices: Mapping[int, int]) -> Worth:
    """Machines by Organization at its unit price.

    >>> worth({1: 3, 2: 2}, {1: 2_900_000})
    Worth(machines=5, money=8700000, unpriced=2)
    """
    money = sum(count * prices[pk] for pk, count in machines.items() if pk in prices)
    return Worth(sum(machines.values()), money, sum(count for pk, count in machines.items() if pk not in prices))


def total(worths: Iterable[Worth]) -> Worth:
    found = list(worths)
    return Worth(sum(one.machines for one in found), sum(one.money for one in found), sum(one.unpriced for one in found))
