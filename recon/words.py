"""Reasons, in words: why a figure is blank, why a row is flagged, why a check is above tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import money, signed, units
from recon.models import Severity, Variance
from recon.policies import Scope, default_scope, number_words

LEG_WORDS: Final = {
    "billed": "billed report", "expected": "expected list", "rebilled": "rebilled list", "previous": "report of the cycle before",
}  # fmt: skip
FLAG_WORDS: Final = {
    "not_billed": "Not in the billed report",
    "not_in_expected": "Not in the expected list",
    "not_in_rebilled": "Not in the rebilled list",
    "new_organization": "New Organization: the report of the cycle before does not name it",
    "missing_organization": "Missing Organization: it was in the report of the cycle before",
    "zero_to_some": "Some now, none in the cycle before",
    "some_to_zero": "None now, some in the cycle before",
    "leg_went_missing": "A list that was there last month is missing",
    "nobody_rebilled": "Internal use, or not ours: nobody is rebilled for it",
    "charged_anyway": "Somebody is charged, though nobody should be",
}


def blank_reason(leg: str, product: str, inputs: Mapping[str, Any], covered: set[str]) -> str:
    """Why a leg has no figure. ``covered`` are the products that the expected list has a quantity for."""
    if leg not in inputs:
        return f"No {LEG_WORDS[leg]} for this month"
    if leg == "expected" and product not in covered:
        return f"The expected list has no quantity of {BY_CODE[product].label}"
    if inputs[leg].get("partial"):
        return f"The {LEG_WORDS[leg]} is partial and does not name it"
    return f"A row of the {LEG_WORDS[leg]} could not be read, or waits for its Organization"


def why(check: str, row: Variance, scope: Scope | None = None, currency: str = "") -> str:
    """A check's severity in a sentence, with the figures that made it.

    ``scope`` is the tolerance in force for the row (``recon.policies.scope_for``), the defaults where none is given.
    """
    stated = scope or default_scope()
    level = Severity(getattr(row, f"{check}_severity"))
    other, difference = getattr(row, check), getattr(row, f"{check}_difference")
    if level == Severity.UNCHECKED:
        return "Not compared."
    if level == Severity.MATCH:
        return "They agree."
    if not other or not row.billed:
        return f"{signed(difference)}: some against none is always looked at."
    if level == Severity.ESCALATE:
        return f"{signed(difference)} is {_more_than(stated.escalate_percent, stated.escalate_units, other)}."
    percent, least = stated.investigate_percent, stated.investigate_units
    if level == Severity.INVESTIGATE:
        return f"{signed(difference)} is {_more_than(percent, least, other)}."
    size = abs(difference)
    if size <= least or size * 100 <= percent * other:
        is_by_units = size <= least and size * 100 > percent * other
        return f"{signed(difference)} is within {_units(least) if is_by_units else f'{number_words(percent)}% of {units(other)}'}."
    amount = getattr(row, f"{check}_money")
    amounts = f"{money(abs(amount or 0), currency)} is below the floor of {money(stated.floor, currency)}"
    return f"{signed(difference)} is {_more_than(percent, least, other)}, but {amounts}."


def _more_than(percent: Decimal, least: Decimal, other: int) -> str:
    return f"more than {number_words(percent)}% of {units(other)}" + (f" and more than {_units(least)}" if least else "")


def _units(count: Decimal) -> str:
    return f"{number_words(count)} unit{'' if count == 1 else 's'}"
