"""A reseller's accounts and their usage lines as eyes see them: searched, sorted and paged in the database."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import django_filters
import django_tables2 as tables
from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_tables2 import RequestConfig

from accounts.models import Reseller
from accounts.templatetags.recon_ui import blank, day, plural, status, units
from ingest.models import ResellerAccount, ResellerInvoice, ResellerUsage
from recon.context import ordinal
from recon.services.resellers import day_words
from recon.usage_words import look_of, product_label, sentences, tier_words

PER_PAGE: Final = 50
_ZERO: Final = SafeString('<span class="zero">0</span>')
_ALL: Final = SafeString(
    '<input type="checkbox" data-select-all class="needs-js" aria-label="Select every account of this page that waits">'
)
WAITING: Final = Q(account__isnull=True, ignored_because="", gone_at__isnull=True)
#: What the minimum adds to a line; null where it cannot be told.
SHORTFALL: Final = Case(
    When(Q(actual__isnull=True) | Q(non_billable__isnull=True) | Q(non_billable__gt=F("actual")), then=Value(None)),
    When(minimum__gt=F("actual") - F("non_billable"), then=F("minimum") - F("actual") + F("non_billable")),
    default=Value(0),
    output_field=BigIntegerField(),
)


class AccountFilter(django_filters.FilterSet):
    """``q`` is a part of a name (the former one too), of a subdomain or of our account's name, or an id; ``show`` narrows to a state."""

    SHOWS: ClassVar = [
        ("waiting", "Waiting to be mapped"), ("mapped", "Mapped"), ("ignored", "Not ours"), ("gone", "Gone from Huntress"),
        ("disabled", "Disabled"), ("renamed", "Renamed"), ("day", "Another cycle day"),
    ]  # fmt: skip
    q = django_filters.CharFilter(method="of_words", label="Account")
    show = django_filters.ChoiceFilter(choices=SHOWS, method="of_show", empty_label="All", label="Show")

    class Meta:
        model = ResellerAccount
        fields: ClassVar[list[str]] = []

    def of_words(self, rows: QuerySet[ResellerAccount], name: str, value: str) -> QuerySet[ResellerAccount]:
        value = value.strip()
        there = Q(name__icontains=value) | Q(former_name__icontains=value) | Q(subdomain__icontains=value) | Q(external_id=value)
        return rows.filter(there | Q(account__name__icontains=value))

    def of_show(self, rows: QuerySet[ResellerAccount], name: str, value: str) -> QuerySet[ResellerAccount]:
        return rows.filter(
            {
                "waiting": WAITING,
                "mapped": Q(account__isnull=False),
                "ignored": ~Q(ignored_because=""),
                "gone": Q(gone_at__isnull=False),
                "disabled": Q(status="disabled"),
                "renamed": ~Q(former_name=""),
                "day": Q(account__isnull=False, cycle_day__isnull=False) & ~Q(cycle_day=F("account__anniversary_day")),
            }[value]
        )


