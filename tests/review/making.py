"""Months made quickly, straight through the models: lists of rows in, compared and ready to be decided. People with each role."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from accounts.calendar import Cycle
from accounts.models import Account, BillingCycle, Membership, Organization, Role, User
from accounts.services import Refused
from ingest import jobs
from ingest.models import Job, LegInput, SourceFile, SourceRow, UsageLine
from recon import tasks  # noqa: F401  registers what jobs do
from recon.filters import UNEXPLAINED
from recon.models import Question, Reconciliation, Severity, Variance
from recon.policies import Scope, default_scope
from recon.services import decisions, imports, months, questions, review
from tests.recon.making import at_once as at_once

SEPTEMBER = Cycle(date(2026, 8, 14), date(2026, 9, 14))
OCTOBER = Cycle(date(2026, 9, 14), date(2026, 10, 14))
NOVEMBER = Cycle(date(2026, 10, 14), date(2026, 11, 14))
DECEMBER = Cycle(date(2026, 11, 14), date(2026, 12, 14))
Key = tuple[int, str]


def unheard(*_: Any) -> None:
    """A progress that nobody looks at."""


#: (Organization, product) → quantity; None: a row that was rejected.
Rows = Mapping[tuple[str, str], int]
BILLED: Rows = {("Tarn Vale Dental", "edr"): 12, ("Garrowby Farms", "edr"): 30, ("Garrowby Farms", "siem"): 5, ("Dunfell Bakery", "edr"): 7}
EXPECTED: Rows = {
    ("Tarn Vale Dental", "edr"): 10,
    ("Garrowby Farms", "edr"): 30,
    ("Garrowby Farms", "siem"): 9,
    ("Dunfell Bakery", "edr"): 7,
}
REBILLED: Rows = {("Tarn Vale Dental", "edr"): 12, ("Garrowby Farms", "edr"): 24, ("Garrowby Farms", "siem"): 5}


@dataclass
class World:
    account: Account
    mara: User  # prepares
    jonah: User  # reviews
    ines: User  # admin
    tom: User  # looks
    files: list[SourceFile] = field(default_factory=list)

    def file(
        self, leg: str, rows: Rows, cycle: Cycle = NOVEMBER, *, waiting: str = "", rejected: int = 0, price: int | None = None
    ) -> SourceFile:
        """An imported file that serves nothing yet. ``waiting`` names a row that nobody is matched with."""
        number = len(self.files) + 1
        content = json.dumps([leg, number, sorted((*key, units) for key, units in rows.items()), price]).encode()
        source_file = SourceFile.objects.create(
            account=self.account, kind=leg, name=f"{leg}-{number}.csv", sha256=hashlib.sha256(content).hexdigest(), size=len(content),
            received_by=self.mara, imported_by=self.mara, imported_at=datetime.now(UTC), state="imported",
            cycle=imports.cycle_row(self.account, cycle), loaded=len(rows), rejected=rejected,
        )  # fmt: skip
        known = {o.name: o for o in Organization.objects.filter(account=self.account)}
        lines = []
        for line, ((name, product), units) in enumerate(sorted(rows.items()), start=2):
            if name not in known:
                known[name] = Organization.objects.create(account=self.account, name=name)
            lines.append(
                UsageLine(
                    source_file=source_file,
                    line=line,
                    product=product,
                    organization=known[name],
                    name=name,
                    quantity=units,
                    unit_price=price,
                )
            )
        if waiting:
            lines.append(UsageLine(source_file=source_file, line=900, product="edr", organization=None, name=waiting, quantity=4))
        UsageLine.objects.bulk_create(lines)
        for line in range(1000, 1000 + rejected):
            SourceRow.objects.create(source_file=source_file, line=line, bucket="rejected", reason="12.5 is not whole", cells=["", "12.5"])
        self.files.append(source_file)
        return source_file

    def put(self, leg: str, rows: Rows, cycle: Cycle = NOVEMBER, *, partial: bool = False, **said: Any) -> LegInput:
        return imports.use_again(self.file(leg, rows, cycle, **said), by=self.mara, cycle=cycle, partial=partial)

    def month(self, cycle: Cycle = NOVEMBER, billed: Rows = BILLED, expected: Rows = EXPECTED, rebilled: Rows = REBILLED) -> Reconciliation:
        """A month with its three lists, compared."""
        for leg, rows in (("billed", billed), ("expected", expected), ("rebilled", rebilled)):
            if rows:
                self.put(leg, rows, cycle)
        work()
        return self.of(cycle)

    def quiet(self, cycle: Cycle = NOVEMBER, rows: Rows = BILLED) -> Reconciliation:
        """A month in which all lists agree."""
        return self.month(cycle, rows, rows, rows)

    def of(self, cycle: Cycle = NOVEMBER) -> Reconciliation:
        return months.newest(BillingCycle.objects.select_related("account").get(account=self.account, start=cycle.start))

    def explained(self, cycle: Cycle = NOVEMBER) -> Reconciliation:
        """With everything explained and looked at."""
        month = self.of(cycle)
        for check in ("expected", "rebilled"):
            loud = rows_of(month).filter(UNEXPLAINED, **{f"{check}_severity__gte": Severity.INVESTIGATE}).exclude(**{f"{check}_left": 0})
            if keys := keys_of(loud):
                decisions.explain(month, keys, check=check, cause="new_agents", quantity=None, by=self.mara)
        if keys := keys_of(rows_of(month).filter(severity__gte=Severity.INVESTIGATE)):
            decisions.mark_reviewed(month, keys, by=self.mara)
        return month

    def submitted(self, cycle: Cycle = NOVEMBER) -> Reconciliation:
        return review.submit(self.explained(cycle), by=self.mara)

    def signed(self, cycle: Cycle = NOVEMBER) -> Reconciliation:
        return review.sign(self.submitted(cycle), by=self.jonah)


def new_world() -> World:
    account = Account.objects.create(name="Quillmere IT", slug="quillmere-it", anniversary_day=14, currency="USD")
    people: dict[str, Any] = {
        name: new_person(account, name, role)
        for name, role in (("mara", Role.PREPARER), ("jonah", Role.REVIEWER), ("ines", Role.ADMIN), ("tom", Role.VIEWER))
    }
    return World(account, **people)


def new_person(account: Account, name: str, role: str) -> User:
    user = User.objects.create_user(f"{name}@quillmere.example", "seven-quiet-herons", name=name.capitalize())
    Membership.objects.create(user=user, account=account, role=role)
    return user


def work() -> None:
    """Do what waits to be compared or checked, and nothing else."""
    while job := Job.objects.filter(kind__in=["recount", "drift", "ask"], state=Job.State.QUEUED).order_by("pk").first():
        done, until = jobs.run_now(job), time.monotonic() + 30
        while done.is_open and time.monotonic() < until:  # a worker of the test was quicker
            time.sleep(0.05)
            done.refresh_from_db()
        assert done.state == Job.State.DONE, done.error


def rows_of(month: Reconciliation) -> Any:
    month.refresh_from_db()
    return Variance.objects.filter(reconciliation=month, run=month.run)


def keys_of(rows: Any) -> list[Key]:
    return list(rows.order_by("name", "product").values_list("organization_id", "product"))


def key(month: Reconciliation, name: str, product: str = "edr") -> Key:
    return (Organization.objects.get(account=month.cycle.account, name=name).pk, product)


def row(month: Reconciliation, name: str, product: str = "edr") -> Variance:
    found: Variance = rows_of(month).get(name=name, product=product)
    return found


def content(month: Reconciliation) -> list[tuple[Any, ...]]:
    """All that the rows say, whatever their ids."""
    left = {"id", "reconciliation_id", "run"}
    columns = [field.attname for field in Variance._meta.concrete_fields if field.attname not in left]
    return sorted(rows_of(month).values_list(*columns), key=str)


def refusal(call: Callable[[], Any]) -> str:
    """What a service says when it refuses."""
    try:
        call()
    except Refused as refused:
        return str(refused)
    raise AssertionError("it was not refused")


def blocks(month: Reconciliation) -> dict[str, int]:
    month.refresh_from_db()
    return {one.code: one.count for one in review.blockers(month)}


def waiting_in(world: World) -> Question:
    world.put("expected", BILLED, waiting="Harbour Lane Joinery")
    work()
    return questions.queue(world.account)[0].question


def stricter() -> Scope:
    return replace(default_scope(), investigate_percent=Decimal(1), escalate_percent=Decimal(2), escalate_units=Decimal(0))
