"""Whole quantities and exact unit prices out of text: what can be read in one way only is read, anything else is a fault with a name."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.grid import Ints, Mask, Texts, flags
from ingest.sources.reading import DecimalSign

MAX_QUANTITY: Final = 1_000_000_000
MAX_PRICE: Final = 1_000_000
MICROS: Final = 1_000_000


class Fault(Enum):
    """Why a cell gives no number. ``OK`` and ``BLANK`` are none."""

    OK = 0
    BLANK = 1
    NOT_WHOLE = 2
    NEGATIVE = 3
    AMBIGUOUS = 4
    TOO_LARGE = 5
    UNREADABLE = 6


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column of numbers (0 where there is none), and each cell's ``Fault``."""

    values: Ints
    faults: np.ndarray[tuple[int], np.dtype[np.uint8]]

    @property
    def given(self) -> Mask:
        return np.not_equal(self.faults, Fault.BLANK.value)

    @property
    def bad(self) -> Mask:
        return np.greater(self.faults, Fault.BLANK.value)


Parse: TypeAlias = Callable[[str], "int | Fault"]

# No number is longer; an expression never meets a text that could keep it busy.
_LONGEST: Final = 64
# By decimal sign: groups of three by the other sign, then decimals.
_NUMBER: Final = {
    ".": re.compile(r"([0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.([0-9]+))?"),
    ",": re.compile(r"([0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,([0-9]+))?"),
}
_THOUSANDS_OR_DECIMALS: Final = re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+")
_EITHER_SIGN: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_NEGATIVE: Final = re.compile(r"[-\u2212\u2013]\s*[0-9.,]+|\([0-9.,\s]+\)|[0-9.,]+\s*-")
_TAKEN_BACK: Final = re.compile(r"[-\u2212\u2013]\s*([^-()]+)|\(([^-()]+)\)|([^-()]+?)\s*-")
#: Digits before the decimal sign: of a unit price, and of an amount.
_PRICE_DIGITS: Final = 6
_AMOUNT_DIGITS: Final = 9
_SIGNS: Final = "".join(re.escape(chr(code)) for code in range(0x20, 0x20D0) if unicodedata.category(chr(code)) == "Sc")
_CODES: Final = (
    "AUD|BRL|CAD|CHF|CZK|DKK|EUR|GBP|HKD|HUF|ILS|INR|JPY|MXN|NOK|NZD|PLN|RON|SEK|SGD|USD|ZAR|AED|CNY|KRW|THB|TRY|PHP|MYR|IDR|kr|zł|Kč|Ft"
)
_CURRENCY: Final = rf"(?:(?:US|A|AU|C|CA|NZ|HK|S|R)?[{_SIGNS}]|{_CODES})"
_PRICE: Final = re.compile(rf"(?:{_CURRENCY})?\s*(.*?)\s*(?:{_CURRENCY})?", re.S)


def parse_quantity(text: str, decimal: DecimalSign = "") -> int | Fault:
    """A whole number from 0 to a thousand million, or the Fault.

    Without a stated ``decimal`` sign the comma groups, and ``1.000`` is nobody's to decide.

    >>> parse_quantity(" 1,234 "), parse_quantity("12.0"), parse_quantity("1.000").name, parse_quantity("1.000", ",")
    (1234, 12, 'AMBIGUOUS', 1000)
    """
    text = text.strip()
    if not text:
        return Fault.BLANK
    if len(text) > _LONGEST:
        return Fault.UNREADABLE
    if not decimal and _THOUSANDS_OR_DECIMALS.fullmatch(text):
        return Fault.AMBIGUOUS
    match = _NUMBER[decimal or "."].fullmatch(text)
    if not match:
        return Fault.NEGATIVE if _NEGATIVE.fullmatch(text) else Fault.UNREADABLE
    whole = re.sub("[.,]", "", match[1]).lstrip("0") or "0"
    if (match[2] or "").strip("0"):
        return Fault.NOT_WHOLE
    if len(whole) > 10 or int(whole) > MAX_QUANTITY:
        return Fault.TOO_LARGE
    return int(whole)


def price_body(text: str) -> str:
    """A price without its currency's symbol or code."""
    text = text.strip()
    match = _PRICE.fullmatch(text) if len(text) <= _LONGEST else None
    return match[1] if match else text


def parse_price(text: str, decimal: DecimalSign = "") -> int | Fault:
    """A unit price in micros, exactly, or the Fault. Without a ``decimal`` sign only what can be read in one way is read.

    >>> parse_price("$6.50"), parse_price("€ 6,50"), parse_price("1,234.56"), parse_price("1.000").name
    (6500000, 6500000, 1234560000, 'AMBIGUOUS')
    """
    text = text.strip()
    body = price_body(text)
    if not body:
        return Fault.BLANK if not text else Fault.UNREADABLE
    if len(text) <= _LONGEST and (_NEGATIVE.fullmatch(body) or _NEGATIVE.fullmatch(text)):
        return Fault.NEGATIVE
    return _positive(body, decimal, _PRICE_DIGITS)


