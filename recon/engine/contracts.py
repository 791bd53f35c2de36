"""A contract's minimum against what was billed: the shortfall, the run-rate to the renewal, and what they come to in money.

Units are whole, money is whole micros. Rests on ``domain/huntress.md`` §1.3 (a contract's minimum floors the bill; the gap belongs to no
customer) and §4 (annual is paid up front, monthly in arrears).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final, Literal

from accounts.calendar import Cycle, next_cycle

#: Fewer known cycles than this make no run-rate, and no "steadily".
LEAST_CYCLES: Final = 3
#: A renewal further away than this is not drawn to its end.
MOST_AHEAD: Final = 60
Standing = Literal["unknown", "over", "under", "rising", "falling", "near"]


def shortfall(minimum: int, actual: int, non_billable: int = 0) -> int:
    """The units that are charged and that nobody has: what the minimum adds to the bill.

    >>> shortfall(400, 300), shortfall(400, 410), shortfall(400, 410, non_billable=20)
    (100, 0, 10)
    """
    return max(0, minimum - _countable(actual, non_billable))


def billable(minimum: int, actual: int, non_billable: int = 0) -> int:
    """The units that are charged: ``Σ actual + minimum shortfall − non-billable``, whatever the figures.

    >>> billable(400, 300), billable(400, 410, non_billable=20)
    (400, 400)
    """
    return max(minimum, _countable(actual, non_billable))


def over(minimum: int, actual: int, non_billable: int = 0) -> int:
    """The units above the minimum.

    >>> over(400, 410), over(400, 300)
    (10, 0)
    """
    return max(0, _countable(actual, non_billable) - minimum)


def _countable(actual: int, non_billable: int) -> int:
    if not 0 <= non_billable <= actual:
        raise ValueError(f"From 0 up to {actual} units can be non-billable, not {non_billable}.")
    return actual - non_billable


@dataclass(frozen=True, slots=True)
class Step:
    """From ``starts`` on, another minimum; and another cost, unless that is null."""

    starts: date
    minimum: int
    unit_cost: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed for a product from ``start`` up to, not including, ``renewal``. ``unit_cost``: micros for one unit and cycle."""

    start: date
    renewal: date
    minimum: int
    unit_cost: int | None = None
    is_annual: bool = False
    auto_renew: bool | None = None
    steps: tuple[Step, ...] = ()

    def holds_on(self, day: date) -> bool:
        """One that renews by itself goes on after its renewal date, until another takes its place."""
        return self.start <= day and (day < self.renewal or self.auto_renew is True)

    def minimum_on(self, day: date) -> int:
        steps = [step.minimum for step in sorted(self.steps, key=lambda one: one.starts) if step.starts <= day]
        return steps[-1] if steps else self.minimum

    def cost_on(self, day: date) -> int | None:
        """A step that states no cost leaves the one before it."""
        known = [step.unit_cost for step in sorted(self.steps, key=lambda one: one.starts) if step.starts <= day]
        return next((cost for cost in reversed(known) if cost is not None), self.unit_cost)


# --- the run-rate -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunRate:
    """A straight line through counts at the places 0, 1, 2 …, in exact fractions."""

    start: Fraction
    per_cycle: Fraction

    def units(self, place: int) -> int:
        """Whole units, half a unit up, never below zero."""
        return max(0, (self.start + self.per_cycle * place + Fraction(1, 2)).__floor__())


def run_rate(counts: Sequence[int | None]) -> RunRate | None:
    """The line of least squares through the known counts, one a cycle, oldest first; a gap is left out. None for fewer than three.

    >>> run_rate([10, 12, None, 16]).units(4)
    18
    """
    known = [(place, count) for place, count in enumerate(counts) if count is not None]
    if len(known) < LEAST_CYCLES:
        return None
    places, units = sum(p for p, _ in known), sum(c for _, c in known)
    size, squares = len(known), sum(p * p for p, _ in known)
    per_cycle = Fraction(size * sum(p * c for p, c in known) - places * units, size * squares - places * places)
    return RunRate((Fraction(units) - per_cycle * places) / size, per_cycle)


# --- a contract over its cycles ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """One cycle under a contract. ``actual`` null: no complete report. ``minimum`` null: the contract does not hold in it."""

    cycle: Cycle
    actual: int | None
    minimum: int | None
    unit_cost: int | None
    is_ahead: bool = False

    @property
    def shortfall(self) -> int | None:
        return None if self.actual is None or self.minimum is None else shortfall(self.minimum, self.actual)

    @property
    def over(self) -> int | None:
        return None if self.actual is None or self.minimum is None else over(self.minimum, self.actual)

    @property
    def difference(self) -> int | None:
        """Actual less the minimum."""
        return None if self.actual is None or self.minimum is None else self.actual - self.minimum

    @property
    def shortfall_money(self) -> int | None:
        return _times(self.shortfall, self.unit_cost)

    @property
    def over_money(self) -> int | None:
        return _times(self.over, self.unit_cost)


