"""Money: whole micros (millionths of the currency's unit), exact, never a float."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
_Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Prices:
    """A unit price a row, in micros, where one is known. ``stated`` also where lines state several, so that none is."""

    micros: _Ints
    known: _Bools
    stated: _Bools

    @classmethod
    def none(cls, rows: int) -> Prices:
        return cls(np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool))

    def take(self, rows: _Ints) -> Prices:
        return Prices(self.micros[rows], self.known[rows], self.stated[rows])

    def else_(self, other: Prices) -> Prices:
        """This price, else the other one. Where this list states several, the other one is no answer."""
        known = np.where(self.stated, self.known, other.known)
        return Prices(np.where(self.stated, self.micros, other.micros), known, self.stated | other.stated)

    def nullable(self) -> pd.arrays.IntegerArray:
        return pd.arrays.IntegerArray(np.where(self.known, self.micros, 0), ~self.known)


def price_of(cells: _Ints, prices: _Ints, size: int) -> Prices:
    """The one price of each cell. Where lines of one cell state different prices there is none: nobody can say which counts."""
    lowest = np.full(size, np.iinfo(np.int64).max)
    highest = np.full(size, -1, dtype=np.int64)
    np.minimum.at(lowest, cells, prices)
    np.maximum.at(highest, cells, prices)
    stated = highest >= 0
    return Prices(np.maximum(highest, 0), stated & (lowest == highest), stated)


def times(units: pd.arrays.IntegerArray, prices: Prices) -> pd.arrays.IntegerArray | pd.Series:
    """Units × price in micros, <NA> where either is unknown. Whole Python numbers where 64 bits would not hold them."""
    unknown = np.asarray(units.isna()) | ~prices.known
    amounts = np.where(unknown, 0, units.to_numpy(np.int64, na_value=0))
    micros = np.where(unknown, 0, prices.micros)
    largest = int(np.abs(amounts).max(initial=0)) * int(np.abs(micros).max(initial=0))
    if largest < 2**63:
        return pd.arrays.IntegerArray(amounts * micros, unknown)
    exact = [None if blank else int(a) * int(m) for a, m, blank in zip(amounts, micros, unknown, strict=True)]
    return pd.Series(exact, dtype=object)
