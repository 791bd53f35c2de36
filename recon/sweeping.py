"""An agent list in the database, looked through by the engine: Organization by Organization, in bounded memory.

As ``recon.store`` does for months, this knows both the rows and the arithmetic, and nothing else does for agents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import pandas as pd
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Account, Organization
from accounts.names import normalise
from ingest import bulk, jobs
from ingest.models import AgentLine, FileOwner
from recon.agent_lists import day_of, earlier_sweep
from recon.engine import sweep as engine
from recon.models import Sweep, SweepFinding, SweepKeep

#: Agents that are held at once, and Organizations asked for in one statement.
_AT_ONCE: Final = 100_000
_GROUPS_AT_ONCE: Final = 2_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_READ: Final = ("line", "owner", "hostname", "serial", "platform", "last_seen", "installed_at")
_WRITTEN: Final = [
    "sweep_id", "run", "kind", "source_file_id", "line", "organization_id", "owner_name", "hostname", "host_key", "serial", "platform",
    "last_seen", "installed_at", "days", "is_duplicate", "is_at_risk", "twin_line", "keep_id", "kept_until",
]  # fmt: skip


@dataclass
class _Group:
    """One Organization, or one name that nobody is known for: its numbers in the list and in the earlier one."""

    number: int
    organization: int | None
    name: str
    stale_days: int
    now: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    rows: int = 0


@dataclass(frozen=True)
class _Look:
    """What one look through a list goes by."""

    sweep: Sweep
    run: int
    as_of: date
    earlier: Sweep | None
    dated: bool
    keeps: dict[tuple[int, str, str], tuple[int, date]]

    @property
    def file(self) -> int:
        return self.sweep.given.source_file_id


def look_through(sweep: Sweep, progress: jobs.Progress) -> None:
    """Find what is to be removed, and what came and went since the list before; then show that instead of the last look."""
    Sweep.objects.filter(pk=sweep.pk).update(last_run=F("last_run") + 1)
    run = Sweep.objects.values_list("last_run", flat=True).get(pk=sweep.pk)
    as_of, because = day_of(sweep.given)
    dated = AgentLine.objects.filter(source_file=sweep.given.source_file_id, last_seen__isnull=False).exists()
    earlier = earlier_sweep(sweep, as_of) if dated and not sweep.given.partial else None
    look = _Look(sweep, run, as_of, earlier, dated, _keeps(sweep.account))
    groups = _groups(look)
    agents, counts, done = sum(one.rows for one in groups), Counter[str](), 0
    for some in _batches(groups):
        rows = list(_records(look, some))
        bulk.load(SweepFinding, _WRITTEN, rows)
        counts.update(str(row[2]) for row in rows)
        done += sum(one.rows for one in some)
        progress(done, agents, "Looking through the agents")
    with transaction.atomic():
        turned = Sweep.objects.filter(pk=sweep.pk, run__lt=run).update(
            run=run, counted_at=timezone.now(), as_of=as_of, as_of_because=because, has_check_ins=dated, agents=agents,
            compared_with=earlier, counts=dict(counts),
        )  # fmt: skip
    old = SweepFinding.objects.filter(sweep=sweep)
    bulk.remove(old.filter(run__lt=run) if turned else old.filter(run=run))


def _keeps(account: Account) -> dict[tuple[int, str, str], tuple[int, date]]:
    current = SweepKeep.objects.filter(account=account, ended_at__isnull=True)
    columns = ("organization_id", "host_key", "serial", "pk", "until")
    return {(organization, host, serial): (pk, until) for organization, host, serial, pk, until in current.values_list(*columns)}


def _groups(look: _Look) -> list[_Group]:
    """Whose agents are whose in both lists. A name that nobody is known for is the same one in both when it is written alike."""
    account = look.sweep.account
    own = dict(Organization.objects.filter(account=account, stale_days__isnull=False).values_list("pk", "stale_days"))
    found: dict[int | str, _Group] = {}
    files = [(look.file, "now"), *([(look.earlier.given.source_file_id, "before")] if look.earlier else [])]
    for file, when in files:
        columns = ("number", "organization_id", "name", "key", "huntress_id", "rows")
        owners = FileOwner.objects.filter(source_file=file).order_by("number").values_list(*columns)
        for number, organization, name, key, its_id, rows in owners:
            words = name or key or its_id
            group = found.setdefault(
                organization or normalise(words) or words,
                _Group(len(found) + 1, organization, words, int(own.get(organization) or account.stale_days)),
            )
            getattr(group, when).append(number)
            group.rows += rows if when == "now" else 0
    return list(found.values())


def _batches(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    batch: list[_Group] = []
    for group in groups:
        if batch and (sum(one.rows for one in batch) + group.rows > _AT_ONCE or len(batch) >= _GROUPS_AT_ONCE):
            yield batch
            batch = []
        batch.append(group)
    if batch:
        yield batch


def _records(look: _Look, groups: list[_Group]) -> Iterator[tuple[Any, ...]]:
    by_number = {one.number: one for one in groups}
    now = _agents(look, groups, "now")
    found = engine.findings(now, _day(look.as_of)) if look.dated else engine.undated(now)
    yield from _rows(look, found, now, by_number, look.file)
    if look.earlier and look.earlier.as_of:
        before = _agents(look, groups, "before")
        before["kind"] = _kinds(before, engine.findings(before, _day(look.earlier.as_of)))
        now["kind"] = _kinds(now, found)
        changed = engine.changes(before, now)
        left = changed["kind"].isin(["swept", "gone"])
        yield from _rows(look, changed[left], before, by_number, look.earlier.given.source_file_id)
        yield from _rows(look, changed[~left], now, by_number, look.file)


def _kinds(agents: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    kind_of = dict(zip(found["line"].tolist(), found["kind"].tolist(), strict=True))
    return [kind_of.get(line, "") for line in agents["line"].tolist()]


def _agents(look: _Look, groups: list[_Group], when: str) -> pd.DataFrame:
    """The agents of some Organizations in one of the two lists, as the engine takes them, with what a page shows of them."""
    file = look.file if when == "now" else look.earlier.given.source_file_id  # type: ignore[union-attr]
    group_of = {number: one for one in groups for number in getattr(one, when)}
    rows: list[tuple[Any, ...]] = []
    numbers = sorted(group_of)
    for start in range(0, len(numbers), _GROUPS_AT_ONCE):
        lines = AgentLine.objects.filter(source_file=file, owner__in=numbers[start : start + _GROUPS_AT_ONCE])
        rows += lines.order_by().values_list(*_READ).iterator(chunk_size=20_000)
    frame = pd.DataFrame(rows, columns=list(_READ))
    zone = look.sweep.account.time_zone
    seen, installed = (pd.to_datetime(frame[name], utc=True) for name in ("last_seen", "installed_at"))
    return pd.DataFrame(
        {
            "group": frame["owner"].map({number: one.number for number, one in group_of.items()}).astype("int64"),
            "line": frame["line"].astype("int64"),
            "hostname": [host_key(one) for one in frame["hostname"]],
            "serial": [engine.serial_key(one) for one in frame["serial"]],
            "seen": _seconds(seen),
            "seen_day": _days(seen, zone),
            "installed_day": _days(installed, zone),
            "stale_days": frame["owner"].map({number: one.stale_days for number, one in group_of.items()}).astype("int64"),
            "shown": list(frame[["hostname", "serial", "platform", "last_seen", "installed_at"]].itertuples(index=False, name=None)),
        }
    )


def host_key(hostname: str) -> str:
    """What a hostname is compared by.

    >>> host_key(" RECEPTION-2 ")
    'reception-2'
    """
    return hostname.strip().casefold()[:255]


def _seconds(moments: pd.Series) -> pd.Series:
    seconds = moments.dt.as_unit("s").astype("int64")
    return seconds.astype("Int64").mask(moments.isna())


def _days(moments: pd.Series, zone: str) -> pd.Series:
    local = moments.dt.tz_convert(zone).dt.tz_localize(None)
    days = local.dt.as_unit("s").astype("int64") // 86_400
    return days.astype("Int64").mask(moments.isna())


def _day(day: date) -> int:
    return day.toordinal() - _EPOCH


def _rows(look: _Look, found: pd.DataFrame, agents: pd.DataFrame, groups: dict[int, _Group], file: int) -> Iterator[tuple[Any, ...]]:
    shown = dict(zip(agents["line"].tolist(), agents["shown"], strict=True))
    days = dict(zip(agents["line"].tolist(), bulk.plain(agents["seen_day"]), strict=True))
    known = found.reindex(columns=list(engine.FINDING_COLUMNS))
    columns = zip(*(bulk.plain(known[name]) for name in engine.FINDING_COLUMNS), strict=True)
    for line, number, kind, quiet, is_duplicate, twin, is_at_risk in columns:
        group = groups[number]
        hostname, serial, platform, seen, installed = shown[line]
        if quiet is None and kind in {"swept", "gone", "returned", "new"} and days[line] is not None:
            quiet = max(_day(look.as_of) - days[line], 0)
        keep, until = look.keeps.get((group.organization or 0, host_key(hostname), serial), (None, None))
        yield (
            look.sweep.pk, look.run, kind, file, line, group.organization, group.name[:500], hostname, host_key(hostname), serial, platform,
            _moment(seen), _moment(installed), quiet, bool(is_duplicate), bool(is_at_risk), twin, keep, until and until.isoformat(),
        )  # fmt: skip


def _moment(moment: pd.Timestamp | None) -> Any:
    """As the database's own driver takes it, for rows that are written past Django."""
    return None if moment is None or pd.isna(moment) else connection.ops.adapt_datetimefield_value(moment.to_pydatetime())
