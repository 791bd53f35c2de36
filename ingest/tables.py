"""The tables of files and background work, as eyes see them."""

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
from accounts.templatetags.recon_ui import blank, moment, money, person, status, units
from ingest.models import Job, LegInput, SourceFile, UsageLine

LINES_PER_PAGE: Final = 50
JOBS_PER_PAGE: Final = 25
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
    product = tables.Column()
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
        if self.month is None:
            return format_html('<span class="org">{}</span>', name)
        start = self.month.cycle.start.isoformat()
        url = reverse("recon:row", args=[self.slug, start, record.organization_id, record.product])
        return format_html('<span class="org"><a href="{}">{}</a></span>', url, name)

    def render_product(self, value: str) -> SafeString:
        return format_html('<span class="product">{}</span>', BY_CODE[value].label)

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
    empty_text = "Reading a file, importing it, comparing a month and writing a sheet are listed here."
    may_work = False
    slug = ""
    asked: HttpRequest

    class Meta:
        template_name = "includes/table.html"
        order_by = "-created_at"
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
