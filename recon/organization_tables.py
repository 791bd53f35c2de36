"""The Organizations of an account as eyes see them: who they are, what else they are called, and whether somebody is rebilled."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import django_filters
import django_tables2 as tables
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import RequestConfig

from accounts.models import Account, Alias, FormerName, Organization
from accounts.templatetags.recon_ui import blank, plural, status

PER_PAGE: Final = 50
_NAMES_SHOWN: Final = 3
#: Standing → tone, icon, word.
STANDINGS: Final = {
    Organization.Standing.INTERNAL: ("within", "home", "Internal use"),
    Organization.Standing.NOT_OURS: ("aside", "blocked", "Not ours"),
}


class OrganizationFilter(django_filters.FilterSet):
    """``q`` is a part of any of its names, or its id or key; ``show`` narrows to what was settled by people."""

    SHOWS: ClassVar = [
        ("former", "With a former name"), ("alias", "With an alias"), ("merged", "With members"), ("internal", "Internal use"),
        ("not_ours", "Not ours"),
    ]  # fmt: skip
    q = django_filters.CharFilter(method="of_name", label="Organization")
    show = django_filters.ChoiceFilter(choices=SHOWS, method="of_show", empty_label="All", label="Show")

    class Meta:
        model = Organization
        fields: ClassVar[list[str]] = []

    def of_name(self, rows: QuerySet[Organization], name: str, value: str) -> QuerySet[Organization]:
        value = value.strip()
        former = FormerName.objects.filter(organization=OuterRef("pk"), name__icontains=value)
        alias = Alias.objects.filter(organization=OuterRef("pk"), revoked_at__isnull=True, name__icontains=value)
        member = Organization.objects.filter(merged_into=OuterRef("pk"), name__icontains=value)
        itself = Q(name__icontains=value) | Q(huntress_id=value) | Q(key__icontains=value)
        return rows.filter(itself | Exists(former) | Exists(alias) | Exists(member))

    def of_show(self, rows: QuerySet[Organization], name: str, value: str) -> QuerySet[Organization]:
        match value:
            case "former":
                return rows.filter(Exists(FormerName.objects.filter(organization=OuterRef("pk"))))
            case "alias":
                return rows.filter(Exists(Alias.objects.filter(organization=OuterRef("pk"), revoked_at__isnull=True)))
            case "merged":
                return rows.filter(Exists(Organization.objects.filter(merged_into=OuterRef("pk"))))
            case _:
                return rows.filter(standing=value)


class OrganizationsTable(tables.Table):
    """Who is a member of another one stands in that one's row."""

    name = tables.Column(order_by=("name", "pk"), attrs={"cell": {"class": "clip"}})
    huntress_id = tables.Column(
        verbose_name="Huntress id", default=blank("No source has told its id"), attrs={"cell": {"class": "p2 nowrap"}}
    )
    key = tables.Column(default=blank("No source has told its key"), attrs={"cell": {"class": "p3 clip"}})
    also = tables.Column(empty_values=(), orderable=False, verbose_name="Aliases", attrs={"cell": {"class": "p2 small wraps"}})
    family = tables.Column(empty_values=(), orderable=False, verbose_name="Members", attrs={"cell": {"class": "p3 small wraps"}})
    standing = tables.Column(order_by=("standing", "name", "pk"), attrs={"cell": {"class": "nowrap"}})
    parts = tables.Column(verbose_name="Shares", orderable=False, attrs={"cell": {"class": "num p3"}})

    caption = "Organizations of this account"
    row_header = "name"
    empty_title = "No Organization fits"
    empty_text = "Organizations appear here when a list that names them is imported."
    slug = ""
    filter: OrganizationFilter

    class Meta:
        template_name = "includes/table.html"
        order_by = "name"
        row_attrs: ClassVar = {"id": lambda record: f"org-{record.pk}"}

    @classmethod
    def of(cls, request: HttpRequest, account: Account) -> OrganizationsTable:
        known = Organization.objects.filter(account=account, merged_into__isnull=True)
        filtered = OrganizationFilter(request.GET, queryset=known)
        current = Alias.objects.filter(revoked_at__isnull=True).order_by("name")
        rows = filtered.qs.annotate(parts=Count("shares", filter=Q(shares__ended_at__isnull=True))).prefetch_related(
            "former_names", Prefetch("aliases", queryset=current), Prefetch("members", queryset=Organization.objects.order_by("name"))
        )
        table = cls(rows)
        table.slug, table.filter = account.slug, filtered
        RequestConfig(request, paginate={"per_page": PER_PAGE, "silent": True}).configure(table)
        return table

    @property
    def is_filtered(self) -> bool:
        return any(self.filter.data.get(name) for name in ("q", "show"))

    def order_huntress_id(self, rows: Any, is_descending: bool) -> Any:
        return rows.order_by(_with_blanks_last("huntress_id", is_descending), "name", "pk"), True

    def order_key(self, rows: Any, is_descending: bool) -> Any:
        return rows.order_by(_with_blanks_last("key", is_descending), "name", "pk"), True

    def render_name(self, record: Organization) -> SafeString:
        url = reverse("recon:organization", args=[self.slug, record.pk])
        former = _some([one.name for one in record.former_names.all()])
        under = format_html('<span class="also">before: {}</span>', former) if former else ""
        return format_html('<a href="{}">{}</a>{}', url, record.name, under)

    def render_key(self, value: str) -> SafeString:
        return format_html('<span class="mono" title="{0}">{0}</span>', value)

    def render_also(self, record: Organization) -> str:
        return _some([one.name for one in record.aliases.all()]) or blank("No other name was confirmed")

    def render_family(self, record: Organization) -> str:
        return _some([one.name for one in record.members.all()]) or blank("Nothing else counts under it")

    def render_standing(self, record: Organization) -> SafeString:
        if record.standing == Organization.Standing.CUSTOMER:
            return format_html('<span class="muted">{}</span>', record.get_standing_display())
        shown = status(*STANDINGS[Organization.Standing(record.standing)])
        return format_html('{}<span class="also">{}</span>', shown, record.standing_reason)

    def render_parts(self, value: int) -> str:
        return plural(value, "customer") if value else blank("It is rebilled to one customer")


def _with_blanks_last(name: str, is_descending: bool) -> Any:
    return F(name).desc(nulls_last=True) if is_descending else F(name).asc(nulls_last=True)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else shown
