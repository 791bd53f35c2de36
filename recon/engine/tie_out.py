"""An invoice of Huntress's against the cycle that it closes, and what its bare amount counts. Pure.

Rests on ``domain/huntress.md`` §1.4 (in arrears, counted on a cycle's last day; whether the day after belongs to it is not known) and §3
(whether ``amount`` is in cents or in whole units of the currency is not known).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from accounts.calendar import Cycle, cycle_containing, previous_cycle

Unit = Literal["", "whole", "cents"]
MICROS: Final = 1_000_000
#: Micros of one of what an amount counts.
WORTH: Final[dict[str, int]] = {"whole": MICROS, "cents": MICROS // 100}
#: As the database reads it, too (``recon.services.amounts``): at most ten digits, so that it fits whatever it counts.
PLAIN: Final = r"^-?[0-9]{1,10}(\.[0-9]{1,4})?$"
_PLAIN: Final = re.compile(PLAIN)
#: A price is as unlike itself as this, times or divided, before it is taken for another one.
_ALIKE: Final = 5


def cycle_closed_on(day: date, anniversary_day: int) -> Cycle:
    """The cycle that an invoice of this day is for: the newest that has ended, or ends on the day after.

    An invoice is in arrears. One that is made on the last day of a cycle, whose counts are billed, is already for that cycle.

    >>> cycle_closed_on(date(2026, 11, 14), 14) == cycle_closed_on(date(2026, 11, 13), 14) == Cycle(date(2026, 10, 14), date(2026, 11, 14))
    True
    >>> cycle_closed_on(date(2026, 11, 12), 14)
    Cycle(start=datetime.date(2026, 9, 14), end=datetime.date(2026, 10, 14))
    """
    return previous_cycle(cycle_containing(day + timedelta(days=1), anniversary_day), anniversary_day)


def micros_of(stated: str, unit: str) -> int | None:
    """An amount as it came, in micros; None where nobody has said what it counts, or where it is no plain number.

    >>> micros_of("4506.60", "whole"), micros_of("450660", "cents"), micros_of("4506", "")
    (4506600000, 4506600000, None)
    """
    if unit not in WORTH or not _PLAIN.match(stated):
        return None
    return int(Decimal(stated) * WORTH[unit])


@dataclass(frozen=True, slots=True)
class Known:
    """What a unit costs by somebody else's word: from ``low`` to ``high`` micros. ``whose``: "the report", "the contract"."""

    whose: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Readings:
    """What a unit would cost under either reading of an invoice's amount, in micros, and which of them fits what is known."""

    whole: int
    cents: int
    fits: Unit


def readings(stated: str, quantity: int | None, known: Known | None) -> Readings | None:
    """None for an invoice of no units, or whose amount is no plain number, or nothing. Fits: within five times of what is known.

    >>> readings("303", 101, Known("the report", 3_100_000, 3_100_000))
    Readings(whole=3000000, cents=30000, fits='whole')
    """
    whole, cents = micros_of(stated, "whole"), micros_of(stated, "cents")
    if not quantity or quantity < 0 or not whole or not cents or whole < 0:
        return None
    by_reading: dict[Unit, int] = {"whole": whole // quantity, "cents": cents // quantity}
    fitting = [unit for unit, cost in by_reading.items() if known and _is_like(cost, known)]
    return Readings(by_reading["whole"], by_reading["cents"], fitting[0] if len(fitting) == 1 else "")


def _is_like(cost: int, known: Known) -> bool:
    return known.low <= cost * _ALIKE and cost <= known.high * _ALIKE


def is_rounding(money: int, lines: int) -> bool:
    """Whether so little money (micros) can come of rounding: less than a cent a line.

    >>> is_rounding(-30_000, 4), is_rounding(40_000, 4)
    (True, False)
    """
    return 0 < abs(money) < lines * MICROS // 100
