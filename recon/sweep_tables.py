"""The tables of the sweep: customers with what is to be removed there, and their machines."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Final

import django_filters
import django_tables2 as tables
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import RequestConfig

from accounts.templatetags.recon_ui import blank, day, icon, money, plural, status, units
from ingest.models import AgentLine
from recon.models import SweepFinding
from recon.sweep_counts import Counted, Customer
from recon.sweep_page import kept_query, twins_of, why

PER_PAGE: Final = 50
_ZERO: Final = SafeString('<span class="zero">0</span>')
_LAST: Final = datetime.max.replace(tzinfo=UTC)
#: Kind → tone, icon, word.
KINDS: Final = {
    "never": ("investigate", "unchecked", "Never checked in"),
    "stale": ("investigate", "investigate", "No check-in"),
    "duplicate": ("investigate", "columns", "Stands twice"),
    "swept": ("done", "done", "Swept"),
    "gone": ("aside", "gone", "Gone"),
    "returned": ("review", "undo", "Came back"),
    "new": ("within", "new", "New"),
}


class FindingFilter(django_filters.FilterSet):
    """``q`` is a part of a customer's name, a hostname or a serial; ``show`` narrows to one reason."""

    SHOWS: ClassVar = [
        ("stale", "No check-in"), ("never", "Never checked in"), ("duplicate", "Stands twice"), ("risk", "May be orphaned"),
    ]  # fmt: skip
    q = django_filters.CharFilter(method="of_words", label="Customer or machine")
    show = django_filters.ChoiceFilter(choices=SHOWS, method="of_show", empty_label="Every reason", label="Why")

    class Meta:
        model = SweepFinding
        fields: ClassVar[list[str]] = []

    def of_words(self, rows: QuerySet[SweepFinding], name: str, value: str) -> QuerySet[SweepFinding]:
        value = value.strip()
        machine = Q(hostname__icontains=value) | Q(serial__icontains=value) | Q(owner_name__icontains=value)
        return rows.filter(machine | Q(organization__name__icontains=value) | Q(organization__merged_into__name__icontains=value))

    def of_show(self, rows: QuerySet[SweepFinding], name: str, value: str) -> QuerySet[SweepFinding]:
        match value:
            case "duplicate":
                return rows.filter(is_duplicate=True)
            case "risk":
                return rows.filter(is_at_risk=True)
            case _:
                return rows.filter(kind=value)


class _Filtered(tables.Table):
    filter: FindingFilter
    query = ""

    class Meta:
        template_name = "includes/table.html"

    @property
    def is_filtered(self) -> bool:
        return any(self.filter.data.get(name) for name in ("q", "show"))


def _count(name: str, label: str, cell: str = "num") -> tables.Column:
    return tables.Column(accessor=name, order_by=(name, "name"), verbose_name=label, attrs={"cell": {"class": cell}})


class CustomersTable(_Filtered):
    """One row a customer. What nobody is known for is one row of its own."""

    name = tables.Column(order_by=("name", "pk"), verbose_name="Customer", attrs={"cell": {"class": "clip"}})
    machines = _count("machines", "To remove")
    stale = _count("stale", "No check-in", "num p2")
    never = _count("never", "Never checked in", "num p3")
    duplicate = _count("duplicate", "Stands twice", "num p2")
    at_risk = _count("at_risk", "May be orphaned", "num p3")
    oldest = tables.Column(
        empty_values=(), order_by=("oldest_key", "name"), verbose_name="Oldest check-in", attrs={"cell": {"class": "nowrap"}}
    )
    threshold = tables.Column(empty_values=(), orderable=False, verbose_name="Stale from", attrs={"cell": {"class": "num p3"}})
    money = tables.Column(
        empty_values=(), order_by=("worth__money", "machines", "name"), verbose_name="A month", attrs={"cell": {"class": "num"}}
    )

    caption = "Machines to remove, by customer"
    row_header = "name"
    empty_title = "No machine fits"
    empty_text = "Take a filter away, or search for another part of the name."
    counted: Counted

    class Meta(_Filtered.Meta):
        order_by = "-money"

    @classmethod
    def of(cls, request: HttpRequest, counted: Counted) -> CustomersTable:
        filtered = FindingFilter(request.GET, queryset=counted.to_remove)
        table = cls([_Row(one) for one in counted.customers(filtered.qs)])
        table.counted, table.filter, table.query = counted, filtered, kept_query(request.GET)
        RequestConfig(request, paginate={"per_page": PER_PAGE, "silent": True}).configure(table)
        return table

    def render_name(self, record: _Row) -> SafeString:
        url = reverse("recon:sweep_machines", args=[self.counted.account.slug, record.pk])
        return format_html('<a href="{}{}">{}</a>', url, f"?{self.query}" if self.query else "", record.name)

    def render_machines(self, value: int) -> str:
        return units(value)

    def _some(self, value: int) -> str:
        return units(value) if value else _ZERO

    render_stale = render_never = render_duplicate = render_at_risk = _some

    def render_oldest(self, record: _Row) -> str:
        return day(record.oldest) if record.oldest else blank("None of them ever checked in")

    def render_threshold(self, record: _Row) -> SafeString | str:
        if record.threshold is None:
            return format_html('<span class="muted">{}</span>', plural(self.counted.account.stale_days, "day"))
        return plural(record.threshold, "day")

    def render_money(self, record: _Row) -> SafeString | str:
        if not record.worth.priced:
            return blank("No cost price of EDR is known")
        unpriced = f"{plural(record.worth.unpriced, 'machine')} without a price" if record.worth.unpriced else ""
        shown = money(record.worth.money)
        return format_html('{}<span class="also">{}</span>', shown, unpriced) if unpriced else shown


