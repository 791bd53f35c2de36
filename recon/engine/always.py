"""What is looked at whatever the percentage, when earlier cycles are known: what came, what went, and what is suddenly unknown."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

#: Flags of rows that are always at least *investigate* (the classes of the close controls; docs/domain.md).
ALWAYS: Final = ("new_organization", "missing_organization", "zero_to_some", "some_to_zero", "leg_went_missing", "charged_anyway")
_Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]


def always_flagged(rows: pd.DataFrame, *, lost_legs: bool = False) -> pd.DataFrame:
    """One bool column a flag of ALWAYS, for the rows of ``reconcile``.

    ``lost_legs``: a list that the cycle before had is not there. Where nothing is known of the cycle before, nothing else is flagged,
    but for somebody who is charged for what nobody should be rebilled for.
    """
    known = (rows["billed"].notna() & rows["previous"].notna()).to_numpy(dtype=bool)
    billed = rows["billed"].fillna(0).to_numpy(np.int64)
    previous = rows["previous"].fillna(0).to_numpy(np.int64)
    by_organization = pd.DataFrame({"organization": rows["organization"], "billed": billed, "previous": previous})
    sums = by_organization.groupby("organization")[["billed", "previous"]].transform("sum")
    is_new: _Bools = known & (billed > 0) & (sums["previous"] == 0).to_numpy()
    is_gone: _Bools = known & (previous > 0) & (sums["billed"] == 0).to_numpy()
    return pd.DataFrame(
        {
            "new_organization": is_new,
            "missing_organization": is_gone,
            "zero_to_some": known & (previous == 0) & (billed > 0) & ~is_new,
            "some_to_zero": known & (previous > 0) & (billed == 0) & ~is_gone,
            "leg_went_missing": np.full(len(rows), lost_legs),
            "charged_anyway": (rows["nobody_rebilled"] & (rows["rebilled"].fillna(0) > 0)).to_numpy(dtype=bool),
        }
    )
