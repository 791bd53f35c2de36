"""What workers do for months. Importing the services registers their handlers with ``ingest.jobs``."""

from recon.services import exports, imports, months

__all__ = ["exports", "imports", "months"]
