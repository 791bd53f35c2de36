"""The arithmetic of reconciliation, on tables. No Django, no clock, no I/O."""

from recon.engine.always import ALWAYS, always_flagged
from recon.engine.compare import FLAGS, NOBODY_REBILLED, SEVERITIES, reconcile, totals
from recon.engine.price_list import PriceList
from recon.engine.product_names import Applied, Holding, Rules, applied
from recon.engine.shares import percent, split
from recon.engine.tables import (
    ANY_ORGANIZATION,
    ANY_PRODUCT,
    CHECKS,
    COUNTED_BY_MICROSOFT,
    LEGS,
    LIST_CHECKS,
    LISTS,
    LegName,
    Legs,
    LegTable,
)
from recon.engine.tolerance import Tolerance

__all__ = [
    "ALWAYS", "ANY_ORGANIZATION", "ANY_PRODUCT", "CHECKS", "COUNTED_BY_MICROSOFT", "FLAGS", "LEGS", "LISTS", "LIST_CHECKS",
    "NOBODY_REBILLED", "SEVERITIES", "Applied", "Holding", "LegName", "LegTable", "Legs", "PriceList", "Rules", "Tolerance",
    "always_flagged", "applied", "percent", "reconcile", "split", "totals",
]  # fmt: skip
