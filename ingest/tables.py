"""The tables of files, column mappings and background work, as eyes see them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final

import django_tables2 as tables
from django.db.models import F
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2 import RequestConfig

from accounts.models import Account
from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import blank, day, moment, money, person, status, units
from ingest.models import Job, LegInput, MappingProfile, SourceFile, UsageLine
from ingest.services.mappings import profiles_of
from ingest.sources import READERS, Mapping
from ingest.sources.grid import letter

LINES_PER_PAGE: Final = 50
JOBS_PER_PAGE: Final = 25
MAPPINGS_PER_PAGE: Final = 50
_UNSEEN: Final = SafeString('<span class="vh">Cancel</span>')
#: State → tone, icon, word.
JOB_LOOKS: Final = {
    Job.State.QUEUED: ("aside", "half", "Waiting"),
    Job.State.RUNNING: ("review", "running", "Running"),
    Job.State.DONE: ("done", "match", "Done"),
    Job.State.FAILED: ("rejected", "escalate", "Failed"),
    Job.State.CANCELLED: ("aside", "x", "Cancelled"),
}


class LinesTable(tables.Table):
    """The lines of an imported file, each with its Organization, and its row in the month that it serves."""

    line = tables.Column(attrs={"cell": {"class": "num line"}})
    name = tables.Column(verbose_name="Organization", attrs={"cell": {"class": "clip"}})
    product = tables.Column(empty_values=())
    quantity = tables.Column(attrs={"cell": {"class": "num"}})
    unit_price = tables.Column(
        verbose_name="Unit price", default=blank("The file states no price here"), attrs={"cell": {"class": "num p2"}}
    )
    merged_into = tables.Column(verbose_name="Merged", orderable=False, default="", attrs={"cell": {"class": "p3 small"}})

    caption = "The lines that count"
    row_header = "name"
    empty_title = "No line was loaded"
    month: Any = None
    slug = ""

    class Meta:
        template_name = "includes/table.html"
        order_by = "line"

    @classmethod
    def of(cls, request: HttpRequest, source_file: SourceFile) -> LinesTable:
        rows = UsageLine.objects.filter(source_file=source_file).select_related("organization").order_by("line", "product")
        table = cls(rows)
        serving = LegInput.objects.filter(source_file=source_file, ended_at__isnull=True).select_related("cycle").order_by("-cycle__start")
        table.month = serving.first()
        table.slug = source_file.account.slug
        RequestConfig(request, paginate={"per_page": LINES_PER_PAGE, "silent": True}).configure(table)
        return table

    def render_name(self, record: UsageLine) -> Any:
        name = record.name or record.key or record.huntress_id
        if record.organization is None:
            url = reverse("recon:matches", args=[self.slug])
            return format_html('<span class="org">{}</span> <a class="small" href="{}">to be matched</a>', name, url)
        if self.month is None or not record.product:
            return format_html('<span class="org">{}</span>', name)
        start = self.month.cycle.start.isoformat()
        url = reverse("recon:row", args=[self.slug, start, record.organization_id, record.product])
        return format_html('<span class="org"><a href="{}">{}</a></span>', url, name)

    def render_product(self, record: UsageLine) -> SafeString:
        if record.product:
            return format_html('<span class="product">{}</span>', BY_CODE[record.product].label)
        return format_html('{} <span class="muted small">not known here</span>', record.product_name)

    def render_line(self, value: int) -> str:
        return units(value)

    def render_quantity(self, value: int) -> str:
        return units(value)

    def render_unit_price(self, value: int) -> str:
        return money(value)

    def render_merged_into(self, value: int) -> str:
        return f"added to line {units(value)}"


class JobsTable(tables.Table):
    """Background work of an account."""

    label = tables.Column(verbose_name="Work", attrs={"cell": {"class": "clip"}})
    state = tables.Column(attrs={"cell": {"class": "nowrap"}})
    progress = tables.Column(empty_values=(), orderable=False, attrs={"cell": {"class": "p2 small"}})
    by = tables.Column(
        verbose_name="Asked for by",
        order_by="by__name",
        default=blank("Nobody: it follows from other work"),
        attrs={"cell": {"class": "p3"}},
    )
    created_at = tables.Column(verbose_name="When", attrs={"cell": {"class": "nowrap p2"}})
    duration = tables.Column(empty_values=(), verbose_name="Took", attrs={"cell": {"class": "num p3"}})
    attempt = tables.Column(verbose_name="Starts", attrs={"cell": {"class": "num p3"}})
    cancel = tables.Column(empty_values=(), orderable=False, verbose_name=_UNSEEN, attrs={"cell": {"class": "num"}})

    caption = "Background work of this account"
    row_header = "label"
    empty_title = "Nothing has been done in the background yet"
    may_work = False
    slug = ""
    asked: HttpRequest

    class Meta:
        template_name = "includes/table.html"
        order_by = "-created_at"
        empty_text = "Reading a file, importing it, comparing a month and writing a sheet are listed here."
        row_attrs: ClassVar = {"id": lambda record: f"job-{record.pk}"}

    @classmethod
    def of(cls, request: HttpRequest, account: Account, *, may_work: bool) -> JobsTable:
        table = cls(Job.objects.filter(account=account).select_related("by", "source_file").defer("source_file__preview"))
        table.may_work, table.slug, table.asked = may_work, account.slug, request
        RequestConfig(request, paginate={"per_page": JOBS_PER_PAGE, "silent": True}).configure(table)
        return table

    @property
    def is_busy(self) -> bool:
        return any(row.record.is_open for row in self.paginated_rows)

    def order_duration(self, rows: Any, is_descending: bool) -> Any:
        took = F("finished_at") - F("started_at")
        order = took.desc(nulls_last=True) if is_descending else took.asc(nulls_last=True)
        return rows.order_by(order, "-pk"), True

    def render_label(self, record: Job) -> Any:
        progress = self.render_progress(record) if record.state != Job.State.DONE else ""
        when = f"{moment(record.created_at)}, {person(record.by) or 'by itself'}"
        under = format_html('<span class="under">{}{}</span>', when, SafeString(progress))
        if record.source_file_id is None:
            return format_html("{}{}", record.label, under)
        url = reverse("ingest:file", args=[self.slug, record.source_file_id])
        return format_html('<a href="{}">{}</a>{}', url, record.label, under)

    def render_state(self, record: Job) -> SafeString:
        return status(*JOB_LOOKS[Job.State(record.state)])

    def render_progress(self, record: Job) -> str:
        return render_to_string("ingest/job_progress.html", {"job": record})

    def render_by(self, value: Any) -> str:
        return person(value)

    def render_created_at(self, value: Any) -> str:
        return moment(value)

    def render_duration(self, record: Job) -> str:
        if record.started_at is None:
            return blank("It has not started")
        return in_words((record.finished_at or timezone.now()) - record.started_at)

    def render_attempt(self, value: int) -> str:
        return units(value)

    def render_cancel(self, record: Job) -> str:
        if not record.is_open or not self.may_work:
            return ""
        context = {"job": record, "slug": self.slug, "back": "jobs", "csrf_token": get_token(self.asked)}
        return render_to_string("ingest/cancel.html", context)


class MappingsTable(tables.Table):
    """How an account's lists are read, as people stated it."""

    name = tables.Column(attrs={"cell": {"class": "clip"}})
    kind = tables.Column(attrs={"cell": {"class": "nowrap"}})
    reads = tables.Column(empty_values=(), orderable=False, attrs={"cell": {"class": "p2 small wraps"}})
    stated_by = tables.Column(verbose_name="Stated by", order_by="stated_by__name", attrs={"cell": {"class": "p3"}})
    stated_at = tables.Column(verbose_name="When", attrs={"cell": {"class": "nowrap p2"}})
    used_at = tables.Column(
        verbose_name="Last used", default=blank("No file has been read with it yet"), attrs={"cell": {"class": "nowrap"}}
    )

    caption = "Column mappings of this account"
    row_header = "name"
    empty_title = "Nothing is remembered yet"
    slug = ""

    class Meta:
        template_name = "includes/table.html"
        order_by = ("kind", "name")
        empty_text = "Correct a column on a file’s page: what you say is kept, and the next list with the same columns is read so."

    @classmethod
    def of(cls, request: HttpRequest, account: Account) -> MappingsTable:
        table = cls(profiles_of(account).filter(kind__in=READERS))
        table.slug = account.slug
        RequestConfig(request, paginate={"per_page": MAPPINGS_PER_PAGE, "silent": True}).configure(table)
        return table

    def render_name(self, record: MappingProfile) -> SafeString:
        url = reverse("ingest:mapping", args=[self.slug, record.pk])
        under = f"{record.get_kind_display()}, {day(record.stated_at)}, {person(record.stated_by)}"
        return format_html('<a href="{}">{}</a><span class="under">{}</span>', url, record.name, under)

    def render_kind(self, record: MappingProfile) -> str:
        return record.get_kind_display()

    def render_reads(self, record: MappingProfile) -> str:
        labels = {name: label.partition(",")[0] for name, label in READERS[record.kind].labels.items()}
        columns = sorted(Mapping.from_json(record.mapping).columns.items())
        return ", ".join(f"{record.header[index].strip() or letter(index)} → {labels.get(name, name)}" for index, name in columns)

    def render_stated_by(self, value: Any) -> str:
        return person(value)

    def render_stated_at(self, value: Any) -> str:
        return moment(value)

    def render_used_at(self, value: Any) -> str:
        return day(value)


def in_words(took: timedelta) -> str:
    """``0.4 s``, ``12 s``, ``3 min 5 s``, ``1 h 4 min``.

    >>> in_words(timedelta(seconds=0.42)), in_words(timedelta(seconds=185)), in_words(timedelta(seconds=3840))
    ('0.4 s', '3 min 5 s', '1 h 4 min')
    """
    seconds = max(took.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
