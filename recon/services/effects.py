"""What an answer changes, in rows and units, before the month is counted anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import BillingCycle, Organization
from accounts.products import CODES
from ingest.models import LegInput, UsageLine
from recon.models import Question, Reconciliation, Variance

_LEGS: Final = ("billed", "expected", "rebilled")
Units = dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the month that is worked on: ``before`` and ``after`` by leg, null for unknown. ``rows_before``: how many it was."""

    cycle: BillingCycle
    organization: int
    name: str
    product: str
    rows_before: int
    before: Units
    after: Units
    is_rebilled: bool = True


def effects_of(question: Question, said: str, done: dict[str, Any], cycles: Sequence[BillingCycle]) -> list[Effect]:
    """Of the newest touched month that is not signed. Two rows that become one are one effect; ``before`` is the root's own."""
    working = Reconciliation.objects.filter(cycle__in=cycles, run__gt=0).exclude(state=Reconciliation.State.SIGNED)
    month = working.select_related("cycle").order_by("-cycle__start").first()
    if month is None:
        return []
    root = done["merge"]["root"] if done.get("merge") else done.get("organization") or done["touched"][0]
    rows = list(Variance.objects.filter(reconciliation=month, run=month.run, organization__in=done["touched"]))
    given = _given(month, done.get("named") or {})
    name = Organization.objects.values_list("name", flat=True).get(pk=root)
    is_rebilled = not done.get("standing") and not done.get("named", {}).get("standing")
    found = []
    for product in CODES:
        of_product = [row for row in rows if row.product == product]
        more = {leg: given.get((leg, product), 0) for leg in _LEGS}
        if not of_product and not any(more.values()):
            continue
        own = next((row for row in of_product if row.organization_id == root), None)
        before: Units = {leg: getattr(own, leg) if own else None for leg in _LEGS}
        after = {leg: _sum([getattr(row, leg) for row in of_product], more[leg]) for leg in _LEGS}
        found.append(Effect(month.cycle, root, name, product, len(of_product), before, after, is_rebilled))
    return found


def kept(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """As plain values, to be stored with the answer."""
    names = ("organization", "name", "product", "rows_before", "before", "after", "is_rebilled")
    return [{"cycle": one.cycle.pk} | {name: getattr(one, name) for name in names} for one in effects]


def _sum(values: list[int | None], more: int) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) + more if known or more else None


def _given(month: Reconciliation, named: dict[str, Any]) -> dict[tuple[str, str], int]:
    """The units that waited in this month's lists, by leg and product."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    if not named:
        return found
    inputs = LegInput.objects.filter(cycle=month.cycle, ended_at__isnull=True, leg__in=_LEGS)
    leg_of = dict(inputs.values_list("source_file", "leg"))
    lines = UsageLine.objects.filter(source_file__in=leg_of, organization=named["organization"], name__in=named["spellings"])
    for file, product, quantity in lines.values_list("source_file", "product", "quantity"):
        found[leg_of[file], product] += quantity
    return found
