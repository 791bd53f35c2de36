"""An Organization that several customers share, as one rebill line for each of them: together they are exactly the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from recon.engine import percent, split
from recon.exports.sheet import Customer

Customers = Mapping[int, Sequence[Customer]]


def shared_out(lines: pd.DataFrame, customers: Customers) -> pd.DataFrame:
    """Lines with those of shared Organizations taken apart, each where its whole stood. Quantities and prices are Int64."""
    if not lines["shared"].isin(list(customers)).any():
        return lines
    taken = lines["shared"].isin(list(customers))
    parts: list[dict[str, Any]] = []
    for place, line in zip(lines.index[taken], _records(lines[taken]), strict=True):
        parts += [{**part, "place": place} for part in _parts(line, customers[int(line["shared"])])]
    apart = pd.DataFrame(parts, columns=[*lines.columns, "place"]).astype({**lines.dtypes.to_dict(), "place": "int64"})
    whole = lines[~taken].assign(place=lines.index[~taken])
    return pd.concat([whole, apart]).sort_values("place", kind="stable", ignore_index=True).drop(columns="place")


def _parts(line: dict[str, Any], customers: Sequence[Customer]) -> list[dict[str, Any]]:
    """A line for each customer with a part, and one for each name without that is charged now."""
    parts = {one.name: one.parts for one in customers if one.parts}
    whole, of = int(line["new_quantity"]), sum(parts.values())
    units = split(whole, parts)
    found: list[dict[str, Any]] = []
    for one in customers:
        old, price = one.charged.get(line["product"], (0, None))
        if not one.parts and not old:
            continue
        part = f"{percent(one.parts, of)}% of {whole:,}" if one.parts else "has no part"
        said = f"{part} of {line['organization']}"
        found.append(
            line
            | {
                "customer": one.name,
                "old_quantity": pd.NA if pd.isna(line["old_quantity"]) else old,
                "new_quantity": units.get(one.name, 0) if one.parts else 0,
                "unit_price": line["unit_price"] if price is None else price,
                "decided": "; ".join(filter(None, (said, line["decided"]))),
                "is_first": not found,
            }
        )
    return found


def _records(lines: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): cell for name, cell in record.items()} for record in lines.to_dict("records")]
