"""Does what a reseller was billed add up? ``actual + minimum shortfall − non-billable = billable``, line by line and by tier.

Units are whole; None is what is not stated, never zero. Rests on ``domain/huntress.md`` §1.3 (a contract's minimum floors the bill) and §4
(annual is paid up front and shows as $0; the accounts of one pricing tier are added together in it).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from recon.engine.contracts import billable as charged
from recon.engine.contracts import over, shortfall

Odd = Literal["unread", "too_many", "differs", "pooled", "zero", "organizations", "no_line", "no_organizations"]
#: The ways in which a line does not add up, the gravest first.
ODD: Final[tuple[Odd, ...]] = ("differs", "too_many", "organizations", "no_line", "no_organizations", "zero", "unread", "pooled")
#: What the sum of its tier explains is no finding.
QUIET: Final[frozenset[Odd]] = frozenset({"pooled"})
ANNUAL: Final = "annual"


@dataclass(frozen=True, slots=True)
class Used:
    """One account's product in a period: its own line, and what its Organizations' lines come to.

    ``has_line`` is False where only Organizations have lines. ``organizations_actual`` is None where none has one; ``is_broken_down`` says
    whether the product is one that Organizations have lines of. ``interval`` is the contract's, "" where it is not known.
    """

    minimum: int | None
    billable: int | None
    non_billable: int | None
    actual: int | None
    organizations_actual: int | None = None
    is_broken_down: bool = True
    interval: str = ""
    has_line: bool = True

    @property
    def countable(self) -> int | None:
        """What is billed before a minimum: None where that cannot be told."""
        if self.actual is None or self.non_billable is None or self.non_billable > self.actual:
            return None
        return self.actual - self.non_billable

    @property
    def shortfall(self) -> int | None:
        """What the minimum adds. No minimum is stated: nothing."""
        if self.countable is None or self.actual is None or self.non_billable is None:
            return None
        return shortfall(self.minimum or 0, self.actual, self.non_billable)

    @property
    def expected(self) -> int | None:
        """What the sum comes to."""
        if self.countable is None or self.actual is None or self.non_billable is None:
            return None
        return charged(self.minimum or 0, self.actual, self.non_billable)

    @property
    def over(self) -> int | None:
        if self.countable is None or self.actual is None or self.non_billable is None:
            return None
        return over(self.minimum or 0, self.actual, self.non_billable)

    @property
    def is_paid_up_front(self) -> bool:
        """An annual contract: nothing, or only what is above its minimum, is on the monthly invoice, and that is no error."""
        return self.interval == ANNUAL and self.billable is not None and self.billable in (0, self.over) and self.billable != self.expected


def oddities(used: Used) -> tuple[Odd, ...]:
    """What does not add up in a line, or cannot be told; none where all does.

    >>> oddities(Used(minimum=400, billable=400, non_billable=0, actual=300, organizations_actual=300))
    ()
    >>> oddities(Used(minimum=400, billable=300, non_billable=0, actual=300, organizations_actual=299))
    ('differs', 'organizations')
    """
    if not used.has_line:
        return ("no_line",)
    found: set[Odd] = set()
    if used.actual is not None and used.non_billable is not None and used.non_billable > used.actual:
        found.add("too_many")
    elif used.expected is None or used.billable is None:
        found.add("unread")
    elif used.billable != used.expected and not used.is_paid_up_front:
        found.add("zero" if used.billable == 0 and not used.interval else "differs")
    if used.actual is not None and used.is_broken_down:
        if used.organizations_actual is None:
            found |= {"no_organizations"} if used.actual else set()
        elif used.organizations_actual != used.actual:
            found.add("organizations")
    return tuple(one for one in ODD if one in found)


def pooled(lines: Sequence[tuple[Hashable, Used]]) -> set[int]:
    """Places of the lines that do not add up by themselves, and do together with the others of their tier (the first of each pair).

    Then the accounts of the tier share their minimums: ``max(Σ minimum, Σ actual − Σ non-billable) = Σ billable``.
    """
    tiers: dict[Hashable, list[int]] = defaultdict(list)
    for place, (tier, _) in enumerate(lines):
        tiers[tier].append(place)
    found: set[int] = set()
    for places in tiers.values():
        used = [lines[place][1] for place in places]
        apart = {place for place in places if "differs" in oddities(lines[place][1])}
        if len(places) > 1 and apart and adds_up_together(used):
            found |= apart
    return found


def adds_up_together(used: Sequence[Used]) -> bool:
    """Whether the lines of a tier add up as one. False where a figure of any of them is not known, and where one is paid up front."""
    countable = [one.countable for one in used]
    billed = [one.billable for one in used]
    if None in countable or None in billed or any(one.interval == ANNUAL or not one.has_line for one in used):
        return False
    least = sum(one.minimum or 0 for one in used)
    return max(least, sum(one or 0 for one in countable)) == sum(one or 0 for one in billed)
