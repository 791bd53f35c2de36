"""Reasons, in words: why a figure is blank, why a row is flagged, why a check is above tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import signed, units
from recon.models import Severity, Variance

LEG_WORDS: Final = {
    "billed": "billed report", "expected": "expected list", "rebilled": "rebilled list", "previous": "report of the cycle before",
}  # fmt: skip
FLAG_WORDS: Final = {
    "not_billed": "Not in the billed report",
    "not_in_expected": "Not in the expected list",
    "not_in_rebilled": "Not in the rebilled list",
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


def why(check: str, row: Variance) -> str:
    """A check's severity in a sentence, with the figures that made it. Tolerances are the defaults of ``recon.engine.tolerance``."""
    level = Severity(getattr(row, f"{check}_severity"))
    other, difference = getattr(row, check), getattr(row, f"{check}_difference")
    if level == Severity.UNCHECKED:
        return "Not compared."
    if level == Severity.MATCH:
        return "They agree."
    if not other or not row.billed:
        return f"{signed(difference)}: some against none is always looked at."
    if level == Severity.ESCALATE:
        return f"{signed(difference)} is more than 10% of {units(other)} and more than 1 unit."
    if level == Severity.INVESTIGATE:
        return f"{signed(difference)} is more than 5% of {units(other)}."
    return f"{signed(difference)} is within 5% of {units(other)}."
