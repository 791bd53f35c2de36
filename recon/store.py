"""The only place that knows both the ORM and the engine: legs out of the database, rows back into it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from django.db import connection, transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Account, BillingCycle, Organization
from accounts.names import normalise
from accounts.products import CODES
from accounts.roots import resolved
from ingest import bulk
from ingest.jobs import Progress
from ingest.models import LegInput, RejectedLine, UsageLine
from recon import board, live
from recon.engine import ALWAYS, ANY_ORGANIZATION, CHECKS, FLAGS, LEGS, NOBODY_REBILLED, LegName, LegTable, reconcile, totals
from recon.microsoft import Counted, counted_in, leg_of
from recon.models import Reconciliation, ReconcilingItem, RowDecision, Severity, Variance
from recon.policies import Scope, engine_tolerances, policy_of, scopes_of
from recon.pricing import KIND as PRICES
from recon.pricing import list_in_force, price_list_of
from recon.product_rules import NOTHING, Named, named_lines
from recon.tie_out import report_totals

_LEG_OF_INPUT: Final[dict[str, LegName]] = {"billed": "billed", "expected": "expected", "rebilled": "rebilled"}
_MONEY: Final = tuple(f"{check}_money" for check in CHECKS)
_NUMBERS: Final = (
    *LEGS, *(f"{check}_difference" for check in LEGS[1:]), "severity", *(f"{check}_severity" for check in CHECKS), "cost", "sell",
    *_MONEY,
)  # fmt: skip
_AT_ONCE: Final = 5_000
#: Micros. A row worth more than ten thousand million is a mistake in a price, and sums of such rows would not fit in 64 bits.
_MOST_MONEY: Final = 10**16
_NAMES_A_QUERY: Final = 500
_MANY: Final = 20_000


class NotWorking(Exception):
    """The month is in review or signed: nothing of it is counted anew."""


@dataclass(frozen=True)
class Inputs:
    """The files that a month is counted from, or was; and the price list that is in force in it."""

    legs: dict[LegName, LegInput]
    prices: LegInput | None = None

    def described(self) -> dict[str, Any]:
        given = [*self.legs.items(), *([(PRICES, self.prices)] if self.prices else [])]
        return {
            leg: {"file": i.source_file_id, "name": i.source_file.name, "sha256": i.source_file.sha256, "partial": i.partial}
            for leg, i in given
        }


def inputs_of(cycle: BillingCycle) -> Inputs:
    """The current input of each leg, and as *previous* the report of the cycle that ends where this one starts."""
    report_before = Q(cycle__account=cycle.account_id, cycle__end=cycle.start, leg="billed")
    served = Q(cycle=cycle, leg__in=_LEG_OF_INPUT) | report_before
    current = LegInput.objects.filter(served, ended_at__isnull=True).select_related("source_file")
    legs = {_LEG_OF_INPUT[i.leg] if i.cycle_id == cycle.pk else "previous": i for i in current}
    return Inputs(legs, list_in_force(cycle))


def recount(cycle: BillingCycle, progress: Progress) -> Reconciliation:
    """Compute a month's rows anew from its current inputs and turn the page to them. Safe to run twice, and at once."""
    reconciliation, run = _begin(cycle)
    inputs = inputs_of(cycle)
    progress(0, 4, "Reading the legs")
    legs, organizations, counted = _legs_of(cycle, inputs)
    progress(1, 4, "Comparing")
    policy = policy_of(cycle.account)
    rows = _judged(cycle, legs, inputs, organizations, scopes_of(policy))
    progress(2, 4, "Storing the rows")
    bulk.remove(Variance.objects.filter(reconciliation=reconciliation, run=run))
    bulk.load_frame(Variance, _records(reconciliation, run, rows, organizations))
    _tell_the_planner(len(rows))
    progress(3, 4, "Turning the page")
    summary = _summary(rows, legs) | _report(inputs, rows, organizations) | _live(cycle, rows, organizations)
    if counted.is_asked:
        summary["microsoft"] = counted.described()
    with transaction.atomic():  # what is decided meanwhile waits, and is not lost between the old rows and the new
        if _turn_to(reconciliation, run, inputs=inputs.described(), totals=summary, policy=policy):
            show_decisions(reconciliation, run)
    reconciliation.refresh_from_db()
    # Also this run's own rows, where a later one was quicker.
    bulk.remove(Variance.objects.filter(reconciliation=reconciliation, run__lt=reconciliation.run))
    return reconciliation


