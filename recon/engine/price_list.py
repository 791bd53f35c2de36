"""Prices that no line states: out of the price list in force, by product and quantity, an Organization's own before everyone's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from accounts.products import CODES
from recon.engine.money import Prices
from recon.engine.tables import ANY_ORGANIZATION

_WIDTH: Final = len(CODES)
_COLUMNS: Final = ("side", "organization", "product", "from_quantity", "unit_price")
_Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class PriceList:
    """``lines``: side (cost, sell), organization (int, ANY_ORGANIZATION for everyone), product (code), from_quantity (int), unit_price
    (int micros)."""

    lines: pd.DataFrame

    @classmethod
    def none(cls) -> PriceList:
        return cls(pd.DataFrame({name: [] for name in _COLUMNS}))

    def of(self, side: str, cells: _Ints, quantities: _Ints, pooled: _Ints) -> Prices:
        """The price of each cell (Organization × products + product).

        An Organization's own price is by its own quantity; everyone's is by ``pooled``, which is that quantity again where customers
        pay, and the account's sum of the product where Huntress charges: it adds one account's Organizations together in a tier.
        """
        lines = self.lines[self.lines["side"] == side]
        if not len(lines):
            return Prices.none(len(cells))
        place = lines["organization"].astype("int64") * _WIDTH + lines["product"].map(CODES.index).astype("int64")
        own = lines["organization"] != ANY_ORGANIZATION
        general = _by_tier(place[~own] + _WIDTH, lines[~own], cells % _WIDTH, pooled)
        return _by_tier(place[own], lines[own], cells, quantities).else_(general)


def _by_tier(place: pd.Series[int], lines: pd.DataFrame, cells: _Ints, quantities: _Ints) -> Prices:
    """The price of the highest tier that a quantity reaches. Two prices for one tier are none."""
    if not len(lines):
        return Prices.none(len(cells))
    tiers = pd.DataFrame(
        {
            "cell": place.to_numpy(np.int64),
            "tier": lines["from_quantity"].to_numpy(np.int64),
            "micros": lines["unit_price"].to_numpy(np.int64),
        }
    )
    bounds = tiers.groupby(["cell", "tier"])["micros"].agg(["min", "max"]).reset_index().sort_values("tier", kind="stable")
    asked = pd.DataFrame({"cell": cells, "tier": quantities, "row": np.arange(len(cells))}).sort_values("tier", kind="stable")
    found = pd.merge_asof(asked, bounds, on="tier", by="cell").sort_values("row")
    stated = found["min"].notna().to_numpy(dtype=bool)
    lowest, highest = (found[name].fillna(0).to_numpy(np.int64) for name in ("min", "max"))
    return Prices(highest, stated & (lowest == highest), stated)
