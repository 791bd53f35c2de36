"""A month with many rows of every shape, written straight to the tables: for lists, sorts and counts of queries."""

from __future__ import annotations

from random import Random
from typing import Any

from django.utils import timezone

from accounts.calendar import Cycle
from accounts.models import Account, BillingCycle, Organization
from accounts.names import normalise
from accounts.products import CODES
from recon.models import Reconciliation, Severity, Variance
from tests.recon.making import CYCLE

WORDS = ("Tarn", "Vale", "Dental", "Marrick", "Garrowby", "Brindle", "100%", "O'Dowd", "under_score", "ÄRZTE")


def stocked(account: Account, rows: int, cycle: Cycle = CYCLE, *, seed: int = 3, inputs: dict[str, Any] | None = None) -> Reconciliation:
    """A compared month of so many rows. Every third Organization shares its name with another one."""
    random = Random(seed)
    row, _ = BillingCycle.objects.get_or_create(account=account, start=cycle.start, defaults={"end": cycle.end})
    month, _ = Reconciliation.objects.update_or_create(
        cycle=row,
        defaults={"run": 4, "last_run": 4, "stale": False, "counted_at": timezone.now(), "inputs": inputs or {}, "totals": {}},
    )
    organizations = list(Organization.objects.filter(account=account).order_by("pk")[:rows])
    names = [" ".join(random.sample(WORDS, 2)) for _ in range(rows - len(organizations))]
    names = [names[max(0, n - 1)] if n % 3 == 0 else name for n, name in enumerate(names)]
    new = [Organization(account=account, name=name, name_key=normalise(name)) for name in names]
    organizations += Organization.objects.bulk_create(new)
    made = Variance.objects.bulk_create([_variance(month, organization, random) for organization in organizations])
    month.totals = totals_of(made)
    month.save()
    Variance.objects.bulk_create([_variance(month, organizations[0], random, run=3, product="edr")])  # of an earlier run: never shown
    return month


def totals_of(rows: list[Variance]) -> dict[str, Any]:
    """What the store counts of rows, as far as lists use it."""
    nothing = dict.fromkeys(("compared", "difference", "checked", "over", "under", "priced", "unpriced"), 0)
    figures = {"expected": nothing, "rebilled": nothing}
    return {
        "rows": len(rows),
        "severities": {str(s): sum(row.severity == s for row in rows) for s in Severity.values},
        "flagged": {"rebilled": sum(row.rebilled_severity >= Severity.INVESTIGATE for row in rows)},
        "unchecked": sum(Severity.UNCHECKED in (row.expected_severity, row.rebilled_severity) for row in rows),
        "legs": {},
        "products": [],
        "all": figures,
        "within": figures,
    }


def _variance(month: Reconciliation, organization: Organization, random: Random, **fields: Any) -> Variance:
    legs = {leg: random.choice([None, 0, 1, 2, 50, 50, 1000]) for leg in ("billed", "expected", "rebilled", "previous")}
    gaps = {
        f"{leg}_difference": None if legs["billed"] is None or other is None else legs["billed"] - other
        for leg, other in legs.items()
        if leg != "billed"
    }
    price = random.choice([None, 2_500_000])
    money = {f"{leg}_money": _times(gaps[f"{leg}_difference"], price) for leg in ("expected", "rebilled")}
    checks = {f"{leg}_severity": random.choice(Severity.values) for leg in ("expected", "rebilled")}
    return Variance(
        **{
            "reconciliation": month,
            "run": month.run,
            "organization": organization,
            "product": random.choice(CODES),
            "name": organization.name,
            **legs,
            **gaps,
            **money,
            **checks,
            "severity": max(checks.values()),
            "cost": price,
            "sell": price,
            "weight": max(abs(amount or 0) for amount in money.values()),
            "flags": random.choice(["", "not_in_rebilled", "not_in_expected,not_in_rebilled"]),
        }
        | fields
    )


def _times(units: int | None, price: int | None) -> int | None:
    return None if units is None or price is None else units * price