def _tell_the_planner(rows: int) -> None:
    """Of many new rows at once: until it has looked, PostgreSQL believes that there are none, and reads the table from end to end."""
    if rows >= _MANY and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {Variance._meta.db_table}")


def _judged(
    cycle: BillingCycle, legs: dict[LegName, LegTable], inputs: Inputs, organizations: pd.DataFrame, scopes: Sequence[Scope]
) -> pd.DataFrame:
    tolerances = engine_tolerances(scopes, organizations["pk"].to_numpy(np.int64).tolist())
    rows = reconcile(
        legs,
        len(organizations),
        tolerances,
        always=True,
        lost_legs=_has_lost_a_leg(cycle, inputs),
        nobody_rebilled=organizations["unbilled"].to_numpy(dtype=bool),
        price_list=price_list_of(inputs.prices, organizations),
    )
    return _with_storable_money(rows)


def _report(inputs: Inputs, rows: pd.DataFrame, organizations: pd.DataFrame) -> dict[str, Any]:
    """What the report states, for holding it against the invoice."""
    billed = inputs.legs.get("billed")
    return {"report": report_totals(billed, rows, organizations)} if billed else {}


def _live(cycle: BillingCycle, rows: pd.DataFrame, organizations: pd.DataFrame) -> dict[str, Any]:
    """What was pulled for the cycle, beside the rows: it judges none of them."""
    pks = organizations["pk"].to_numpy(np.int64)
    roots = dict(zip(pks.tolist(), pks[organizations["root"]].tolist(), strict=True)) if len(pks) else {}
    billed = zip(pks[rows["organization"]].tolist(), rows["product"].astype("str"), bulk.plain(rows["billed"]), strict=True)
    found = live.totals_of(live.current_snapshot(cycle), roots, billed)
    return {live.LEG: found} if found else {}


def _has_lost_a_leg(cycle: BillingCycle, inputs: Inputs) -> bool:
    """Not while a cycle goes on that nobody has billed yet: its lists are still to come."""
    if "billed" not in inputs.legs and cycle.end > timezone.now().astimezone(ZoneInfo(cycle.account.time_zone)).date():
        return False
    before = LegInput.objects.filter(cycle__account=cycle.account_id, cycle__end=cycle.start, ended_at__isnull=True)
    return bool(set(before.filter(leg__in=_LEG_OF_INPUT).values_list("leg", flat=True)) - set(inputs.legs))


def judged_by(cycle: BillingCycle, scopes: Sequence[Scope]) -> pd.DataFrame:
    """A month's rows as other tolerances would judge them, and as its inputs are now; nothing is stored."""
    inputs = inputs_of(cycle)
    legs, organizations, _ = _legs_of(cycle, inputs)
    rows = _judged(cycle, legs, inputs, organizations, scopes)
    return rows.assign(pk=organizations["pk"].to_numpy(np.int64)[rows["organization"]] if len(rows) else [])


def last_compared(account: Account) -> Reconciliation | None:
    """The newest month of an account that has rows."""
    compared = Reconciliation.objects.filter(cycle__account=account, run__gt=0)
    return compared.select_related("cycle__account").order_by("-cycle__start", "-revision").first()


