"""What the page of one file shows: its columns, rows by bucket, what was noticed, totals, and what it serves or would replace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django_tables2 import Table

from accounts.calendar import Cycle, previous_cycle
from accounts.models import ProductRule, Tenant
from accounts.products import PRODUCTS, folded
from accounts.templatetags.recon_ui import status
from ingest.fact_tables import loaded_table
from ingest.forms import FileForm, KindForm, UseForm, column_indices, field_words, read_as
from ingest.models import (
    DirectoryFile,
    DirectorySnapshot,
    Job,
    Kind,
    Leg,
    LegInput,
    MappingProfile,
    RowIssue,
    SourceFile,
    SourceRow,
    Tombstone,
)
from ingest.services.retention import PERSONAL, tombstone_of
from ingest.sources.grid import letter
from ingest.views.archives import ArchiveSaid
from ingest.views.parts import Column, IssueGroup, Remembered, RowShown, Sure, Tab, Total, figures

PER_PAGE: Final = 50
_ISSUES_READ: Final = 5_000
_GROUPS_SHOWN: Final = 60
_LEVELS: Final = ("error", "warning", "info")
_LOOKS: Final = {
    "loaded": ("loaded", "match", "Loaded"),
    "merged": ("merged", "within", "Merged"),
    "set_aside": ("aside", "unchecked", "Set aside"),
    "rejected": ("rejected", "escalate", "Rejected"),
}
_ISSUE_LOOKS: Final = {
    "error": ("rejected", "escalate", "Error"),
    "warning": ("todo", "investigate", "Warning"),
    "info": ("aside", "info", "Note"),
}
_NUMBERS: Final = ("quantity", "unit_price", "amount", "from_quantity", "cost", "sell")
#: The parts of a message that differ from row to row.
_PARTICULARS: Final = re.compile(r"“[^”]*”|[−-]?\d[\d.,]*|^\S+(?=:)")
State = SourceFile.State


class FilePage:
    """One file's page, as one request asks for it."""

    def __init__(self, request: HttpRequest, source_file: SourceFile, *, may_work: bool, form: FileForm) -> None:
        self.request, self.file, self.may_work, self.form = request, source_file, may_work, form
        self.url = reverse("ingest:file", args=[source_file.account.slug, source_file.pk])
        asked = request.GET.get("bucket", "")
        self.bucket = asked if asked in _LOOKS else ""

    # --- its state ---

    @cached_property
    def job(self) -> Job | None:
        """The last work that was done with it."""
        return self.file.jobs.select_related("by").order_by("-created_at", "-pk").first()

    @property
    def is_busy(self) -> bool:
        return self.file.state in {State.RECEIVED, State.IMPORTING}

    @property
    def is_open(self) -> bool:
        """A person may still say what it means."""
        return self.file.state in {State.READY, State.REFUSED}

    @property
    def trouble(self) -> str:
        """Why the last import did not end, as long as nothing was done since."""
        job = self.job
        ended_badly = job and job.kind == "import" and job.state in {Job.State.FAILED, Job.State.CANCELLED}
        return job.error or "The import was cancelled." if job and ended_badly and self.file.state == State.READY else ""

    @property
    def was_interrupted(self) -> bool:
        """It was not refused for what it says: the reading itself failed or was cancelled."""
        return any(group_code == "not_read" for group_code in self._codes)

    @property
    def can_be_mapped(self) -> bool:
        """A person's choice can settle why it was refused."""
        return bool(self.file.preview.get("first_rows") or self.file.preview.get("sheets"))

    @cached_property
    def archive(self) -> ArchiveSaid | None:
        """Of an archive of answers: whose they are, and who brought them."""
        return ArchiveSaid.of(self.file)

    @property
    def noun(self) -> str:
        """What its rows are called."""
        return "record" if self.file.is_archive else "row"

    @property
    def place(self) -> str:
        """What the number of a row counts."""
        return "record" if self.file.is_archive else "line"

    @property
    def rows_to_import(self) -> int:
        return self.file.loaded + self.file.merged

    @property
    def can_be_imported(self) -> bool:
        """Something of it can be loaded, or it is an answer that there is nothing."""
        return bool(self.rows_to_import) or (self.file.is_archive and not self.file.rejected)

    @property
    def may_serve_others(self) -> bool:
        """It can be used for other cycles too: what was counted at one moment can not."""
        return (not self.file.is_archive or self.is_leg) and not self.is_directory

    @property
    def type(self) -> str:
        ending = self.file.name.rpartition(".")[2]
        return ending.upper() if "." in self.file.name and len(ending) <= 5 else "File"

    @property
    def digest(self) -> str:
        sha256 = self.file.sha256
        return f"{sha256[:4]} {sha256[4:8]} … {sha256[-4:]}"

    # --- how it is read ---

    @property
    def kind_hint(self) -> str:
        """Why the kind is thought to be that, and how sure it is."""
        preview = self.file.preview
        because = str(preview.get("kind_because", ""))
        sure = Sure.of({"sureness": preview.get("kind_sureness", "")})
        return format_html("{} {}", status(sure.tone, sure.symbol, f"{sure.code}:"), because) if sure else because

    @cached_property
    def remembered(self) -> Remembered | None:
        said = self.file.preview.get("profile")
        if not said:
            return None
        is_there = MappingProfile.objects.filter(account=self.file.account, pk=said["id"]).exists()
        url = reverse("ingest:mapping", args=[self.file.account.slug, said["id"]]) if is_there else ""
        return Remembered(said["name"], said["by"], datetime.fromisoformat(said["at"]), said["changes"], url)

    @property
    def is_as_guessed(self) -> bool:
        """A person wanted it read as guessed, though such a list had been mapped before."""
        return bool(self.file.preview.get("as_guessed"))

    @property
    def unsure_columns(self) -> int:
        return sum(1 for column in self.columns if column.guess and column.guess.code == "unsure")

    # --- its rows ---

    @cached_property
    def columns(self) -> list[Column]:
        header: Sequence[str] = self.file.preview.get("header") or ()
        meanings = read_as(self.file).columns
        selects = self.form.columns if self.is_open else {}
        width = max((len(row["cells"]) for row in self._kept), default=0) if self.file.is_archive else None
        words, guesses = field_words(self.file.kind), self.file.preview.get("columns") or {}
        return [
            Column(
                index,
                letter(index),
                header[index].strip() if index < len(header) else "",
                words.get(meanings.get(index, ""), meanings.get(index, "")),
                meanings.get(index, "").startswith(_NUMBERS),
                selects.get(index),
                Sure.of(guesses.get(str(index), {})),
            )
            for index in column_indices(self.file)[:width]
        ]

    @property
    def tabs(self) -> list[Tab]:
        counts = self.file.counts
        tabs = [Tab("", f"First {self.noun}s", "", None, not self.bucket)]
        for code, (tone, _, label) in _LOOKS.items():
            tabs.append(Tab(code, label, tone, getattr(counts, code), self.bucket == code))
        return tabs

    @cached_property
    def page(self) -> Page[SourceRow] | None:
        """The page of a bucket's rows; None for the first rows and the loaded ones, which are not kept one by one."""
        if self.bucket in {"", "loaded"}:
            return None
        return Paginator(self.file.rows.filter(bucket=self.bucket).order_by("line"), PER_PAGE).get_page(self.request.GET.get("page"))

    @cached_property
    def lines(self) -> Table | None:
        """What counts, once it does."""
        if self.bucket != "loaded" or self.file.state != State.IMPORTED:
            return None
        return loaded_table(self.request, self.file)

    @cached_property
    def _kept(self) -> list[dict[str, Any]]:
        if self.page is not None:
            return [{"line": r.line, "bucket": r.bucket, "reason": r.reason, "cells": r.cells} for r in self.page]
        return [row for row in self.file.preview.get("first_rows") or () if self.bucket in {"", row["bucket"]}]

    @cached_property
    def rows(self) -> list[RowShown]:
        kept = self._kept
        faults = _faults(self.file, [row["line"] for row in kept])
        with_gaps = zip(kept, _gaps(kept) if not self.bucket else [0] * len(kept), strict=True)
        return [self._row(row, faults.get(row["line"], []), gap) for row, gap in with_gaps]

    def _row(self, row: dict[str, Any], faults: list[RowIssue], gap: int) -> RowShown:
        if self.file.state == State.REFUSED:
            return self._unsorted_row(row, gap)
        tone, symbol, word = _LOOKS[row["bucket"]]
        at_fault = {fault.column for fault in faults if fault.column}
        note = " ".join(fault.message for fault in faults) if row["bucket"] in {"rejected", "merged"} else ""
        reason = row["reason"] if row["bucket"] == "set_aside" or (self.file.is_archive and row["bucket"] == "merged") else ""
        cells = []
        for column in self.columns:
            text = row["cells"][column.index] if column.index < len(row["cells"]) else ""
            is_what = row["bucket"] == "rejected" and column.header in at_fault
            cells.append((text, f"{'num ' if column.is_number else ''}{'what' if is_what else ''}".strip()))
        return RowShown(row["line"], tone, symbol, f"{word}: {reason}" if reason else word, note, cells, gap)

    def _unsorted_row(self, row: dict[str, Any], gap: int) -> RowShown:
        """A row of a refused file: nothing of it was sorted into buckets."""
        is_header = row["line"] == read_as(self.file).header_line
        word = "Header" if is_header else "Above the header" if row["line"] < read_as(self.file).header_line else "Not read"
        cells = [(row["cells"][c.index] if c.index < len(row["cells"]) else "", "num" if c.is_number else "") for c in self.columns]
        return RowShown(row["line"], "aside", "unchecked", word, "", cells, gap)

    # --- what was noticed ---

    @cached_property
    def _noticed(self) -> list[tuple[str, str, int | None, str, str]]:
        rows = self.file.issues.values_list("level", "code", "line", "message", "column").order_by("line", "pk")
        return list(rows[:_ISSUES_READ])

    @property
    def _codes(self) -> set[str]:
        return {code for _, code, *_ in self._noticed}

    @cached_property
    def issues(self) -> list[IssueGroup]:
        """Errors first; remarks that say the same of several lines are one."""
        groups: dict[tuple[str, ...], IssueGroup] = {}
        for level, code, line, message, column in self._noticed:
            key = (level, code, column, _PARTICULARS.sub("…", message))
            group = groups.setdefault(key, IssueGroup(level, *_ISSUE_LOOKS[level], message, place=self.place.capitalize()))
            group.places += 1
            if line is not None:
                group.lines.append(line)
        return sorted(groups.values(), key=lambda group: _LEVELS.index(group.level))[:_GROUPS_SHOWN]

    @property
    def errors(self) -> list[IssueGroup]:
        return [group for group in self.issues if group.level == "error"]

    @property
    def remarks(self) -> list[IssueGroup]:
        return [group for group in self.issues if group.level != "error"]

    @property
    def has_more_issues(self) -> bool:
        return len(self._noticed) == _ISSUES_READ

    @property
    def decimal_hint(self) -> str:
        """Which lines stating the decimal sign would settle."""
        lines = [line for _, _, line, message, _ in self._noticed if line is not None and "decimal sign." in message]
        if not lines:
            return ""
        return f"would settle line {lines[0]:,}" if len(lines) == 1 else f"would settle {len(lines):,} lines"

    # --- its figures, and its place ---

    @property
    def cycle(self) -> Cycle:
        return self.file.cycle.dates if self.file.cycle else self.form.chosen_cycle

    @cached_property
    def before(self) -> LegInput | None:
        """What serves the same leg of the cycle before."""
        earlier = previous_cycle(self.cycle, self.file.account.anniversary_day)
        return self._serving().filter(cycle__end=self.cycle.start).first() or self._serving().filter(cycle__start=earlier.start).first()

    @cached_property
    def replaces(self) -> LegInput | None:
        """What would no longer count once this file does."""
        return self._serving().filter(cycle__start=self.cycle.start).exclude(source_file=self.file).first()

    def _serving(self) -> QuerySet[LegInput]:
        current = LegInput.objects.filter(cycle__account=self.file.account_id, leg=self.file.kind, ended_at__isnull=True)
        return current.select_related("source_file", "cycle")

    @property
    def is_leg(self) -> bool:
        return not self.file.kind or self.file.kind in Leg.values

    @cached_property
    def totals(self) -> list[Total]:
        """Units by product; of what is no leg, the figures of its kind."""
        preview, before = self.file.preview, self.before.source_file.preview if self.before else {}
        if preview.get("figures"):
            return figures(preview["figures"], before.get("figures") or [])
        now, then = preview.get("totals") or {}, before.get("totals") or {}
        return [Total(p.label, then.get(p.code), now.get(p.code)) for p in PRODUCTS if p.code in now or p.code in then]

    @property
    def all_products(self) -> Total | None:
        if not self.is_leg:
            return None
        return Total("All products", _sum(one.before for one in self.totals) if self.before else None, _sum(one.now for one in self.totals))

    @cached_property
    def unknown_products(self) -> list[tuple[str, int]]:
        """Products by the file's own words that nobody has said the meaning of."""
        return [(name, count) for name, count in self._names_not_read if folded(name)[:200] not in self._names_decided]

    @property
    def unknown_count(self) -> int:
        return int(self.file.preview.get("unknown_count") or 0) - len(self._names_not_read) + len(self.unknown_products)

    @property
    def unknown_left_out(self) -> int:
        return self.unknown_count - len(self.unknown_products)

    @property
    def _names_not_read(self) -> list[tuple[str, int]]:
        return self.file.preview.get("unknown_products") or []

    @cached_property
    def _names_decided(self) -> set[str]:
        """Of those, the ones that somebody has said the meaning of, before the file was read or since."""
        keys = {folded(name)[:200] for name, _ in self._names_not_read}
        if not keys:
            return set()
        rules = ProductRule.objects.filter(account=self.file.account, ended_at__isnull=True, name_key__in=keys)
        return set(rules.values_list("name_key", flat=True))

    @cached_property
    def inputs(self) -> list[LegInput]:
        """The cycles that it serves and served, newest first."""
        rows = self.file.inputs.select_related("cycle", "by", "ended_by", "superseded_by__source_file")
        return list(rows.order_by("-cycle__start", "-since", "-pk"))

    @property
    def counts_now(self) -> bool:
        if self.tombstone:
            return False
        return any(one.ended_at is None for one in self.inputs) or (self.snapshot is not None and self.snapshot.superseded_at is None)

    @cached_property
    def snapshot(self) -> DirectorySnapshot | None:
        """Of a list of users: the tenant and cycle for which it is, or was, in force."""
        if self.file.kind != Kind.DIRECTORY:
            return None
        return DirectorySnapshot.objects.select_related("tenant", "cycle").filter(source_file=self.file).first()

    @cached_property
    def tenant(self) -> Tenant | None:
        """Whose users they are, where that is known."""
        found = DirectoryFile.objects.select_related("tenant").filter(source_file=self.file).first()
        return found.tenant if found else None

    @property
    def tenants(self) -> QuerySet[Tenant]:
        """Those that it may be of."""
        known = Tenant.objects.filter(account=self.file.account, kind=Tenant.Kind.MICROSOFT, removed_at__isnull=True)
        return known.select_related("organization").order_by("name", "pk")

    @property
    def is_directory(self) -> bool:
        return bool(self.file.kind == Kind.DIRECTORY)

    @cached_property
    def tombstone(self) -> Tombstone | None:
        return tombstone_of(self.file) if self.file.kind in PERSONAL else None

    @property
    def use_form(self) -> UseForm:
        return UseForm(self.file)

    @property
    def kind_form(self) -> KindForm:
        return KindForm(self.file)


def _sum(values: Iterable[int | str | None]) -> int:
    return sum(value for value in values if isinstance(value, int))


def _faults(source_file: SourceFile, lines: list[int]) -> dict[int, list[RowIssue]]:
    """What was noticed about each of these lines."""
    found: dict[int, list[RowIssue]] = {}
    for issue in source_file.issues.filter(line__in=lines):
        found.setdefault(issue.line or 0, []).append(issue)
    return found


def _gaps(rows: list[dict[str, Any]]) -> Iterator[int]:
    """How many lines before each row are not shown. A cell with line breaks takes several lines, and hides none."""
    following = 1
    for row in rows:
        yield max(row["line"] - following, 0)
        following = row["line"] + 1 + sum(cell.count("\n") for cell in row["cells"])
