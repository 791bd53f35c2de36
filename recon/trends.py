"""Where counts go over twelve cycles: the two alarms of ``recon.engine.trends``, out of the months' stored rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.db.models import F, Q, QuerySet

from accounts.models import Account
from accounts.roots import roots_of
from recon.contracts import is_complete, months_of
from recon.engine.trends import LEAST_UNITS, SHORT_RUN, Alarm, Counts, creeps, will_not_go_down
from recon.models import Reconciliation, Variance

AGENTS, IDENTITIES = "edr", "itdr"
Kind = Literal["stays", "creeps"]
#: More Organizations than SQLite takes in one statement: then all are read.
_AT_ONCE: Final = 5_000
_Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Trend:
    """An alarm on one Organization, its members included. ``counts`` are its billed units, oldest first; ``cost`` is micros a unit."""

    kind: Kind
    organization: int
    name: str
    product: str
    alarm: Alarm
    counts: tuple[int | None, ...]
    cost: int | None

    @property
    def money(self) -> int | None:
        """What the units too many cost a cycle."""
        return None if self.cost is None else self.cost * self.alarm.units


@dataclass(frozen=True)
class Trends:
    """``cycles`` is how many of the last twelve have a complete report up to the newest one."""

    found: list[Trend]
    cycles: int

    @property
    def is_too_short(self) -> bool:
        return self.cycles < SHORT_RUN


@dataclass(frozen=True, slots=True)
class _Series:
    billed: list[int | None]
    expected: list[int | None]


def trends_of(account: Account, family: Sequence[int] | None = None) -> Trends:
    """The alarms of an account, the dearest first; or of one customer, by the ids of its Organizations, its own first."""
    months = [month for _, month in months_of(account)]
    complete = [month if month and is_complete(month) else None for month in months]
    while complete and complete[-1] is None:
        complete.pop()
    known = sum(month is not None for month in complete)
    newest = complete[-1] if complete else None
    if newest is None or known < SHORT_RUN:
        return Trends([], known)
    roots = roots_of(account)
    candidates = set(family) if family is not None else _candidates(newest, _reference(complete), roots)
    found = _found(_series(complete, candidates, roots), _newest(newest, candidates, roots))
    return Trends(sorted(found, key=lambda one: (-(one.money or 0), -one.alarm.units, one.name, one.organization)), known)


def _reference(complete: Sequence[Reconciliation | None]) -> Reconciliation | None:
    """The month at the beginning of the shortest run."""
    return complete[-SHORT_RUN]


def _rows(months: Iterable[Reconciliation]) -> QuerySet[Variance]:
    rows = Variance.objects.filter(reconciliation__in=list(months), run=F("reconciliation__run"), product__in=(AGENTS, IDENTITIES))
    return rows.order_by()


def _candidates(newest: Reconciliation, reference: Reconciliation | None, roots: dict[int, int]) -> set[int]:
    """Whose newest row alone could make an alarm: most customers agree with what was expected, and are not read twelve times."""
    if reference is None:
        return set()
    above = Q(product=AGENTS) & (Q(expected__isnull=True) | Q(expected__lte=F("billed") - LEAST_UNITS))
    rows = _rows([newest]).filter(above | Q(product=IDENTITIES), billed__gt=0)
    before: dict[_Key, int | None] = {}
    for pk, product, billed in _rows([reference]).values_list("organization_id", "product", "billed"):
        key = (roots.get(pk, pk), product)
        before[key] = _plus(before.get(key), billed, key not in before)
    found = set()
    for pk, product, billed in rows.values_list("organization_id", "product", "billed"):
        root = roots.get(pk, pk)
        was = before.get((root, product))
        if was is not None and billed is not None and billed >= was + (product == IDENTITIES):
            found.add(root)
    return found


def _members(roots: dict[int, int], candidates: set[int]) -> set[int]:
    return candidates | {pk for pk, root in roots.items() if root in candidates}


def _of(rows: QuerySet[Variance], candidates: set[int], roots: dict[int, int]) -> QuerySet[Variance]:
    members = _members(roots, candidates)
    return rows.filter(organization__in=members) if len(members) <= _AT_ONCE else rows


def _series(months: Sequence[Reconciliation | None], candidates: set[int], roots: dict[int, int]) -> dict[_Key, _Series]:
    """Both lists of each customer and product, a figure a cycle. Who is not named in a month is a gap in it."""
    places = {month.pk: place for place, month in enumerate(months) if month}
    rows = _of(_rows([month for month in months if month]), candidates, roots)
    found: dict[_Key, _Series] = defaultdict(lambda: _Series([None] * len(months), [None] * len(months)))
    seen: set[tuple[_Key, int]] = set()
    for pk, product, month, billed, expected in rows.values_list("organization_id", "product", "reconciliation_id", "billed", "expected"):
        key, place = (roots.get(pk, pk), product), places[month]
        if key[0] in candidates:
            series, is_first = found[key], (key, place) not in seen
            seen.add((key, place))
            series.billed[place] = _plus(series.billed[place], billed, is_first)
            series.expected[place] = _plus(series.expected[place], expected, is_first)
    return dict(found)


def _plus(before: int | None, more: int | None, is_first: bool) -> int | None:
    """A family's sum; unknown where one of it is."""
    if is_first:
        return more
    return None if before is None or more is None else before + more


def _newest(newest: Reconciliation, candidates: set[int], roots: dict[int, int]) -> dict[_Key, tuple[str, int | None]]:
    """Name and cost by customer and product, as the newest month has them."""
    rows = _of(_rows([newest]), candidates, roots).values_list("organization_id", "product", "name", "cost")
    found: dict[_Key, tuple[str, int | None]] = {}
    for pk, product, name, cost in rows:
        root = roots.get(pk, pk)
        if pk == root or (root, product) not in found:
            found[root, product] = (name, cost)
    return found


def _found(series: dict[_Key, _Series], newest: dict[_Key, tuple[str, int | None]]) -> list[Trend]:
    found = []
    for (root, product), one in series.items():
        if (root, product) not in newest:
            continue
        kind: Kind = "stays" if product == AGENTS else "creeps"
        if product == AGENTS:
            alarm = will_not_go_down(one.billed, one.expected)
        else:
            alarm = creeps(one.billed, _billed(series, (root, AGENTS), len(one.billed)), one.expected)
        if alarm:
            name, cost = newest[root, product]
            found.append(Trend(kind, root, name, product, alarm, tuple(one.billed), cost))
    return found


def _billed(series: dict[_Key, _Series], key: _Key, cycles: int) -> Counts:
    return series[key].billed if key in series else [None] * cycles
