"""A small month of an invented account, compared for real, and the people who close it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.test import Client
from django.urls import reverse

from accounts.models import Account, BillingCycle, Membership, Organization, Role, User
from ingest import jobs, storage
from ingest.models import Job, LegInput, RejectedLine, SourceFile, SourceRow, UsageLine
from recon import store
from recon.models import Reconciliation, Variance
from recon.services import months, review
from recon.services.decisions import explain

START, END = date(2026, 10, 14), date(2026, 11, 14)
COST, SELL = 3_000_000, 6_500_000
PEOPLE: Final = {
    "mara": ("Mara Kestle", Role.PREPARER),
    "pia": ("Pia Marlowe", Role.PREPARER),
    "jonah": ("Jonah Ostrow", Role.REVIEWER),
    "ines": ("Ines Farrow", Role.ADMIN),
    "tom": ("Tom Ashdale", Role.VIEWER),
}
#: Organization → billed, expected, rebilled. Two rows are above tolerance, one is within it, one agrees.
ROWS: Final = {
    "Ollerby Freight": (86, 74, 75),
    "Tarn Vale Dental": (20, 20, 10),
    "Garrowby Dental": (100, 99, 100),
    "Dunfell Farms": (12, 12, 12),
}


@dataclass
class Month:
    account: Account
    cycle: BillingCycle
    people: dict[str, User]
    organizations: dict[str, Organization]
    files: dict[str, SourceFile] = field(default_factory=dict)

    @property
    def reconciliation(self) -> Reconciliation:
        return months.shown(self.cycle)

    def row(self, name: str) -> Variance:
        month = self.reconciliation
        return Variance.objects.get(reconciliation=month, run=month.run, organization=self.organizations[name])

    def url(self, name: str = "month", *more: Any) -> str:
        return reverse(f"recon:{name}", args=[self.account.slug, self.cycle.start.isoformat(), *more])

    def row_url(self, name: str) -> str:
        return self.url("row", self.organizations[name].pk, "edr")

    def key(self, name: str) -> str:
        return f"{self.organizations[name].pk}-edr"

    def client(self, who: str) -> Client:
        client = Client()
        client.force_login(self.people[who])
        return client

    def recount(self) -> None:
        Job.objects.filter(kind="recount").delete()
        store.recount(self.cycle, _no_progress)  # type: ignore[arg-type]

    def explain_all(self, who: str = "mara") -> None:
        names = {"expected": ["Ollerby Freight"], "rebilled": ["Ollerby Freight", "Tarn Vale Dental"]}
        for check, whose in names.items():
            keys = [(self.organizations[name].pk, "edr") for name in whose]
            explain(self.reconciliation, keys, check=check, cause="new_agents", quantity=None, by=self.people[who])

    def submit(self, who: str = "mara") -> None:
        self.explain_all(who)
        review.submit(self.reconciliation, by=self.people[who])

    def sign(self) -> Reconciliation:
        self.submit()
        return review.sign(self.reconciliation, by=self.people["jonah"])


def _no_progress(*_: Any) -> None:
    """Nobody watches."""


def _file(month: Month, leg: str, *, rejected: int = 0) -> SourceFile:
    by = month.people["mara"]
    stored = storage.store(io.BytesIO(f"{leg} of {month.account.slug}".encode()))
    made = SourceFile.objects.create(
        account=month.account, name=f"{leg}.csv", sha256=stored.sha256, size=stored.size, received_by=by, kind=leg, state="imported",
        cycle=month.cycle, loaded=len(ROWS), rejected=rejected, imported_by=by,
    )  # fmt: skip
    LegInput.objects.create(cycle=month.cycle, leg=leg, source_file=made, by=by)
    return made


def build(slug: str = "quillmere-it", rows: dict[str, tuple[int, int, int]] = ROWS) -> Month:
    account = Account.objects.create(name="Quillmere IT", slug=slug, anniversary_day=14)
    people = {who: User.objects.create_user(f"{who}@{slug}.example", "four-brass-lanterns", name=name) for who, (name, _) in PEOPLE.items()}
    for who, (_, role) in PEOPLE.items():
        Membership.objects.create(user=people[who], account=account, role=role)
    cycle = BillingCycle.objects.create(account=account, start=START, end=END)
    month = Month(account, cycle, people, {name: Organization.objects.create(account=account, name=name) for name in rows})
    for place, leg in enumerate(("billed", "expected", "rebilled")):
        month.files[leg] = _file(month, leg)
        UsageLine.objects.bulk_create(
            UsageLine(
                source_file=month.files[leg], line=line, product="edr", organization=month.organizations[name], name=name,
                quantity=quantities[place], unit_price={"billed": COST, "expected": None, "rebilled": SELL}[leg],
            )
            for line, (name, quantities) in enumerate(rows.items(), start=2)
        )  # fmt: skip
    months.newest(cycle)
    month.recount()
    return month


def reject_a_row(month: Month, line: int = 9) -> SourceRow:
    """A row of the billed file that could not be read."""
    billed = month.files["billed"]
    SourceFile.objects.filter(pk=billed.pk).update(rejected=1)
    RejectedLine.objects.create(source_file=billed, line=line, product="sat", name="Unread Bakery")
    return SourceRow.objects.create(
        source_file=billed, line=line, bucket="rejected", reason="“12.5” is not a whole number", cells=["Unread Bakery", "12.5"]
    )


def made(job: Job) -> Job:
    return jobs.run_now(job)
