"""How far a month is explained, read off its board."""

from __future__ import annotations

from dataclasses import dataclass

from recon.board import Figured, Figures
from recon.checks import CHECKS
from recon.models import Severity


@dataclass(frozen=True, slots=True)
class Left:
    """What no item takes of one check above tolerance: units and, of those with a price, the money in micros, whatever their sign."""

    units: int
    priced: int
    money: int

    @property
    def unpriced(self) -> int:
        return self.units - self.priced


@dataclass(frozen=True)
class Progress:
    """``explained`` holds Σ accepted items by product and check, of rows whose check ran; ``within`` the same of rows within tolerance.

    ``flagged`` and ``unexplained`` are units of the checks above tolerance, whatever their sign; ``to_do`` counts by check the rows
    above tolerance of which something is left, and ``left`` is how much that is.
    """

    explained: dict[str, dict[str, int]]
    within: dict[str, dict[str, int]]
    flagged: int
    unexplained: int
    to_do: dict[str, int]
    left: dict[str, Left]

    def explained_of(self, check: str) -> int:
        return sum(of[check] for of in self.explained.values())

    def within_of(self, check: str) -> int:
        return sum(of[check] for of in self.within.values())

    @property
    def percent(self) -> int:
        """How much of the flagged units is explained, rounded down: 100 means all."""
        return 100 * max(self.flagged - self.unexplained, 0) // self.flagged if self.flagged else 100


def progress_of(board: Figured) -> Progress:
    by_product = {product: board.of(product=product) for product in board.products}
    within = {product: board.of(product=product, severity=Severity.WITHIN) for product in board.products}
    month = board.of()
    return Progress(
        explained={product: {check: _explained(found, check) for check in CHECKS} for product, found in by_product.items()},
        within={product: {check: _explained(found, check) for check in CHECKS} for product, found in within.items()},
        flagged=sum(month[f"{check}_flagged"] for check in CHECKS),
        unexplained=sum(month[f"{check}_unexplained"] for check in CHECKS),
        to_do={check: month[f"{check}_to_do"] for check in CHECKS},
        left={check: Left(month[f"{check}_unexplained"], month[f"{check}_priced_left"], month[f"{check}_money_left"]) for check in CHECKS},
    )


def _explained(found: Figures, check: str) -> int:
    """What items take of the differences that there are: a row without one has nothing left, either."""
    return found[f"sum_{check}_difference"] - found[f"sum_{check}_left"]
