"""The first sheet of the rebill workbook: what the month is, where its numbers come from, what they add up to, what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from accounts.products import CODES
from recon.exports.book import FIRST_ROW, Book, Column, Kind, money
from recon.exports.sheet import ProductTotal, Signature
from recon.exports.words import LEGS, SEVERITIES, cycle_words, product_label, product_unit, status

LINES: Final = "Rebill lines"
_WIDTHS: Final = (26, 26, 22, 11, 11, 11, 11, 15, 15, 17)
_FILE_COLUMNS: Final = (
    Column("Leg", "leg"),
    Column("File", "name"),
    Column("SHA-256", "sha256"),
    Column("Rows in", "rows_in", "units"),
    Column("Loaded", "loaded", "units"),
    Column("Merged", "merged", "units"),
    Column("Set aside", "set_aside", "units"),
    Column("Rejected", "rejected", "units"),
)
_TOTAL_COLUMNS: Final = (
    Column("Product", "product"),
    Column("Unit", "unit"),
    Column("Rebill lines", "lines", "units", formula="=COUNTIF({lines}D{first}:D{last},A{row})"),
    Column("Billed", "billed", "units"),
    Column("Expected", "expected", "units"),
    Column("Rebilled", "rebilled", "units"),
    Column("Previous", "previous", "units"),
    money("Old amount", "old_amount", formula="=SUMIF({lines}D{first}:D{last},A{row},{lines}J{first}:J{last})"),
    money("New amount", "new_amount", formula="=SUMIF({lines}D{first}:D{last},A{row},{lines}K{first}:K{last})"),
    money("Change in amount", "change_in_amount", signed=True,
          formula="=SUMIF({lines}D{first}:D{last},A{row},{lines}L{first}:L{last})"),
)  # fmt: skip
_TIE_COLUMNS: Final = (
    Column("What", "label"),
    Column("Note", "words"),
    Column("Units", "units", "units"),
    money("Money", "money"),
)
_GRAND: Final[tuple[tuple[str, str, Kind, int], ...]] = (
    ("J", "old_amount", "money", 7),
    ("K", "new_amount", "money", 8),
    ("L", "change_in_amount", "signed_money", 9),
)


class _Page:
    """The summary sheet with its next free row."""

    def __init__(self, book: Book) -> None:
        self.book, self.page, self.row = book, book.add_sheet("Summary"), FIRST_ROW
        for place, width in enumerate(_WIDTHS):
            self.page.set_column(place, place, width)

    def section(self, title: str) -> None:
        self.row += 1
        self.page.write_string(self.row, 0, title, self.book.format("section", bold=True, font_size=12))
        self.row += 1

    def pair(self, label: str, value: str | int) -> None:
        self.page.write_string(self.row, 0, label, self.book.format("label", font_color="#5B6270"))
        if isinstance(value, str):
            self.book.write_text(self.page, self.row, 1, value, self.book.format("value", align="left"))
        else:
            self.book.write_number(self.page, self.row, 1, value, "units")
        self.row += 1

    def head(self, columns: Sequence[Column]) -> None:
        self.book.write_head(self.page, self.row, columns)
        self.row += 1

    def cells(self, columns: Sequence[Column], cells: Sequence[Any]) -> None:
        self.book.write_row(self.page, self.row, columns, cells)
        self.row += 1


def add_summary(book: Book, lines: pd.DataFrame) -> None:
    page = _Page(book)
    _month(page)
    _files(page)
    _totals(page, lines)
    _tie_out(page)
    _severities(page)
    _left_out(page, lines)


def _month(page: _Page) -> None:
    sheet = page.book.sheet
    page.pair("Account", sheet.account or "not stated")
    page.pair("Cycle", cycle_words(sheet.cycle))
    page.pair("Revision", str(sheet.revision))
    page.pair("Status", f"{status(sheet)}: not signed, so nothing may be charged from it yet" if sheet.draft else status(sheet))
    page.pair("Currency", sheet.currency or "not stated")
    if sheet.signature is not None:
        _signature(page, sheet.signature)


def _signature(page: _Page, signature: Signature) -> None:
    page.section("Signatures")
    page.pair("Prepared by", f"{signature.preparer}, {signature.submitted}")
    page.pair("Signed by", f"{signature.reviewer}, {signature.signed}")
    if signature.solo:
        page.pair("Rule", "signed under the one-person rule: one person may prepare and sign a month of this account")
    for place, statement in enumerate(signature.statements):
        page.pair("" if place else "Both certified", statement)
    page.pair("SHA-256", f"{signature.digest}, of inputs, tolerances, prices, results, decisions and statements")


def _files(page: _Page) -> None:
    page.section("Files")
    page.head(_FILE_COLUMNS)
    order = list(LEGS)
    known = sorted(page.book.sheet.files, key=lambda file: (order.index(file.leg) if file.leg in LEGS else 9, file.name, file.sha256))
    for f in known:
        leg = LEGS.get(f.leg, f.leg)
        page.cells(_FILE_COLUMNS, (leg, f.name, f.sha256, f.rows_in, f.loaded, f.merged, f.set_aside, f.rejected))


def _totals(page: _Page, lines: pd.DataFrame) -> None:
    """Units by product as they were counted; money as sums over the lines that have an amount."""
    page.section("Totals by product")
    page.head(_TOTAL_COLUMNS)
    place = {"lines": f"'{LINES}'!", "first": FIRST_ROW + 1, "last": FIRST_ROW + max(len(lines), 1)}
    amounts = [key for _, key, _, _ in _GRAND]
    by_product = lines.groupby("product")[amounts].sum()
    counts = lines["product"].value_counts()
    columns = [_placed(column, place) for column in _TOTAL_COLUMNS]
    for t in _totals_in_order(page.book.sheet.totals, lines):
        sums = [int(by_product[key].get(t.product, 0)) for key in amounts]
        units = (t.billed, t.expected, t.rebilled, t.previous)
        page.cells(columns, (product_label(t.product), product_unit(t.product), int(counts.get(t.product, 0)), *units, *sums))
    _grand_total(page, lines, place)


def _totals_in_order(totals: Sequence[ProductTotal], lines: pd.DataFrame) -> list[ProductTotal]:
    """The totals as given, and an empty one for a product that only the lines have, so that the sums add up."""
    missing = {str(code) for code in lines["product"].unique()} - {total.product for total in totals}
    known = [*totals, *(ProductTotal(code) for code in missing)]
    return sorted(known, key=lambda total: (CODES.index(total.product) if total.product in CODES else len(CODES), total.product))


def _placed(column: Column, place: dict[str, Any]) -> Column:
    """The column with the place of the lines in its formula; the row is filled in later."""
    formula = column.formula.format(**place, row="{row}") if column.formula else ""
    return Column(column.header, column.key, column.kind, column.width, column.scale, formula)


def _grand_total(page: _Page, lines: pd.DataFrame, place: dict[str, Any]) -> None:
    page.page.write_string(page.row, 0, "All products", page.book.format("all", bold=True))
    for letter, key, kind, column in _GRAND:
        formula = f"=SUM({place['lines']}{letter}{place['first']}:{letter}{place['last']})"
        page.book.write_number(page.page, page.row, column, int(lines[key].sum()) / 100, kind, formula)
    page.row += 1


def _tie_out(page: _Page) -> None:
    """From the report to the invoice; the last line is what nobody has named."""
    tie = page.book.sheet.tie_out
    if tie is None:
        return
    page.section("Report and invoice")
    page.pair("Tie-out", tie.words)
    page.head(_TIE_COLUMNS)
    for line in tie.lines:
        page.cells(_TIE_COLUMNS, (line.label, line.words, line.units, line.money))
    for place, words in enumerate(tie.invoices):
        page.pair("" if place else "Invoices", words)


def _severities(page: _Page) -> None:
    page.section("Rows by severity")
    counts = page.book.sheet.rows["severity"].value_counts()
    for code in SEVERITIES:
        page.pair(code.capitalize(), int(counts.get(code, 0)))


def _left_out(page: _Page, lines: pd.DataFrame) -> None:
    page.section("What is left out, and why")
    page.pair("Rebill lines", len(lines))
    page.pair("Without a rebill line", len(page.book.sheet.rows) - int(lines["is_first"].sum()))
    page.pair("Without an old quantity", int(lines["old_quantity"].isna().sum()))
    page.pair("Without a price", int(lines["unit_price"].isna().sum()))
    for text in page.book.sheet.left_out:
        page.book.write_text(page.page, page.row, 0, text)
        page.row += 1