class AccountsTable(tables.Table):
    """``may_map``: somebody who may say which account is which."""

    select = tables.Column(verbose_name=_ALL, orderable=False, empty_values=(), attrs={"cell": {"class": "p2"}})
    name = tables.Column(order_by=("name", "pk"), verbose_name="Account at Huntress", attrs={"cell": {"class": "clip"}})
    external_id = tables.Column(order_by=("external_id", "pk"), verbose_name="Id", attrs={"cell": {"class": "p3 nowrap mono"}})
    status = tables.Column(empty_values=(), order_by=("status", "name", "pk"), verbose_name="There", attrs={"cell": {"class": "p2 nowrap"}})
    account = tables.Column(empty_values=(), verbose_name="Account here", attrs={"cell": {"class": "wraps"}})
    cycle_day = tables.Column(empty_values=(), verbose_name="Cycle", attrs={"cell": {"class": "p2 nowrap"}})
    seen_at = tables.Column(empty_values=(), verbose_name="Seen", attrs={"cell": {"class": "p3 nowrap"}})

    caption = "The reseller’s accounts at Huntress, and which account here each is"
    row_header = "name"
    empty_title = "No account fits"
    reseller: Reseller
    filter: AccountFilter
    ticked: frozenset[str] = frozenset()

    class Meta:
        template_name = "includes/table.html"
        order_by = "name"
        empty_text = "Accounts appear here when the list of accounts is pulled with the reseller’s key."
        row_attrs: ClassVar = {"id": lambda record: f"account-{record.pk}"}

    @classmethod
    def of(cls, request: HttpRequest, reseller: Reseller, *, may_map: bool) -> AccountsTable:
        filtered = AccountFilter(request.GET, queryset=ResellerAccount.objects.filter(reseller=reseller))
        table = cls(filtered.qs.select_related("account"), exclude=() if may_map else ("select",))
        table.reseller, table.filter = reseller, filtered
        table.ticked = frozenset(request.POST.getlist("row")) if request.method == "POST" else frozenset()
        RequestConfig(request, paginate={"per_page": PER_PAGE, "silent": True}).configure(table)
        return table

    @property
    def is_filtered(self) -> bool:
        return any(self.filter.data.get(name) for name in ("q", "show"))

    def order_account(self, rows: Any, is_descending: bool) -> Any:
        """What waits first, then by our name, then what is not ours; and the other way round."""
        place = Case(When(WAITING, then=Value(0)), When(account__isnull=False, then=Value(1)), default=Value(2))
        order = ("place", "account__name", "name", "pk")
        return rows.annotate(place=place).order_by(*(f"-{one}" if is_descending else one for one in order)), True

    def order_cycle_day(self, rows: Any, is_descending: bool) -> Any:
        return rows.order_by(_blanks_last("cycle_day", is_descending), "name", "pk"), True

    def order_seen_at(self, rows: Any, is_descending: bool) -> Any:
        return rows.order_by(_blanks_last("seen_at", is_descending), "name", "pk"), True

    def render_select(self, record: ResellerAccount) -> SafeString | str:
        if record.account_id or record.ignored_because:
            return ""
        return format_html(
            '<input type="checkbox" name="row" value="{0}" form="bulk" aria-label="Select {1}"{2}>',
            record.pk, record.name, SafeString(" checked" if str(record.pk) in self.ticked else ""),
        )  # fmt: skip

    def render_name(self, record: ResellerAccount) -> SafeString:
        url = reverse("recon:reseller_account", args=[record.reseller_id, record.pk])
        former = format_html('<span class="also">before: {}</span>', record.former_name) if record.former_name else ""
        return format_html('<a href="{}">{}</a>{}', url, record.name, former)

    def render_status(self, record: ResellerAccount) -> SafeString | str:
        return there_of(record)

    def render_account(self, record: ResellerAccount) -> SafeString:
        if record.account:
            url = reverse("recon:account", args=[record.account.slug])
            return format_html('<a href="{}">{}</a>', url, record.account)
        if record.ignored_because:
            return format_html('{}<span class="also">{}</span>', status("aside", "blocked", "Not ours"), record.ignored_because)
        return status("aside", "half", "Gone, never mapped") if record.gone_at else status("todo", "todo", "Waits")

    def render_cycle_day(self, record: ResellerAccount) -> SafeString | str:
        if said := day_words(record):
            return format_html('<span title="{}">{}</span>', said, status("investigate", "investigate", _from(record)))
        return _from(record) if record.cycle_day else blank("No usage line of it is known")

    def render_seen_at(self, record: ResellerAccount) -> str:
        return day(record.seen_at) if record.seen_at else blank("No list of accounts names it; usage lines or subscriptions do")


def _from(record: ResellerAccount) -> str:
    return f"from the {ordinal(record.cycle_day)}" if record.cycle_day else "not known"


def there_of(record: ResellerAccount) -> SafeString:
    if record.gone_at:
        return status("aside", "gone", f"Gone since {day(record.gone_at)}")
    if record.status == "enabled":
        return format_html('<span class="muted">{}</span>', "Enabled")
    if record.status == "disabled":
        return status("within", "blocked", "Disabled")
    return format_html("{}", record.status) if record.status else SafeString(blank("No list says it"))