def show_decisions(
    reconciliation: Reconciliation,
    run: int,
    keys: Sequence[tuple[int, str]] | None = None,
    *,
    items: bool = True,
    decisions: bool = True,
) -> None:
    """Put what people decided onto the rows of a run, where lists can filter and sort by it, and count them on the board.

    The caller holds the revision. Onto some rows only, by ``keys``; the sums of ``items`` alone, or the other ``decisions``.
    """
    rows = Variance.objects.filter(reconciliation=reconciliation, run=run)
    if keys is None:
        _show_decisions(reconciliation, rows, items, decisions)
        board.count_anew(reconciliation, run)
        return
    chosen = [
        rows.filter(organization__in=organizations, product=product)
        for product in sorted({product for _, product in keys})
        for organizations in in_batches(key for key in keys if key[1] == product)
    ]
    with board.moving(reconciliation, run, chosen):
        for batch in chosen:
            _show_decisions(reconciliation, batch, items, decisions)


def in_batches(keys: Iterable[tuple[int, str]]) -> Iterator[list[int]]:
    """The Organizations of keys, as many at once as SQLite takes in one statement."""
    organizations = sorted({organization for organization, _ in keys})
    for start in range(0, len(organizations), _AT_ONCE):
        yield organizations[start : start + _AT_ONCE]


def _show_decisions(reconciliation: Reconciliation, rows: QuerySet[Variance], items_too: bool, decisions_too: bool) -> None:
    of_row = {"reconciliation": reconciliation, "organization": OuterRef("organization"), "product": OuterRef("product")}
    items = ReconcilingItem.objects.filter(**of_row, state=ReconcilingItem.State.ACCEPTED)
    decision = RowDecision.objects.filter(**of_row)
    explained = {
        f"{check}_explained": Coalesce(
            Subquery(items.filter(check_name=check).order_by().values("check_name").annotate(total=Sum("quantity")).values("total")), 0
        )
        for check in CHECKS
    }
    if items_too:
        is_explained = reduce(or_, (~Q(**{f"{check}_explained": 0}) for check in CHECKS))
        rows.filter(Exists(items) | is_explained).update(**explained)
    if decisions_too:
        rebilled = Case(When(billed__isnull=False, then=Subquery(decision.values("rebill_quantity"))))
        rows.filter(Exists(decision)).update(
            owner=Subquery(decision.values("owner")),
            is_reviewed=Exists(decision.filter(reviewed_by__isnull=False)),
            rebill_quantity=rebilled,
        )


def _with_storable_money(rows: pd.DataFrame) -> pd.DataFrame:
    """Money beyond what a column holds is not known, rather than wrong; units and prices stay."""
    columns = {}
    for column in _MONEY:
        money = rows[column]
        is_too_much = money.abs().gt(_MOST_MONEY).fillna(False).astype(bool)
        columns[column] = money.mask(is_too_much, other=pd.NA).astype("Int64") if len(rows) else money
    return rows.assign(**columns)


def _begin(cycle: BillingCycle) -> tuple[Reconciliation, int]:
    """Number this run. What changes from now on makes the month stale again. Raises NotWorking where nothing is worked on."""
    with transaction.atomic():
        reconciliation = Reconciliation.objects.select_for_update().filter(cycle=cycle, state=Reconciliation.State.WORKING).first()
        if reconciliation is None:
            raise NotWorking
        reconciliation.last_run += 1
        Reconciliation.objects.filter(pk=reconciliation.pk).update(last_run=reconciliation.last_run, stale=False)
    return reconciliation, reconciliation.last_run


def _turn_to(reconciliation: Reconciliation, run: int, **shown: Any) -> bool:
    """Show a run, unless a later one is shown already or the revision is no longer worked on. Whether it is shown now."""
    earlier = Reconciliation.objects.filter(pk=reconciliation.pk, state=Reconciliation.State.WORKING, run__lt=run)
    return bool(earlier.update(run=run, counted_at=timezone.now(), **shown))


