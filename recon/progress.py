"""How far a month is explained: sums over its rows, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Q, Sum
from django.db.models.functions import Abs

from recon.filters import rows_of
from recon.models import Reconciliation, ReconcilingItem, Severity

CHECKS: Final = ("expected", "rebilled")


@dataclass(frozen=True)
class Progress:
    """``explained`` holds Σ accepted items by product and check, of rows whose check ran; ``within`` the same of rows within tolerance.

    ``flagged`` and ``unexplained`` are units of the checks above tolerance, whatever their sign; ``to_do`` counts by check the rows
    above tolerance of which something is left.
    """

    explained: dict[str, dict[str, int]]
    within: dict[str, dict[str, int]]
    flagged: int
    unexplained: int
    to_do: dict[str, int]

    def explained_of(self, check: str) -> int:
        return sum(of[check] for of in self.explained.values())

    def within_of(self, check: str) -> int:
        return sum(of[check] for of in self.within.values())

    @property
    def percent(self) -> int:
        """How much of the flagged units is explained, rounded down: 100 means all."""
        return 100 * max(self.flagged - self.unexplained, 0) // self.flagged if self.flagged else 100


def progress_of(reconciliation: Reconciliation) -> Progress:
    items = ReconcilingItem.objects.filter(reconciliation=reconciliation.pk, state=ReconcilingItem.State.ACCEPTED)
    sums: dict[str, Any] = {}
    for check in CHECKS:
        ran = Q(**{f"{check}_difference__isnull": False})
        sums[check] = Sum(f"{check}_explained", filter=ran, default=0)
        sums[f"{check}_within"] = Sum(f"{check}_explained", filter=ran & Q(severity=Severity.WITHIN), default=0)
    explained = rows_of(reconciliation).filter(organization__in=items.values("organization"))
    by_product: dict[str, Any] = {found["product"]: found for found in explained.values("product").annotate(**sums).order_by()}
    loud = _loud(reconciliation)
    return Progress(
        explained={product: {check: int(found[check]) for check in CHECKS} for product, found in by_product.items()},
        within={product: {check: int(found[f"{check}_within"]) for check in CHECKS} for product, found in by_product.items()},
        flagged=sum(int(loud[f"{check}_flagged"]) for check in CHECKS),
        unexplained=sum(int(loud[f"{check}_left"]) for check in CHECKS),
        to_do={check: int(loud[f"{check}_rows"]) for check in CHECKS},
    )


def _loud(reconciliation: Reconciliation) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for check in CHECKS:
        above = Q(**{f"{check}_severity__gte": Severity.INVESTIGATE})
        figures[f"{check}_flagged"] = Sum(Abs(f"{check}_difference"), filter=above, default=0)
        figures[f"{check}_left"] = Sum(Abs(f"{check}_left"), filter=above, default=0)
        figures[f"{check}_rows"] = Count("pk", filter=above & ~Q(**{f"{check}_left": 0}))
    rows = rows_of(reconciliation).filter(severity__gte=Severity.INVESTIGATE)
    found = rows.aggregate(**{f"sum_{name}": value for name, value in figures.items()})
    return {name: found[f"sum_{name}"] for name in figures}
