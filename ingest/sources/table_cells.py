"""One cell of a small table as a value: blank is None, and what cannot be read is a ``Bad`` that says what would be right."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from accounts.products import product_named
from ingest.sources.agents_dates import DateFault, parse_moment
from ingest.sources.numbers import MAX_QUANTITY, Fault, parse_amount, parse_price, parse_quantity
from ingest.sources.reading import DateOrder, DecimalSign

_CODE: Final = re.compile(r"[A-Za-z]{3}")
#: The one ``Bad`` that sets a row aside rather than rejecting it.
UNKNOWN_PRODUCT: Final = "unknown_product"
_NEGATIVE: Final = re.compile(r"[-\u2212\u2013(].*|.*-", re.S)


class Cell(NamedTuple):
    """A cell's trimmed text; is it a number by type, in which the point is the decimal sign; is it an error of its workbook."""

    text: str
    typed: bool = False
    fault: bool = False


class Bad(NamedTuple):
    """Why a cell, or a row, gives no record."""

    code: str
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """How the cells of a column are written: the decimal sign that its texts show, and what comes first in its dates."""

    decimal: DecimalSign = ""
    dates: DateOrder = ""


Parse = Callable[[Cell, Ways], Any]


def text(cell: Cell, ways: Ways) -> str | None:
    return cell.text or None


def amount(cell: Cell, ways: Ways) -> int | Bad | None:
    """Money in micros; a refund has a minus or stands in parentheses."""
    return _money(cell, ways, parse_amount)


def price(cell: Cell, ways: Ways) -> int | Bad | None:
    """A unit price in micros."""
    return _money(cell, ways, parse_price)


def _money(cell: Cell, ways: Ways, parse: Callable[[str, DecimalSign], int | Fault]) -> int | Bad | None:
    value = parse(cell.text, "." if cell.typed else "")
    if value is Fault.AMBIGUOUS:
        value = parse(cell.text, ways.decimal)
    if not isinstance(value, Fault):
        return value
    shown = cell.text[:80]
    match value:
        case Fault.BLANK:
            return None
        case Fault.AMBIGUOUS:
            return Bad("unreadable_amount", f"{shown}: thousands, or decimals? Write it with two decimals, or state the decimal sign.")
        case Fault.NEGATIVE:
            return Bad("unreadable_price", f"Unit prices are not negative: {shown} is.")
        case Fault.TOO_LARGE:
            return Bad("unreadable_amount", f"{shown} is more than any amount here is.")
        case _:
            return Bad("unreadable_amount", f"“{shown}” is no amount. Write it in digits with at most six decimals, such as 12.50.")


def quantity(cell: Cell, ways: Ways) -> int | Bad | None:
    """A whole number from 0."""
    return _whole(cell, ways, signed=False)


def signed_quantity(cell: Cell, ways: Ways) -> int | Bad | None:
    """A whole number; of what is given back, below 0."""
    return _whole(cell, ways, signed=True)


def _whole(cell: Cell, ways: Ways, *, signed: bool) -> int | Bad | None:
    is_negative = signed and bool(_NEGATIVE.fullmatch(cell.text))
    digits = cell.text.strip("()-\u2212\u2013 ") if is_negative else cell.text
    value = parse_quantity(digits, "." if cell.typed else ways.decimal)
    if not isinstance(value, Fault):
        return -value if is_negative else value
    shown = cell.text[:80]
    match value:
        case Fault.BLANK if not is_negative:
            return None
        case Fault.TOO_LARGE:
            return Bad("unreadable_quantity", f"{shown} is more than {MAX_QUANTITY:,}, which no quantity here can be.")
        case _:
            return Bad("unreadable_quantity", f"“{shown}” is no whole number. Write the quantity in digits alone, such as 12 or 1,234.")


def day(cell: Cell, ways: Ways) -> dt.date | Bad | None:
    value = parse_moment(cell.text, ways.dates)
    if not isinstance(value, DateFault):
        return dt.datetime.fromtimestamp(value[0], dt.UTC).date()
    if value is DateFault.BLANK:
        return None
    shown = cell.text[:80]
    if value is DateFault.AMBIGUOUS:
        return Bad("unreadable_date", f"{shown}: which is the month? Write the date as 2026-11-14, or say whether the day comes first.")
    return Bad("unreadable_date", f"“{shown}” is no date. Write it as 2026-11-14.")


def currency(cell: Cell, ways: Ways) -> str | Bad | None:
    """A code of three capitals."""
    if not cell.text:
        return None
    if _CODE.fullmatch(cell.text):
        return cell.text.upper()
    return Bad("unreadable_currency", f"“{cell.text[:80]}” is no currency. Write its code of three letters, such as USD.")


def product(cell: Cell, ways: Ways) -> str | Bad | None:
    """The code of a product; one that is not known is no error: the row is about something else."""
    return product_named(cell.text) or (
        None if not cell.text else Bad(UNKNOWN_PRODUCT, f"“{cell.text[:80]}” is no product known here; it is not read.")
    )
