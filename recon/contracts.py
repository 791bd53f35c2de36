"""Contracts beside what was billed: the rows of the database as ``recon.engine.contracts`` takes them, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

from django.db.models import Prefetch, QuerySet

from accounts.calendar import Cycle, next_cycle
from accounts.models import Account, Contract, ContractVersion
from recon.engine.contracts import Outlook, Step, Terms, outlook
from recon.models import Reconciliation
from recon.states import today_in

CYCLES: Final = 12


@dataclass(frozen=True, slots=True)
class Billed:
    """What the report of one cycle comes to, by product. None: no complete report; a product that nothing of that month names is absent."""

    cycle: Cycle
    products: dict[str, int] | None

    def of(self, product: str) -> int | None:
        return None if self.products is None else self.products.get(product)


@dataclass(frozen=True)
class Agreed:
    """A contract with its version in force. ``until``: the day on which another of its product takes its place, if one does."""

    contract: Contract
    version: ContractVersion
    terms: Terms
    until: date | None = None
    billed: list[Billed] = field(default_factory=list)

    @cached_property
    def outlook(self) -> Outlook:
        counts = [(one.cycle, one.of(self.contract.product)) for one in self.billed]
        return outlook(self.terms, counts, self.contract.account.anniversary_day, self.until)

    @property
    def ends(self) -> date:
        """The day from which it does not hold any more, or is to be renewed."""
        return min(self.terms.renewal, self.until or self.terms.renewal)

    def holds_on(self, day: date) -> bool:
        return self.terms.holds_on(day) and (self.until is None or day < self.until)


def current(contracts: QuerySet[Contract]) -> QuerySet[ContractVersion]:
    """The versions in force of those that have not been taken away."""
    versions = ContractVersion.objects.filter(contract__in=contracts.filter(ended_at__isnull=True), ended_at__isnull=True)
    return versions.select_related("contract__account", "by").prefetch_related("steps")


def terms_of(version: ContractVersion) -> Terms:
    return Terms(
        start=version.start,
        renewal=version.renewal,
        minimum=version.minimum,
        unit_cost=version.unit_cost,
        is_annual=version.interval == ContractVersion.Interval.ANNUAL,
        auto_renew=version.auto_renew,
        steps=tuple(Step(one.starts, one.minimum, one.unit_cost) for one in version.steps.all()),
    )


def agreed(contracts: QuerySet[Contract], billed: list[Billed] | None = None) -> list[Agreed]:
    """Each contract with what takes its place, by the day on which it is to be renewed."""
    found = _with_successors(current(contracts), billed or [])
    return sorted(found, key=lambda one: (one.terms.renewal, one.contract.product, one.contract.pk))


def _with_successors(versions: Iterable[ContractVersion], billed: list[Billed]) -> list[Agreed]:
    """Of one account and product, the one that begins next ends the one before it: an upgrade moves the minimum in the middle of a term."""
    by_product: dict[tuple[int, str], list[ContractVersion]] = defaultdict(list)
    for version in versions:
        by_product[version.contract.account_id, version.contract.product].append(version)
    found = []
    for alike in by_product.values():
        alike.sort(key=lambda one: (one.start, one.contract_id))
        following: Sequence[date | None] = [*(one.start for one in alike[1:]), None]
        found += [Agreed(one.contract, one, terms_of(one), until, billed) for one, until in zip(alike, following, strict=True)]
    return found


def billed_by_cycle(account: Account) -> list[Billed]:
    """The last twelve cycles up to the newest compared one, oldest first and without a hole: a missing month is a gap, not a zero."""
    return [Billed(cycle, products_of(month)) for cycle, month in months_of(account)]


def months_of(account: Account, *fields: str) -> list[tuple[Cycle, Reconciliation | None]]:
    """The newest compared revision of each of those cycles, or None. ``fields`` are wanted besides the ones that tell what was billed.

    The running cycle without its bill, which a pull alone makes a month, is none of them: nothing of it is missing yet.
    """
    wanted = ("run", "totals", "inputs", "revision", "cycle__start", "cycle__end", "cycle__account_id", *fields)
    compared = Reconciliation.objects.filter(cycle__account=account, run__gt=0).select_related("cycle").only(*wanted)
    newest_first = compared.order_by("-cycle__start", "-revision")[: CYCLES * 2]
    today = today_in(account)
    by_cycle = {month.cycle.start: month for month in reversed(newest_first) if month.cycle.end <= today or "billed" in month.inputs}
    found: list[tuple[Cycle, Reconciliation | None]] = []
    for start in sorted(by_cycle):
        dates = by_cycle[start].cycle.dates
        while found and found[-1][0].end < dates.start and len(found) < CYCLES * 2:
            found.append((next_cycle(found[-1][0], account.anniversary_day), None))
        found.append((dates, by_cycle[start]))
    return found[-CYCLES:]


def products_of(month: Reconciliation | None) -> dict[str, int] | None:
    if month is None or not is_complete(month):
        return None
    return {one["product"]: one["billed"] for one in month.totals.get("products", []) if one["billed"] is not None}


def is_complete(month: Reconciliation, leg: str = "billed") -> bool:
    """Whether a month's list was given, and was no part of one."""
    given: dict[str, Any] = month.inputs.get(leg, {"partial": True})
    return not given["partial"]


def contract_with_versions(account: Account) -> QuerySet[Contract]:
    """For one contract's page: every version of it, the newest first, with who said it."""
    versions = ContractVersion.objects.select_related("by").prefetch_related("steps").order_by("-number")
    return Contract.objects.filter(account=account).select_related("account", "ended_by").prefetch_related(Prefetch("versions", versions))
