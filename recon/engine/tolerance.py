"""When a difference is worth investigating, and when it escalates.

Above a level when |difference| > max(units, percent × |other leg| / 100). The defaults are an MSP's own choice, not Huntress's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

import numpy as np

from accounts.products import CODES

Level = Literal["investigate", "escalate"]
Scope = Literal["everywhere", "account", "product", "organization", "organization_product"]
LEVELS: Final[tuple[Level, ...]] = ("investigate", "escalate")
#: From the widest to the most specific; the most specific one that states a level wins it whole, percent and units together.
SCOPES: Final[tuple[Scope, ...]] = ("everywhere", "account", "product", "organization", "organization_product")
#: Percents and units are held exactly, in ten-thousandths.
SCALE: Final = 10_000
#: The place of what nobody stated: wider than any scope.
_DEFAULT: Final = -1
MAX_PERCENT: Final = 10_000
MAX_UNITS: Final = 1_000_000_000
_Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
_Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """One level of one scope. ``organization`` is the engine's number where the scope names one.

    ``floor`` is in micros: a check whose priced difference is smaller is at most *within*. It goes with the *investigate* level.
    """

    level: Level
    percent: Decimal
    units: Decimal
    scope: Scope = "everywhere"
    organization: int | None = None
    product: str | None = None
    floor: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= MAX_PERCENT:
            raise ValueError(f"percent is from 0 to {MAX_PERCENT}, not {self.percent}")
        if not 0 <= self.units <= MAX_UNITS:
            raise ValueError(f"units are from 0 to {MAX_UNITS}, not {self.units}")
        if self.percent * SCALE % 1 or self.units * SCALE % 1:
            raise ValueError("percent and units have at most four decimals")


DEFAULTS: Final[tuple[Tolerance, ...]] = (
    Tolerance("investigate", Decimal(5), Decimal(0)),
    Tolerance("escalate", Decimal(10), Decimal(1)),
)


@dataclass(frozen=True)
class Thresholds:
    """Both levels for each cell (organization × product), ready to judge differences with."""

    percent: dict[Level, _Ints]
    units: dict[Level, _Ints]
    rank: dict[Level, _Ints]
    floor: _Ints

    def take(self, cells: _Ints) -> Thresholds:
        """The thresholds of some cells only."""
        percent, units, rank = ({level: of[level][cells] for level in LEVELS} for of in (self.percent, self.units, self.rank))
        return Thresholds(percent, units, rank, self.floor[cells])

    def above(self, level: Level, difference: _Ints, other: _Ints) -> _Bools:
        """Whether each |difference| is greater than its allowance, exactly, in whole numbers."""
        size, other, percent = np.abs(difference), np.abs(other), self.percent[level]
        factors = (int(size.max(initial=0)), 100 * SCALE), (int(other.max(initial=0)), int(percent.max(initial=0)))
        if max(a * b for a, b in factors) >= 2**63:  # more than 64 bits hold: Python's own numbers do
            size, other, percent = (numbers.astype(object) for numbers in (size, other, percent))
        by_percent = (size * (100 * SCALE) > percent * other).astype(np.bool_)
        by_units = (size * SCALE > self.units[level]).astype(np.bool_)
        return by_percent & by_units

    def escalates(self, difference: _Ints, other: _Ints) -> _Bools:
        """Above *escalate*; one inherited from a wider scope never stands below the *investigate* of a narrower one."""
        inherited = self.rank["escalate"] < self.rank["investigate"]
        return self.above("escalate", difference, other) & (~inherited | self.above("investigate", difference, other))


def thresholds(tolerances: Sequence[Tolerance], organizations: int) -> Thresholds:
    """Lay tolerances over the cells, from the widest scope to the most specific."""
    width = len(CODES)
    percent = {level: np.zeros(organizations * width, dtype=np.int64) for level in LEVELS}
    units = {level: np.zeros(organizations * width, dtype=np.int64) for level in LEVELS}
    rank = {level: np.zeros(organizations * width, dtype=np.int64) for level in LEVELS}
    floor = np.zeros(organizations * width, dtype=np.int64)
    stated = sorted(((SCOPES.index(t.scope), t) for t in tolerances), key=lambda pair: pair[0])
    for place, tolerance in [*((_DEFAULT, t) for t in DEFAULTS), *stated]:
        cells = _cells(tolerance, width)
        percent[tolerance.level][cells] = int(tolerance.percent * SCALE)
        units[tolerance.level][cells] = int(tolerance.units * SCALE)
        rank[tolerance.level][cells] = place
        if tolerance.level == "investigate":
            floor[cells] = tolerance.floor
    return Thresholds(percent, units, rank, floor)


def _cells(tolerance: Tolerance, width: int) -> slice:
    match tolerance.scope, tolerance.organization, tolerance.product:
        case "everywhere" | "account", None, None:
            return slice(None)
        case "product", None, str(product):
            return slice(CODES.index(product), None, width)
        case "organization", int(organization), None:
            return slice(organization * width, (organization + 1) * width)
        case "organization_product", int(organization), str(product):
            cell = organization * width + CODES.index(product)
            return slice(cell, cell + 1)
    raise ValueError(f"a tolerance of scope {tolerance.scope} names what that scope needs, and nothing else")
