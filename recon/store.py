"""The only place that knows both the ORM and the engine: legs out of the database, rows back into it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import BillingCycle, Organization
from accounts.names import normalise
from accounts.products import CODES
from ingest import bulk
from ingest.jobs import Progress
from ingest.models import LegInput, RejectedLine, UsageLine
from recon.engine import ANY_ORGANIZATION, CHECKS, FLAGS, LegName, LegTable, reconcile, totals
from recon.models import Reconciliation, Severity, Variance

_LEG_OF_INPUT: Final[dict[str, LegName]] = {"billed": "billed", "expected": "expected", "rebilled": "rebilled"}
_NUMBERS: Final = (
    "billed", "expected", "rebilled", "previous", "expected_difference", "rebilled_difference", "previous_difference",
    "severity", "expected_severity", "rebilled_severity", "cost", "sell", "expected_money", "rebilled_money",
)  # fmt: skip
#: Micros. A row worth more than ten thousand million is a mistake in a price, and sums of such rows would not fit in 64 bits.
_MOST_MONEY: Final = 10**16
_NAMES_A_QUERY: Final = 500


@dataclass(frozen=True)
class Inputs:
    """The files that a month is counted from, or was."""

    legs: dict[LegName, LegInput]

    def described(self) -> dict[str, Any]:
        return {
            leg: {"file": i.source_file_id, "name": i.source_file.name, "sha256": i.source_file.sha256, "partial": i.partial}
            for leg, i in self.legs.items()
        }


def inputs_of(cycle: BillingCycle) -> Inputs:
    """The current input of each leg, and as *previous* the report of the cycle that ends where this one starts."""
    current = LegInput.objects.filter(ended_at__isnull=True).select_related("source_file")
    legs = {_LEG_OF_INPUT[i.leg]: i for i in current.filter(cycle=cycle)}
    before = current.filter(cycle__account=cycle.account_id, cycle__end=cycle.start, leg="billed").first()
    return Inputs(legs | ({"previous": before} if before else {}))


def inputs_shown(reconciliation: Reconciliation) -> Inputs:
    """The files that the shown rows came from, which are not the current ones while the month is stale."""
    given, cycle = reconciliation.inputs, reconciliation.cycle
    cycles = BillingCycle.objects.filter(Q(pk=cycle.pk) | Q(account=cycle.account_id, end=cycle.start))
    served = LegInput.objects.filter(cycle__in=cycles, source_file__in=[one["file"] for one in given.values()])
    served = served.select_related("source_file", "cycle").order_by("pk")
    by_place = {(i.cycle_id == cycle.pk, i.leg, i.source_file_id): i for i in served}
    places = {leg: (leg != "previous", "billed" if leg == "previous" else leg, one["file"]) for leg, one in given.items()}
    return Inputs({leg: by_place[place] for leg, place in places.items() if place in by_place})


def recount(cycle: BillingCycle, progress: Progress) -> Reconciliation:
    """Compute a month's rows anew from its current inputs and turn the page to them. Safe to run twice, and at once."""
    reconciliation, run = _begin(cycle)
    inputs = inputs_of(cycle)
    progress(0, 4, "Reading the legs")
    lines = {leg: _lines(given) for leg, given in inputs.legs.items()}
    rejected = {leg: _rejected(given) for leg, given in inputs.legs.items()}
    # Organizations are never taken away, so those that are read last are all that the lines can mean.
    organizations = _organizations(cycle)
    legs = {leg: _leg(given, lines[leg], rejected[leg], organizations) for leg, given in inputs.legs.items()}
    progress(1, 4, "Comparing")
    rows = _with_storable_money(reconcile(legs, len(organizations)))
    progress(2, 4, "Storing the rows")
    bulk.remove(Variance.objects.filter(reconciliation=reconciliation, run=run))
    bulk.load_frame(Variance, _records(reconciliation, run, rows, organizations))
    progress(3, 4, "Turning the page")
    _turn_to(reconciliation, run, inputs=inputs.described(), totals=_summary(rows, legs))
    reconciliation.refresh_from_db()
    # Also this run's own rows, where a later one was quicker.
    bulk.remove(Variance.objects.filter(reconciliation=reconciliation, run__lt=reconciliation.run))
    return reconciliation


