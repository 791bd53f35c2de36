"""Bundles, factors and ignored names: every line is counted, ignored or waiting, and nothing is lost between them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.engine import Applied, Holding, applied

law = settings(max_examples=50)
NAMES = ("securitybundle", "workstationpack", "backup", "m365guard")
_LINE = st.tuples(
    st.sampled_from(NAMES), st.integers(0, 2), st.integers(0, 10**9), st.one_of(st.none(), st.sampled_from([0, 9_000_000, 10_000_001]))
)
_HOLDINGS = st.dictionaries(st.sampled_from(["edr", "itdr", "siem"]), st.integers(1, 10_000), max_size=3).map(
    lambda held: tuple(Holding(product, factor) for product, factor in sorted(held.items()))
)
RULES = st.dictionaries(st.sampled_from(NAMES), _HOLDINGS)


def table(rows: list[tuple[str, int, int, int | None]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["name_key", "organization", "quantity", "unit_price"])
    return frame.astype({"name_key": "str", "organization": "int64", "quantity": "int64", "unit_price": "Int64"})


def counted(found: Applied) -> list[tuple[Any, ...]]:
    rows = found.counted.sort_values(["organization", "product", "quantity", "unit_price"])
    columns = ["organization", "product", "quantity", "unit_price"]
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in rows[columns].itertuples(index=False)]


@law
@given(st.lists(_LINE, max_size=12), RULES)
def test_every_unit_is_counted_ignored_or_waiting(rows: list[Any], rules: dict[str, tuple[Holding, ...]]) -> None:
    lines = table(rows)
    found = applied(lines, rules)
    once = found.counted.index.unique()
    assert sorted([*once, *found.ignored.index, *found.waiting.index]) == list(lines.index)
    in_list = lines.loc[once, "quantity"].sum() + found.ignored["quantity"].sum() + found.waiting["quantity"].sum()
    assert in_list == lines["quantity"].sum()
    for product in ("edr", "itdr", "siem"):
        held = sum(quantity * one.factor for name, _, quantity, _ in rows for one in rules.get(name, ()) if one.product == product)
        assert found.counted.loc[found.counted["product"] == product, "quantity"].sum() == held


@law
@given(st.lists(_LINE, max_size=12), RULES, st.randoms(use_true_random=False))
def test_no_order_matters(rows: list[Any], rules: dict[str, tuple[Holding, ...]], random: Any) -> None:
    shuffled = {name: tuple(random.sample(rules[name], len(rules[name]))) for name in random.sample(sorted(rules), len(rules))}
    one, other = applied(table(rows), rules), applied(table(random.sample(rows, len(rows))), shuffled)
    assert sorted(counted(one), key=str) == sorted(counted(other), key=str)
    assert sorted(one.waiting["quantity"]) == sorted(other.waiting["quantity"])


def test_a_factor_multiplies_units_and_divides_the_price_where_that_is_exact() -> None:
    rules = {"workstationpack": (Holding("edr", 3),)}
    found = applied(table([("workstationpack", 0, 4, 9_000_000), ("workstationpack", 1, 4, 10_000_001)]), rules)
    assert counted(found) == [(0, "edr", 12, 3_000_000), (1, "edr", 12, None)]


def test_a_bundle_of_several_products_counts_in_each_and_has_no_price_of_any() -> None:
    found = applied(table([("securitybundle", 0, 5, 12_000_000)]), {"securitybundle": (Holding("edr"), Holding("itdr", 2))})
    assert counted(found) == [(0, "edr", 5, None), (0, "itdr", 10, None)]


def test_what_holds_nothing_is_ignored_and_what_nobody_decided_waits() -> None:
    found = applied(table([("backup", 0, 5, None), ("m365guard", 0, 7, None)]), {"backup": ()})
    assert (len(found.counted), found.ignored["quantity"].tolist(), found.waiting["quantity"].tolist()) == (0, [5], [7])
