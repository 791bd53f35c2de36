"""The rebill sheet as CSV: one line a customer and product, zero included, no totals."""

from __future__ import annotations

from typing import BinaryIO, Final

from recon.exports.book import Column, money, price
from recon.exports.csv_text import write_csv
from recon.exports.lines import rebill_lines
from recon.exports.sheet import MonthSheet

COLUMNS: Final = (
    Column("organization", "organization"),
    Column("customer", "customer"),
    Column("organization_id", "organization_id"),
    Column("product", "product"),
    Column("old_quantity", "old_quantity", "units"),
    Column("new_quantity", "new_quantity", "units"),
    Column("difference", "difference", "signed"),
    price("unit_price", "unit_price"),
    Column("currency", "currency"),
    money("old_amount", "old_amount"),
    money("new_amount", "new_amount"),
    money("change_in_amount", "change_in_amount", signed=True),
    Column("why", "decided"),
    Column("flags", "flags"),
    Column("source", "source"),
)


def write(sheet: MonthSheet, out: BinaryIO) -> None:
    write_csv(sheet, COLUMNS, rebill_lines(sheet.rows, sheet.customers).assign(currency=sheet.currency), out)
