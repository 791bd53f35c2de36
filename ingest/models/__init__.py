from ingest.models.job import Job
from ingest.models.lines import RejectedLine, RowIssue, SourceRow, UsageLine
from ingest.models.source import Leg, LegInput, SourceFile

__all__ = ["Job", "Leg", "LegInput", "RejectedLine", "RowIssue", "SourceFile", "SourceRow", "UsageLine"]
