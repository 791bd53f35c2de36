from recon.models.export import Export
from recon.models.month import Reconciliation, Severity, Variance
from recon.models.note import Note

__all__ = ["Export", "Note", "Reconciliation", "Severity", "Variance"]
