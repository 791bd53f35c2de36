"""What Huntress counts now, by product: an Organization's counts, and several of one customer together.

Rests on ``domain/huntress.md`` §3: an Organization's detail has a product only where it is active, and ``agents_count`` is of all agents,
while ``billable_agents_count`` is what a bill counts. Null is unknown or not active, and never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """Units of one Organization, or of one customer. ``products`` are the codes that are active, null where nobody could read them.

    ``posture`` are the billable identities of ISPM, which only tenants tell.
    """

    agents: int | None = None
    billable_agents: int | None = None
    unresponsive_agents: int | None = None
    identities: int | None = None
    all_identities: int | None = None
    learners: int | None = None
    sources: int | None = None
    posture: int | None = None
    products: frozenset[str] | None = None

    @classmethod
    def read(cls, products: Iterable[str] | None, tenants: Sequence[Mapping[str, Any]] = (), **figures: int | None) -> LiveCounts:
        """One Organization's, as it was answered. ``tenants`` have ``product`` and ``billable`` (``ingest.sources.live``)."""
        active = None if products is None else frozenset(products)
        of_ispm = [one["billable"] for one in tenants if one["product"] == "ispm"]
        posture = sum(of_ispm) if of_ispm and None not in of_ispm and active and "ispm" in active else None
        return cls(**figures, products=active, posture=posture)

    def of(self, product: str) -> int | None:
        """The units that a bill would count of a product; None where that is not known, or where the product is not active."""
        found: int | None = getattr(self, UNITS[product]) if product in UNITS else None
        return found

    def is_off(self, product: str) -> bool:
        """Whether the product is known not to be active."""
        return self.products is not None and product not in self.products


NOTHING: Final = LiveCounts()
#: The figure that a bill counts of a product.
UNITS: Final = {"edr": "billable_agents", "itdr": "identities", "ispm": "posture", "sat": "learners", "siem": "sources"}
#: Which product each figure is of.
_OF: Final = {
    "agents": "edr", "billable_agents": "edr", "unresponsive_agents": "edr", "identities": "itdr", "all_identities": "itdr",
    "learners": "sat", "sources": "siem", "posture": "ispm",
}  # fmt: skip


def together(counts: Iterable[LiveCounts]) -> LiveCounts:
    """One customer's Organizations. A figure is unknown where one of them is; where a product is not active, it adds nothing.

    >>> together([LiveCounts(learners=4, products=frozenset({"sat"})), LiveCounts(products=frozenset())]).learners
    4
    >>> together([LiveCounts(agents=3, billable_agents=2), LiveCounts(agents=5)]).of("edr") is None
    True
    """
    found = list(counts)
    if len(found) == 1:
        return found[0]
    known = [one.products for one in found if one.products is not None]
    products = frozenset().union(*known) if found and len(known) == len(found) else None
    sums = {one.name: _sum(found, one.name) for one in fields(LiveCounts) if one.name != "products"}
    return LiveCounts(**sums, products=products)


def _sum(counts: Iterable[LiveCounts], name: str) -> int | None:
    parts = [one for one in counts if getattr(one, name) is not None or not one.is_off(_OF[name])]
    values = [getattr(one, name) for one in parts]
    return sum(values) if values and None not in values else None
