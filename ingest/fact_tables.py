"""What was loaded of files that are no legs, as eyes see it: agents, invoices, prices, excluded SKUs. Paged in the database."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import django_tables2 as tables
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django_tables2 import RequestConfig

from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import blank, day, moment, money, units
from ingest.models import (
    AgentLine,
    DirectoryLicence,
    DirectoryUser,
    ExcludedSku,
    FileOwner,
    IdentityLine,
    Invoice,
    Kind,
    LiveCount,
    PriceLine,
    SourceFile,
)
from ingest.tables import LINES_PER_PAGE, LinesTable

#: Past this a list is sorted by line alone: for any other order the database would have to sort all of it for every page.
SORTED_AT_MOST: Final = 200_000


class FactsTable(tables.Table):
    """The rows of a file of one kind. ``owners`` are the Organizations that the rows of the page name."""

    line = tables.Column(attrs={"cell": {"class": "num line"}})

    caption = "What was loaded"
    empty_title = "Nothing was loaded"
    source_file: SourceFile
    known_count: int

    class Meta:
        template_name = "includes/table.html"
        order_by = "line"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        raise NotImplementedError

    @classmethod
    def of(cls, request: HttpRequest, source_file: SourceFile) -> FactsTable:
        table = cls(cls.facts(source_file).order_by("line"), orderable=source_file.loaded <= SORTED_AT_MOST)
        table.source_file, table.known_count = source_file, cls.count_known(source_file)
        if source_file.is_archive:
            table.columns["line"].column.verbose_name = "Record"
        paginate = {"per_page": LINES_PER_PAGE, "silent": True, "paginator_class": Counted}
        RequestConfig(request, paginate=paginate).configure(table)
        return table

    @classmethod
    def count_known(cls, source_file: SourceFile) -> int:
        """How many rows there are, where the file says it; 0: they are counted."""
        return 0

    @cached_property
    def owners(self) -> dict[int, FileOwner]:
        """By number, those of the rows that are shown."""
        numbers = {row.record.owner for row in self.paginated_rows if row.record.owner is not None}
        return {one.number: one for one in FileOwner.objects.filter(source_file=self.source_file, number__in=numbers)}

    def render_line(self, value: int) -> str:
        """Of an archive of answers the number leads to the record as it came."""
        if not self.source_file.is_archive:
            return units(value)
        url = reverse("ingest:record", args=[self.source_file.account.slug, self.source_file.pk])
        return format_html('<a href="{}?number={}">{}</a>', url, value, units(value))

    def render_owner(self, value: int) -> str:
        owner = self.owners.get(value)
        if owner is None:
            return str(blank("Its Organization is not known"))
        waits = format_html(' <span class="muted small">{}</span>', "to be matched") if owner.organization_id is None else ""
        return format_html("{}{}", str(owner), waits)


class Counted(Paginator):
    """Pages of rows whose number the file knows: counting five million of them takes longer than showing fifty."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.table.known_count or len(rows))


class AgentsTable(FactsTable):
    hostname = tables.Column(attrs={"cell": {"class": "wraps"}})
    owner = tables.Column(verbose_name="Organization", orderable=False, attrs={"cell": {"class": "wraps"}})
    platform = tables.Column(default="", attrs={"cell": {"class": "p3"}})
    serial = tables.Column(verbose_name="Serial number", default="", attrs={"cell": {"class": "p3"}})
    last_seen = tables.Column(
        verbose_name="Last check-in", default=blank("The list has no check-in here"), attrs={"cell": {"class": "nowrap"}}
    )
    installed_at = tables.Column(
        verbose_name="Installed", default=blank("The list does not say when it was installed"), attrs={"cell": {"class": "nowrap p2"}}
    )

    caption = "The agents that were loaded"
    row_header = "hostname"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return AgentLine.objects.filter(source_file=source_file)

    @classmethod
    def count_known(cls, source_file: SourceFile) -> int:
        return source_file.loaded

    def render_last_seen(self, value: Any) -> str:
        return moment(value)

    def render_installed_at(self, value: Any) -> str:
        return day(value)