def _legs_of(cycle: BillingCycle, inputs: Inputs) -> tuple[dict[LegName, LegTable], pd.DataFrame, Counted]:
    """The legs as the engine takes them, the Organizations that their numbers mean, and what tenants were counted."""
    named = named_lines(cycle.account_id, {given.source_file_id for given in inputs.legs.values()})
    of_leg = {leg: named.get(given.source_file_id, NOTHING) for leg, given in inputs.legs.items()}
    lines = {leg: [*_lines(given), *of_leg[leg].counted] for leg, given in inputs.legs.items()}
    rejected = {leg: [*_rejected(given), *_unsure(leg, of_leg[leg])] for leg, given in inputs.legs.items()}
    # Organizations are never taken away, so those that are read last are all that the lines can mean.
    organizations = _organizations(cycle)
    legs = {leg: _leg(given, lines[leg], rejected[leg], organizations) for leg, given in inputs.legs.items()}
    pks = organizations["pk"].to_numpy(np.int64)
    counted = counted_in(cycle, dict(zip(pks.tolist(), pks[organizations["root"].to_numpy(np.int64)].tolist(), strict=True)))
    return (legs | {"microsoft": leg_of(counted, organizations)} if counted.is_asked else legs), organizations, counted


def _organizations(cycle: BillingCycle) -> pd.DataFrame:
    """The account's Organizations in the order of their ids: id, name, the place of the one that each counts under, and whether
    nobody is rebilled for it."""
    rows = Organization.objects.filter(account=cycle.account_id).order_by("pk").values_list("pk", "name", "standing", "merged_into")
    found = pd.DataFrame(list(rows), columns=["pk", "name", "standing", "merged_into"])
    pks, members = found["pk"].to_numpy(np.int64), found[found["merged_into"].notna()]
    roots = np.arange(len(found))
    if len(members):
        ends = resolved(dict(zip(members["pk"].tolist(), members["merged_into"].astype("int64").tolist(), strict=True)))
        roots[members.index] = np.searchsorted(pks, [ends[pk] for pk in members["pk"].tolist()])
    unbilled = (found["standing"] != Organization.Standing.CUSTOMER).to_numpy(dtype=bool)
    return pd.DataFrame({"pk": pks, "name": found["name"], "root": roots, "unbilled": unbilled})


def _lines(given: LegInput) -> list[Any]:
    lines = UsageLine.objects.filter(source_file=given.source_file_id, organization__isnull=False).exclude(product="")
    return list(lines.values_list("organization_id", "product", "quantity", "unit_price"))


def _leg(given: LegInput, found: list[Any], rejected: list[Any], organizations: pd.DataFrame) -> LegTable:
    keys, products, quantities, prices = zip(*found, strict=True) if found else ((), (), (), ())
    places = np.searchsorted(organizations["pk"].to_numpy(np.int64), np.array(keys, dtype=np.int64))
    table = pd.DataFrame(
        {
            "organization": organizations["root"].to_numpy(np.int64)[places],
            "product": pd.Categorical(products, categories=list(CODES)),
            "quantity": np.array(quantities, dtype=np.int64),
            "unit_price": pd.array(list(prices), dtype="Int64"),
        }
    )
    return LegTable(table, _unchecked(given, rejected, organizations), partial=given.partial)


def _rejected(given: LegInput) -> list[Any]:
    """Rejected rows, and rows that wait for their Organization."""
    rejected = RejectedLine.objects.filter(source_file=given.source_file_id)
    waiting = UsageLine.objects.filter(source_file=given.source_file_id, organization__isnull=True).exclude(product="")
    fields = ("organization_id", "name", "huntress_id", "key", "product")
    return [*rejected.values_list(*fields), *waiting.values_list(*fields)]


def _unsure(leg: LegName, named: Named) -> list[Any]:
    """A bill that charges for something nobody has decided on leaves all products of that Organization unchecked: any may be meant.

    What another list has beside them is told, and counts nowhere.
    """
    return [*named.unsure, *(named.undecided if leg in {"billed", "previous"} else ())]


