"""One Organization as the pulls have it: what is there now, its live counts cycle by cycle, and which agents came and went."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from accounts.models import Account
from accounts.products import BY_CODE, CODES, Product
from recon.listing import CYCLES
from recon.live import Had, had_over, snapshots_of
from recon.live_words import tenant_words
from recon.models import Reconciliation
from recon.turnover import CameAndWent, came_and_went


@dataclass(frozen=True, slots=True)
class Now:
    """What one product has in the newest pull."""

    product: Product
    units: int | None
    blank: str
    beside: str
    tenants: list[str]


@dataclass(frozen=True, slots=True)
class Point:
    """A cycle's live count: ``units`` is null where it is not known, and ``words`` says why, or when it was taken."""

    units: int | None
    words: str


@dataclass(frozen=True)
class OrganizationLive:
    """``months`` are those of its page, oldest first, ``family`` its Organizations, its own first."""

    account: Account
    family: list[int]
    months: list[Reconciliation]

    @cached_property
    def had(self) -> list[Had]:
        """In the pulls of the newest cycles, oldest first."""
        return had_over(snapshots_of(self.account, CYCLES + 1), self.family)

    @property
    def newest(self) -> Had | None:
        return self.had[-1] if self.had else None

    @property
    def now(self) -> list[Now]:
        """Of each product that the newest pull has a figure of."""
        newest = self.newest
        if newest is None or not newest.is_named:
            return []
        return [_now(newest, code) for code in CODES if not newest.counts.is_off(code) and _is_told(newest, code)]

    @cached_property
    def _by_cycle(self) -> dict[int, Had]:
        return {one.snapshot.cycle.pk: one for one in self.had}

    def series(self, product: str) -> list[Point]:
        """A point for each month; empty where no pull has a figure of it."""
        found = [self._point(month, product) for month in self.months]
        return found if any(one.units is not None for one in found) else []

    def _point(self, month: Reconciliation, product: str) -> Point:
        had = self._by_cycle.get(month.cycle_id)
        if had is None:
            return Point(None, "No live counts were pulled in this cycle")
        units = had.units(product)
        return Point(units, had.why_blank(product) if units is None else had.snapshot.words.capitalize())

    @cached_property
    def turnover(self) -> CameAndWent:
        return came_and_went(self.account, self.family)


def _is_told(had: Had, product: str) -> bool:
    return had.units(product) is not None or bool(had.beside(product))


def _now(had: Had, product: str) -> Now:
    return Now(BY_CODE[product], had.units(product), had.why_blank(product), had.beside(product), tenant_words(had, product))
