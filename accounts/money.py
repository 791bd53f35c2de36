"""Money as whole micros (millionths of a currency's unit), and the one rule by which it becomes cents."""

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import pandas as pd

MICROS_PER_CENT: Final = 10_000
Whole = TypeVar("Whole", int, "pd.Series[int]")


def round_to_cents(micros: Whole) -> Whole:
    """Micros as whole cents, half a cent away from zero (half up on the magnitude, as a spreadsheet's ROUND does).

    >>> round_to_cents(15_000), round_to_cents(-15_000), round_to_cents(14_999)
    (2, -2, 1)
    """
    return (micros + MICROS_PER_CENT // 2 - (micros < 0)) // MICROS_PER_CENT
