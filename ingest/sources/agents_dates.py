"""Moments of a last check-in out of text, to the second and in UTC: what can be read in one way only is read, anything else has a name."""

import datetime as dt
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.grid import Ints, Mask, Texts, flags
from ingest.sources.reading import DateOrder

Faults = npt.NDArray[np.uint8]


class DateFault(Enum):
    """Why a cell gives no moment. ``OK`` and ``BLANK`` are none."""

    OK = 0
    BLANK = 1
    AMBIGUOUS = 2
    UNREADABLE = 3


@dataclass(frozen=True, eq=False)
class Moments:
    """Seconds since 1970 in UTC (0 where there is none), each cell's ``DateFault``, and whether some cell has a time without a zone."""

    seconds: Ints
    faults: Faults
    zoneless: bool

    @property
    def bad(self) -> Mask:
        return np.greater(self.faults, DateFault.BLANK.value)


#: What an agent that never checked in has in place of a date.
_NEVER: Final = frozenset({"", "never"})
_FIRST_YEAR, _LAST_YEAR = 1980, 2199
# Only what arrow's own parser reads as we do: it is asked for these alone.
_PLAIN: Final = r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?)?(?:Z| ?UTC)?$"
_CLOCK: Final = r"(?:[T,]?\s*(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?\s*([ap]\.?m\.?)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
_ISO: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _CLOCK, re.I | re.ASCII)
_NUMBERS: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})" + _CLOCK, re.I | re.ASCII)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY_NAMED: Final = re.compile(r"(\d{1,2})[\s-]" + _MONTH + r"\.?,?[\s-](\d{4})" + _CLOCK, re.I | re.ASCII)
_NAMED_DAY: Final = re.compile(_MONTH + r"\.?\s(\d{1,2}),?\s(\d{4})" + _CLOCK, re.I | re.ASCII)
_LONGEST: Final = 48
#: Days that a workbook counts from; a bare number is a date only where its cell is a number by type, from 1980 on to 2199.
_WORKBOOK_EPOCH: Final = dt.datetime(1899, 12, 30, tzinfo=dt.UTC)
_SERIALS: Final = range(29_221, 109_574)


def moments(texts: Texts, order: DateOrder, typed: Mask | None = None) -> Moments:
    """Each trimmed cell's moment. ``typed`` says which cells are numbers by type: a workbook's dates that lost their format."""
    blank = np.equal(_lengths(texts), 0)
    if blank.all():
        return Moments(np.zeros(len(texts), dtype=np.int64), np.full(len(texts), DateFault.BLANK.value, dtype=np.uint8), False)
    if (quick := _plain(texts, blank)) is not None:
        return quick
    found = texts.dictionary_encode()
    parsed = [parse_moment(text, order) for text in found.dictionary.to_pylist()]
    if typed is not None and typed.any():
        return _with_serials(texts, parsed, found, typed)
    return _spread(parsed, found.indices.to_numpy(zero_copy_only=False))


def parse_moment(text: str, order: DateOrder) -> "tuple[int, bool] | DateFault":
    """Seconds since 1970, and whether a time stands there without a zone (it is taken for UTC); or the DateFault.

    >>> parse_moment("2026-01-10 01:07:08 UTC", ""), parse_moment("03/04/2026", "").name, parse_moment("03/04/2026", "day")
    ((1768007228, False), 'AMBIGUOUS', (1775174400, False))
    """
    text = text.strip()
    if text.casefold() in _NEVER:
        return DateFault.BLANK
    if len(text) > _LONGEST:
        return DateFault.UNREADABLE
    if match := _ISO.fullmatch(text):
        year, _, month, day, *clock = match.groups()
        return _moment(int(year), int(month), int(day), clock)
    if match := _NUMBERS.fullmatch(text):
        first, _, second, year, *clock = match.groups()
        return _numbers(int(first), int(second), int(year), clock, order)
    if match := _DAY_NAMED.fullmatch(text):
        day, named, year, *clock = match.groups()
        return _moment(int(year), _MONTHS.index(named[:3].lower()) + 1, int(day), clock)
    if match := _NAMED_DAY.fullmatch(text):
        named, day, year, *clock = match.groups()
        return _moment(int(year), _MONTHS.index(named[:3].lower()) + 1, int(day), clock)
    return DateFault.UNREADABLE