def _with_storable_money(rows: pd.DataFrame) -> pd.DataFrame:
    """Money beyond what a column holds is not known, rather than wrong; units and prices stay."""
    columns = {}
    for column in ("expected_money", "rebilled_money"):
        money = rows[column]
        is_too_much = money.abs().gt(_MOST_MONEY).fillna(False).astype(bool)
        columns[column] = money.mask(is_too_much, other=pd.NA).astype("Int64") if len(rows) else money
    return rows.assign(**columns)


def _begin(cycle: BillingCycle) -> tuple[Reconciliation, int]:
    """Number this run. What changes from now on makes the month stale again."""
    with transaction.atomic():
        reconciliation, _ = Reconciliation.objects.get_or_create(cycle=cycle, state=Reconciliation.State.WORKING)
        Reconciliation.objects.filter(pk=reconciliation.pk).update(last_run=F("last_run") + 1, stale=False)
        reconciliation.refresh_from_db()
    return reconciliation, reconciliation.last_run


def _turn_to(reconciliation: Reconciliation, run: int, **shown: Any) -> None:
    """Show a run, unless a later one is shown already."""
    earlier = Reconciliation.objects.filter(pk=reconciliation.pk, run__lt=run)
    earlier.update(run=run, counted_at=timezone.now(), **shown)


def _organizations(cycle: BillingCycle) -> pd.DataFrame:
    """The account's Organizations: id and name, in the order of their ids."""
    rows = Organization.objects.filter(account=cycle.account_id).order_by("pk").values_list("pk", "name")
    return pd.DataFrame(list(rows), columns=["pk", "name"])


def _lines(given: LegInput) -> list[Any]:
    lines = UsageLine.objects.filter(source_file=given.source_file_id, organization__isnull=False)
    return list(lines.values_list("organization_id", "product", "quantity", "unit_price"))


def _leg(given: LegInput, found: list[Any], rejected: list[Any], organizations: pd.DataFrame) -> LegTable:
    keys, products, quantities, prices = zip(*found, strict=True) if found else ((), (), (), ())
    table = pd.DataFrame(
        {
            "organization": np.searchsorted(organizations["pk"].to_numpy(np.int64), np.array(keys, dtype=np.int64)),
            "product": pd.Categorical(products, categories=list(CODES)),
            "quantity": np.array(quantities, dtype=np.int64),
            "unit_price": pd.array(list(prices), dtype="Int64"),
        }
    )
    return LegTable(table, _unchecked(given, rejected, organizations), partial=given.partial)


def _rejected(given: LegInput) -> list[Any]:
    """Rejected rows, and rows that wait for their Organization."""
    rejected = RejectedLine.objects.filter(source_file=given.source_file_id)
    waiting = UsageLine.objects.filter(source_file=given.source_file_id, organization__isnull=True)
    fields = ("organization_id", "name", "huntress_id", "key", "product")
    return [*rejected.values_list(*fields), *waiting.values_list(*fields)]


def _unchecked(given: LegInput, rejected: list[Any], organizations: pd.DataFrame) -> pd.DataFrame:
    """What a leg leaves unchecked: for an Organization that is known, for all of a name, or for everyone where nothing names it."""
    place = {pk: index for index, pk in enumerate(organizations["pk"])} if rejected else {}
    norms = {name: normalise(name)[:500] for pk, name, *_ in rejected if pk is None and name}
    alike = _places_by_name(given, set(norms.values()), place)
    cells: set[tuple[int, str]] = set()
    for pk, name, huntress_id, key, product in rejected:
        if pk is not None:
            cells.add((place[pk], product))
        elif name or huntress_id or key:
            cells.update((one, product) for one in alike[norms.get(name, "")])
        else:
            cells.add((ANY_ORGANIZATION, product))
    return pd.DataFrame(sorted(cells), columns=["organization", "product"])


