"""What product names that the registry does not know count for: bundles and factors, and what is ignored. On tables, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True, order=True)
class Holding:
    """One unit of a name holds ``factor`` units of ``product``."""

    product: str
    factor: int = 1


#: What folded names hold (``accounts.products.folded``). Nothing: the name is ignored. A name that is not in it waits to be decided.
Rules = Mapping[str, tuple[Holding, ...]]


@dataclass(frozen=True)
class Applied:
    """Every line is in exactly one of the three. ``counted`` has a row for each product that a line holds, with the columns of the lines
    and beside them ``product``, ``quantity`` and ``unit_price`` of that product, and the index of the line."""

    counted: pd.DataFrame
    ignored: pd.DataFrame
    waiting: pd.DataFrame


def applied(lines: pd.DataFrame, rules: Rules) -> Applied:
    """Apply rules to ``lines``: name_key (folded), quantity (int64), unit_price (Int64 micros), and whatever else stands beside them.

    A price is taken over where the name holds one product, divided by the factor where that is exact. Of a bundle of several products
    nobody can say which part of the price is whose, so none of them has one.
    """
    ignored = lines["name_key"].isin([name for name, holdings in rules.items() if not holdings])
    waiting = ~lines["name_key"].isin(list(rules))
    held = [(name, one.product, one.factor, len(holdings)) for name, holdings in rules.items() for one in holdings]
    held_frame = pd.DataFrame(held, columns=["name_key", "held", "factor", "of"]).astype({"name_key": "str", "held": "str"})
    rest = lines[~ignored & ~waiting].drop(columns="product", errors="ignore").astype({"name_key": "str"})
    counted = rest.reset_index(names="place").merge(held_frame, on="name_key").set_index("place").rename_axis(None)
    factor = counted["factor"].astype("int64")
    price = counted["unit_price"].astype("Int64")
    counted = counted.assign(
        product=counted["held"],
        quantity=counted["quantity"].astype("int64") * factor,
        unit_price=(price // factor).where((counted["of"] == 1) & (price % factor == 0).fillna(False), other=pd.NA),
    )
    return Applied(counted.drop(columns=["held", "factor", "of"]), lines[ignored], lines[waiting])