class _Row:
    """A customer as the table sorts it."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.customer, name)

    @property
    def oldest_key(self) -> datetime:
        return self.customer.oldest or _LAST


class MachinesTable(_Filtered):
    """The machines of one customer. ``may_work``: somebody who may keep them."""

    hostname = tables.Column(order_by=("host_key", "line"), attrs={"cell": {"class": "clip"}})
    serial = tables.Column(order_by=("serial", "line"), default=blank("The list has no serial"), attrs={"cell": {"class": "p2 mono"}})
    platform = tables.Column(order_by=("platform", "line"), default=blank("The list does not say"), attrs={"cell": {"class": "p3"}})
    kind = tables.Column(order_by=("kind", "-days", "line"), verbose_name="Why", attrs={"cell": {"class": "wraps"}})
    last_seen = tables.Column(empty_values=(), verbose_name="Last check-in", attrs={"cell": {"class": "nowrap"}})
    days = tables.Column(empty_values=(), attrs={"cell": {"class": "num p2"}})
    keep = tables.Column(empty_values=(), orderable=False, attrs={"cell": {"class": "wraps no-print"}})

    caption = "Machines to remove"
    row_header = "hostname"
    empty_title = "No machine to remove here"
    empty_text = "They were swept, are kept, or do not fit the filters."
    slug = ""
    form: dict[str, Any]

    class Meta(_Filtered.Meta):
        order_by = "-days"

    @classmethod
    def of(cls, request: HttpRequest, counted: Counted, rows: QuerySet[SweepFinding], *, may_work: bool = False) -> MachinesTable:
        filtered = FindingFilter(request.GET, queryset=rows.select_related("organization", "keep__by"))
        table = cls(filtered.qs, exclude=() if may_work else ("keep",))
        table.filter, table.query, table.slug = filtered, kept_query(request.GET), counted.account.slug
        table.form = {"csrf_token": get_token(request), "typed": request.POST} if may_work else {}
        RequestConfig(request, paginate={"per_page": PER_PAGE, "silent": True}).configure(table)
        return table

    def render_keep(self, record: SweepFinding) -> str:
        """Without the request: its context processors would ask the database anew for every row."""
        return render_to_string("recon/sweep_keep.html", self.form | {"record": record})

    @cached_property
    def twins(self) -> dict[int, AgentLine]:
        return twins_of([row.record for row in self.paginated_rows])

    def order_last_seen(self, rows: QuerySet[SweepFinding], is_descending: bool) -> tuple[QuerySet[SweepFinding], bool]:
        return rows.order_by(_blanks_last("last_seen", is_descending), "line"), True

    def order_days(self, rows: QuerySet[SweepFinding], is_descending: bool) -> tuple[QuerySet[SweepFinding], bool]:
        return rows.order_by(_blanks_last("days", is_descending), "host_key", "line"), True

    def render_hostname(self, record: SweepFinding) -> SafeString:
        url = f"{reverse('ingest:file', args=[self.slug, record.source_file_id])}?line={record.line}#line-{record.line}"
        return format_html('<a href="{}" title="Line {} of its list">{}</a>', url, record.line, record.hostname)

    def render_kind(self, record: SweepFinding) -> SafeString:
        shown = status(*KINDS[record.kind])
        risk = (
            format_html(' <span class="flag" title="{0}">{1}<span class="vh">{0}</span></span>', "May be orphaned", icon("half"))
            if record.is_at_risk
            else ""
        )
        return format_html('{}{}<span class="also">{}</span>', shown, risk, why(record, self.twins.get(record.pk)))

    def render_last_seen(self, record: SweepFinding) -> str:
        return day(record.last_seen) if record.last_seen else blank("It never checked in")

    def render_days(self, record: SweepFinding) -> str:
        return units(record.days) if record.days is not None else blank("Since when is not known")


class ChangesTable(MachinesTable):
    """What came and went between two lists, of all customers."""

    organization = tables.Column(
        empty_values=(),
        order_by=("organization__name", "owner_name", "host_key"),
        verbose_name="Customer",
        attrs={"cell": {"class": "clip"}},
    )
    caption = "What came and went"
    empty_title = "Nothing of this kind happened"
    empty_text = "Between these two lists no machine did."

    class Meta(MachinesTable.Meta):
        sequence = ("hostname", "organization", "...")
        exclude = ("keep",)
        order_by = "organization"

    def render_organization(self, record: SweepFinding) -> str:
        return record.organization.name if record.organization else record.owner_name


def _blanks_last(name: str, is_descending: bool) -> Any:
    return F(name).desc(nulls_last=True) if is_descending else F(name).asc(nulls_last=True)