def _places_by_name(given: LegInput, norms: set[str], place: dict[int, int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    wanted = sorted(norms)
    for start in range(0, len(wanted), _NAMES_A_QUERY):
        named = Organization.objects.filter(account=given.source_file.account_id, name_key__in=wanted[start : start + _NAMES_A_QUERY])
        for pk, norm in named.values_list("pk", "name_key"):
            found[norm].extend([place[pk]] if pk in place else [])
    return found


def _records(reconciliation: Reconciliation, run: int, rows: pd.DataFrame, organizations: pd.DataFrame) -> pd.DataFrame:
    """The rows as the table has them."""
    money = [rows[column].fillna(0).abs() for column in ("expected_money", "rebilled_money")]
    whose = organizations.iloc[rows["organization"]]
    columns: dict[str, Any] = {
        "reconciliation_id": np.full(len(rows), reconciliation.pk),
        "run": np.full(len(rows), run),
        "organization_id": whose["pk"].to_numpy(np.int64),
        "product": rows["product"].astype("str").to_numpy(),
        "name": whose["name"].to_numpy(),
        "weight": np.maximum(money[0].to_numpy(np.int64), money[1].to_numpy(np.int64)),
        "flags": flag_texts(rows),
        **{column: rows[column].array for column in _NUMBERS},
    }
    return pd.DataFrame(columns)


def flag_texts(rows: pd.DataFrame) -> Any:
    """The flags of each row as comma-separated codes."""
    texts = [",".join(flag for place, flag in enumerate(FLAGS) if code >> place & 1) for code in range(2 ** len(FLAGS))]
    codes = sum(rows[flag].to_numpy(np.int64) << place for place, flag in enumerate(FLAGS))
    return np.array(texts, dtype=object)[codes]


def _summary(rows: pd.DataFrame, legs: dict[LegName, LegTable]) -> dict[str, Any]:
    """The figures of the page's head and foot, counted once here rather than at every look."""
    products = [_product_summary(str(t.product), t, rows[rows["product"] == t.product]) for t in totals(rows, legs).itertuples()]
    return {
        "rows": len(rows),
        "severities": {str(s): int((rows["severity"] == s).sum()) for s in Severity.values},
        "flagged": {check: int((rows[f"{check}_severity"] >= Severity.INVESTIGATE).sum()) for check in CHECKS},
        "unchecked": int(((rows["expected_severity"] == Severity.UNCHECKED) | (rows["rebilled_severity"] == Severity.UNCHECKED)).sum()),
        "all": _figures(rows),
        "within": _figures(rows[rows["severity"] == Severity.WITHIN]),
        "legs": {leg: int(table.lines["quantity"].sum()) if table.is_provided else None for leg, table in legs.items()},
        "products": products,
    }


def _product_summary(code: str, total: Any, rows: pd.DataFrame) -> dict[str, Any]:
    units = {leg: None if pd.isna(getattr(total, leg)) else int(getattr(total, leg)) for leg in _LEG_ORDER}
    return {"product": code, **units, **{f"{check}_figures": given for check, given in _figures(rows).items()}}


_LEG_ORDER: Final = ("billed", "expected", "rebilled", "previous")


def _figures(rows: pd.DataFrame) -> dict[str, Any]:
    """For each check: the net difference, what of billed could be compared, and the money, split by sign and where known."""
    figures: dict[str, Any] = {}
    for check in CHECKS:
        ran = rows[f"{check}_difference"].notna()
        money = [m for m in bulk.plain(rows[f"{check}_money"]) if m is not None]
        unpriced = ran & rows[f"{check}_money"].isna() & (rows[f"{check}_difference"] != 0).fillna(False)
        figures[check] = {
            "compared": int(rows.loc[ran, "billed"].sum()),
            "difference": int(rows.loc[ran, f"{check}_difference"].sum()),
            "checked": int(ran.sum()),
            "over": sum(m for m in money if m > 0),
            "under": sum(m for m in money if m < 0),
            "priced": len(money),
            "unpriced": int(unpriced.sum()),
        }
    return figures