def _unchecked(given: LegInput, rejected: list[Any], organizations: pd.DataFrame) -> pd.DataFrame:
    """What a leg leaves unchecked: for an Organization that is known, for all of a name, or for everyone where nothing names it."""
    place = dict(zip(organizations["pk"].tolist(), organizations["root"].tolist(), strict=True)) if rejected else {}
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
    money = [rows[column].fillna(0).abs().to_numpy(np.int64) for column in _MONEY]
    whose = organizations.iloc[rows["organization"]]
    columns: dict[str, Any] = {
        "reconciliation_id": np.full(len(rows), reconciliation.pk),
        "run": np.full(len(rows), run),
        "organization_id": whose["pk"].to_numpy(np.int64),
        "product": rows["product"].astype("str").to_numpy(),
        "name": whose["name"].to_numpy(),
        "weight": np.maximum.reduce(money),
        "flags": flag_texts(rows),
        **{column: rows[column].array for column in _NUMBERS},
    }
    return pd.DataFrame(columns)


def flag_texts(rows: pd.DataFrame) -> Any:
    """The flags of each row as comma-separated codes."""
    named = (*FLAGS, NOBODY_REBILLED, *ALWAYS)
    texts = [",".join(flag for place, flag in enumerate(named) if code >> place & 1) for code in range(2 ** len(named))]
    codes = sum(rows[flag].to_numpy(np.int64) << place for place, flag in enumerate(named))
    return np.array(texts, dtype=object)[codes]


def _summary(rows: pd.DataFrame, legs: dict[LegName, LegTable]) -> dict[str, Any]:
    """The figures of the page's head and foot, counted once here rather than at every look."""
    products = [_product_summary(str(t.product), t, rows[rows["product"] == t.product]) for t in totals(rows, legs).itertuples()]
    severities = {check: rows[f"{check}_severity"].fillna(Severity.MATCH) for check in CHECKS}
    return {
        "rows": len(rows),
        "severities": {str(s): int((rows["severity"] == s).sum()) for s in Severity.values},
        "unchecked": int(reduce(or_, (severities[check] == Severity.UNCHECKED for check in CHECKS)).sum()),
        "flagged": {check: int((severities[check] >= Severity.INVESTIGATE).sum()) for check in CHECKS},
        "all": _figures(rows),
        "within": _figures(rows[rows["severity"] == Severity.WITHIN]),
        "legs": {leg: int(table.lines["quantity"].sum()) if table.is_provided else None for leg, table in legs.items()},
        "products": products,
    }


def _product_summary(code: str, total: Any, rows: pd.DataFrame) -> dict[str, Any]:
    units: dict[str, int | None] = {leg: None if pd.isna(getattr(total, leg)) else int(getattr(total, leg)) for leg in LEGS}
    within = _figures(rows[rows["severity"] == Severity.WITHIN])
    return {"product": code, **units, "within": within, **{f"{check}_figures": given for check, given in _figures(rows).items()}}


def _figures(rows: pd.DataFrame) -> dict[str, Any]:
    """For each check: the net difference, what of billed could be compared, and the money, split by sign and where known."""
    figures: dict[str, Any] = {}
    for check in CHECKS:
        ran = rows[f"{check}_difference"].notna()
        money = [m for m in bulk.plain(rows[f"{check}_money"]) if m is not None]
        unpriced = ran & rows[f"{check}_money"].isna() & (rows[f"{check}_difference"] != 0).fillna(False)
        figures[check] = {
            "asked": int(rows[f"{check}_severity"].notna().sum()),
            "compared": int(rows.loc[ran, "billed"].sum()),
            "difference": int(rows.loc[ran, f"{check}_difference"].sum()),
            "checked": int(ran.sum()),
            "over": sum(m for m in money if m > 0),
            "under": sum(m for m in money if m < 0),
            "priced": len(money),
            "unpriced": int(unpriced.sum()),
        }
    return figures
