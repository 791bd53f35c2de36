"""What workers do for months. Importing the services registers their handlers with ``ingest.jobs``."""

from recon.services import amounts, counting, exports, imports, settling, sweeping, taking, tenant_counts, usage_documents

__all__ = ["amounts", "counting", "exports", "imports", "settling", "sweeping", "taking", "tenant_counts", "usage_documents"]
