"""What a sheet is made from: one revision of one billing cycle as plain values. Shapes only, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pandas as pd

from accounts.calendar import Cycle

#: Columns of ``MonthSheet.rows``, one row an Organization and product. Quantities and differences (billed minus the other leg)
#: are Int64 and <NA> where the leg was not provided or not read; prices and money are Int64 micros (millionths of the
#: currency's unit), <NA> where unknown. Severities are codes (match, within, unchecked, investigate, escalate), ``product`` a
#: code of ``accounts.products``, ``flags`` comma-separated codes, ``source`` words such as "billing-detail.csv, line 37".
#: ``rebill_quantity`` is what a person decided to rebill, <NA> for the billed quantity, and ``rebill_reason`` says why in words.
#: ``microsoft_severity`` is "" for a row of which that check was not asked.
#: ``shared`` is the key of ``MonthSheet.customers``, which has it where several customers share the Organization.
TEXT_COLUMNS: Final = (
    "organization", "organization_id", "product", "severity", "expected_severity", "rebilled_severity", "microsoft_severity", "flags",
    "source", "rebill_reason",
)  # fmt: skip
NUMBER_COLUMNS: Final = (
    "billed", "expected", "rebilled", "microsoft", "previous", "expected_difference", "rebilled_difference", "microsoft_difference",
    "cost", "sell", "expected_money", "rebilled_money", "microsoft_money", "rebill_quantity", "expected_left", "rebilled_left",
    "microsoft_left", "shared", "live", "live_difference",
)  # fmt: skip
ROW_COLUMNS: Final = TEXT_COLUMNS + NUMBER_COLUMNS


@dataclass(frozen=True, slots=True)
class FileRef:
    """One input file and the buckets its rows ended in: ``rows_in`` is the sum of the others."""

    leg: str
    name: str
    sha256: str
    rows_in: int
    loaded: int
    merged: int = 0
    set_aside: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class ProductTotal:
    """Units of one product by leg; None where the leg was not provided for it."""

    product: str
    billed: int | None = None
    expected: int | None = None
    rebilled: int | None = None
    previous: int | None = None


@dataclass(frozen=True, slots=True)
class NoteRef:
    """What a person said. ``when`` is already in the time zone that people are to read it in."""

    organization: str
    product: str
    author: str
    when: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Customer:
    """One of several customers that share an Organization: ``parts`` of the sum of all, none for a name that is charged for it all the
    same. ``charged``: units and unit price (micros, or None) of what it is charged now, by product; a product that is missing: none."""

    name: str
    parts: int
    psa_id: str = ""
    charged: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed what: moments are in words, the digest is SHA-256 over all that was signed. ``solo``: one person may be both.

    ``statements`` are what both certified, word for word.
    """

    preparer: str
    submitted: str
    reviewer: str
    signed: str
    digest: str
    solo: bool = False
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TieLine:
    """One rung from the report to the invoice: units, and money in whole cents; None where it is not known. ``words`` say more."""

    label: str
    units: int | None
    money: int | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class TieOutRef:
    """The report against the invoice: the report, what is named, the invoice, what is not named; and each invoice in words."""

    words: str
    lines: Sequence[TieLine]
    invoices: Sequence[str] = ()


@dataclass(frozen=True)
class MonthSheet:
    """The month as it stands. ``left_out`` are sentences on what does not count and why; ``account`` "" and ``cycle`` None
    where they were not stated. ``rows`` has ``ROW_COLUMNS`` and is never changed. ``live`` says of when its live counts are, "" without."""

    account: str
    cycle: Cycle | None
    currency: str
    revision: int
    draft: bool
    rows: pd.DataFrame
    files: Sequence[FileRef] = ()
    totals: Sequence[ProductTotal] = ()
    notes: Sequence[NoteRef] = ()
    left_out: Sequence[str] = field(default=())
    signature: Signature | None = None
    customers: Mapping[int, Sequence[Customer]] = field(default_factory=dict)
    tie_out: TieOutRef | None = None
    live: str = ""


def rows_frame(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Rows given as mappings, in the types that ``MonthSheet.rows`` has; what a mapping does not name is unknown."""
    columns = {name: pd.Series([row.get(name) or "" for row in rows], dtype="str") for name in TEXT_COLUMNS}
    columns |= {name: pd.Series([row.get(name) for row in rows], dtype="Int64") for name in NUMBER_COLUMNS}
    return pd.DataFrame(columns)[list(ROW_COLUMNS)]
