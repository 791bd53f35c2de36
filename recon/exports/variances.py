"""The variances as a file: the list as the caller filtered and sorted it, one declaration of columns for both formats."""

from __future__ import annotations

from typing import BinaryIO, Final

import pandas as pd

from accounts.money import round_to_cents
from recon.exports.book import Column, money, open_book, price
from recon.exports.csv_text import write_csv
from recon.exports.sheet import MonthSheet
from recon.exports.words import flag_words, product_label

NO_LINE: Final = "no rebill line: billed quantity not known"

COLUMNS: Final = (
    Column("Organization", "organization", width=36),
    Column("Organization ID", "organization_id", width=14),
    Column("Product", "product", width=8),
    Column("Severity", "severity", "severity", 11),
    Column("Billed", "billed", "units", 9),
    Column("Expected", "expected", "units", 9),
    Column("Rebilled", "rebilled", "units", 9),
    Column("Previous", "previous", "units", 9),
    Column("Billed − expected", "expected_difference", "signed", 10),
    Column("Unexplained, expected", "expected_left", "signed", 12),
    Column("Against expected", "expected_severity", "severity", 11),
    money("Billed − expected, at cost", "expected_money", signed=True),
    Column("Billed − rebilled", "rebilled_difference", "signed", 10),
    Column("Unexplained, rebilled", "rebilled_left", "signed", 12),
    Column("Against rebilled", "rebilled_severity", "severity", 11),
    money("Billed − rebilled, at sell price", "rebilled_money", signed=True),
    Column("Billed − previous", "previous_difference", "signed", 10),
    price("Unit cost", "cost"),
    price("Sell price", "sell"),
    Column("Why", "why", width=44),
    Column("Source", "source", width=34),
)  # fmt: skip
#: Beside them where tenants were counted.
OF_MICROSOFT: Final = (
    Column("Microsoft", "microsoft", "units", 9),
    Column("Billed − Microsoft", "microsoft_difference", "signed", 10),
    Column("Unexplained, Microsoft", "microsoft_left", "signed", 12),
    Column("Against Microsoft", "microsoft_severity", "severity", 11),
    money("Billed − Microsoft, at cost", "microsoft_money", signed=True),
)


_BEFORE_PREVIOUS: Final = next(place for place, column in enumerate(COLUMNS) if column.header == "Billed − previous")


def columns(sheet: MonthSheet) -> tuple[Column, ...]:
    """With those of Microsoft where it was asked of any row, and of live counts where the month has any, of when its header says."""
    asked = OF_MICROSOFT if (sheet.rows["microsoft_severity"] != "").any() else ()
    live = (Column(f"Live, {sheet.live}", "live", "units", 14), Column("Billed − live", "live_difference", "signed", 10))
    return (*COLUMNS[:_BEFORE_PREVIOUS], *asked, *(live if sheet.live else ()), *COLUMNS[_BEFORE_PREVIOUS:])


def variances(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in their order, with codes as words, money in cents, and the reason where there is no rebill line."""
    frame = rows.copy()
    frame["product"] = rows["product"].map(product_label)
    for name in ("severity", "expected_severity", "rebilled_severity", "microsoft_severity"):
        frame[name] = rows[name].str.capitalize()
    for name in ("expected_money", "rebilled_money", "microsoft_money"):
        frame[name] = round_to_cents(rows[name])
    frame["previous_difference"] = rows["billed"] - rows["previous"]
    flags = rows["flags"].map(flag_words)
    reason = pd.Series(NO_LINE, index=rows.index).where(rows["billed"].isna(), "")
    frame["why"] = [("; " if one and other else "").join((one, other)) for one, other in zip(reason, flags, strict=True)]
    return frame


def write_xlsx(sheet: MonthSheet, out: BinaryIO) -> None:
    """Raises TooManyRows."""
    with open_book(out, sheet, "Variances") as book:
        book.add_table("Variances", columns(sheet), variances(sheet.rows))


def write_as_csv(sheet: MonthSheet, out: BinaryIO) -> None:
    write_csv(sheet, columns(sheet), variances(sheet.rows), out)
