"""Reconciling 200,000 Organizations × 4 products × 3 legs, against the bare pandas outer joins of the same tables.

Run: ``python -m tests.benchmarks.bench_reconcile``. To reach: at most 2 times the joins, and under 6 s on two cores.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from accounts.matching import match
from recon.engine import LegName, LegTable, reconcile

ORGANIZATIONS, PRODUCTS = 200_000, ["edr", "itdr", "sat", "siem"]
LEGS: tuple[LegName, ...] = ("billed", "expected", "rebilled")


def lists() -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(7)
    names = pd.Series([f"Customer {number} Ltd" for number in range(ORGANIZATIONS)], dtype="str")
    made: dict[str, pd.DataFrame] = {}
    for leg in LEGS:
        order = random.permutation(ORGANIZATIONS * len(PRODUCTS))
        made[leg] = pd.DataFrame(
            {
                "organization": names.repeat(len(PRODUCTS)).to_numpy()[order],
                "product": pd.Series(PRODUCTS * ORGANIZATIONS, dtype="str").to_numpy()[order],
                "quantity": random.integers(0, 500, len(order)),
            }
        ).astype({"organization": "str", "product": "str"})
    return made


def bare_joins(made: dict[str, pd.DataFrame]) -> int:
    on = ["organization", "product"]
    billed, expected, rebilled = (made[leg] for leg in LEGS)
    joined = billed.merge(expected, on=on, how="outer", suffixes=("", "_expected"))
    return len(joined.merge(rebilled, on=on, how="outer", suffixes=("", "_rebilled")))


def whole_reconciliation(made: dict[str, pd.DataFrame]) -> int:
    """Match every name, then compare every leg, with severities, flags and money."""
    blank = pd.Series([""], dtype="str")
    references = pd.concat(
        [made[leg][["organization"]].assign(source=number) for number, leg in enumerate(LEGS)], ignore_index=True
    ).assign(organization_id="", organization_key="")
    references = references.astype({"organization_id": blank.dtype, "organization_key": blank.dtype})
    matches = match(references)
    legs: dict[LegName, LegTable] = {}
    start = 0
    for leg in LEGS:
        lines = made[leg]
        entities = matches.entity[start : start + len(lines)]
        no_price = pd.arrays.IntegerArray(np.zeros(len(lines), dtype=np.int64), np.ones(len(lines), dtype=bool))
        legs[leg] = LegTable(lines[["product", "quantity"]].assign(organization=entities, unit_price=no_price))
        start += len(lines)
    return len(reconcile(legs, matches.count))


def seconds(call: Callable[[dict[str, pd.DataFrame]], int], made: dict[str, pd.DataFrame]) -> float:
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        assert call(made) == ORGANIZATIONS * len(PRODUCTS)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    made = lists()
    joins, ours = seconds(bare_joins, made), seconds(whole_reconciliation, made)
    print(f"bare pandas outer joins        {joins:6.2f} s")
    print(f"match, compare, judge, price   {ours:6.2f} s   ratio {ours / joins:.2f} (at most 2, and under 6 s)")


if __name__ == "__main__":
    main()
