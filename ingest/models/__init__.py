from ingest.models.facts import AgentLine, ExcludedSku, FileOwner, Invoice, PriceLine
from ingest.models.job import Job
from ingest.models.lines import RejectedLine, RowIssue, SourceRow, UsageLine
from ingest.models.profile import MappingProfile
from ingest.models.skus import SkuName, SkuSuggestion, SkuUpload
from ingest.models.source import Kind, Leg, LegInput, SourceFile
from ingest.models.window import CallWindow

__all__ = [
    "AgentLine", "CallWindow", "ExcludedSku", "FileOwner", "Invoice", "Job", "Kind", "Leg", "LegInput", "MappingProfile", "PriceLine",
    "RejectedLine", "RowIssue", "SkuName", "SkuSuggestion", "SkuUpload", "SourceFile", "SourceRow",
    "UsageLine",
]  # fmt: skip
