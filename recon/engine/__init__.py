"""The arithmetic of reconciliation, on tables. No Django, no clock, no I/O."""

from recon.engine.always import ALWAYS, always_flagged
from recon.engine.compare import FLAGS, SEVERITIES, reconcile, totals
from recon.engine.tables import ANY_ORGANIZATION, ANY_PRODUCT, CHECKS, LEGS, LegName, Legs, LegTable
from recon.engine.tolerance import Tolerance

__all__ = [
    "ALWAYS", "ANY_ORGANIZATION", "ANY_PRODUCT", "CHECKS", "FLAGS", "LEGS", "SEVERITIES",
    "LegName", "LegTable", "Legs", "Tolerance", "always_flagged", "reconcile", "totals",
]  # fmt: skip
