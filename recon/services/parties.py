"""A month's customers as detection takes them: tables of this bill, of the one before, and of the other lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from django.db.models import Max, Min, Q, Sum

from accounts.models import BillingCycle, Organization
from accounts.names import normalise
from accounts.roots import roots_of
from ingest.models import LegInput, RejectedLine, UsageLine
from recon.engine.suspicion import PARTIES, Months
from recon.services import hosts

_LEGS: Final = ("billed", "expected", "rebilled")
_LINES: Final = ("organization", "source_file", "product", "units", "price", "name")


@dataclass(frozen=True)
class Gathered:
    """``lines``: pk (the root), leg, product, units, price (micros), name, summed by Organization and list. ``prices``: by product.

    ``known``: every Organization's row, members too; ``roots``: members with their roots.
    """

    cycle: BillingCycle
    months: Months
    lines: pd.DataFrame
    known: pd.DataFrame
    roots: dict[int, int]
    prices: dict[str, int]

    def name_of(self, pk: int) -> str:
        return str(self.known.at[pk, "name"])


def gathered(cycle: BillingCycle, bill: LegInput, earlier: Sequence[LegInput], *, different: frozenset[frozenset[int]]) -> Gathered:
    """Read the month. ``earlier`` are the account's earlier bills, in order; the last one is what this bill is held against."""
    known, roots = _known(cycle), roots_of(cycle.account_id)
    before = earlier[-1] if earlier else None
    others = LegInput.objects.filter(cycle=cycle, ended_at__isnull=True, leg__in=_LEGS[1:]).values_list("source_file", "leg")
    leg_of = ({before.source_file_id: "previous"} if before else {}) | dict(others) | {bill.source_file_id: "billed"}
    lines = _lines(leg_of, roots)
    is_used_twice = before is not None and before.source_file_id == bill.source_file_id
    parties = _parties(known, roots, lines, _billed_before(bill, earlier, roots), _unsure(bill, known, roots))
    months = Months(
        parties=parties,
        units=lines[["pk", "leg", "product", "units"]],
        cycle=cycle.start.isoformat(),
        has_before=before is not None and not before.partial and not is_used_twice,
        is_complete=not bill.partial,
        different=different,
        decided=frozenset(known.index[known["standing"] != Organization.Standing.CUSTOMER].tolist()),
        hostnames=hosts.of_cycles(cycle, before.cycle if before else None, roots),
    )
    return Gathered(cycle, months, lines, known, roots, _prices(lines))


def _known(cycle: BillingCycle) -> pd.DataFrame:
    columns = ["pk", "name", "name_key", "huntress_id", "key", "standing"]
    rows = Organization.objects.filter(account=cycle.account_id).order_by("pk").values_list(*columns)
    known = pd.DataFrame(list(rows), columns=columns).set_index("pk")
    return known.assign(huntress_id=known["huntress_id"].fillna(""), key=known["key"].fillna(""))


def _lines(leg_of: Mapping[int, str], roots: Mapping[int, int]) -> pd.DataFrame:
    """What each list has of each Organization and product, counted under its root."""
    named = UsageLine.objects.filter(source_file__in=leg_of, organization__isnull=False).exclude(product="")
    summed = named.order_by().values("organization", "source_file", "product")
    rows = summed.annotate(units=Sum("quantity"), price=Max("unit_price"), named=Min("name")).values_list(
        "organization", "source_file", "product", "units", "price", "named"
    )
    lines = pd.DataFrame(list(rows), columns=list(_LINES)).astype(
        {"organization": "int64", "units": "int64", "price": "Int64", "name": "str"}
    )
    lines["pk"] = lines["organization"].map(lambda pk: roots.get(pk, pk)).astype("int64") if len(lines) else lines["organization"]
    return lines.assign(leg=lines["source_file"].map(dict(leg_of)).astype("str"))


def _parties(
    known: pd.DataFrame, roots: Mapping[int, int], lines: pd.DataFrame, billed_before: Collection[int], unsure: Collection[int]
) -> pd.DataFrame:
    """One row a customer that has anything to do with the month: PARTIES."""
    by_leg = {leg: lines[lines["leg"] == leg] for leg in (*_LEGS, "previous")}
    pks = known.index[known.index.isin(lines["pk"]) & ~known.index.isin(list(roots))]
    of = known.loc[pks]
    named = pd.concat([by_leg["expected"]["pk"], by_leg["rebilled"]["pk"]])
    parties = pd.DataFrame(
        {
            "pk": pks,
            "name": of["name"].to_numpy(),
            "huntress_id": of["huntress_id"].to_numpy(),
            "key": of["key"].to_numpy(),
            "billed": pks.isin(by_leg["billed"]["pk"]),
            "previous": pks.isin(by_leg["previous"]["pk"]),
            "is_new": ~pks.isin(list(billed_before)),
            "named": pks.isin(named),
            "unsure": pks.isin(list(unsure)),
            "name_now": _called(by_leg["billed"], pks),
            "name_before": _called(by_leg["previous"], pks),
        }
    )
    return parties[list(PARTIES)].reset_index(drop=True)


def _called(lines: pd.DataFrame, pks: Any) -> Any:
    """What a bill calls each Organization that is its own root; a member's name is no rename of the root."""
    own = lines[lines["organization"] == lines["pk"]].drop_duplicates("pk").set_index("pk")["name"]
    return own.reindex(pks).fillna("").to_numpy()


def _billed_before(bill: LegInput, earlier: Sequence[LegInput], roots: Mapping[int, int]) -> set[int]:
    """Who, of those in this month's lists, any earlier bill named."""
    files = {one.source_file_id for one in earlier}
    served = LegInput.objects.filter(cycle=bill.cycle_id, ended_at__isnull=True).values("source_file")
    here = UsageLine.objects.filter(source_file__in=served, organization__isnull=False).values("organization")
    lines = UsageLine.objects.filter(source_file__in=files).filter(Q(organization__in=here) | Q(organization__in=list(roots)))
    found = set(lines.values_list("organization", flat=True).distinct().order_by())
    return {roots.get(pk, pk) for pk in found if pk is not None}


def _unsure(bill: LegInput, known: pd.DataFrame, roots: Mapping[int, int]) -> set[int]:
    """Whom a row of the bill may mean that was rejected, or that waits for its Organization."""
    rejected = RejectedLine.objects.filter(source_file=bill.source_file_id).values_list("organization", "name")
    waiting = UsageLine.objects.filter(source_file=bill.source_file_id, organization__isnull=True).values_list("organization", "name")
    found, norms = set(), set()
    for pk, name in rejected.union(waiting):
        found |= {pk} if pk else set()
        norms |= {normalise(name)[:500]} if name else set()
    found |= set(known.index[known["name_key"].isin(norms)].tolist())
    return {roots.get(pk, pk) for pk in found}


def _prices(lines: pd.DataFrame) -> dict[str, int]:
    """What one unit of each product costs, where a row states none: the price that is stated most often, in the bill first."""
    found: dict[str, int] = {}
    for leg in ("rebilled", "expected", "previous", "billed"):
        stated = lines[(lines["leg"] == leg) & lines["price"].notna()]
        for product, rows in stated.groupby("product"):
            found[str(product)] = int(rows["price"].mode().iloc[0])
    return found