class InvoicesTable(FactsTable):
    number = tables.Column(default=blank("The row has no number"))
    issued_on = tables.Column(verbose_name="Date", default=blank("The row has no date"), attrs={"cell": {"class": "nowrap"}})
    description = tables.Column(default="", attrs={"cell": {"class": "p2 wraps"}})
    status = tables.Column(default="", attrs={"cell": {"class": "p3"}})
    quantity = tables.Column(default=blank("The row has no quantity"), attrs={"cell": {"class": "num p2"}})
    amount = tables.Column(attrs={"cell": {"class": "num"}})

    caption = "The amounts that were loaded"
    row_header = "number"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return Invoice.objects.filter(source_file=source_file)

    def render_issued_on(self, value: Any) -> str:
        return day(value)

    def render_quantity(self, value: int) -> str:
        return units(value)

    def render_amount(self, record: Invoice) -> str:
        return money(record.amount, record.currency)


class PricesTable(FactsTable):
    owner = tables.Column(verbose_name="Organization", orderable=False, default="Every Organization", attrs={"cell": {"class": "wraps"}})
    product = tables.Column()
    side = tables.Column(verbose_name="Cost or sell")
    from_quantity = tables.Column(verbose_name="From units", attrs={"cell": {"class": "num p2"}})
    unit_price = tables.Column(verbose_name="Unit price", attrs={"cell": {"class": "num"}})

    caption = "The prices that were loaded"
    row_header = "owner"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return PriceLine.objects.filter(source_file=source_file)

    def render_product(self, value: str) -> str:
        return format_html('<span class="product">{}</span>', BY_CODE[value].label)

    def render_side(self, record: PriceLine) -> str:
        return record.get_side_display()

    def render_from_quantity(self, value: int) -> str:
        return units(value)

    def render_unit_price(self, value: int) -> str:
        return money(value)


class SkusTable(FactsTable):
    sku = tables.Column(verbose_name="SKU")
    name = tables.Column(default="", attrs={"cell": {"class": "clip"}})

    caption = "The SKUs that were loaded"
    row_header = "sku"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return ExcludedSku.objects.filter(source_file=source_file)


_UNKNOWN: Final = blank("Not known, or the product is not active")


def _count(label: str, place: str = "") -> tables.Column:
    return tables.Column(verbose_name=label, default=_UNKNOWN, attrs={"cell": {"class": f"num {place}".strip()}})


class LiveTable(FactsTable):
    owner = tables.Column(verbose_name="Organization", orderable=False, attrs={"cell": {"class": "wraps"}})
    billable_agents = _count("Billable agents")
    agents = _count("All agents")
    unresponsive_agents = _count("Unresponsive", "p2")
    identities = _count("Billable identities")
    learners = _count("Learners", "p3")
    sources = _count("Sources", "p3")

    caption = "What each Organization had when it was counted"
    row_header = "owner"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return LiveCount.objects.filter(source_file=source_file)

    @classmethod
    def count_known(cls, source_file: SourceFile) -> int:
        return source_file.loaded

    def _units(self, value: int) -> str:
        return units(value)

    render_billable_agents = render_agents = render_unresponsive_agents = _units
    render_identities = render_learners = render_sources = _units


class IdentitiesTable(FactsTable):
    upn = tables.Column(verbose_name="User name", default=blank("Huntress has none"), attrs={"cell": {"class": "wraps"}})
    owner = tables.Column(verbose_name="Organization", orderable=False, attrs={"cell": {"class": "wraps"}})
    is_billable = tables.Column(verbose_name="Billable", default=blank("Huntress does not say"))
    is_enabled = tables.Column(verbose_name="Enabled", default=blank("Huntress does not say"))
    is_external = tables.Column(verbose_name="External", default=blank("Huntress does not say"), attrs={"cell": {"class": "p3"}})
    tenant = tables.Column(default="", attrs={"cell": {"class": "p3"}})

    caption = "The identities that were loaded"
    row_header = "upn"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return IdentityLine.objects.filter(source_file=source_file)

    @classmethod
    def count_known(cls, source_file: SourceFile) -> int:
        return source_file.loaded

    def _yes(self, value: bool) -> str:
        return "yes" if value else "no"

    render_is_billable = render_is_enabled = render_is_external = _yes