def _times(units: int | None, cost: int | None) -> int | None:
    """No units cost nothing, whatever one costs."""
    if units == 0:
        return 0
    return None if units is None or cost is None else units * cost


@dataclass(frozen=True, slots=True)
class Sum:
    """Units and money of some cycles. ``money`` is null where a unit has no cost; ``gaps`` are the cycles that nothing is known of."""

    units: int
    money: int | None
    gaps: int


@dataclass(frozen=True)
class Outlook:
    """A contract in the cycles behind and ahead of it, oldest first."""

    terms: Terms
    past: tuple[Slot, ...]
    ahead: tuple[Slot, ...]
    rate: RunRate | None

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.past + self.ahead

    @property
    def newest(self) -> Slot | None:
        """The last cycle with a complete report."""
        return next((slot for slot in reversed(self.past) if slot.actual is not None), None)

    @property
    def lately(self) -> tuple[Slot, ...]:
        """The newest cycles in a row that are known and under this contract; those still without a report do not break the row."""
        known: list[Slot] = []
        for slot in reversed(self.past):
            if slot.difference is not None:
                known.append(slot)
            elif known:
                break
        return tuple(reversed(known))

    @property
    def steadily(self) -> int:
        """For how many of the newest cycles in a row it has been over its minimum (below zero: under it); 0 for fewer than three."""
        for sign in (1, -1):
            row = 0
            for slot in reversed(self.lately):
                if (slot.difference or 0) * sign <= 0:
                    break
                row += 1
            if row >= LEAST_CYCLES:
                return sign * row
        return 0

    @property
    def crossing(self) -> Slot | None:
        """The first cycle ahead on the other side of the minimum than the newest one."""
        newest = self.newest
        if newest is None or newest.difference is None:
            return None
        is_over = newest.difference > 0
        return next((slot for slot in self.ahead if slot.difference is not None and _changes_side(slot.difference, is_over)), None)

    @property
    def standing(self) -> Standing:
        """Where it is going before where it is: a contract on its way is what there is still time for."""
        if len(self.lately) < LEAST_CYCLES:
            return "unknown"
        if self.crossing:
            return "rising" if (self.crossing.difference or 0) > 0 else "falling"
        if self.steadily:
            return "over" if self.steadily > 0 else "under"
        return "near"

    def short_of(self, slots: Iterable[Slot]) -> Sum:
        under = [slot for slot in slots if slot.minimum is not None]
        return _sum([(slot.shortfall, slot.shortfall_money) for slot in under])

    def beyond(self, slots: Iterable[Slot]) -> Sum:
        under = [slot for slot in slots if slot.minimum is not None]
        return _sum([(slot.over, slot.over_money) for slot in under])


def _changes_side(difference: int, is_over: bool) -> bool:
    return difference < 0 if is_over else difference > 0


def _sum(figures: Sequence[tuple[int | None, int | None]]) -> Sum:
    known = [(units, money) for units, money in figures if units is not None]
    money = [one for _, one in known if one is not None]
    return Sum(sum(units for units, _ in known), sum(money) if len(money) == len(known) else None, len(figures) - len(known))


def outlook(terms: Terms, billed: Sequence[tuple[Cycle, int | None]], anniversary_day: int, until: date | None = None) -> Outlook:
    """Lay a contract over the cycles that were billed, oldest first and without a hole, and draw its run-rate to the renewal.

    ``until``: the day on which another contract takes its place, if one does.
    """
    rate = run_rate([units for _, units in billed])
    past = tuple(slot_of(terms, cycle, units, until) for cycle, units in billed)
    ahead: list[Slot] = []
    cycle = billed[-1][0] if billed else None
    while rate and cycle and len(ahead) < MOST_AHEAD:
        cycle = next_cycle(cycle, anniversary_day)
        if cycle.last_day >= min(terms.renewal, until or terms.renewal):
            break
        ahead.append(slot_of(terms, cycle, rate.units(len(billed) + len(ahead)), until, is_ahead=True))
    return Outlook(terms, past, tuple(ahead), rate)


def slot_of(terms: Terms, cycle: Cycle, units: int | None, until: date | None, *, is_ahead: bool = False) -> Slot:
    """Counts are billed as they stand on a cycle's last day, so that is the day whose minimum holds."""
    day = cycle.last_day
    holds = terms.holds_on(day) and (until is None or day < until)
    minimum = terms.minimum_on(day) if holds else None
    return Slot(cycle, units, minimum, terms.cost_on(day) if holds else None, is_ahead)
