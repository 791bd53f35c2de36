"""The invoice: what Huntress charged, one amount a row, out of a receipt's CSV.

Huntress's receipts come from its payment provider; nobody publishes their columns, so none is relied on. Each row stays a row: two equal
charges are two charges.
"""

import re
from typing import Final

from ingest.sources import table_cells as cells
from ingest.sources.reader import Field
from ingest.sources.table import TableKind, Values, table_reader
from ingest.sources.table_cells import Bad
from ingest.sources.table_columns import TableColumn, TableColumns

_CODE: Final = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
#: Signs that one currency alone has. A dollar's does not say whose dollar it is.
_SIGNS: Final = {"€": "EUR", "£": "GBP"}
_COLUMNS: Final = TableColumns(
    columns=(
        TableColumn(
            Field("number", "Number"),
            ("Invoice Number", "Number", "Invoice No", "Invoice #", "Invoice", "Invoice ID", "Receipt Number", "Receipt"),
            cells.text,
            doubtful=("ID",),
        ),
        TableColumn(
            Field("date", "Date"),
            ("Invoice Date", "Date", "Issue Date", "Issued", "Issued On", "Date (UTC)", "Created (UTC)", "Created At", "Created"),
            cells.day,
            doubtful=("Paid At", "Date Paid"),
            is_date=True,
        ),
        TableColumn(Field("description", "Description"), ("Description", "Details", "Memo", "Item", "Plan", "Product"), cells.text),
        TableColumn(
            Field("amount", "Amount"),
            ("Amount", "Line Amount", "Total", "Total Amount", "Amount Due", "Amount Charged"),
            cells.amount,
            doubtful=("Amount Paid", "Subtotal"),
            is_money=True,
        ),
        TableColumn(Field("currency", "Currency"), ("Currency", "Currency Code", "Currency Type"), cells.currency),
        TableColumn(Field("quantity", "Quantity"), ("Quantity", "Qty", "Units", "Count"), cells.signed_quantity),
        TableColumn(Field("status", "Status"), ("Status", "Invoice Status", "Payment Status"), cells.text),
    ),
    needs=(("amount",),),
    least=2,
    looked_for="a column such as Amount or Total, and beside it one such as Invoice Number, Date, Description, Currency or Status",
)


def _make(values: Values, texts: dict[str, str]) -> list[Values] | Bad:
    """``amount`` in micros; ``currency`` is "" and ``date`` and ``quantity`` are None where the file has none."""
    if values.get("amount") is None:
        return Bad("no_amount", "The row has no amount.", "amount")
    stated, shown = values.get("currency") or "", _shown_currency(texts["amount"])
    if stated and shown and stated != shown:
        return Bad("two_currencies", f"The amount is in {shown}, and the row says {stated}.", "currency")
    given = {name: values.get(name) for name in ("date", "amount", "quantity")}
    words = {name: values.get(name) or "" for name in ("number", "description", "status")}
    return [{**given, **words, "currency": stated or shown}]


def _shown_currency(text: str) -> str:
    """The currency that an amount itself shows, by a code or by a sign that only one has, or ""."""
    found = {*_CODE.findall(text), *(code for sign, code in _SIGNS.items() if sign in text)}
    return found.pop() if len(found) == 1 else ""


#: Columns of ``Reading.lines``: line, number, date, description, amount (micros, below zero for a refund), currency, quantity, status.
KIND: Final = TableKind(
    "invoice",
    _COLUMNS,
    lines=("number", "date", "description", "amount", "currency", "quantity", "status"),
    make=_make,
    carriers=("amount", "quantity"),
    without="no amount",
    summed="amount",
)
READER: Final = table_reader(KIND, "Invoice", "an invoice", words=r"invoices?|receipts?|stripe")
