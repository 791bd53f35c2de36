"""Live counts: what each Organization has, as Huntress counts it now. Such a list makes no Organization, and teaches none anything."""

from __future__ import annotations

from typing import Final

from ingest import bulk, jobs
from ingest.models import FileOwner, LiveCount, SourceFile
from ingest.sources.live import COUNTS
from ingest.sources.reading import Reading
from recon.loads.loader import Effect, Loader, Taught, match_again, nothing, owned, read_file
from recon.services.owners import store_owners

_KEPT: Final = ("line", *COUNTS, "products", "tenants", "created_at")


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    _forget(source_file.pk)
    owners, table = owned(source_file, reading, _KEPT)
    rows = table.num_rows
    bulk.load_table(LiveCount, table, lambda done: progress(done, rows, "Loading rows"))
    store_owners(source_file, owners)
    return nothing


def _forget(source_file_id: int) -> None:
    bulk.remove(LiveCount.objects.filter(source_file=source_file_id))
    bulk.remove(FileOwner.objects.filter(source_file=source_file_id))


LOADER = Loader(_load, _forget, read_file, effect=Effect.EVIDENCE, alone=True, settled=match_again)