def parse_amount(text: str, decimal: DecimalSign = "") -> int | Fault:
    """An amount of an invoice in micros, exactly, or the Fault. A refund has a minus, or stands in parentheses.

    >>> parse_amount("$1,234.50"), parse_amount("(12.00)"), parse_amount("-$0.05"), parse_amount("€ -6,50")
    (1234500000, -12000000, -50000, -6500000)
    """
    body = price_body(text)
    if not (text.strip() and body):
        return Fault.UNREADABLE if text.strip() else Fault.BLANK
    for outer in (text.strip(), body):
        if len(outer) <= _LONGEST and (match := _TAKEN_BACK.fullmatch(outer)):
            value = _positive(price_body(match[1] or match[2] or match[3]), decimal, _AMOUNT_DIGITS)
            return value if isinstance(value, Fault) else -value
    return _positive(body, decimal, _AMOUNT_DIGITS)


def _positive(body: str, decimal: DecimalSign, digits: int) -> int | Fault:
    if not decimal and _EITHER_SIGN.fullmatch(body):
        return Fault.AMBIGUOUS
    match = _NUMBER[decimal].fullmatch(body) if decimal else _NUMBER["."].fullmatch(body) or _NUMBER[","].fullmatch(body)
    if not match:
        return Fault.UNREADABLE
    return _micros(re.sub("[.,]", "", match[1]), (match[2] or "").rstrip("0"), digits)


def _micros(whole: str, decimals: str, digits: int) -> int | Fault:
    if len(decimals) > 6:
        return Fault.UNREADABLE
    if len(whole.lstrip("0")) > digits:
        return Fault.TOO_LARGE
    return int(Decimal(f"{whole}.{decimals or '0'}") * MICROS)


def evident_sign(texts: list[str]) -> DecimalSign:
    """The decimal sign that a column of prices shows: of those values that can be read in one way only, all with the same sign."""
    signs: set[DecimalSign] = set()
    for text in texts:
        body = price_body(text)
        if _EITHER_SIGN.fullmatch(body):
            continue
        point, comma = _NUMBER["."].fullmatch(body), _NUMBER[","].fullmatch(body)
        if point and not comma:
            signs.add(".")
        elif comma and not point:
            signs.add(",")
    return signs.pop() if len(signs) == 1 else ""


def quantities(cells: pa.DictionaryArray, decimal: DecimalSign = "", typed: Mask | None = None) -> Numbers:
    """A column of cells as quantities; ``typed`` cells are a workbook's own numbers, in which the point is the decimal sign."""
    return _column(cells, lambda text: parse_quantity(text, decimal), typed, lambda text: parse_quantity(text, "."), digits=9, unit=1)


def prices(cells: pa.DictionaryArray, decimal: DecimalSign = "", typed: Mask | None = None) -> Numbers:
    """A column of trimmed cells as micros. Where no sign is stated, the one that the column's texts show decides for all of them."""
    texts = cells.dictionary if typed is None else pc.unique(cells.filter(pa.array(~typed)).cast(pa.string()))
    sign = decimal or evident_sign(texts.to_pylist())

    def parse(text: str) -> int | Fault:
        value = parse_price(text, decimal)
        return parse_price(text, sign) if value is Fault.AMBIGUOUS else value

    return _column(cells, parse, typed, lambda text: parse_price(text, "."), digits=6, unit=MICROS)


def _column(cells: pa.DictionaryArray, parse: Parse, typed: Mask | None, parse_typed: Parse, *, digits: int, unit: int) -> Numbers:
    """Each distinct text is parsed once; those of at most so many plain ``digits`` all together, as so many ``unit``."""
    places = cells.indices.to_numpy(zero_copy_only=False)
    found = _distinct(cells.dictionary, parse, digits, unit)
    values, faults = found.values[places], found.faults[places]
    if typed is not None and typed.any():
        other = _distinct(cells.dictionary, parse_typed, digits, unit)
        values, faults = np.where(typed, other.values[places], values), np.where(typed, other.faults[places], faults)
    return Numbers(values, faults)


def _distinct(texts: Texts, parse: Parse, digits: int, unit: int) -> Numbers:
    values = np.zeros(len(texts), dtype=np.int64)
    faults = np.zeros(len(texts), dtype=np.uint8)
    plain = flags(pc.match_substring_regex(texts, f"^[0-9]{{1,{digits}}}$"))
    values[plain] = texts.filter(pa.array(plain)).cast(pa.int64()).to_numpy(zero_copy_only=False) * unit
    for index in np.flatnonzero(~plain).tolist():
        value = parse(texts[index].as_py())
        if isinstance(value, Fault):
            faults[index] = value.value
        else:
            values[index] = value
    return Numbers(values, faults)
