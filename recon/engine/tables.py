"""What the engine is given: one table a leg. Organizations are numbers 0 to n − 1; who they are is the caller's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import pandas as pd

LegName = Literal["billed", "expected", "rebilled", "microsoft", "previous"]
LEGS: Final[tuple[LegName, ...]] = ("billed", "expected", "rebilled", "microsoft", "previous")
#: The legs that are lists of an account's own, and those of them that the bill is compared with.
LISTS: Final[tuple[LegName, ...]] = ("billed", "expected", "rebilled", "previous")
LIST_CHECKS: Final[tuple[LegName, ...]] = ("expected", "rebilled")
CHECKS: Final[tuple[LegName, ...]] = (*LIST_CHECKS, "microsoft")
#: What tenants are counted for: identities, and ITDR is billed by them. Of other products the check is not asked.
COUNTED_BY_MICROSOFT: Final = "itdr"
#: A rejected row's Organization when it could not be read: every Organization of its product is unchecked.
ANY_ORGANIZATION: Final = -1
#: A rejected row's product when it is unknown: every product of its Organization is unchecked.
ANY_PRODUCT: Final = ""


@dataclass(frozen=True)
class LegTable:
    """One list. ``lines``: organization (int), product (code), quantity (int), unit_price (Int64 micros, <NA> unknown).

    ``rejected``: organization (int, ANY_ORGANIZATION), product (code, ANY_PRODUCT): what a rejected row leaves unchecked.
    ``partial``: the list does not claim to be complete, so what it does not name is unknown rather than zero. What tenants were counted
    is always so: an Organization without one is unknown.
    """

    lines: pd.DataFrame
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"organization": [], "product": []}))
    partial: bool = False

    @property
    def is_provided(self) -> bool:
        """A list without one readable quantity was not provided: comparing with nothing must never look like comparing."""
        return len(self.lines) > 0


Legs = Mapping[LegName, LegTable]
