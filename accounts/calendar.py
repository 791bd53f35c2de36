"""Billing cycles: half-open ranges of days that begin on the account's anniversary day (Huntress bills anniversary cycles)."""

from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Cycle:
    """The days from ``start`` up to, not including, ``end``, in the account's own time zone."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a cycle ends after it starts: {self.start}:{self.end}")

    @property
    def last_day(self) -> date:
        """The day whose counts are billed, and the last one on which a sweep can help."""
        return self.end - timedelta(days=1)


def parse_cycle(text: str) -> Cycle:
    """Read ``2026-10-14:2026-11-14``. Raises ValueError, saying what would be right."""
    try:
        start, end = (date.fromisoformat(part.strip()) for part in text.split(":"))
    except ValueError:
        raise ValueError(f"{text!r} is not a cycle: write two dates, as in 2026-10-14:2026-11-14") from None
    return Cycle(start, end)


def _anniversary(year: int, month: int, day: int) -> date:
    """The anniversary in one month; days 29 to 31 are clamped to the month's last day."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(day, monthrange(year, month)[1]))


def cycle_containing(moment: date, anniversary_day: int) -> Cycle:
    """The cycle in which a day falls, for an account billed from ``anniversary_day`` (1 to 31)."""
    start = _anniversary(moment.year, moment.month, anniversary_day)
    if start > moment:
        start = _anniversary(moment.year, moment.month - 1, anniversary_day)
    return Cycle(start, _anniversary(start.year, start.month + 1, anniversary_day))


def day_of_cycles(starts: Collection[date]) -> int | None:
    """The anniversary day on which all of these cycles begin, or None where no single day explains them (or nothing is known).

    >>> day_of_cycles([date(2027, 1, 31), date(2027, 2, 28)]), day_of_cycles([date(2027, 1, 10), date(2027, 2, 14)])
    (31, None)
    """
    day = max((start.day for start in starts), default=None)
    return day if day and all(cycle_containing(start, day).start == start for start in starts) else None


def next_cycle(cycle: Cycle, anniversary_day: int) -> Cycle:
    """The cycle that begins where this one ends."""
    return cycle_containing(cycle.end, anniversary_day)


def previous_cycle(cycle: Cycle, anniversary_day: int) -> Cycle:
    """The cycle that ends where this one begins."""
    return cycle_containing(cycle.start - timedelta(days=1), anniversary_day)
