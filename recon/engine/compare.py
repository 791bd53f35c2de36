"""The reconciliation itself: legs in, one row an Organization and product out. ``variance = billed − the other leg``.

Everything is laid on a dense grid of Organizations × products, so that no step depends on the order of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from accounts.products import CODES
from recon.engine.always import always_flagged
from recon.engine.money import Prices, price_of, times
from recon.engine.price_list import PriceList
from recon.engine.tables import ANY_ORGANIZATION, ANY_PRODUCT, CHECKS, COUNTED_BY_MICROSOFT, LEGS, LegName, Legs, LegTable
from recon.engine.tolerance import Thresholds, Tolerance, thresholds

MATCH, WITHIN, UNCHECKED, INVESTIGATE, ESCALATE = range(5)
#: Severities from the quietest; what could not be checked stands above the quiet ones, so that it is never shown green.
SEVERITIES: Final = ("match", "within", "unchecked", "investigate", "escalate")
#: A leg that was provided as a complete list and does not name the row counts zero there, and says so.
FLAGS: Final = ("not_billed", "not_in_expected", "not_in_rebilled")
#: Of an Organization that is internal use or not ours: nobody is to be charged for the row.
NOBODY_REBILLED: Final = "nobody_rebilled"
_FLAG_OF: Final[dict[LegName, str]] = dict(zip(("billed", "expected", "rebilled"), FLAGS, strict=True))
_WIDTH: Final = len(CODES)
_Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
_Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class _Laid:
    """One leg on the grid: quantities, where they are known, where the list names the row, and its flag."""

    quantity: _Ints
    known: _Bools
    named: _Bools
    absent: _Bools


def reconcile(
    legs: Legs,
    organizations: int,
    tolerances: Sequence[Tolerance] = (),
    *,
    always: bool = False,
    lost_legs: bool = False,
    nobody_rebilled: _Bools | None = None,
    price_list: PriceList | None = None,
) -> pd.DataFrame:
    """Compare the legs of one cycle.

    ``always`` adds the flags of ``recon.engine.always``, whose rows are at least *investigate*; ``lost_legs`` says that a list
    which the cycle before had is not there. ``nobody_rebilled`` marks the Organizations for which nobody is to be charged: where
    the rebilled list has none of it, that check is at most *within*, whatever was billed. ``price_list`` has the prices of rows for
    which the legs state none.

    Returns one row for each Organization and product that any leg has a quantity for: organization, product; a column each of LEGS
    (Int64; <NA>: not provided, or not readable); ``{check}_difference`` for CHECKS and previous (Int64); ``{check}_severity`` (an index
    of SEVERITIES: int8; of microsoft Int8, <NA> where it is not asked: another product, or the leg was not given) and severity (int8);
    flags (bool, one column each of FLAGS, and NOBODY_REBILLED); cost and sell (Int64 micros), ``{check}_money`` (Int64 micros, or object
    where they outgrow it).
    Sorted by organization, then product in the registry's order.
    """
    laid = {leg: _lay(leg, legs[leg], organizations) for leg in LEGS if leg in legs and legs[leg].is_provided}
    rows = np.flatnonzero(np.logical_or.reduce([leg.named for leg in laid.values()])) if laid else np.empty(0, np.int64)
    table: dict[str, Any] = {"organization": rows // _WIDTH, "product": _product_codes(rows)}
    for leg in LEGS:
        table[leg] = _nullable(laid[leg].quantity[rows], laid[leg].known[rows]) if leg in laid else _nothing(len(rows))
    limits = thresholds(tolerances, organizations).take(rows) if len(rows) else None
    for check in (*CHECKS, "previous"):
        difference, ran = _difference(laid, check, rows)
        table[f"{check}_difference"] = _nullable(difference, ran)
        if check == "microsoft":
            table["microsoft_severity"] = _asked(_severity(laid, check, rows, difference, ran, limits), rows, is_given="microsoft" in legs)
        elif check != "previous":
            table[f"{check}_severity"] = _severity(laid, check, rows, difference, ran, limits)
    for name, flag in _FLAG_OF.items():
        table[flag] = laid[name].absent[rows] if name in laid else np.zeros(len(rows), dtype=bool)
    is_unbilled = np.zeros(organizations, dtype=bool) if nobody_rebilled is None else nobody_rebilled
    table[NOBODY_REBILLED] = is_unbilled[rows // _WIDTH]
    _quieten(table)
    compared = pd.DataFrame(table).assign(**_money(legs, organizations, rows, table, price_list or PriceList.none()))
    flagged = always_flagged(compared, lost_legs=lost_legs) if always else pd.DataFrame(index=compared.index)
    return _judged(compared, flagged, limits)


def _asked(severity: np.ndarray[tuple[int], np.dtype[np.int8]], rows: _Ints, *, is_given: bool) -> pd.arrays.IntegerArray:
    """<NA> where tenants have nothing to say: that is neither green nor unchecked."""
    is_asked = (rows % _WIDTH == CODES.index(COUNTED_BY_MICROSOFT)) & is_given
    return pd.arrays.IntegerArray(severity, ~is_asked)


def _quieten(table: dict[str, Any]) -> None:
    """Where nobody is to be charged, and nobody is, what was billed and not rebilled is no leak."""
    severity, rebilled = table["rebilled_severity"], table["rebilled"]
    is_zero = np.asarray(rebilled.fillna(1) == 0, dtype=np.bool_)
    quiet = table[NOBODY_REBILLED] & is_zero & (severity != UNCHECKED)
    table["rebilled_severity"] = np.where(quiet, np.minimum(severity, WITHIN), severity).astype(np.int8)


def _judged(rows: pd.DataFrame, flagged: pd.DataFrame, limits: Thresholds | None) -> pd.DataFrame:
    """Add the row's severity: its worst check, after the money floor, and at least *investigate* where it is always looked at."""
    is_flagged = flagged.any(axis=1).to_numpy(dtype=bool) if len(flagged.columns) else np.zeros(len(rows), dtype=bool)
    worst = np.where(is_flagged, INVESTIGATE, MATCH).astype(np.int8)
    for check in CHECKS:
        is_asked = rows[f"{check}_severity"].notna().to_numpy(dtype=bool)
        severity = rows[f"{check}_severity"].to_numpy(np.int8, na_value=MATCH)
        if limits is not None and limits.floor.any():
            severity = np.where(_is_small(rows, check, limits.floor) & ~is_flagged, np.minimum(severity, WITHIN), severity).astype(np.int8)
            judged = pd.arrays.IntegerArray(severity, ~is_asked) if check == "microsoft" else severity
            rows = rows.assign(**{f"{check}_severity": judged})
        worst = np.maximum(worst, severity)
    return pd.concat([rows.assign(severity=worst.astype(np.int8)), flagged], axis=1)


