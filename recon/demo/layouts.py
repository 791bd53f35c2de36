"""The lists as people and programs write them: rows of cells, and the bytes of a CSV or a workbook.

Every header here is an invention of this project: the layout of Huntress's own report is published nowhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Final

import xlsxwriter

from accounts.products import CODES, PRODUCTS
from recon.demo.cast import COST, SELL
from recon.demo.stories import Draft, Line

Cell = str | int
Rows = list[list[Cell]]
LABELS: Final = {product.code: product.label for product in PRODUCTS}
SERVICES: Final = {
    "edr": "Managed EDR",
    "itdr": "Managed ITDR",
    "ispm": "Managed ISPM",
    "sat": "SAT Learners",
    "siem": "Log Sources",
}
RMM_HEADERS: Final = {"edr": "Managed EDR", "itdr": "Managed ITDR", "sat": "SAT Learners", "siem": "Log Sources"}
INVENTED: Final = "Invented for demonstration; not the layout of any real report"


def billed_wide(draft: Draft) -> Rows:
    """One row an Organization, a column and a price a product; the totals are in the last row."""
    rows: Rows = [["Organization", "Organization ID", *(header for code in CODES for header in (LABELS[code], f"{LABELS[code]} price"))]]
    for id_ in by_name(draft.names, {id_ for id_, _ in draft.billed}):
        cells: list[Cell] = []
        for code in CODES:
            units = draft.billed.get((id_, code))
            cells += ["", ""] if units is None else [units, COST[code]]
        rows.append([draft.names[id_], id_, *cells])
    sums = [sum(units for (_, of), units in draft.billed.items() if of == code) for code in CODES]
    rows.append(["Total", "", *(cell for units in sums for cell in (units, ""))])
    return rows


def billed_long(draft: Draft) -> Rows:
    """One row an Organization and product; after 60 rows the header comes again below a blank row, as on a new page."""
    header: list[Cell] = ["Organization Name", "Org ID", "Product", "Quantity", "Unit Price"]
    lines: Rows = [
        [draft.names[id_], id_, LABELS[code], draft.billed[id_, code], COST[code]] for id_, code in in_order(draft.names, draft.billed)
    ]
    return [header, *lines[:60], [""] * 5, header, *lines[60:], ["Grand Total", "", "", sum(draft.billed.values()), ""]]


def expected(draft: Draft) -> Rows:
    """The RMM's contracts, names only, without a column for ISPM: that product is not provided."""
    rows: Rows = [["Client", *RMM_HEADERS.values()]]
    for id_ in by_name(draft.rmm_names, {id_ for id_, code in draft.expected if code in RMM_HEADERS}):
        rows.append([draft.rmm_names[id_], *(draft.expected.get((id_, code), "") for code in RMM_HEADERS)])
    return rows


def rebilled(draft: Draft) -> Rows:
    """The PSA's agreement lines. Ids only where somebody typed one, since the name was not enough."""
    rows: Rows = [["Customer", "Org ID", "Service", "Qty", "Rate"]]
    for id_, code in in_order(draft.psa_names, draft.rebilled):
        given = id_ if id_ in draft.psa_ids else ""
        for units in _parts(draft, (id_, code)):
            rows.append([draft.psa_names[id_], given, SERVICES[code], units, draft.rates[id_, code]])
    rows += [[name, "", service, units, rate] for name, service, units, rate in draft.strangers]
    return rows


def prices() -> Rows:
    """What Huntress charges and what customers usually pay."""
    rows: Rows = [["Product", "Unit Cost", "Sell Price"]]
    rows += [[LABELS[code], COST[code], SELL[code]] for code in CODES]
    return rows


def invoice(draft: Draft, number: str, issued: str) -> Rows:
    """A receipt with a line a product. The open month's charges three agents more than its report has."""
    rows: Rows = [["Invoice Number", "Invoice Date", "Description", "Quantity", "Amount", "Currency"]]
    for code in CODES:
        units = sum(units for (_, of), units in draft.billed.items() if of == code) + (3 if draft.is_open and code == "edr" else 0)
        if units:
            rows.append([number, issued, SERVICES[code], units, f"{units * Decimal(COST[code]):.2f}", "USD"])
    return rows


def _parts(draft: Draft, line: Line) -> Sequence[Cell]:
    if line in draft.unreadable:
        return (draft.unreadable[line],)
    return draft.parts.get(line) or (draft.rebilled[line],)


def by_name(names: dict[str, str], ids: Iterable[str]) -> list[str]:
    return sorted(ids, key=lambda id_: (names[id_].casefold(), id_))


def in_order(names: dict[str, str], lines: Iterable[Line]) -> list[Line]:
    """Lines by Organization, then by product in the registry's order."""
    return sorted(lines, key=lambda line: (names[line[0]].casefold(), line[0], CODES.index(line[1])))


def as_csv(rows: Rows, *, titles: Sequence[str] = (), delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    stream = StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    for title in titles:
        writer.writerow([title])
    writer.writerows(rows)
    return stream.getvalue().encode(encoding)


def as_workbook(rows: Rows, *, sheet: str, titles: Sequence[str], notes: Sequence[str], made: datetime) -> bytes:
    """A workbook with titles above the list and a second sheet of notes; whole numbers and prices are numbers in it."""
    out = BytesIO()
    workbook = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    workbook.set_properties({"author": "", "created": made})
    bold = workbook.add_format({"bold": True})
    page = workbook.add_worksheet(sheet)
    page.set_column(0, 0, 34)
    page.set_column(1, len(rows[0]), 14)
    for place, title in enumerate(titles):
        page.write_string(place, 0, title, bold)
    for place, row in enumerate(rows, start=len(titles) + 1):
        for column, cell in enumerate(row):
            _write_cell(page, place, column, cell, is_price=rows[0][column] == "Rate" and row is not rows[0])
    remarks = workbook.add_worksheet("Notes")
    for place, note in enumerate(notes):
        remarks.write_string(place, 0, note)
    workbook.close()
    return out.getvalue()


def _write_cell(page: xlsxwriter.workbook.Worksheet, row: int, column: int, cell: Cell, *, is_price: bool) -> None:
    if isinstance(cell, int) or (is_price and cell):
        page.write_number(row, column, float(cell))
    elif cell:
        page.write_string(row, column, cell)
