"""Exclusion lists: the SKU part numbers of licences that make nobody billable. Only an admin puts one in force."""

from __future__ import annotations

from accounts.access import Need
from ingest import bulk, jobs
from ingest.models import ExcludedSku, SourceFile
from ingest.sources.reading import Reading
from recon.loads.loader import Effect, Loader, Taught, nothing, read_file

_COLUMNS = ["source_file_id", "line", "sku", "sku_key", "name"]


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    _forget(source_file.pk)
    rows = reading.lines[["line", "sku", "sku_key", "name"]].itertuples(index=False, name=None)
    records = ((source_file.pk, line, sku, key[:200], name[:500]) for line, sku, key, name in rows)
    bulk.load(ExcludedSku, _COLUMNS, records, lambda done: progress(done, len(reading.lines), "Loading rows"))
    return nothing


def _forget(source_file_id: int) -> None:
    bulk.remove(ExcludedSku.objects.filter(source_file=source_file_id))


LOADER = Loader(_load, _forget, read_file, effect=Effect.COUNTED_ON, alone=True, need=Need.ADMINISTER)
