"""Two alarms over one customer's cycles: a count that will not go down, and identities that creep up with nothing behind them.

Counts are one a cycle, oldest first; None where no complete list was given: that is a gap, and ends a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Counts = Sequence[int | None]

#: How many cycles in a row make a run, with something to hold it against and without.
SHORT_RUN: Final = 3
LONG_RUN: Final = 6
#: What is too small to be told: fewer units, and less than a twentieth.
LEAST_UNITS: Final = 3
LEAST_PART: Final = 20


@dataclass(frozen=True, slots=True)
class Alarm:
    """``units`` too many by ``cycles`` cycles in a row; ``first`` and ``last`` are the counts at both ends of them.

    ``expected`` and ``agents`` are both ends of what it was held against, null where that is not known.
    """

    units: int
    cycles: int
    first: int
    last: int
    expected: tuple[int, int] | None = None
    agents: tuple[int, int] | None = None


def will_not_go_down(billed: Counts, expected: Counts) -> Alarm | None:
    """Billed above what was expected in three cycles or more and never down in them; or, with nothing expected, up through six or more."""
    above = _run(billed, [_is_above(b, e) for b, e in zip(billed, expected, strict=True)])
    if above >= SHORT_RUN:
        first, last = _ends(billed, above)
        was, now = _ends(expected, above)
        return Alarm(last - now, above, first, last, expected=(was, now)) if _is_much(last - now, now) else None
    rising = _run(billed, [e is None for e in expected])
    if rising < LONG_RUN:
        return None
    first, last = _ends(billed, rising)
    return Alarm(last - first, rising, first, last) if _is_much(last - first, first) else None


def creeps(identities: Counts, agents: Counts, expected: Counts) -> Alarm | None:
    """Identities up through three cycles or more, never down, and neither agents nor what was expected grew by half as many.

    With neither known at both ends of the run, six cycles make it worth a look.
    """
    run = _run(identities, [bool(count) for count in identities])  # from nothing to something is a start, and no creeping
    if run < SHORT_RUN:
        return None
    first, last = _ends(identities, run)
    grown = last - first
    behind = [_known_ends(agents, run), _known_ends(expected, run)]
    if not _is_much(grown, first) or any(ends and 2 * (ends[1] - ends[0]) >= grown for ends in behind):
        return None
    if not any(behind) and run < LONG_RUN:
        return None
    return Alarm(grown, run, first, last, expected=behind[1], agents=behind[0])


def _is_above(billed: int | None, expected: int | None) -> bool:
    return billed is not None and expected is not None and billed > expected


def _is_much(units: int, of: int) -> bool:
    return units >= LEAST_UNITS and units * LEAST_PART >= of


def _run(counts: Counts, holds: Sequence[bool]) -> int:
    """How many of the newest cycles in a row are known, hold, and are not below the one before."""
    length = 0
    for place in range(len(counts) - 1, -1, -1):
        count = counts[place]
        if count is None or not holds[place]:
            break
        following = counts[place + 1] if length else count
        if following is not None and following < count:
            break
        length += 1
    return length


def _ends(counts: Counts, run: int) -> tuple[int, int]:
    known = [count for count in counts[-run:] if count is not None]
    return known[0], known[-1]


def _known_ends(counts: Counts, run: int) -> tuple[int, int] | None:
    return None if counts[-run] is None or counts[-1] is None else _ends(counts, run)
