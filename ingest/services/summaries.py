"""Totals of a document before it counts, kind by kind: what a person compares with what they know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

import pandas as pd

from accounts.products import BY_CODE, CODES, folded
from ingest.sources.reading import Reading

_UNKNOWN_LISTED: Final = 50
_OWNERS: Final = ["organization", "organization_id", "organization_key"]
#: A figure: what it is, its value, and how it is shown (``units``, ``money``, ``money:USD`` or ``day``; money is in micros).
Figure = tuple[str, int | str, str]


def totals_of(reading: Reading) -> dict[str, Any]:
    """What a preview keeps: of a leg, ``totals`` by product and the products that are not known here; of others, ``figures``."""
    if count := _FIGURES.get(reading.kind):
        return {"figures": [list(figure) for figure in count(reading)]}
    lines = reading.lines
    sums = lines.groupby("product", observed=True)["quantity"].sum()
    totals = {str(product): int(total) for product, total in sums.items() if product in CODES}
    return {"totals": totals, "prices": bool(lines["unit_price"].notna().any()), **_unknown_products(lines)}


def _unknown_products(lines: pd.DataFrame) -> dict[str, Any]:
    """By the document's own words for them, however they are spelt, the most units first."""
    unknown = lines[~lines["product"].isin(CODES)]
    found: dict[str, list[Any]] = {}
    for name, units in unknown.groupby("product_name", observed=True)["quantity"].sum().items():
        found.setdefault(folded(str(name)), [str(name), 0])[1] += int(units)
    listed = sorted(found.values(), key=lambda pair: (-pair[1], pair[0]))
    return {"unknown_products": listed[:_UNKNOWN_LISTED], "unknown_count": len(listed)}


def _agents(reading: Reading) -> Iterator[Figure]:
    yield "Agents", reading.counts.loaded + reading.counts.merged, "units"
    yield "Organizations named", len(reading.lines[_OWNERS].drop_duplicates()), "units"


def _invoice(reading: Reading) -> Iterator[Figure]:
    lines = reading.lines
    for currency, amount in sorted(lines.groupby("currency", observed=True)["amount"].sum().to_dict().items()):
        yield (f"Amount in {currency!s}" if currency else "Amount", int(amount), f"money:{currency!s}")
    if lines["quantity"].notna().any():
        yield "Quantity", int(lines["quantity"].sum()), "units"
    days = [day for day in lines["date"] if isinstance(day, date) and not pd.isna(day)]
    if days:
        yield "First date", min(days).isoformat()[:10], "day"
        yield "Last date", max(days).isoformat()[:10], "day"


def _prices(reading: Reading) -> Iterator[Figure]:
    lines = reading.lines
    for (product, side), prices in lines.groupby(["product", "side"], observed=True, sort=False)["unit_price"]:
        label = f"{BY_CODE[product].label if product in BY_CODE else product}, {side}"
        lowest, highest = int(prices.min()), int(prices.max())
        if lowest == highest:
            yield label, lowest, "money"
        else:
            yield f"{label}, lowest", lowest, "money"
            yield f"{label}, highest", highest, "money"


def _exclusions(reading: Reading) -> Iterator[Figure]:
    yield "SKUs", len(reading.lines), "units"


def _live(reading: Reading) -> Iterator[Figure]:
    lines = reading.lines
    yield "Organizations", len(lines), "units"
    for label, name in _COUNTED:
        if lines[name].notna().any():
            yield label, int(lines[name].sum()), "units"


_COUNTED: Final = (
    ("Agents", "agents"), ("Billable agents", "billable_agents"), ("Unresponsive agents", "unresponsive_agents"),
    ("Billable identities", "identities"), ("SAT learners", "learners"), ("SIEM sources", "sources"),
)  # fmt: skip


def _identities(reading: Reading) -> Iterator[Figure]:
    yield "Identities", len(reading.lines), "units"
    yield "Billable", int(reading.lines["is_billable"].fillna(False).sum()), "units"
    yield "Organizations named", len(reading.lines[_OWNERS].drop_duplicates()), "units"


def _invoices(reading: Reading) -> Iterator[Figure]:
    yield "Invoices", len(reading.lines), "units"
    days = reading.lines["created_at"].dropna()
    if len(days):
        yield "First date", days.min().date().isoformat(), "day"
        yield "Last date", days.max().date().isoformat(), "day"


def _directory(reading: Reading) -> Iterator[Figure]:
    lines = reading.lines
    is_here = lines["deleted_at"].isna()
    yield "Users with a licence", int(is_here.sum()), "units"
    yield "Sign-in blocked", int((~lines["is_enabled"].fillna(True).astype(bool) & is_here).sum()), "units"
    if not is_here.all():
        yield "Deleted lately", int((~is_here).sum()), "units"


_FIGURES: Final[dict[str, Callable[[Reading], Iterator[Figure]]]] = {
    "agents": _agents,
    "invoice": _invoice,
    "prices": _prices,
    "exclusions": _exclusions,
    "live": _live,
    "identities": _identities,
    "invoices": _invoices,
    "directory": _directory,
}
