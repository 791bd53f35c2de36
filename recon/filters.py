"""How the list of a month is filtered and sorted, in one place for the screen, for files and for what stands in a signature's way."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any, ClassVar, Final

import django_filters
from django import forms
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import QueryDict

from accounts.models import User
from accounts.products import PRODUCTS
from recon.engine import CHECKS, LEGS
from recon.live import snapshot_of
from recon.live_sums import differs
from recon.models import Note, Reconciliation, RowDecision, Severity, Variance
from recon.seal import roots_shown

#: Column → what it sorts by. Unknown figures come last either way.
SORTS: Final[dict[str, str]] = {
    name: name
    for name in (
        "name", "product", *LEGS, *(f"{check}_{what}" for check in CHECKS for what in ("difference", "left", "money")), "severity",
    )
}  # fmt: skip
WORST_FIRST: Final = ("-severity", "-weight", "name", "product", "pk")
VIEWS: Final = (
    ("", "All rows"),
    ("work", "Work queue"),
    ("rebill", "Rebill gaps"),
    ("mine", "Mine"),
    ("open", "Not explained"),
    ("unchecked", "Cannot be checked"),
)
#: Views that pages link to and that have no tab while they are not looked at; the last one has, where a pull speaks for the cycle.
FURTHER_VIEWS: Final[tuple[tuple[str, str], ...]] = (
    ("microsoft", "Microsoft gaps"),
    ("always", "Always looked at, not reviewed"),
    ("asked", "With an open note"),
    ("live", "Differs from live"),
)
NO_ROW: Final = Q(pk__in=[])
#: Above tolerance, and something of it is unexplained: what keeps a row from being submitted.
UNEXPLAINED: Final = Q(severity__gte=Severity.INVESTIGATE) & reduce(
    or_, (Q(**{f"{check}_severity__gte": Severity.INVESTIGATE}) & ~Q(**{f"{check}_left": 0}) for check in CHECKS)
)
#: Rows that a person looks at whatever the percentage, and nobody has yet.
NOT_REVIEWED: Final = ~Q(flags="") & Q(
    severity__gte=Severity.INVESTIGATE,
    flags__regex="new_organization|missing_organization|zero_to_some|some_to_zero|leg_went_missing|charged_anyway",
    is_reviewed=False,
)


class VarianceFilter(django_filters.FilterSet):
    """``view`` is a saved view, ``q`` a part of the Organization's name. ``differing`` are the rows of *Differs from live*, where a pull
    speaks for the month."""

    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Organization")
    product = django_filters.ChoiceFilter(choices=[(p.code, p.label) for p in PRODUCTS], empty_label="All products")
    severity = django_filters.ChoiceFilter(
        choices=[(s.code, s.label) for s in reversed(Severity)], method="of_severity", empty_label="Any severity"
    )
    view = django_filters.ChoiceFilter(choices=[v for v in (*VIEWS, *FURTHER_VIEWS) if v[0]], method="of_view", widget=forms.HiddenInput)

    class Meta:
        model = Variance
        fields: ClassVar[list[str]] = []

    def __init__(self, *args: Any, user: User | None = None, differing: Callable[[], Q] = lambda: NO_ROW, **kwargs: Any) -> None:
        self.user, self.differing = user, differing
        super().__init__(*args, **kwargs)

    def of_severity(self, rows: QuerySet[Variance], name: str, value: str) -> QuerySet[Variance]:
        return rows.filter(severity=Severity[value.upper()])

    def of_view(self, rows: QuerySet[Variance], name: str, value: str) -> QuerySet[Variance]:
        return rows.filter(self.differing() if value == "live" else view_condition(value, self.user))


def view_condition(view: str, user: User | None = None) -> Q:
    """Which rows a saved view shows; *mine* are those of ``user``. *Differs from live* is a revision's own (``differing_of``)."""
    match view:
        case "work":
            return Q(severity__gte=Severity.INVESTIGATE)
        case "rebill":
            return Q(rebilled_severity__gte=Severity.INVESTIGATE)
        case "microsoft":
            return Q(microsoft_severity__gte=Severity.INVESTIGATE)
        case "unchecked":
            return reduce(or_, (Q(**{f"{check}_severity": Severity.UNCHECKED}) for check in CHECKS))
        case "mine":
            # Their decisions are few and have an index on the owner, which rows have not: another one would make every decision dearer.
            theirs = RowDecision.objects.filter(owner=user).values("organization")
            return Q(owner=user, organization__in=theirs) if user else Q(pk__in=[])
        case "open":
            return UNEXPLAINED
        case "always":
            return NOT_REVIEWED
        case "asked":
            return Q(Exists(open_notes().filter(cycle=OuterRef("reconciliation__cycle"), **_SAME_ROW)))
    return Q()


def differing_of(reconciliation: Reconciliation) -> Q:
    """The rows of a revision whose billed units are another number than those that were pulled."""
    snapshot = snapshot_of(reconciliation) if reconciliation.pk else None
    return differs(reconciliation, snapshot, roots_shown(reconciliation)) if snapshot and snapshot.is_known else NO_ROW


_SAME_ROW: Final = {"organization": OuterRef("organization"), "product": OuterRef("product")}


def open_notes() -> QuerySet[Note]:
    """Notes that wait for an answer."""
    return Note.objects.filter(is_open=True, resolved_at__isnull=True, withdrawn_at__isnull=True)


def rows_of(reconciliation: Reconciliation) -> QuerySet[Variance]:
    """The rows that the month shows now."""
    return Variance.objects.filter(reconciliation=reconciliation.pk, run=reconciliation.run)


def sorted_rows(rows: QuerySet[Variance], sort: str) -> QuerySet[Variance]:
    """By one column and then by name; without one, most severe first, then by money."""
    descending, column = sort.startswith("-"), sort.lstrip("-")
    if column not in SORTS:
        return rows.order_by(*WORST_FIRST)
    if column == "severity" and descending:
        return rows.order_by(*WORST_FIRST)
    field = F(SORTS[column])
    first: Any = field.desc(nulls_last=True) if descending else field.asc(nulls_last=True)
    if column in {"name", "product", "severity"}:
        first = f"-{SORTS[column]}" if descending else SORTS[column]
    return rows.order_by(first, "name", "product", "pk")


def variances_as_listed(reconciliation: Reconciliation, query: QueryDict, user: User | None = None) -> QuerySet[Variance]:
    """The rows as an address asks for them: filtered by it, and sorted by its ``sort``."""
    rows = rows_of(reconciliation)
    filtered = VarianceFilter(query, queryset=rows, user=user, differing=lambda: differing_of(reconciliation))
    return sorted_rows(filtered.qs, query.get("sort", ""))
