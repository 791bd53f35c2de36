from ingest.models.connection import Connection
from ingest.models.directory import DirectoryFile, DirectoryLicence, DirectorySnapshot, DirectoryUser, Retention, Tombstone
from ingest.models.facts import AgentLine, ExcludedSku, FileOwner, IdentityLine, Invoice, InvoiceChange, LiveCount, PriceLine
from ingest.models.job import Job
from ingest.models.lines import RejectedLine, RowIssue, SourceRow, UsageLine
from ingest.models.profile import MappingProfile
from ingest.models.pull import Pull, PullPage, PullPart
from ingest.models.reseller import ResellerAccount, ResellerDocument, ResellerInvoice, ResellerSubscription, ResellerUsage
from ingest.models.skus import SkuName, SkuSuggestion, SkuUpload
from ingest.models.source import Kind, Leg, LegInput, SourceFile
from ingest.models.window import CallWindow

__all__ = [
    "AgentLine", "CallWindow", "Connection", "DirectoryFile", "DirectoryLicence", "DirectorySnapshot", "DirectoryUser", "ExcludedSku",
    "FileOwner", "IdentityLine", "Invoice", "InvoiceChange", "Job", "Kind", "Leg", "LegInput", "LiveCount", "MappingProfile", "PriceLine",
    "Pull", "PullPage", "PullPart", "RejectedLine", "ResellerAccount", "ResellerDocument", "ResellerInvoice", "ResellerSubscription",
    "ResellerUsage", "Retention", "RowIssue", "SkuName", "SkuSuggestion", "SkuUpload", "SourceFile", "SourceRow", "Tombstone",
    "UsageLine",
]  # fmt: skip
