"""The rebill lines of a month: what each customer is to be charged, beside what they are charged now."""

from __future__ import annotations

import pandas as pd

from recon.exports.amounts import line_amount
from recon.exports.customers import Customers, shared_out

NO_OLD_QUANTITY = "old quantity not known"
NO_PRICE = "no sell price"
_NOBODY = "nobody_rebilled"
#: Sorting by all of these leaves no order of the input visible in the output.
_ORDER = ["organization", "organization_id", "product", "source", "flags", "billed", "rebilled", "expected", "previous", "sell", "cost"]


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by Organization, id and product (by code point), whatever order they came in."""
    return rows.astype({"product": "str"}).sort_values(_ORDER, kind="stable", na_position="first", ignore_index=True)


def rebill_lines(rows: pd.DataFrame, customers: Customers | None = None) -> pd.DataFrame:
    """One line a row whose billed quantity is known, and for each customer of an Organization that several share: columns
    ``organization, customer, organization_id, product, old_quantity, new_quantity, difference`` (new − old), ``unit_price`` (micros),
    ``old_amount, new_amount, change_in_amount`` (cents), ``reason, decided, flags, source, is_first`` (of its row); <NA> where the rebilled
    quantity or the price is not known.

    The new quantity is the one that a person decided (``decided`` says why), else the billed one. Zero is a line like any other: a
    departed customer who is still charged is why there are rebill sheets. A row without a billed quantity gives none: nothing may be
    charged on what could not be read. Nor does one for which nobody is rebilled, but to set to zero what is charged for it all the same.
    """
    known = in_order(rows[rows["billed"].notna()])
    known = known[~_unbilled(known) | known["rebill_quantity"].notna() | (known["rebilled"].fillna(0) > 0)].reset_index(drop=True)
    usual = known["billed"].mask(_unbilled(known), 0)
    lines = known[["organization", "organization_id", "product", "shared"]].copy()
    lines["customer"] = known["organization"]
    lines["old_quantity"], lines["new_quantity"] = known["rebilled"], known["rebill_quantity"].fillna(usual)
    lines["unit_price"] = known["sell"]
    lines["decided"] = _decided(known)
    lines["flags"], lines["source"] = known["flags"], known["source"]
    lines = shared_out(lines.assign(is_first=True), customers or {})
    lines["difference"] = lines["new_quantity"] - lines["old_quantity"]
    lines["old_amount"] = line_amount(lines["old_quantity"], lines["unit_price"])
    lines["new_amount"] = line_amount(lines["new_quantity"], lines["unit_price"])
    lines["change_in_amount"] = lines["new_amount"] - lines["old_amount"]
    return lines.assign(reason=_reasons(lines))


def _unbilled(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["flags"].astype("str").str.contains(_NOBODY, regex=False)


def _reasons(lines: pd.DataFrame) -> pd.Series[str]:
    """Why a cell of the line is blank; "" where none is."""
    no_old, no_price = lines["old_quantity"].isna(), lines["unit_price"].isna()
    reasons = pd.Series("", index=lines.index, dtype="str")
    reasons[no_old] = NO_OLD_QUANTITY
    reasons[no_price] = NO_PRICE
    reasons[no_old & no_price] = f"{NO_OLD_QUANTITY}; {NO_PRICE}"
    return reasons


def _decided(rows: pd.DataFrame) -> pd.Series[str]:
    """Why another quantity than the billed one is charged; "" where it is the billed one."""
    said = [
        "" if pd.isna(quantity) else f"{quantity} instead of {billed} billed" + (f": {reason}" if reason else "")
        for quantity, billed, reason in zip(rows["rebill_quantity"], rows["billed"], rows["rebill_reason"], strict=True)
    ]
    return pd.Series(said, index=rows.index, dtype="str")