# --- usage ------------------------------------------------------------------------------------------------------------------------


class UsageFilter(django_filters.FilterSet):
    """``invoice`` is chosen before: these are its lines."""

    SHOWS: ClassVar = [("odd", "What does not add up"), ("short", "With a minimum shortfall"), ("non_billable", "With non-billable units")]
    q = django_filters.CharFilter(method="of_words", label="Account")
    product = django_filters.ChoiceFilter(choices=[], empty_label="Every product", label="Product")
    show = django_filters.ChoiceFilter(choices=SHOWS, method="of_show", empty_label="All lines", label="Show")

    class Meta:
        model = ResellerUsage
        fields: ClassVar[list[str]] = []

    def __init__(self, *given: Any, products: list[str], **more: Any) -> None:
        super().__init__(*given, **more)
        self.filters["product"].extra["choices"] = [(code, product_label(code)) for code in products]

    def of_words(self, rows: QuerySet[ResellerUsage], name: str, value: str) -> QuerySet[ResellerUsage]:
        value = value.strip()
        return rows.filter(Q(owner__name__icontains=value) | Q(owner__account__name__icontains=value) | Q(owner__external_id=value))

    def of_show(self, rows: QuerySet[ResellerUsage], name: str, value: str) -> QuerySet[ResellerUsage]:
        return rows.filter({"odd": ODD, "short": Q(short__gt=0), "non_billable": Q(non_billable__gt=0)}[value])


#: A line with something to look at.
ODD: Final = ~Q(odd="") & ~Q(odd="pooled")


