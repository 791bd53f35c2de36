"""Counts by bucket, and rows as they came: the first ones for a preview, and every odd one with its reason."""

import numpy as np

from ingest.sources.body import Body
from ingest.sources.grid import Ints, Mask
from ingest.sources.limits import Limits
from ingest.sources.reading import Bucket, Counts, Issue, Row
from ingest.sources.remarks import Remarks
from ingest.sources.sorting import BLANK, HEADER, REASONS, REJECTED, TITLE, Sorting

_FIRST: int = 20
_MOST_HEAD: int = 60
_MOST_CELLS: int = 5_000_000


def count_rows(body: Body, sorting: Sorting, merged: Mask) -> Counts:
    """Every row of the grid, title lines and header included, in exactly one bucket."""
    loaded, rejected, again = int(sorting.loaded.sum()), int(sorting.rejected.sum()), int(merged.sum())
    return Counts(loaded - again, again, body.grid.height - loaded - rejected, rejected)


def first_rows(body: Body, sorting: Sorting, merged: Mask, remarks: Remarks) -> list[Row]:
    """About twenty rows: title lines and the header, and some rows below it."""
    count = min(max(_FIRST, min(body.first + _FIRST // 2, _MOST_HEAD)), body.grid.height)
    return _rows(body, np.arange(count), _reasons(body, sorting), merged, remarks)


def odd_rows(body: Body, sorting: Sorting, merged: Mask, limits: Limits, remarks: Remarks) -> list[Row]:
    """Every row that is set aside, merged or rejected, up to a limit; past it an issue says how many more there are."""
    reasons = _reasons(body, sorting)
    odd = np.flatnonzero((reasons != 0) | np.concatenate([np.zeros(body.first, dtype=np.bool_), merged]))
    most = min(limits.max_odd_rows, _MOST_CELLS // max(body.grid.width, 1))
    if len(odd) > most:
        message = f"{len(odd) - most:,} more rows are set aside, merged or rejected than are listed one by one."
        remarks.add(Issue(None, "info", "odd_rows_left_out", message))
    return _rows(body, odd[:most], reasons, merged, remarks)


def _reasons(body: Body, sorting: Sorting) -> Ints:
    """A reason for each of the grid's rows."""
    above = np.full(body.first, TITLE, dtype=np.int64)
    above[-1] = HEADER
    for row, cells in enumerate(body.grid.rows(np.arange(body.first - 1))):
        if not any(cell.strip() for cell in cells):
            above[row] = BLANK
    return np.concatenate([above, sorting.reasons])


def _rows(body: Body, indices: Ints, reasons: Ints, merged: Mask, remarks: Remarks) -> list[Row]:
    codes = remarks.codes()
    rows = []
    for index, cells in zip(indices.tolist(), body.grid.rows(indices), strict=True):
        line, reason = int(body.grid.lines[index]), int(reasons[index])
        bucket = _bucket(reason, index >= body.first and bool(merged[index - body.first]))
        said = codes.get(line, REASONS[reason]) if bucket in ("rejected", "merged") else REASONS[reason]
        rows.append(Row(line, bucket, cells, said))
    return rows


def _bucket(reason: int, merged: bool) -> Bucket:
    if reason:
        return "rejected" if reason == REJECTED else "set_aside"
    return "merged" if merged else "loaded"
