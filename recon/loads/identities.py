"""Identities, as Huntress has them: the least that joins one to a tenant's user. Their Organizations are only matched."""

from __future__ import annotations

from typing import Final

from ingest import bulk, jobs
from ingest.models import FileOwner, IdentityLine, SourceFile
from ingest.sources.reading import Reading
from recon.loads.loader import Loader, Taught, match_again, nothing, owned, read_file
from recon.services.owners import store_owners

_KEPT: Final = (
    "line", "external_id", "tenant", "tenant_type", "upn", "is_enabled", "is_billable", "is_external", "products", "created_at",
)  # fmt: skip


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    _forget(source_file.pk)
    owners, table = owned(source_file, reading, _KEPT)
    rows = table.num_rows
    bulk.load_table(IdentityLine, table, lambda done: progress(done, rows, "Loading rows"))
    store_owners(source_file, owners)
    return nothing


def _forget(source_file_id: int) -> None:
    bulk.remove(IdentityLine.objects.filter(source_file=source_file_id))
    bulk.remove(FileOwner.objects.filter(source_file=source_file_id))


LOADER = Loader(_load, _forget, read_file, alone=True, settled=match_again)
