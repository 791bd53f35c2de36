"""The legs of the comparison: a line for each quantity, and Organizations that a list is the first to name."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from accounts.models import User
from ingest import bulk, jobs
from ingest.models import RejectedLine, SourceFile, UsageLine
from ingest.sources.reading import Reading
from recon.loads.loader import Effect, Loader, Taught, read_file
from recon.services.identities import apply, identify


def _load(source_file: SourceFile, reading: Reading, progress: jobs.Progress) -> Taught:
    rows = len(reading.lines)
    progress(0, rows, "Matching Organizations")
    plan = identify(source_file, reading)
    _forget(source_file.pk)
    bulk.load_frame(UsageLine, _line_records(source_file.pk, plan.lines), lambda done: progress(done, rows, "Loading rows"))
    bulk.load_frame(RejectedLine, pd.DataFrame(_whose(source_file.pk, plan.rejected)))
    return lambda: apply(plan, source_file.account, by=cast(User, source_file.imported_by))


def _forget(source_file_id: int) -> None:
    bulk.remove(UsageLine.objects.filter(source_file=source_file_id))
    bulk.remove(RejectedLine.objects.filter(source_file=source_file_id))


def _line_records(source_file_id: int, lines: pd.DataFrame) -> pd.DataFrame:
    words = lines["product_name"].astype("str").str.slice(0, 200).array
    numbers = {column: lines[column].astype("Int64").array for column in ("quantity", "unit_price", "merged_into")}
    return pd.DataFrame({**_whose(source_file_id, lines), "product_name": words, **numbers})


def _whose(source_file_id: int, rows: pd.DataFrame) -> dict[str, Any]:
    """What lines and rejected lines have in common: the place, the product, and whose it is in our words and in the file's."""
    return {
        "source_file_id": np.full(len(rows), source_file_id),
        "line": rows["line"].array,
        "product": rows["product"].astype("str").array,
        "organization_id": rows["pk"].astype("Int64").mask(rows["pk"] == 0).array,
        "name": rows["organization"].astype("str").str.slice(0, 500).array,
        "huntress_id": rows["organization_id"].astype("str").str.slice(0, 64).array,
        "key": rows["organization_key"].astype("str").str.slice(0, 256).array,
    }


LOADER = Loader(_load, _forget, read_file, effect=Effect.COUNTED)
