"""An account's tenants as eyes see them: whose each is, how it stands, and when it was last read."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import django_filters
import django_tables2 as tables
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import RequestConfig

from accounts.models import Account, Tenant
from accounts.templatetags.recon_ui import blank, moment, status
from ingest.models import DirectorySnapshot
from ingest.services.tenants import CONFIRM, GOOD, TROUBLE, UNTESTED, tenants_of

PER_PAGE: Final = 50
#: Standing → tone, icon, word.
LOOKS: Final = {
    TROUBLE: ("rejected", "escalate", "Trouble"),
    CONFIRM: ("investigate", "investigate", "To confirm"),
    UNTESTED: ("todo", "todo", "Not tested"),
    GOOD: ("done", "match", "Confirmed"),
}
_PARTLY: Final = ("within", "within", "Confirmed, with gaps")
_BY_HAND: Final = ("done", "pen", "Counted by hand")


def look_of(tenant: Any) -> tuple[str, str, str]:
    """How a tenant stands: tone, icon, word. ``tenant`` has ``standing``."""
    if tenant.standing == GOOD and tenant.kind == Tenant.Kind.GOOGLE:
        return _BY_HAND
    if tenant.standing == GOOD and any(one["is_open"] is False for one in tenant.reach):
        return _PARTLY
    return LOOKS[tenant.standing]


class TenantFilter(django_filters.FilterSet):
    """``q`` is a part of its name, of its Organization's, or its whole id; ``show`` narrows to a standing, or to Google's."""

    SHOWS: ClassVar = [
        ("trouble", "Trouble"), ("confirm", "To confirm"), ("untested", "Not tested"), ("good", "Confirmed"), ("google", "Google"),
    ]  # fmt: skip
    q = django_filters.CharFilter(method="of_name", label="Tenant")
    show = django_filters.ChoiceFilter(choices=SHOWS, method="of_show", empty_label="All", label="Show")

    class Meta:
        model = Tenant
        fields: ClassVar[list[str]] = []

    def of_name(self, rows: QuerySet[Tenant], name: str, value: str) -> QuerySet[Tenant]:
        value = value.strip()
        return rows.filter(Q(name__icontains=value) | Q(organization__name__icontains=value) | Q(guid=value.lower()))

    def of_show(self, rows: Any, name: str, value: str) -> Any:
        if value == "google":
            return rows.filter(kind=Tenant.Kind.GOOGLE)
        return rows.filter(standing={"trouble": TROUBLE, "confirm": CONFIRM, "untested": UNTESTED, "good": GOOD}[value])


class TenantsTable(tables.Table):
    name = tables.Column(verbose_name="Tenant", empty_values=(), order_by=("name", "guid", "pk"), attrs={"cell": {"class": "clip"}})
    organization = tables.Column(
        order_by=("organization__name", "name", "pk"), default=blank("Nobody has said whose it is"), attrs={"cell": {"class": "clip p2"}}
    )
    standing = tables.Column(verbose_name="State", order_by=("standing", "name", "pk"), attrs={"cell": {"class": "nowrap"}})
    pulled_at = tables.Column(
        verbose_name="Last pull",
        order_by=("pulled_at", "pk"),
        default=blank("Nothing was pulled yet"),
        attrs={"cell": {"class": "nowrap p2"}},
    )
    tested_at = tables.Column(
        verbose_name="Tested", order_by=("tested_at", "pk"), default=blank("Not tested"), attrs={"cell": {"class": "nowrap p3"}}
    )
    how = tables.Column(verbose_name="Came by", order_by=("how", "name", "pk"), attrs={"cell": {"class": "nowrap p3"}})

    caption = "Tenants of this account’s customers"
    row_header = "name"
    empty_title = "No tenant fits"
    slug = ""
    filter: TenantFilter

    class Meta:
        template_name = "includes/table.html"
        order_by = "standing"

    @classmethod
    def of(cls, request: HttpRequest, account: Account) -> TenantsTable:
        newest = DirectorySnapshot.objects.filter(tenant=OuterRef("pk"), superseded_at__isnull=True).order_by("-as_of").values("as_of")[:1]
        chosen = TenantFilter(request.GET, tenants_of(account).annotate(pulled_at=Subquery(newest)))
        table = cls(chosen.qs)
        table.filter, table.slug = chosen, account.slug
        RequestConfig(request, paginate={"per_page": PER_PAGE, "silent": True}).configure(table)
        return table

    @property
    def is_filtered(self) -> bool:
        return any(self.filter.data.get(name) for name in ("q", "show"))

    def render_name(self, record: Tenant) -> SafeString:
        url = reverse("ingest:tenant", args=[self.slug, record.pk])
        under = "Google" if record.kind == Tenant.Kind.GOOGLE else (record.domains[0] if record.domains else record.guid)
        whose = f"{under}, {record.organization}" if record.organization else under
        trouble = format_html('<span class="also wraps">{}</span>', record.trouble) if record.trouble else ""
        return format_html('<a href="{}">{}</a> <span class="under">{}</span>{}', url, record, whose, trouble)

    def render_standing(self, record: Any) -> SafeString:
        return status(*look_of(record))

    def render_pulled_at(self, value: Any) -> str:
        return moment(value)

    def render_tested_at(self, value: Any) -> str:
        return moment(value)

    def render_how(self, record: Tenant) -> str:
        return record.get_how_display()


def counted(account: Account) -> dict[str, int]:
    """How many tenants there are in each standing, in one query."""
    known: Any = tenants_of(account)
    rows = known.order_by().values("standing").annotate(n=Count("pk"))
    found = {one["standing"]: one["n"] for one in rows}
    return {
        "all": sum(found.values()), "trouble": found.get(TROUBLE, 0), "confirm": found.get(CONFIRM, 0),
        "untested": found.get(UNTESTED, 0), "good": found.get(GOOD, 0),
    }  # fmt: skip
