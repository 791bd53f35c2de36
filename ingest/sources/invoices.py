"""Huntress' list of invoices: a row an invoice. Of which cycle each is, and what its amount counts, is for others to say.

Whether ``amount`` is in whole units or in cents is not known [huntress.md §3], so it stays the text that came.
"""

from __future__ import annotations

import io
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from ingest.huntress.errors import WrongShape
from ingest.sources.reader import answers_reader
from ingest.sources.reading import Asked, Reading
from ingest.sources.records import Sorting, answered, as_json, count, key_of, opened, text, when

KIND: Final = "invoices"
ENDPOINTS: Final = ("invoices", "account_invoices")
#: ``created_at`` is in UTC; ``amount`` the text as it came, "" where there is none; ``quantity`` Int64, <NA> where there is none;
#: ``currency`` in capitals, ``status`` in small letters, both "" where there is none.
LINES: Final = ("line", "external_id", "plan", "created_at", "amount", "quantity", "currency", "status")
_MOST_DIGITS: Final = 15
_SHOWN: Final = ("id", "plan", "created_at", "amount", "quantity", "currency_type", "status")


def read(data: bytes, asked: Asked) -> Reading:
    """Raises Unreadable for an archive that is refused as a whole, and nothing else."""
    archive = opened(io.BytesIO(data), KIND, READER.one, ENDPOINTS, asked.limits)
    sorting, made, sizes = Sorting(_SHOWN, asked.limits), dict[str, dict[str, Any]](), list[int]()
    for answer in answered(archive, Decimal):
        sizes.append(len(answer.records))
        for number, record in enumerate(answer.records, answer.first):
            try:
                key = key_of(record, answer.endpoint)
                if key in made:
                    sorting.take(number, record, "set_aside", "came again")
                    continue
                made[key] = {"line": number, "external_id": key, **_invoice(record)}
            except WrongShape as why:
                sorting.reject(number, record, why)
            else:
                sorting.take(number, record, "loaded")
    return sorting.reading(KIND, asked, archive.manifest, _frame(list(made.values())), sizes)


def _invoice(record: dict[str, Any]) -> dict[str, Any]:
    created = when(record, "created_at")
    if created is None:
        raise WrongShape("“created_at” is missing, so nobody can say which cycle the invoice closes.")
    return {
        "plan": text(record, "plan", 200),
        "created_at": created,
        "amount": _amount(record.get("amount")),
        "quantity": count(record, "quantity"),
        "currency": text(record, "currency_type", 3).upper(),
        "status": text(record, "status", 20).lower(),
    }


def _amount(value: object) -> str:
    """As it came: a number's own digits, or a text.

    >>> _amount(Decimal("303.50")), _amount(303), _amount(None)
    ('303.50', '303', '')
    """
    if value is None:
        return ""
    found = str(value).strip() if isinstance(value, int | Decimal | str) and not isinstance(value, bool) else ""
    try:
        is_number = bool(found) and len(found) <= 40 and Decimal(found).is_finite() and Decimal(found).adjusted() < _MOST_DIGITS
    except ArithmeticError:
        is_number = False
    if not is_number:
        raise WrongShape(f"“amount” should be a number, and is {as_json(value, 80)}.")
    return found


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {name: [record[name] for record in records] for name in LINES}
    moments: list[datetime] = columns["created_at"]
    texts = {name: pd.array(columns[name], dtype="str") for name in ("external_id", "plan", "amount", "currency", "status")}
    made = {
        "line": pd.array(columns["line"], dtype="int64"),
        "created_at": pd.to_datetime(pd.Series(moments, dtype="object"), utc=True).dt.as_unit("s").array,
        "quantity": pd.array(columns["quantity"], dtype="Int64"),
    }
    return pd.DataFrame({**texts, **made})[list(LINES)]


READER: Final = answers_reader(KIND, "Invoices of Huntress", "Huntress' list of invoices", LINES, read)
