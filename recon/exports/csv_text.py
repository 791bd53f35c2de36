"""CSV that people open in a spreadsheet: UTF-8 with a BOM, ``\\r\\n``, exact numbers, and no text that becomes a formula."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Any, BinaryIO, Final

import pandas as pd

from recon.exports.amounts import cents_text, price_text
from recon.exports.book import Column, Kind, cells_of
from recon.exports.sheet import MonthSheet
from recon.exports.words import csv_text, status

#: What every line begins with, so that a line that was copied elsewhere still says what it is.
CONTEXT: Final = ("account", "cycle_start", "cycle_end", "revision", "status", "prepared_by", "reviewed_by")

_TEXTS: Final[dict[Kind, Callable[[Any], str]]] = {
    "text": csv_text,
    "severity": csv_text,
    "units": str,
    "signed": str,
    "price": price_text,
    "money": cents_text,
    "signed_money": cents_text,
}


def write_csv(sheet: MonthSheet, columns: Sequence[Column], frame: pd.DataFrame, out: BinaryIO) -> None:
    """One line a row of the frame, in its order, the month's context in front. Blank is nothing between the commas."""
    context = context_cells(sheet)
    texts = [_TEXTS[column.kind] for column in columns]
    stream = TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=False)
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([*CONTEXT, *(column.header for column in columns)])
    for cells in cells_of(columns, frame):
        writer.writerow([*context, *("" if cell is None else text(cell) for text, cell in zip(texts, cells, strict=True))])
    stream.flush()
    stream.detach()


def context_cells(sheet: MonthSheet) -> list[str]:
    start, end = (sheet.cycle.start.isoformat(), sheet.cycle.end.isoformat()) if sheet.cycle else ("", "")
    people = (sheet.signature.preparer, sheet.signature.reviewer) if sheet.signature else ("", "")
    return [csv_text(sheet.account), start, end, str(sheet.revision), status(sheet), *map(csv_text, people)]
