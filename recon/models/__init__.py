from recon.models.decision import Cause, Decision, RebillReason, ReconcilingItem, RowDecision, SettledRow
from recon.models.export import Export
from recon.models.month import Reconciliation, Severity, Variance
from recon.models.note import Note
from recon.models.seal import Drift, SignedInput
from recon.models.tolerance import TolerancePolicy, ToleranceRow

__all__ = [
    "Cause", "Decision", "Drift", "Export", "Note", "RebillReason", "Reconciliation", "ReconcilingItem", "RowDecision", "SettledRow",
    "Severity", "SignedInput", "TolerancePolicy", "ToleranceRow", "Variance",
]  # fmt: skip
