"""How the list of a month is filtered and sorted, in one place for the screen and for files."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from accounts.products import PRODUCTS
from recon.models import Reconciliation, Severity, Variance

#: Column → what it sorts by. Unknown figures come last either way.
SORTS: Final[dict[str, str]] = {
    name: name
    for name in (
        "name", "product", "billed", "expected", "rebilled", "previous", "expected_difference", "rebilled_difference",
        "expected_money", "rebilled_money", "severity",
    )
}  # fmt: skip
WORST_FIRST: Final = ("-severity", "-weight", "name", "product", "pk")
VIEWS: Final = (
    ("", "All rows"),
    ("work", "Work queue"),
    ("rebill", "Rebill gaps"),
    ("unchecked", "Cannot be checked"),
)


class VarianceFilter(django_filters.FilterSet):
    """``view`` is a saved view, ``q`` a part of the Organization's name."""

    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Organization")
    product = django_filters.ChoiceFilter(choices=[(p.code, p.label) for p in PRODUCTS], empty_label="All products")
    severity = django_filters.ChoiceFilter(
        choices=[(s.code, s.label) for s in reversed(Severity)], method="of_severity", empty_label="Any severity"
    )
    view = django_filters.ChoiceFilter(choices=[v for v in VIEWS if v[0]], method="of_view", widget=forms.HiddenInput)

    class Meta:
        model = Variance
        fields: ClassVar[list[str]] = []

    def of_severity(self, rows: QuerySet[Variance], name: str, value: str) -> QuerySet[Variance]:
        return rows.filter(severity=Severity[value.upper()])

    def of_view(self, rows: QuerySet[Variance], name: str, value: str) -> QuerySet[Variance]:
        return rows.filter(view_condition(value))


def view_condition(view: str) -> Q:
    """Which rows a saved view shows."""
    match view:
        case "work":
            return Q(severity__gte=Severity.INVESTIGATE)
        case "rebill":
            return Q(rebilled_severity__gte=Severity.INVESTIGATE)
        case "unchecked":
            return Q(expected_severity=Severity.UNCHECKED) | Q(rebilled_severity=Severity.UNCHECKED)
    return Q()


def view_counts(totals: dict[str, Any]) -> dict[str, int]:
    """How many rows each saved view shows, out of the month's figures: 200,000 rows are not counted at every look."""
    levels = totals.get("severities", {})
    return {
        "": totals.get("rows", 0),
        "work": sum(levels.get(str(level.value), 0) for level in (Severity.INVESTIGATE, Severity.ESCALATE)),
        "rebill": totals.get("flagged", {}).get("rebilled", 0),
        "unchecked": totals.get("unchecked", 0),
    }


def rows_of(reconciliation: Reconciliation) -> QuerySet[Variance]:
    """The rows that the month shows now."""
    return Variance.objects.filter(reconciliation=reconciliation, run=reconciliation.run)


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


def variances_as_listed(reconciliation: Reconciliation, query: QueryDict) -> QuerySet[Variance]:
    """The rows as an address asks for them: filtered by it, and sorted by its ``sort``."""
    filtered = VarianceFilter(query, queryset=rows_of(reconciliation))
    return sorted_rows(filtered.qs, query.get("sort", ""))
