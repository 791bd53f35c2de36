"""Small documents for tests, and a shorthand to read them."""

import csv
import datetime as dt
import io
from collections.abc import Sequence

import openpyxl

from ingest.sources import Leg, Limits, Mapping, Reading, read

Cell = str | int | float | bool | None | dt.date | dt.datetime


def csv_bytes(rows: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8", end: str = "\n") -> bytes:
    """A carriage return within a cell is quoted, which Python 3.11's writer forgets where lines end in ``\\n``: bare, it ends one."""
    out = io.StringIO()
    returns = any("\r" in cell for row in rows for cell in row)
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL).writerows(rows)
    return out.getvalue().encode(encoding)


def workbook(sheets: dict[str, Sequence[Sequence[Cell]]], hidden: Sequence[str] = ()) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def reading(
    text: str | bytes,
    leg: Leg = "billed",
    mapping: Mapping | None = None,
    name: str = "report.csv",
    limits: Limits = Limits(),  # noqa: B008  (frozen)
) -> Reading:
    data = text.encode() if isinstance(text, str) else text
    return read(data, name=name, kind=leg, mapping=mapping, limits=limits)


def lines_of(result: Reading) -> list[tuple[str, str, int]]:
    columns = result.lines
    return list(zip(columns["organization"], columns["product"], columns["quantity"].tolist(), strict=True))


def codes(result: Reading, level: str = "") -> list[str]:
    return [issue.code for issue in result.issues if level in ("", issue.level)]


def rejected_of(result: Reading) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in result.rejected.itertuples(index=False)]