def _is_small(rows: pd.DataFrame, check: LegName, floor: _Ints) -> _Bools:
    """Where a check ran, has a price, is not some against none, and its money is below the floor."""
    ran = rows[f"{check}_severity"].to_numpy(np.int8, na_value=UNCHECKED) != UNCHECKED
    priced = rows[f"{check}_money"].notna().to_numpy(dtype=bool)
    money = np.array([abs(int(m)) if known else 0 for m, known in zip(rows[f"{check}_money"], priced, strict=True)], dtype=object)
    some_against_none = (rows["billed"].fillna(0) == 0).to_numpy(dtype=bool) != (rows[check].fillna(0) == 0).to_numpy(dtype=bool)
    return np.asarray(ran & priced & ~some_against_none & (money < floor).astype(bool), dtype=np.bool_)


def totals(rows: pd.DataFrame, legs: Legs) -> pd.DataFrame:
    """Units by product and leg: product, then one Int64 column a leg; <NA> where the leg was not provided for the product.

    What a list has is summed whether or not it could be compared: no row is left out of a total.
    """
    products = [code for code in sorted(CODES) if (rows["product"] == code).any()]
    table = pd.DataFrame({"product": pd.Series(products, dtype="str")})
    for leg in LEGS:
        given = legs.get(leg)
        if given is None or not given.is_provided:
            table[leg] = _nothing(len(products))
            continue
        sums = given.lines.groupby("product", observed=True)["quantity"].sum()
        covers_all = leg not in {"expected", "microsoft"} and not given.partial
        table[leg] = pd.array([int(sums[p]) if p in sums.index else (0 if covers_all else pd.NA) for p in products], dtype="Int64")
    return table


def _lay(name: LegName, leg: LegTable, organizations: int) -> _Laid:
    cells, size = _cells(leg.lines), organizations * _WIDTH
    quantity = _sums(cells, leg.lines["quantity"].to_numpy(np.int64), size)
    named = np.zeros(size, dtype=bool)
    named[cells] = True
    refused = _refused(leg, organizations)
    complete = np.full(size, not leg.partial)
    if name == "expected" and not leg.partial:
        complete = np.tile(named.reshape(organizations, _WIDTH).any(axis=0), organizations)
    return _Laid(quantity, (named | complete) & ~refused, named, complete & ~named & ~refused)


def _cells(lines: pd.DataFrame) -> _Ints:
    return np.asarray(lines["organization"].to_numpy(np.int64) * _WIDTH + product_numbers(lines["product"]), dtype=np.int64)


