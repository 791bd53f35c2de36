"""Classifying 1,000,000 identities of 1,000 tenants, against the bare pandas join of the same two tables.

Run: ``python -m tests.benchmarks.bench_identities``. To reach: under 3 s on two cores; the ratio to the join is printed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from recon.engine.identities import classify

TENANTS, PEOPLE, SKUS, ASSIGNMENTS = 1_000, 1_000_000, 60, 1_400_000
EXCLUDED = [f"invented_sku_{number}" for number in range(0, SKUS, 6)]
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def tables() -> Tables:
    """People by GUID, three in four licensed, some twice and some by a group as well; each tenant has a table of its own."""
    random = np.random.default_rng(7)
    tenants = pd.Series([f"7e0{number:05}-0000-4000-8000-000000000000" for number in range(TENANTS)], dtype="str")
    people = pd.Series([f"{number:08x}-1111-4000-8000-{number:012x}" for number in range(PEOPLE)], dtype="str")
    skus = pd.Series([f"5c0{number:05}-2222-4000-8000-000000000000" for number in range(SKUS)], dtype="str")
    of = np.arange(PEOPLE) % TENANTS
    holder = random.integers(0, PEOPLE * 3 // 4, ASSIGNMENTS)
    identities = pd.DataFrame({"tenant": tenants.to_numpy()[of], "identity": people})
    holdings = pd.DataFrame(
        {
            "tenant": tenants.to_numpy()[of[holder]],
            "identity": people.to_numpy()[holder],
            "sku_id": skus.to_numpy()[random.integers(0, SKUS, ASSIGNMENTS)],
            "sku": "",
            "state": np.where(random.random(ASSIGNMENTS) < 0.02, "Error", "Active"),
        }
    ).astype("str")
    catalogue = pd.DataFrame(
        {
            "tenant": tenants.repeat(SKUS).to_numpy(),
            "sku_id": np.tile(skus.to_numpy(), TENANTS),
            "sku": np.tile([f"INVENTED_SKU_{number}" for number in range(SKUS)], TENANTS),
        }
    )
    return identities.astype("str"), holdings, catalogue


def bare_join(made: Tables) -> int:
    identities, holdings, _ = made
    return identities.merge(holdings, on=["tenant", "identity"], how="left")["identity"].nunique()


def classified(made: Tables) -> int:
    identities, holdings, catalogue = made
    return len(classify(identities, holdings, EXCLUDED, catalogue=catalogue))


def seconds(call: Callable[[Tables], int], made: Tables) -> float:
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        assert call(made) == PEOPLE
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    made = tables()
    join, ours = seconds(bare_join, made), seconds(classified, made)
    print(f"bare pandas join            {join:6.2f} s")
    print(f"resolve, decide, give why   {ours:6.2f} s   ratio {ours / join:.2f} (under 3 s)")


if __name__ == "__main__":
    main()
