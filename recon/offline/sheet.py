"""The rebill sheet of a run, by the same writer as the product's."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recon.engine import FLAGS, LISTS, SEVERITIES
from recon.exports import FileRef, MonthSheet, ProductTotal, rows_frame
from recon.offline.result import Run, cells_of

_NUMBERS = (*LISTS, "expected_difference", "rebilled_difference", "cost", "sell", "expected_money", "rebilled_money")


def month_sheet(done: Run) -> MonthSheet:
    return MonthSheet(
        account="",
        cycle=done.cycle,
        currency="",
        revision=1,
        draft=True,
        rows=_rows(done),
        files=[_file(one.leg, one.reading) for one in done.given],
        totals=[ProductTotal(t["product"], *(_whole(t[leg]) for leg in LISTS)) for t in done.totals.to_dict("records")],
        left_out=[f"{name}, line {issue.line}: {issue.message}" for name, issue in done.issues if issue.level == "error"],
    )


def _rows(done: Run) -> pd.DataFrame:
    billed = next((one.reading.name for one in done.given if one.leg == "billed"), "")
    lines = cells_of("billed", done)
    records: list[dict[str, object]] = []
    for row in done.rows.to_dict("records"):
        line = lines.get((row["organization"], row["product"]))
        record = {name: _whole(row[name]) for name in _NUMBERS}
        records.append(
            {
                **record,
                "organization": row["name"],
                "organization_id": row["organization_id"] or "",
                "product": row["product"],
                "flags": ",".join(flag for flag in FLAGS if row[flag]),
                "source": f"{billed}, line {line}" if line else "",
                **{name: SEVERITIES[row[name]] for name in ("severity", "expected_severity", "rebilled_severity")},
            }
        )
    return rows_frame(records)


def _file(leg: str, reading: Any) -> FileRef:
    counts = reading.counts
    return FileRef(leg, reading.name, reading.sha256, counts.rows_in, counts.loaded, counts.merged, counts.set_aside, counts.rejected)


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
