from recon.models.decision import Cause, Decision, RebillReason, ReconcilingItem, RowDecision, SettledRow
from recon.models.export import Export
from recon.models.month import Board, Reconciliation, Severity, Variance
from recon.models.note import Note
from recon.models.question import Question
from recon.models.seal import Certification, Drift, SignedInput
from recon.models.sweep import Sweep, SweepFinding, SweepKeep
from recon.models.tie_out import SignedTieOut, TieOutItem
from recon.models.tolerance import TolerancePolicy, ToleranceRow

__all__ = [
    "Board", "Cause", "Certification", "Decision", "Drift", "Export", "Note", "Question", "RebillReason", "Reconciliation",
    "ReconcilingItem", "RowDecision", "SettledRow", "Severity", "SignedInput", "SignedTieOut", "Sweep", "SweepFinding", "SweepKeep",
    "TieOutItem", "TolerancePolicy", "ToleranceRow", "Variance",
]  # fmt: skip
