"""The board of a revision: what lists, tabs, heads and blockers count of its rows, by the few groups that no filter splits.

It is written in the transactions that write the rows, under the lock that they hold, and read as one record. A decision on some rows
moves what these rows were to what they are, so it costs what the rows cost and not what the month costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Case, Count, F, FloatField, Q, QuerySet, Sum, When
from django.db.models.functions import Abs, Cast
from django.db.models.lookups import LessThanOrEqual

from recon.checks import BY_CODE, CHECKS, LEGS
from recon.filters import rows_of, view_condition
from recon.models import Board, Reconciliation, Severity, Variance

#: The saved views that a group is in or out of as a whole, beside those that its severity and its owner tell.
_VIEWS: Final = ("rebill", "microsoft", "unchecked", "open", "always")
#: What a unit of a check's difference is worth: what Huntress is paid, or what the customer pays.
_PRICE: Final = {check.code: check.price for check in BY_CODE.values()}
#: Money of a row beyond this is not known, rather than more than 64 bits hold: as in ``recon.store``.
_MOST_MONEY: Final = 1e16
_SUMMED: Final = (*LEGS, *(f"{check}_{what}" for check in CHECKS for what in ("difference", "left", "money")))


class Group(NamedTuple):
    """What every row of a group has in common; ``views`` are those of ``recon.filters`` that show it."""

    product: str
    severity: int
    owner: int | None
    views: frozenset[str]

    def is_shown(self, view: str, user: int | None) -> bool:
        if view == "work":
            return self.severity >= Severity.INVESTIGATE
        return self.owner == user if view == "mine" else not view or view in self.views


Groups = dict[Group, list[int]]


@dataclass(frozen=True)
class Figures:
    """Figures of some rows. A sum of nothing that is known is not zero."""

    values: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    def sum(self, name: str) -> int | None:
        return self.values[f"sum_{name}"] if self.values[f"known_{name}"] else None

    @property
    def rows(self) -> int:
        return self.values["rows"]


@dataclass(frozen=True)
class Figured:
    """A board that was read."""

    groups: Groups = field(default_factory=dict)

    def of(self, *, product: str = "", severity: int | None = None, view: str = "", user: int | None = None) -> Figures:
        """The figures of what a list shows: ``recon.filters`` in the same words. ``asked`` is of notes, and not on the board."""
        chosen = (
            values
            for group, values in self.groups.items()
            if product in {"", group.product} and severity in {None, group.severity} and group.is_shown(view, user)
        )
        return Figures(dict(zip(_MEASURES, _sums(chosen), strict=True)))

    @property
    def products(self) -> list[str]:
        return sorted({group.product for group in self.groups})


def board_of(reconciliation: Reconciliation) -> Figured:
    """The board of the rows that a revision shows; counted now where it has none yet."""
    if not reconciliation.pk or not reconciliation.run:
        return Figured()
    kept = _kept(reconciliation, reconciliation.run)
    return Figured(_read(kept.groups) if kept else _first(reconciliation))


def _kept(reconciliation: Reconciliation, run: int) -> Board | None:
    """The board of a run. One that a version with other measures wrote is none: it is counted anew."""
    kept = Board.objects.filter(pk=reconciliation.pk, run=run).first()
    return kept if kept and all(len(values) == len(_MEASURES) for *_, values in kept.groups) else None


@transaction.atomic
def _first(reconciliation: Reconciliation) -> Groups:
    held = Reconciliation.objects.select_for_update().only("run").get(pk=reconciliation.pk)
    if held.run != reconciliation.run:  # turned to another run since: of this one nothing is kept
        return counted(rows_of(reconciliation))
    return count_anew(reconciliation, reconciliation.run)


def count_anew(reconciliation: Reconciliation, run: int) -> Groups:
    """Count every row of a run. The caller holds the revision."""
    groups = counted(Variance.objects.filter(reconciliation=reconciliation, run=run))
    Board.objects.update_or_create(pk=reconciliation.pk, defaults={"run": run, "groups": _written(groups)})
    return groups


@contextmanager
def moving(reconciliation: Reconciliation, run: int, chosen: Iterable[QuerySet[Variance]]) -> Iterator[None]:
    """Keep the board true to a change of some rows. The caller holds the revision; without a board there is nothing to keep."""
    kept = _kept(reconciliation, run)
    parts = list(chosen) if kept else []
    before = [counted(rows) for rows in parts]
    yield
    if kept is None:
        return
    groups = _read(kept.groups)
    for sign, counts in ((-1, before), (1, [counted(rows) for rows in parts])):
        for group, values in ((group, values) for part in counts for group, values in part.items()):
            was = groups.get(group, [0] * len(_MEASURES))
            groups[group] = [a + sign * b for a, b in zip(was, values, strict=True)]
    kept.groups = _written({group: values for group, values in groups.items() if values[0]})
    kept.save(update_fields=["groups"])


def counted(rows: QuerySet[Variance]) -> Groups:
    """Rows by group, in one query."""
    views = {f"in_{view}": Case(When(view_condition(view), then=True), default=False) for view in _VIEWS}
    found = rows.annotate(**views).values_list("product", "severity", "owner_id", *views).annotate(**_measures()).order_by()
    groups: Groups = {}
    for product, severity, owner, *rest in found:
        in_views = frozenset(view for view, shown in zip(_VIEWS, rest, strict=False) if shown)
        groups[Group(product, severity, owner, in_views)] = _whole(rest[len(_VIEWS) :])
    return groups


def figures_of(rows: QuerySet[Variance]) -> Figures:
    """The figures of rows that no groups are known of, such as those with a part of a name."""
    found = rows.aggregate(**_measures())
    return Figures(dict(zip(_MEASURES, _whole(found[name] for name in _MEASURES), strict=True)))


def _measures() -> dict[str, Any]:
    measures: dict[str, Any] = {"rows": Count("pk")}
    for name in _SUMMED:
        measures[f"sum_{name}"] = Sum(name)
        measures[f"known_{name}"] = Count(name)
    for check in CHECKS:
        loud = Q(**{f"{check}_severity__gte": Severity.INVESTIGATE})
        measures[f"{check}_flagged"] = Sum(Abs(f"{check}_difference"), filter=loud)
        measures[f"{check}_unexplained"] = Sum(Abs(f"{check}_left"), filter=loud)
        measures[f"{check}_to_do"] = Count("pk", filter=loud & ~Q(**{f"{check}_left": 0}))
        priced = loud & Q(_is_storable(check))
        measures[f"{check}_money_left"] = Sum(Abs(f"{check}_left") * F(_PRICE[check]), filter=priced)
        measures[f"{check}_priced_left"] = Sum(Abs(f"{check}_left"), filter=priced)
    return measures


def _is_storable(check: str) -> LessThanOrEqual:
    """Whether what is left has a price, and is worth what a column holds: tried in floats, which hold more and are not kept."""
    units, price = Cast(Abs(f"{check}_left"), FloatField()), Cast(_PRICE[check], FloatField())
    return LessThanOrEqual(units * price, _MOST_MONEY)


_MEASURES: Final = tuple(_measures())


def _whole(values: Iterable[Any]) -> list[int]:
    return [int(value or 0) for value in values]


def _sums(values: Iterable[list[int]]) -> list[int]:
    return [sum(column) for column in zip([0] * len(_MEASURES), *values, strict=True)]


def _written(groups: Groups) -> list[Any]:
    return [[group.product, group.severity, group.owner, sorted(group.views), values] for group, values in groups.items()]


def _read(groups: list[Any]) -> Groups:
    return {Group(product, severity, owner, frozenset(views)): values for product, severity, owner, views, values in groups}
