"""What the bill is held against: each check's words and price, and which of them a month asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from recon import engine


@dataclass(frozen=True, slots=True)
class Check:
    """``label`` heads a column, ``step`` the routine, ``to`` ends *units to …*, ``against`` a sentence.

    ``price`` is what a unit of its difference is worth, and ``at`` says so: what Huntress is paid (cost), or what the customer pays (sell).
    """

    code: str
    label: str
    step: str
    to: str
    against: str
    price: str
    at: str


BY_CODE: Final[dict[str, Check]] = {
    check.code: check
    for check in (
        Check("expected", "Billed − expected", "Expected", "expected", "what was expected", "cost", "at cost"),
        Check("rebilled", "Billed − rebilled", "Rebill", "rebilled", "what customers are charged now", "sell", "at sell price"),
        Check("microsoft", "Billed − Microsoft", "Microsoft", "Microsoft", "what tenants hold licences for", "cost", "at cost"),
    )
}
#: The legs and checks by their codes, as texts.
LEGS: Final[tuple[str, ...]] = tuple(engine.LEGS)
CHECKS: Final[tuple[str, ...]] = tuple(engine.CHECKS)
#: Of a check that no row of a month was asked, such as one that was counted before there were tenants.
NOTHING: Final[Mapping[str, int]] = dict.fromkeys(("asked", "compared", "difference", "checked", "over", "under", "priced", "unpriced"), 0)


def figures_of(figures: Mapping[str, Any], check: str) -> Mapping[str, Any]:
    """A check's figures in a month's totals."""
    found: Mapping[str, Any] = figures.get(check) or NOTHING
    return found


def asked_in(totals: Mapping[str, Any]) -> tuple[str, ...]:
    """The checks that a month asks: of lists always, of tenants where the account has any."""
    is_asked = figures_of(totals.get("all", {}), "microsoft").get("asked")
    return CHECKS if is_asked else tuple(engine.LIST_CHECKS)
