"""How long to wait, and for whom: pauses that a person can end, and what the other side asks for before what we would choose."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_SLICE: Final = 0.25
#: Added to a pause that was asked for, never taken off it, so that many who wait do not come back at once.
_SPREAD: Final = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a call is tried: tries, seconds in all, the first pause, and the longest that we choose ourselves.

    Where nobody says how long to wait, the pauses together are longer than the minute that a 429 is about.
    """

    tries: int = 6
    total: float = 900.0
    first: float = 4.0
    longest: float = 60.0

    def pause_after(self, number: int, asked: float | None) -> float:
        """What the other side asks for and a little more; else twice as long each time, and by chance up to half less."""
        if asked is not None:
            return asked * (1 + random.uniform(0, _SPREAD))  # noqa: S311 (no secret hangs on it)
        longest = min(self.longest, self.first * 2.0 ** (number - 1))
        return longest * random.uniform(0.5, 1)  # noqa: S311


def pause(seconds: float, while_waiting: Callable[[], None]) -> None:
    """Sleep, looking up several times a second. What ``while_waiting`` raises ends it."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE))
        while_waiting()


def retry_after(text: str | None) -> float | None:
    """Seconds, or a date, as HTTP has both; None where it says nothing that can be read.

    >>> retry_after("7"), retry_after("Thu, 01 Jan 2026 00:00:00 GMT"), retry_after("soon")
    (7.0, 0.0, None)
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
