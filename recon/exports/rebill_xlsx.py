"""The rebill sheet as a workbook: Summary, Rebill lines, Variances, Notes."""

from __future__ import annotations

from typing import BinaryIO, Final

import pandas as pd

from recon.exports.book import Book, Column, money, open_book, price, refuse_too_many
from recon.exports.lines import in_order, rebill_lines
from recon.exports.sheet import MonthSheet
from recon.exports.summary import LINES, add_summary
from recon.exports.variances import COLUMNS as VARIANCE_COLUMNS
from recon.exports.variances import variances
from recon.exports.words import flag_words, moment_words, product_label, product_unit

LINE_COLUMNS: Final = (
    Column("Organization", "organization", width=36),
    Column("Customer", "customer", width=36),
    Column("Organization ID", "organization_id", width=14),
    Column("Product", "product", width=8),
    Column("Unit", "unit", width=16),
    Column("Old quantity", "old_quantity", "units", 10),
    Column("New quantity", "new_quantity", "units", 10),
    Column("Difference", "difference", "signed", 11),
    price("Unit price", "unit_price"),
    money("Old amount", "old_amount", formula="=ROUND(F{row}*I{row},2)"),
    money("New amount", "new_amount", formula="=ROUND(G{row}*I{row},2)"),
    money("Change in amount", "change_in_amount", signed=True, formula="=ROUND(K{row}-J{row},2)"),
    Column("Why", "why", width=44),
    Column("Source", "source", width=34),
)
NOTE_COLUMNS: Final = (
    Column("Organization", "organization", width=36),
    Column("Product", "product", width=8),
    Column("Author", "author", width=22),
    Column("When", "when", width=24),
    Column("Note", "text", width=90),
)


def write(sheet: MonthSheet, out: BinaryIO) -> None:
    """Raises TooManyRows, before anything is written."""
    refuse_too_many("Variances", len(sheet.rows))
    lines = rebill_lines(sheet.rows, sheet.customers)
    refuse_too_many(LINES, len(lines))
    with open_book(out, sheet, "Rebill sheet") as book:
        add_summary(book, lines)
        book.add_table(LINES, LINE_COLUMNS, _for_people(lines))
        book.add_table("Variances", VARIANCE_COLUMNS, variances(in_order(sheet.rows)))
        _add_notes(book)


def _for_people(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines with labels, units and the reasons in words."""
    flags = lines["flags"].map(flag_words)
    why = ["; ".join(filter(None, said)) for said in zip(lines["decided"], lines["reason"], flags, strict=True)]
    return lines.assign(product=lines["product"].map(product_label), unit=lines["product"].map(product_unit), why=why)


def _add_notes(book: Book) -> None:
    notes = sorted(book.sheet.notes, key=lambda note: (note.when, note.organization, note.product, note.author, note.text))
    cells = [(n.organization, product_label(n.product), n.author, moment_words(n.when), n.text) for n in notes]
    keys = [column.key for column in NOTE_COLUMNS]
    book.add_table("Notes", NOTE_COLUMNS, pd.DataFrame(cells, columns=keys, dtype="str"))