class PulledInvoicesTable(FactsTable):
    """Those that this answer was the first to name. What it changed of others is told with them."""

    external_id = tables.Column(verbose_name="Id")
    issued_on = tables.Column(verbose_name="Date", default=blank("It has no date"), attrs={"cell": {"class": "nowrap"}})
    plan = tables.Column(default="", attrs={"cell": {"class": "p2 wraps"}})
    status = tables.Column(default="")
    quantity = tables.Column(default=blank("It has no quantity"), attrs={"cell": {"class": "num"}})
    stated_amount = tables.Column(verbose_name="Amount as it came", default=blank("It has none"), attrs={"cell": {"class": "num"}})

    caption = "The invoices that this was the first to name"
    row_header = "external_id"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return Invoice.objects.filter(source_file=source_file)

    def render_issued_on(self, value: Any) -> str:
        return day(value)

    def render_quantity(self, value: int) -> str:
        return units(value)


class UsersTable(FactsTable):
    """Users with what they hold: the licences of the rows that are shown are fetched at once."""

    upn = tables.Column(verbose_name="User name", attrs={"cell": {"class": "wraps breaks"}})
    licences = tables.Column(empty_values=(), orderable=False, attrs={"cell": {"class": "wraps breaks"}})
    is_enabled = tables.Column(verbose_name="Sign-in", default=blank("It is not said"), attrs={"cell": {"class": "p2"}})
    user_type = tables.Column(verbose_name="Kind", default="", attrs={"cell": {"class": "p3"}})
    purpose = tables.Column(verbose_name="Mailbox", default=blank("Not known, or not asked"), attrs={"cell": {"class": "p3"}})
    deleted_at = tables.Column(verbose_name="Deleted", default="", attrs={"cell": {"class": "p3"}})

    caption = "The users that were loaded"
    row_header = "upn"

    @classmethod
    def facts(cls, source_file: SourceFile) -> QuerySet[Any]:
        return DirectoryUser.objects.filter(source_file=source_file)

    @classmethod
    def count_known(cls, source_file: SourceFile) -> int:
        return source_file.loaded

    @cached_property
    def held(self) -> dict[int, list[str]]:
        """By line, those of the rows that are shown."""
        lines = [row.record.line for row in self.paginated_rows]
        found: dict[int, list[str]] = {}
        for one in DirectoryLicence.objects.filter(source_file=self.source_file, owner__in=lines).order_by("owner", "sku", "sku_id", "via"):
            failed = " (could not be assigned)" if one.state.lower() == "error" else ""
            found.setdefault(one.owner, []).append(f"{one}{failed}")
        return found

    def render_licences(self, record: DirectoryUser) -> str:
        return ", ".join(dict.fromkeys(self.held.get(record.line, []))) or str(blank("None"))

    def render_is_enabled(self, value: bool) -> str:
        return "allowed" if value else "blocked"

    def render_deleted_at(self, value: Any) -> str:
        return moment(value)


TABLES: Final[dict[str, Any]] = {
    Kind.AGENTS: AgentsTable,
    Kind.INVOICE: InvoicesTable,
    Kind.PRICES: PricesTable,
    Kind.EXCLUSIONS: SkusTable,
    Kind.LIVE: LiveTable,
    Kind.IDENTITIES: IdentitiesTable,
    Kind.INVOICES: PulledInvoicesTable,
    Kind.DIRECTORY: UsersTable,
}


def loaded_table(request: HttpRequest, source_file: SourceFile) -> tables.Table:
    """What was loaded of a file, by its kind."""
    table: tables.Table = TABLES.get(source_file.kind, LinesTable).of(request, source_file)
    return table