class UsageTable(tables.Table):
    """One invoice's lines, each with its sum shown."""

    name = tables.Column(
        empty_values=(), order_by=("owner__name", "product", "pk"), verbose_name="Account", attrs={"cell": {"class": "clip"}}
    )
    product = tables.Column(order_by=("product", "owner__name", "pk"), attrs={"cell": {"class": "nowrap"}})
    period = tables.Column(empty_values=(), order_by=("period_start", "owner__name", "pk"), attrs={"cell": {"class": "p3 nowrap"}})
    actual = tables.Column(empty_values=(), attrs={"cell": {"class": "num edge"}})
    short = tables.Column(empty_values=(), verbose_name="+ Shortfall", attrs={"cell": {"class": "num"}})
    non_billable = tables.Column(empty_values=(), verbose_name="− Non-billable", attrs={"cell": {"class": "num p2"}})
    billable = tables.Column(empty_values=(), verbose_name="= Billable", attrs={"cell": {"class": "num"}})
    minimum = tables.Column(empty_values=(), attrs={"cell": {"class": "num edge p2"}})
    organizations_actual = tables.Column(empty_values=(), verbose_name="Organizations", attrs={"cell": {"class": "num p3"}})
    odd = tables.Column(empty_values=(), verbose_name="Check", attrs={"cell": {"class": "wraps"}})

    caption = "Usage lines: actual, and minimum shortfall, less non-billable, is billable"
    row_header = "name"
    empty_title = "No line fits"
    filter: UsageFilter
    totals: dict[str, Any]

    class Meta:
        template_name = "includes/table.html"
        order_by = "-odd"
        empty_text = "Take a filter away, or choose another invoice."

    @classmethod
    def of(cls, request: HttpRequest, invoice: ResellerInvoice, products: list[str]) -> UsageTable:
        rows = ResellerUsage.objects.filter(invoice=invoice).annotate(short=SHORTFALL)
        filtered = UsageFilter(request.GET, queryset=rows, products=products)
        table = cls(filtered.qs.select_related("owner__account"))
        table.filter = filtered
        table.totals = filtered.qs.aggregate(
            lines=Count("pk"), **{f"all_{name}": Sum(name) for name in ("actual", "short", "non_billable", "billable", "minimum")},
            unknown=Count("pk", filter=Q(short__isnull=True) | Q(billable__isnull=True)), odd_lines=Count("pk", filter=ODD),
        )  # fmt: skip
        RequestConfig(request, paginate={"per_page": PER_PAGE, "silent": True}).configure(table)
        return table

    @property
    def is_filtered(self) -> bool:
        return any(self.filter.data.get(name) for name in ("q", "product", "show"))

    @property
    def footer_rows(self) -> list[dict[str, str]]:
        if not self.totals["lines"]:
            return []
        found = {name: units(self.totals[f"all_{name}"] or 0) for name in ("actual", "short", "non_billable", "billable", "minimum")}
        unknown = self.totals["unknown"]
        return [
            {"name": f"All {plural(self.totals['lines'], 'line')}{'' if self.filter.data.get('product') else ', every product'}"}
            | found
            | {"odd": f"{plural(unknown, 'line')} in no sum" if unknown else ""}
        ]

    def _counts(self, name: str, rows: Any, is_descending: bool) -> Any:
        return rows.order_by(_blanks_last(name, is_descending), "owner__name", "product", "pk"), True

    def order_actual(self, rows: Any, is_descending: bool) -> Any:
        return self._counts("actual", rows, is_descending)

    def order_short(self, rows: Any, is_descending: bool) -> Any:
        return self._counts("short", rows, is_descending)

    def order_non_billable(self, rows: Any, is_descending: bool) -> Any:
        return self._counts("non_billable", rows, is_descending)

    def order_billable(self, rows: Any, is_descending: bool) -> Any:
        return self._counts("billable", rows, is_descending)

    def order_minimum(self, rows: Any, is_descending: bool) -> Any:
        return self._counts("minimum", rows, is_descending)

    def order_organizations_actual(self, rows: Any, is_descending: bool) -> Any:
        return self._counts("organizations_actual", rows, is_descending)

    def order_odd(self, rows: Any, is_descending: bool) -> Any:
        """What does not add up first, which is descending."""
        loud = Case(When(ODD, then=Value(2)), When(odd="pooled", then=Value(1)), default=Value(0))
        return rows.annotate(loud=loud).order_by("-loud" if is_descending else "loud", "owner__name", "product", "pk"), True

    def render_name(self, record: ResellerUsage) -> SafeString:
        url = reverse("recon:reseller_account", args=[record.owner.reseller_id, record.owner_id])
        here = format_html('<span class="also">{}</span>', record.owner.account) if record.owner.account else ""
        here = here if record.owner.account and record.owner.account.name != record.owner.name else ""
        return format_html('<a href="{}">{}</a>{}', url, record.owner.name, here)

    def render_product(self, record: ResellerUsage) -> SafeString:
        return format_html(
            '<span class="product" title="{}">{}</span>', tier_words(record.tier, record.interval, ""), product_label(record.product)
        )

    def render_period(self, record: ResellerUsage) -> str:
        return f"{record.period_start:%-d %b} – {record.period_end:%-d %b %Y}"

    def render_actual(self, record: ResellerUsage) -> SafeString | str:
        return _count(record.actual, "The line states no readable count")

    def render_short(self, record: Any) -> SafeString | str:
        return _count(record.short, "Without actual and non-billable it cannot be told")

    def render_non_billable(self, record: ResellerUsage) -> SafeString | str:
        return _count(record.non_billable, "The line states none")

    def render_billable(self, record: ResellerUsage) -> SafeString | str:
        return _count(record.billable, "The line states none")

    def render_minimum(self, record: ResellerUsage) -> SafeString | str:
        return _count(record.minimum, "The line states no minimum")

    def render_organizations_actual(self, record: ResellerUsage) -> SafeString | str:
        return _count(record.organizations_actual, "No Organization has a readable line of it")

    def render_odd(self, record: ResellerUsage) -> SafeString:
        said = sentences(record)
        shown = status(*look_of(record))
        return format_html("{}{}", shown, format_html_join("", '<span class="also">{}</span>', ((one,) for one in said)))


def _count(value: int | None, why: str) -> SafeString | str:
    if value is None:
        return blank(why)
    return units(value) if value else _ZERO


def _blanks_last(name: str, is_descending: bool) -> Any:
    return F(name).desc(nulls_last=True) if is_descending else F(name).asc(nulls_last=True)
