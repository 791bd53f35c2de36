"""How many machines a sweep would remove and what they cost a month, by customer: one query for machines and one or two for prices,
which the sweep's page, its list and the month's step all take their figures from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from django.db.models import Count, Min, Q, QuerySet, Sum

from accounts.models import Account, BillingCycle, Organization
from accounts.products import CODES
from accounts.roots import roots_of
from ingest.models import FileOwner, Job, LegInput
from recon.agent_lists import list_of, newest_list
from recon.engine.sweep import Worth, worth
from recon.models import Reconciliation, Sweep, SweepFinding, Variance
from recon.models.sweep import TO_REMOVE
from recon.pricing import list_in_force, price_list_of
from recon.services.sweeping import KIND
from recon.states import today_in

PRODUCT: Final = "edr"
#: Whom machines belong to that no Organization is known for.
NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class Customer:
    """What is to be removed at one customer, members included."""

    pk: int
    name: str
    machines: int
    stale: int
    never: int
    duplicate: int
    at_risk: int
    oldest: datetime | None
    worth: Worth
    threshold: int | None


@dataclass(frozen=True)
class Counted:
    """The newest look through one list, as far as figures go. ``sweep`` is None where there is no list, or nobody looked yet."""

    account: Account
    cycle: BillingCycle | None
    given: LegInput | None
    sweep: Sweep | None
    job: Job | None

    @cached_property
    def today(self) -> date:
        return today_in(self.account)

    @property
    def has_list(self) -> bool:
        return self.given is not None

    @property
    def is_counted(self) -> bool:
        return self.sweep is not None and self.sweep.run > 0

    @property
    def is_busy(self) -> bool:
        return self.job is not None and self.job.is_open

    @cached_property
    def shown(self) -> QuerySet[SweepFinding]:
        """Every finding of the look that is shown."""
        if self.sweep is None:
            return SweepFinding.objects.none()
        return SweepFinding.objects.filter(sweep=self.sweep, run=self.sweep.run)

    @property
    def kept(self) -> QuerySet[SweepFinding]:
        return self.shown.filter(kind__in=TO_REMOVE, kept_until__gte=self.today)

    @property
    def to_remove(self) -> QuerySet[SweepFinding]:
        """What is on the list: to be removed, and not kept."""
        return self.shown.filter(Q(kept_until__isnull=True) | Q(kept_until__lt=self.today), kind__in=TO_REMOVE)

    @cached_property
    def by_organization(self) -> dict[int, int]:
        rows = self.to_remove.order_by().values_list("organization").annotate(machines=Count("pk"))
        return {pk or NOBODY: machines for pk, machines in rows}

    @cached_property
    def roots(self) -> dict[int, int]:
        return roots_of(self.account)

    @cached_property
    def prices(self) -> dict[int, int]:
        return cost_prices(self, self.by_organization)

    @cached_property
    def worth(self) -> Worth:
        return worth(self.by_organization, self.prices)

    def customers(self, rows: QuerySet[SweepFinding], *, is_one: bool = False) -> list[Customer]:
        """By customer, of some of the findings; of one customer's alone, nobody else's price is looked up."""
        kinds = {kind: Count("pk", filter=Q(kind=kind)) for kind in TO_REMOVE}
        counted = rows.order_by().values("organization").annotate(
            machines=Count("pk"), at_risk=Count("pk", filter=Q(is_at_risk=True)), oldest=Min("last_seen"), **kinds
        )  # fmt: skip
        parts: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in counted:
            pk = row["organization"] or NOBODY
            parts[self.roots.get(pk, pk)].append(dict(row))
        prices = cost_prices(self, [row["organization"] or NOBODY for some in parts.values() for row in some]) if is_one else self.prices
        named = Organization.objects.in_bulk([pk for pk in parts if pk])
        return [_customer(pk, some, named.get(pk), prices) for pk, some in parts.items()]


def _customer(pk: int, parts: list[dict[str, Any]], organization: Organization | None, prices: dict[int, int]) -> Customer:
    machines = {part["organization"] or NOBODY: part["machines"] for part in parts}
    sums = {name: sum(part[name] for part in parts) for name in ("machines", *TO_REMOVE, "at_risk")}
    return Customer(
        pk=pk,
        name=organization.name if organization else "Not matched yet",
        oldest=min((part["oldest"] for part in parts if part["oldest"]), default=None),
        worth=worth(machines, prices),
        threshold=organization.stale_days if organization else None,
        **sums,
    )


def counted(account: Account, cycle: BillingCycle | None = None) -> Counted:
    """Of the list that serves a cycle, or of the account's newest."""
    given = list_of(cycle) if cycle else newest_list(account)
    sweep = getattr(given, "sweep", None) if given else None
    job = Job.objects.filter(kind=KIND, subject=sweep.pk).order_by("-pk").first() if sweep else None
    return Counted(account, cycle or (given.cycle if given else None), given, sweep, job)


def cost_prices(given: Counted, organizations: Collection[int]) -> dict[int, int]:
    """The cost price of EDR in force for each Organization, in micros: as its newest compared month has it, else of the price list."""
    month = _newest_month(given)
    of_month: dict[int, int | None] = {}
    roots = {pk: given.roots.get(pk, pk) for pk in organizations}
    if month:
        rows = Variance.objects.filter(reconciliation=month, run=month.run, product=PRODUCT, cost__isnull=False)
        of_month = dict(rows.values_list("organization", "cost"))
    found = {pk: cost for pk, root in roots.items() if (cost := of_month.get(root)) is not None}
    missing = sorted(pk for pk in roots if pk not in found)
    return found | _of_price_list(given, missing) if missing else found


def _newest_month(given: Counted) -> Reconciliation | None:
    months = Reconciliation.objects.filter(cycle__account=given.account, run__gt=0)
    if given.cycle:
        months = months.filter(cycle__start__lte=given.cycle.start)
    return months.order_by("-cycle__start", "-revision").first()


def _of_price_list(given: Counted, missing: list[int]) -> dict[int, int]:
    """An Organization's own price is by its own agents, everyone's by all of the account's."""
    in_force = list_in_force(given.cycle) if given.cycle else None
    if in_force is None or given.sweep is None:
        return {}
    pks = [NOBODY, *Organization.objects.filter(account=given.account).order_by("pk").values_list("pk", flat=True)]
    place = {pk: number for number, pk in enumerate(pks)}
    roots = [place[given.roots.get(pk, pk)] for pk in pks]
    owners = FileOwner.objects.filter(source_file=given.sweep.given.source_file_id, organization__in=missing).order_by()
    agents = dict(owners.values_list("organization").annotate(units=Sum("rows")))
    prices = price_list_of(in_force, pd.DataFrame({"pk": pks, "root": roots}))
    cells = np.array([roots[place[pk]] * len(CODES) + CODES.index(PRODUCT) for pk in missing], dtype=np.int64)
    own = np.array([agents.get(pk, 0) for pk in missing], dtype=np.int64)
    asked = prices.of("cost", cells, own, np.full(len(missing), given.sweep.agents, dtype=np.int64))
    return {pk: int(micros) for pk, micros, known in zip(missing, asked.micros, asked.known, strict=True) if known}