def product_numbers(codes: pd.Series) -> _Ints:
    """Each product code's place in the registry. Raises ValueError for one that is not in it."""
    places, uniques = pd.factorize(codes)
    return np.array([CODES.index(code) for code in uniques] or [0], dtype=np.int64)[places]


def _product_codes(cells: _Ints) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(cells % _WIDTH, categories=pd.Index(list(CODES))))


def _sums(cells: _Ints, quantities: _Ints, size: int) -> _Ints:
    """Exact sums a cell. ``bincount`` adds floats, which are exact below 2⁵³; beyond that, whole numbers one by one."""
    if int(quantities.max(initial=0)) * max(len(quantities), 1) < 2**53:
        return np.bincount(cells, weights=quantities, minlength=size).astype(np.int64)
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, cells, quantities)
    return sums


def _refused(leg: LegTable, organizations: int) -> _Bools:
    """The cells that rejected rows leave unchecked."""
    grid = np.zeros((organizations, _WIDTH), dtype=bool)
    for organization, product in set(zip(leg.rejected["organization"], leg.rejected["product"], strict=True)):
        across = slice(None) if organization == ANY_ORGANIZATION else int(organization)
        down = slice(None) if product == ANY_PRODUCT else CODES.index(product)
        grid[across, down] = True
    return grid.reshape(-1)


def _difference(laid: dict[LegName, _Laid], check: LegName, rows: _Ints) -> tuple[_Ints, _Bools]:
    if "billed" not in laid or check not in laid:
        return np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=bool)
    billed, other = laid["billed"], laid[check]
    return billed.quantity[rows] - other.quantity[rows], billed.known[rows] & other.known[rows]


def _severity(
    laid: dict[LegName, _Laid], check: LegName, rows: _Ints, difference: _Ints, ran: _Bools, limits: Thresholds | None
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    if limits is None or not ran.any():
        return np.full(len(rows), UNCHECKED, dtype=np.int8)
    billed, other = laid["billed"].quantity[rows], laid[check].quantity[rows]
    some_against_none = (billed == 0) != (other == 0)
    severity = np.select(
        [
            ~ran,
            difference == 0,
            limits.escalates(difference, other),
            limits.above("investigate", difference, other) | some_against_none,
        ],
        [UNCHECKED, MATCH, ESCALATE, INVESTIGATE],
        WITHIN,
    )
    return severity.astype(np.int8)


def _money(legs: Legs, organizations: int, rows: _Ints, table: dict[str, Any], listed: PriceList) -> dict[str, Any]:
    """Cost is what Huntress charges (the billed file's price, else the expected one's, else the price list's); sell is what customers
    pay (the rebilled file's price, else the price list's)."""
    prices = {leg: _prices(legs, leg, organizations, rows) for leg in ("billed", "expected", "rebilled")}
    cost = prices["billed"].else_(prices["expected"]).else_(listed.of("cost", rows, *_tiers_by(table, rows, "expected", is_pooled=True)))
    sell = prices["rebilled"].else_(listed.of("sell", rows, *_tiers_by(table, rows, "rebilled", is_pooled=False)))
    return {
        "cost": cost.nullable(),
        "sell": sell.nullable(),
        "expected_money": times(table["expected_difference"], cost),
        "rebilled_money": times(table["rebilled_difference"], sell),
        "microsoft_money": times(table["microsoft_difference"], cost),
    }


def _tiers_by(table: dict[str, Any], rows: _Ints, other: LegName, *, is_pooled: bool) -> tuple[_Ints, _Ints]:
    """The quantities that decide on the tier: billed, where that is not known the other leg's; and pooled, of all Organizations."""
    is_unknown = table["billed"].isna()
    quantities = np.where(is_unknown, table[other].to_numpy(np.int64, na_value=0), table["billed"].to_numpy(np.int64, na_value=0))
    if not is_pooled:
        return quantities, quantities
    sums = np.zeros(_WIDTH, dtype=np.int64)
    np.add.at(sums, rows % _WIDTH, quantities)
    return quantities, sums[rows % _WIDTH]


def _prices(legs: Legs, leg: LegName, organizations: int, rows: _Ints) -> Prices:
    if leg not in legs or not legs[leg].is_provided or not legs[leg].lines["unit_price"].notna().any():
        return Prices.none(len(rows))
    lines = legs[leg].lines
    lines = lines[lines["unit_price"].notna()]
    return price_of(_cells(lines), lines["unit_price"].to_numpy(np.int64), organizations * _WIDTH).take(rows)


def _nullable(values: _Ints, known: _Bools) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(np.where(known, values, 0), ~known)


def _nothing(length: int) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(np.zeros(length, dtype=np.int64), np.ones(length, dtype=bool))
