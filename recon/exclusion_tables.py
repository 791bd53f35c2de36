"""The tables of the exclusion list: a version's SKUs, Microsoft's names, and suggestions. Sorted, searched and paged in the database."""

from __future__ import annotations

from typing import Any, Final

import django_tables2 as tables
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import RequestConfig

from accounts.models import Account
from accounts.templatetags.recon_ui import blank, status
from ingest.models import ExcludedSku, LegInput, SkuName, SkuSuggestion

PER_PAGE: Final = 50
#: A part number may break anywhere: the longest have a hundred characters and no space.
SKU: Final = {"td": {"class": "sku small"}}
GUID: Final = {"td": {"class": "p3 mono small nowrap"}, "th": {"class": "p3"}}
_TICK: Final = SafeString('<span class="vh">Choose</span>')


class SkuRows(tables.Table):
    """What the three have in common: a search (``q``), and boxes to tick for who may act."""

    row_header = "sku"
    empty_title = "No SKU fits"
    q = ""

    class Meta:
        template_name = "includes/table.html"
        order_by = "sku"

    def configured(self, request: HttpRequest, q: str) -> Any:
        self.q = q
        RequestConfig(request, paginate={"per_page": PER_PAGE, "silent": True}).configure(self)
        return self


def searched(request: HttpRequest, rows: QuerySet[Any], *fields: str) -> tuple[QuerySet[Any], str]:
    q = " ".join(request.GET.get("q", "").split())[:100]
    wanted = Q()
    for field in fields:
        wanted |= Q(**{f"{field}__icontains": q})
    return (rows.filter(wanted) if q else rows), q


def _box(form: str, name: str, value: str | int, label: str) -> str:
    """A box of a form that stands beside the list."""
    return format_html('<input type="checkbox" form="{}" name="{}" value="{}" aria-label="Choose {}">', form, name, value, label)


class VersionSkus(SkuRows):
    """The SKUs of one version."""

    select = tables.Column(empty_values=(), orderable=False, verbose_name=_TICK)
    sku = tables.Column(verbose_name="Part number", order_by=("sku_key", "pk"), attrs=SKU)
    called = tables.Column(verbose_name="Name", empty_values=(), order_by=("called", "name", "pk"), attrs={"cell": {"class": "wraps"}})
    known = tables.Column(verbose_name="In Microsoft’s table", empty_values=(), orderable=False, attrs={"cell": {"class": "p2 nowrap"}})
    line = tables.Column(order_by=("line", "pk"), attrs={"cell": {"class": "num p3"}})

    caption = "The SKUs of this version"
    has_names = False

    @classmethod
    def of(cls, request: HttpRequest, version: LegInput, *, may_change: bool) -> VersionSkus:
        account = version.cycle.account_id
        names = SkuName.objects.filter(upload__account=account)
        called = names.filter(sku_key=OuterRef("sku_key")).order_by("line").values("name")[:1]
        listed = ExcludedSku.objects.filter(source_file=version.source_file_id).annotate(called=Subquery(called))
        rows, q = searched(request, listed, "sku", "name", "called")
        table = cls(rows, exclude=() if may_change else ("select",))
        table.has_names = names.exists()
        found: VersionSkus = table.configured(request, q)
        return found

    def render_select(self, record: ExcludedSku) -> str:
        return _box("hand", "remove", record.sku, record.sku)

    def render_called(self, record: Any) -> str:
        return record.called or record.name or blank("Neither the list nor Microsoft’s table has a name for it")

    def render_known(self, record: Any) -> str:
        if not self.has_names:
            return blank("Nobody has uploaded Microsoft’s table")
        return status("match", "match", "Yes") if record.called else status("todo", "info", "Not there")


class NameRows(SkuRows):
    """Microsoft's names."""

    sku = tables.Column(verbose_name="Part number", order_by=("sku_key", "sku_id"), attrs=SKU)
    name = tables.Column(order_by=("name", "sku_id"), attrs={"cell": {"class": "wraps"}})
    sku_id = tables.Column(verbose_name="GUID", attrs=GUID)
    line = tables.Column(attrs={"cell": {"class": "num p3"}})

    caption = "SKUs as Microsoft calls them"

    @classmethod
    def of(cls, request: HttpRequest, account: Account) -> NameRows:
        rows, q = searched(request, SkuName.objects.filter(upload__account=account), "sku", "name", "sku_id")
        found: NameRows = cls(rows).configured(request, q)
        return found


SHOW: Final = (("open", "To decide"), ("listed", "On the list"), ("dismissed", "Dismissed"), ("", "All"))


class SuggestionRows(SkuRows):
    """Suggestions, with their evidence in full: it is what is decided by."""

    select = tables.Column(empty_values=(), orderable=False, verbose_name=_TICK)
    sku = tables.Column(verbose_name="Part number", order_by=("sku_key",), attrs=SKU)
    name = tables.Column(default=blank("The file has no name for it"), order_by=("name", "sku_key"), attrs={"cell": {"class": "p2 wraps"}})
    category = tables.Column(default="", order_by=("category", "sku_key"), attrs={"cell": {"class": "p3 small wraps"}})
    confidence = tables.Column(
        default=blank("The file says none"), order_by=("confidence", "line"), attrs={"cell": {"class": "p2 small wraps"}}
    )
    evidence = tables.Column(orderable=False, attrs={"cell": {"class": "small wraps"}})
    state = tables.Column(empty_values=(), orderable=False, attrs={"cell": {"class": "nowrap"}})

    caption = "What may be excluded, and why somebody thinks so"
    empty_text = "Another choice above may show more."
    show = "open"
    choices = SHOW

    class Meta(SkuRows.Meta):
        order_by = "confidence"

    @classmethod
    def of(cls, request: HttpRequest, account: Account, now: LegInput | None, *, may_change: bool) -> SuggestionRows:
        listed = ExcludedSku.objects.filter(source_file=now.source_file_id if now else None, sku_key=OuterRef("sku_key"))
        rows = SkuSuggestion.objects.filter(upload__account=account).annotate(is_listed=Exists(listed))
        show = request.GET.get("show", "open")
        match show:
            case "open":
                rows = rows.filter(is_listed=False, dismissed_at__isnull=True)
            case "listed":
                rows = rows.filter(is_listed=True)
            case "dismissed":
                rows = rows.filter(is_listed=False, dismissed_at__isnull=False)
            case _:
                show = ""
        rows, q = searched(request, rows, "sku", "name", "category", "confidence", "evidence")
        table = cls(rows, exclude=() if may_change else ("select",))
        table.show = show
        found: SuggestionRows = table.configured(request, q)
        return found

    def render_select(self, record: Any) -> str:
        return "" if record.is_listed else _box("decide", "chosen", record.pk, record.sku)

    def render_category(self, value: str) -> str:
        return words(value)

    def render_confidence(self, value: str) -> str:
        return words(value)

    def render_state(self, record: Any) -> str:
        if record.is_listed:
            return status("done", "match", "On the list", icon_only=True)
        return (
            status("aside", "x", "Dismissed", icon_only=True)
            if record.dismissed_at
            else status("todo", "todo", "To decide", icon_only=True)
        )


def words(code: str) -> str:
    """A code of the file as people read it.

    >>> words("trial_or_viral;preview_or_developer")
    'trial or viral; preview or developer'
    """
    return code.replace("_", " ").replace(";", "; ")
