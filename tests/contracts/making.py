"""Contracts, and months with the counts that they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from accounts.calendar import Cycle, previous_cycle
from accounts.models import Contract
from recon.services import contracts
from recon.services.contracts import Said, Step
from tests.review.making import NOVEMBER, World, work

#: Of the current contract: the newest month of the tests ends on 14 November 2026.
START, RENEWAL = date(2026, 6, 14), date(2027, 6, 14)
SOLD = 2_900_000


def said(minimum: int = 100, **other: Any) -> Said:
    given: dict[str, Any] = {"interval": "monthly", "start": START, "renewal": RENEWAL, "unit_cost": SOLD} | other
    return Said(minimum=minimum, **given)


def typed(world: World, product: str = "edr", minimum: int = 100, **other: Any) -> Contract:
    return contracts.add(world.account, product, said(minimum, **other), by=world.ines)


def step(starts: date, minimum: int, unit_cost: int | None = None) -> Step:
    return Step(starts, minimum, unit_cost)


def cycles_to(last: Cycle, count: int) -> list[Cycle]:
    found = [last]
    while len(found) < count:
        found.insert(0, previous_cycle(found[0], 14))
    return found


def billed(world: World, counts: Sequence[int | None], product: str = "edr", name: str = "Tarn Vale Dental") -> None:
    """A month a count, the last one November’s; None leaves a month out."""
    for cycle, count in zip(cycles_to(NOVEMBER, len(counts)), counts, strict=True):
        if count is not None:
            world.put("billed", {(name, product): count}, cycle)
    work()
