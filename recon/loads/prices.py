"""Price lists: unit prices for everyone, or for an Organization that is already known. None is made because it has a price."""

from __future__ import annotations

from ingest import bulk, jobs
from ingest.models import FileOwner, PriceLine, SourceFile
from ingest.sources.agents_rows import Owners
from ingest.sources.reading import Reading
from recon.loads.loader import Effect, Loader, Taught, nothing, read_file
from recon.services.owners import store_owners

_COLUMNS = ["source_file_id", "line", "side", "owner", "product", "from_quantity", "unit_price"]
_TEXTS = ["organization", "organization_id", "organization_key"]
_PRICED = ["line", "side", "product", "from_quantity", "unit_price"]


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    _forget(source_file.pk)
    rows = len(reading.lines)
    owners = Owners()
    records = []
    for *texts, line, side, product, from_quantity, unit_price in reading.lines[[*_TEXTS, *_PRICED]].itertuples(index=False, name=None):
        owner = owners.of(*texts) if any(texts) else None
        records.append((source_file.pk, line, side, owner, product, from_quantity, unit_price))
    bulk.load(PriceLine, _COLUMNS, records, lambda done: progress(done, rows, "Loading rows"))
    store_owners(source_file, owners)
    return nothing


def _forget(source_file_id: int) -> None:
    bulk.remove(PriceLine.objects.filter(source_file=source_file_id))
    bulk.remove(FileOwner.objects.filter(source_file=source_file_id))


LOADER = Loader(_load, _forget, read_file, effect=Effect.COUNTED_ON)
