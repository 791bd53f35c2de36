"""Pulls as rows: what an account had when it was asked, written as a loader would write it, without asking anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from accounts.calendar import Cycle
from accounts.models import BillingCycle, Organization
from ingest.models import AgentLine, Connection, FileOwner, LegInput, LiveCount, Pull, PullPart, SourceFile
from recon.services import imports
from tests.review.making import NOVEMBER, World

#: Within the cycle of the tests: the evening of its last day, in UTC as the account's time zone is.
LAST_EVENING = datetime(2026, 11, 13, 20, 0, tzinfo=UTC)
Counts = Mapping[str, Any]


def agents(billable: int | None, every: int | None = None, **more: Any) -> dict[str, Any]:
    """The counts of an Organization that has EDR alone."""
    return {"billable_agents": billable, "agents": billable if every is None else every, "products": ["edr"]} | more


def organization(world: World, name: str) -> Organization:
    return Organization.objects.get_or_create(account=world.account, name=name)[0]


def connection(world: World, **fields: Any) -> Connection:
    given = {"name": "Huntress", "sealed": "sealed", "added_by": world.ines} | fields
    return Connection.objects.create(account=world.account, **given)


def pull(
    world: World,
    has: Mapping[str, Counts | Sequence[Counts]],
    cycle: Cycle = NOVEMBER,
    *,
    at: datetime = LAST_EVENING,
    partial: bool = False,
    strangers: Sequence[str] = (),
) -> LegInput:
    """The live counts of some Organizations, by name, taken for a cycle. Several counts of one name are several of Huntress's."""
    number = SourceFile.objects.filter(account=world.account, kind="live").count() + 1
    file = _file(world, "live", number, cycle, at)
    line = 0
    for name, counts in [*has.items(), *((name, agents(1)) for name in strangers)]:
        known = None if name in strangers else organization(world, name)
        for one in [counts] if isinstance(counts, Mapping) else counts:
            line += 1
            FileOwner.objects.create(source_file=file, number=line, name=name, organization=known, rows=1)
            LiveCount.objects.create(source_file=file, line=line, owner=line, **one)
    SourceFile.objects.filter(pk=file.pk).update(loaded=line)
    return take(world, file, cycle, at, partial=partial)


def listed(world: World, hosts: Mapping[str, Sequence[Any]], cycle: Cycle = NOVEMBER, *, partial: bool = False, **seen: Any) -> LegInput:
    """An agent list: by Organization its hosts, each a hostname, or hostname and serial."""
    number = SourceFile.objects.filter(account=world.account, kind="agents").count() + 1
    at = datetime(cycle.end.year, cycle.end.month, cycle.end.day, tzinfo=UTC).replace(hour=0)
    file, line = _file(world, "agents", number, cycle, at), 0
    for owner, (name, machines) in enumerate(hosts.items(), start=1):
        FileOwner.objects.create(source_file=file, number=owner, name=name, organization=organization(world, name), rows=len(machines))
        for machine in machines:
            line += 1
            hostname, serial = (machine, "") if isinstance(machine, str) else machine
            AgentLine.objects.create(source_file=file, line=line, owner=owner, hostname=hostname, serial=serial, **seen)
    return imports.use_again(file, by=world.mara, cycle=cycle, partial=partial)


def _file(world: World, kind: str, number: int, cycle: Cycle, at: datetime) -> SourceFile:
    file = SourceFile.objects.create(
        account=world.account, kind=kind, name=f"{kind.capitalize()} from Huntress {number}.zip", size=9, state="imported",
        sha256=hashlib.sha256(f"{world.account.pk} {kind} {number}".encode()).hexdigest(), received_by=world.ines,
        imported_by=world.ines, imported_at=at, cycle=imports.cycle_row(world.account, cycle),
    )  # fmt: skip
    SourceFile.objects.filter(pk=file.pk).update(received_at=at)
    file.refresh_from_db()
    return file


def take(world: World, file: SourceFile, cycle: Cycle, at: datetime, *, partial: bool = False) -> LegInput:
    """It takes the place of the pull before, as a taken pull does."""
    row = BillingCycle.objects.get(account=world.account, start=cycle.start)
    before = LegInput.objects.filter(cycle=row, leg=file.kind, ended_at__isnull=True).first()
    if before:
        LegInput.objects.filter(pk=before.pk).update(ended_at=at)
    given = LegInput.objects.create(cycle=row, leg=file.kind, source_file=file, partial=partial, by=world.ines)
    if before:
        LegInput.objects.filter(pk=before.pk).update(superseded_by=given)
    return given


def part(world: World, whose: Connection, file: SourceFile | None = None, *, at: datetime = LAST_EVENING, **fields: Any) -> PullPart:
    """One part of a pull that has ended."""
    done = Pull.objects.create(connection=whose, ended_at=at)
    Pull.objects.filter(pk=done.pk).update(created_at=at)
    given = {"number": 1, "subject": "live", "state": "whole"} | fields
    return PullPart.objects.create(pull=done, account=world.account, source_file=file, began_at=at, ended_at=at, **given)
