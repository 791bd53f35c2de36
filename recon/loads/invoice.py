"""Invoices: what Huntress charged for the cycle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from ingest import bulk, jobs
from ingest.models import Invoice, SourceFile
from ingest.sources.reading import Reading
from recon.loads.loader import Loader, Taught, nothing, read_file

_AT_ONCE = 1_000


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    """An amount that names no currency is in the account's."""
    _forget(source_file.pk)
    rows = list(_invoices(source_file, reading))
    for start in range(0, len(rows), _AT_ONCE):
        Invoice.objects.bulk_create(rows[start : start + _AT_ONCE])
        progress(min(start + _AT_ONCE, len(rows)), len(rows), "Loading rows")
    return nothing


def _invoices(source_file: SourceFile, reading: Reading) -> Iterator[Invoice]:
    same: dict[str, Any] = {"account": source_file.account, "cycle": source_file.cycle, "by": source_file.imported_by, "at": timezone.now()}
    for row in reading.lines.to_dict("records"):
        yield Invoice(
            **same,
            source_file=source_file,
            line=row["line"],
            number=row["number"][:100],
            issued_on=row["date"],
            description=row["description"][:500],
            amount=row["amount"],
            currency=row["currency"] or source_file.account.currency,
            quantity=row["quantity"],
            status=row["status"][:20],
        )


def _forget(source_file_id: int) -> None:
    bulk.remove(Invoice.objects.filter(source_file=source_file_id))


LOADER = Loader(_load, _forget, read_file)
