"""An invented month for the sheets' tests, with the rows that sheets go wrong on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pandas as pd
from openpyxl import Workbook, load_workbook

from accounts.calendar import Cycle
from recon.exports import TARGETS, FileRef, MonthSheet, NoteRef, ProductTotal, rows_frame

CYCLE = Cycle(date(2026, 10, 14), date(2026, 11, 14))


def row(organization: str, product: str = "edr", **cells: object) -> dict[str, object]:
    """One row, with the differences that the legs given have."""
    billed, expected, rebilled = (cells.get(leg) for leg in ("billed", "expected", "rebilled"))
    usual = {"severity": "match", "expected_severity": "match", "rebilled_severity": "match"}
    differences = {
        f"{leg}_difference": billed - other if isinstance(billed, int) and isinstance(other, int) else None
        for leg, other in (("expected", expected), ("rebilled", rebilled))
    }
    return {"organization": organization, "product": product, **usual, **differences, **cells}


ROWS = rows_frame(
    [
        row("Tarn Vale Dental", billed=12, expected=10, rebilled=0, previous=9, sell=6_500_000, cost=3_100_000, organization_id="4711",
            severity="escalate", rebilled_severity="escalate", rebilled_money=78_000_000, flags="not_in_rebilled",
            source="billing-detail.csv, line 37"),
        row("Harbour Lane Joinery", billed=0, expected=0, rebilled=18, sell=6_500_000, severity="investigate", flags="not_billed"),
        row("Ellermoor Farms", "itdr", billed=3, expected=3, rebilled=3, sell=1_115_000),
        row("Ellermoor Farms", billed=1234, expected=1200, rebilled_severity="unchecked", severity="unchecked", sell=4_000_000),
        row("No Price Here", "siem", billed=4, expected=4, rebilled=2, sell=None),
        row("Unread Bakery", billed=None, expected=4, rebilled=2, sell=6_500_000, severity="unchecked"),
    ]
)  # fmt: skip


def month(rows: pd.DataFrame = ROWS, **changes: Any) -> MonthSheet:
    usual: dict[str, Any] = {
        "account": "Quillmere IT",
        "cycle": CYCLE,
        "currency": "USD",
        "revision": 1,
        "draft": True,
        "files": [FileRef("billed", "billing-detail.csv", "ab" * 32, 120, 117, 0, 2, 1)],
        "totals": [ProductTotal("edr", 1246, 1214, 20, 9), ProductTotal("itdr", 3, 3, 3, None)],
        "notes": [NoteRef("Tarn Vale Dental", "edr", "Mara Kestle", datetime(2026, 11, 17, 9, 5, tzinfo=UTC), "=not a formula")],
        "left_out": ["billing-detail.csv, line 40: “12.5” is not a whole number"],
    }
    return MonthSheet(rows=rows, **(usual | changes))


def written(target: str, sheet: MonthSheet) -> bytes:
    out = BytesIO()
    TARGETS[target].write(sheet, out)
    return out.getvalue()


def opened(target: str, sheet: MonthSheet, *, results: bool = False) -> Workbook:
    """The workbook read back: its formulas, or the results that were written beside them."""
    return load_workbook(BytesIO(written(target, sheet)), data_only=results)