def orders_proved(texts: Texts) -> set[DateOrder]:
    """Which orders of day and month some cell proves, by a number over 12 where only a day can be."""
    slashed = texts.filter(pc.match_substring_regex(texts, r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"))
    proved: set[DateOrder] = set()
    for text in pc.unique(pc.utf8_slice_codeunits(slashed, 0, 5)).to_pylist():
        first, second = (int(number) for number in re.findall(r"\d+", text)[:2])
        if first > 12 >= second:
            proved.add("day")
        if second > 12 >= first:
            proved.add("month")
    return proved


def _lengths(texts: Texts) -> Ints:
    lengths: Ints = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return lengths


def _plain(texts: Texts, blank: Mask) -> Moments | None:
    """A column of nothing but plain ISO dates, by arrow; None where some cell is anything else."""
    given = texts.filter(pa.array(~blank)) if blank.any() else texts
    if not flags(pc.match_substring_regex(given, _PLAIN)).all():
        return None
    zoned = pc.or_(pc.ends_with(given, "Z"), pc.ends_with(given, "C"))
    bare = pc.utf8_rtrim(given, characters=" UTCZ")
    try:
        read = bare.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy(zero_copy_only=False) // 1_000_000
    except pa.ArrowInvalid:  # 30 February
        return None
    if not ((read >= _start_of(_FIRST_YEAR)) & (read < _start_of(_LAST_YEAR + 1))).all():
        return None
    timed = _lengths(bare) > len("2026-01-10")
    seconds = np.zeros(len(texts), dtype=np.int64)
    seconds[~blank] = read
    faults = np.where(blank, DateFault.BLANK.value, DateFault.OK.value).astype(np.uint8)
    return Moments(seconds, faults, bool((timed & ~flags(zoned)).any()))


def _start_of(year: int) -> int:
    return int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp())


def _spread(parsed: "list[tuple[int, bool] | DateFault]", places: Ints) -> Moments:
    """Each distinct text's moment to all cells that have it."""
    seconds = np.asarray([0 if isinstance(one, DateFault) else one[0] for one in parsed], dtype=np.int64)
    faults = np.asarray([one.value if isinstance(one, DateFault) else 0 for one in parsed], dtype=np.uint8)
    return Moments(seconds[places], faults[places], any(one[1] for one in parsed if not isinstance(one, DateFault)))


def _with_serials(texts: Texts, parsed: "list[tuple[int, bool] | DateFault]", found: pa.DictionaryArray, typed: Mask) -> Moments:
    read = _spread(parsed, found.indices.to_numpy(zero_copy_only=False))
    for row in np.flatnonzero(typed).tolist():
        days = float(texts[row].as_py())
        if int(days) in _SERIALS:
            read.seconds[row] = round((_WORKBOOK_EPOCH + dt.timedelta(days=days)).timestamp())
            read.faults[row] = DateFault.OK.value
    return read


def _numbers(first: int, second: int, year: int, clock: list[str | None], order: DateOrder) -> "tuple[int, bool] | DateFault":
    """Day and month by their order; without one only where they are the same number, or one of them can be no month."""
    as_dmy, as_mdy = _moment(year, second, first, clock), _moment(year, first, second, clock)
    if order == "day":
        return as_dmy
    if order == "month":
        return as_mdy
    if isinstance(as_dmy, DateFault) or isinstance(as_mdy, DateFault):
        return as_mdy if isinstance(as_dmy, DateFault) else as_dmy
    return as_dmy if as_dmy == as_mdy else DateFault.AMBIGUOUS


def _moment(year: int, month: int, day: int, clock: list[str | None]) -> "tuple[int, bool] | DateFault":
    hour, minute, second, half, zone = clock
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return DateFault.UNREADABLE
        hours = hours % 12 + (12 if half[0] in "pP" else 0)
    try:
        at = dt.datetime(year, month, day, hours, int(minute or 0), int(second or 0), tzinfo=_zone(zone))
    except ValueError:
        return DateFault.UNREADABLE
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return DateFault.UNREADABLE
    return int(at.timestamp()), hour is not None and zone is None


def _zone(text: str | None) -> dt.tzinfo:
    """Raises ValueError for an offset of a day or more."""
    if not text or text[0] not in "+-":
        return dt.UTC
    offset = dt.timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return dt.timezone(-offset if text[0] == "-" else offset)
