"""The pages of the exclusion list: what a proposed list would change, what a version has in it, and what was said of the uploads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

from django.core.paginator import Page, Paginator

from accounts.calendar import Cycle, parse_cycle
from accounts.models import Account
from ingest import guards, storage
from ingest.forms import cycle_choices
from ingest.models import LegInput, RowIssue, SkuSuggestion, SkuUpload, SourceFile, SourceRow
from ingest.services.previews import last_finished
from ingest.sources import read
from ingest.sources.reading import Unreadable
from recon.engine.identities import Effect
from recon.exclusion_lists import (
    Diff,
    Entry,
    VersionRow,
    came_words,
    diff,
    entry,
    list_day,
    listed_in,
    names_of,
    number_of,
    rows_of,
    today_of,
    version_for,
    version_now,
    versions_of,
)
from recon.loads.loader import stated
from recon.services import exclusions as service
from recon.services.sku_files import newest_upload

VERSIONS_A_PAGE: Final = 10
#: Rows of a proposed list that are shown one by one.
ROWS_SHOWN: Final = 200
State = SourceFile.State
_REASONS: Final = {"title": "above the header", "total": "a total"}


class ListPage:
    """Settings, Exclusion list: what is in force, every version, what waits to be looked at, and the files beside it."""

    def __init__(self, account: Account, number: str) -> None:
        self.account = account
        self.page: Page[Any] = Paginator(versions_of(account), VERSIONS_A_PAGE).get_page(number)

    @cached_property
    def now(self) -> LegInput | None:
        return version_now(self.account)

    @cached_property
    def now_number(self) -> int | None:
        return number_of(self.now) if self.now else None

    @cached_property
    def versions(self) -> list[VersionRow]:
        shown = list(self.page.object_list)
        older = None
        if self.page.has_next():
            older = versions_of(self.account).filter(pk__lt=shown[-1].pk).values_list("source_file", flat=True).first()
        return rows_of(shown, older, self.now, today_of(self.account))

    @cached_property
    def drafts(self) -> list[SourceFile]:
        return list(service.drafts_of(self.account)[:20])

    @cached_property
    def names(self) -> SkuUpload | None:
        return newest_upload(self.account, SkuUpload.What.NAMES)

    @cached_property
    def suggestions(self) -> SkuUpload | None:
        return newest_upload(self.account, SkuUpload.What.SUGGESTIONS)

    @property
    def start(self) -> tuple[tuple[str, str], ...]:
        return service.START

    @property
    def start_dated(self) -> date:
        return service.START_DATED


@dataclass(frozen=True)
class OddRow:
    """A line of the list that did not become an entry of its own."""

    line: int
    text: str
    why: str


class Draft:
    """A proposed list, held against the one that is in force in the cycle from which on it would be."""

    def __init__(self, source_file: SourceFile, chosen: str = "") -> None:
        self.file, self.account = source_file, source_file.account
        self.cycle = self._cycle(chosen)

    def _cycle(self, chosen: str) -> Cycle:
        """The one that was chosen, of those that are offered; else the one that the list itself tells of."""
        return parse_cycle(chosen if chosen in dict(self.cycles) else self._guessed)

    @property
    def _guessed(self) -> str:
        cycle = last_finished(self.account)
        return str(self.file.preview.get("cycle") or f"{cycle.start}:{cycle.end}")

    @cached_property
    def cycles(self) -> list[tuple[str, str]]:
        return cycle_choices(self.account, self._guessed)

    @property
    def cycle_text(self) -> str:
        return f"{self.cycle.start}:{self.cycle.end}"

    @property
    def is_busy(self) -> bool:
        return self.file.state in {State.RECEIVED, State.IMPORTING}

    @property
    def is_new(self) -> bool:
        return self.file.state == State.READY

    @property
    def was_in_force(self) -> bool:
        return self.file.state == State.IMPORTED

    @property
    def came(self) -> str:
        return came_words(self.file)

    @property
    def dated(self) -> date | None:
        return list_day(self.file)

    # --- what is in it ---

    @cached_property
    def _names(self) -> dict[str, str] | None:
        return names_of(self.account)

    @property
    def has_names(self) -> bool:
        return self._names is not None

    @cached_property
    def listed(self) -> Mapping[str, Entry]:
        """Read again from the bytes while it waits: nothing of it is loaded before it counts."""
        if self.was_in_force:
            return listed_in(self.file.pk, self._names)
        if not self.is_new or self.file.size > service.MOST_BYTES:
            return {}
        mapping = stated(self.file)
        try:
            found = read(storage.fetch(self.file.sha256), name=self.file.name, kind=self.file.kind, mapping=mapping, limits=guards.limits())
        except Unreadable:
            return {}
        rows = found.lines[["sku_key", "sku", "name"]].itertuples(index=False, name=None)
        return {key: entry(key, sku, name, self._names) for key, sku, name in rows}

    @property
    def can_be_held_against(self) -> bool:
        return bool(self.listed)

    # --- what it changes ---

    @cached_property
    def base(self) -> LegInput | None:
        return version_for(self.account, self.cycle.start)

    @cached_property
    def base_number(self) -> int | None:
        return number_of(self.base) if self.base else None

    @cached_property
    def _base_listed(self) -> Mapping[str, Entry]:
        return listed_in(self.base.source_file_id, self._names) if self.base else {}

    @cached_property
    def diff(self) -> Diff:
        return diff(self._base_listed, self.listed)

    @cached_property
    def effect(self) -> Effect | None:
        return service.effect_of(self._base_listed.keys(), self.listed.keys(), self.account)

    @cached_property
    def unknown(self) -> list[Entry]:
        """Part numbers that Microsoft's table lacks; that is no error, because the published list has such."""
        return [one for one in self.listed.values() if one.is_known is False]

    # --- its lines ---

    @cached_property
    def _odd(self) -> list[SourceRow]:
        return list(SourceRow.objects.filter(source_file=self.file).exclude(reason__in=("blank", "header")).order_by("line")[:ROWS_SHOWN])

    @cached_property
    def _said(self) -> dict[int | None, str]:
        issues = RowIssue.objects.filter(source_file=self.file).order_by("-pk").values_list("line", "message")
        return dict(issues[: 2 * ROWS_SHOWN])

    @cached_property
    def duplicates(self) -> list[OddRow]:
        return self._rows("merged")

    @cached_property
    def rejected(self) -> list[OddRow]:
        return self._rows("rejected")

    @cached_property
    def aside(self) -> list[OddRow]:
        """What was read as no entry. A heading is; a SKU that stands here was missed."""
        return self._rows("set_aside")

    def _rows(self, bucket: str) -> list[OddRow]:
        rows = [one for one in self._odd if one.bucket == bucket]
        return [OddRow(one.line, self._text(one), self._said.get(one.line) or _REASONS.get(one.reason, one.reason)) for one in rows]

    @staticmethod
    def _text(row: SourceRow) -> str:
        return "  ".join(str(cell).strip() for cell in row.cells if str(cell).strip())[:200]

    @cached_property
    def errors(self) -> list[str]:
        """Why the list as a whole is refused."""
        if self.file.state != State.REFUSED:
            return []
        said = RowIssue.objects.filter(source_file=self.file, level="error").values_list("line", "message")[:10]
        return [f"Line {line:,}: {message}" if line else message for line, message in said]


class VersionPage:
    """One version: what it is, and how it differs from another one."""

    def __init__(self, version: Any, other: str) -> None:
        self.version, self.file, self.account = version, version.source_file, version.cycle.account
        self._other = other

    @cached_property
    def all(self) -> list[Any]:
        """Every version, as those that it can be held against."""
        return list(versions_of(self.account)[:100])

    @cached_property
    def number(self) -> int:
        return number_of(self.version)

    @cached_property
    def row(self) -> VersionRow:
        return rows_of([self.version], None, version_now(self.account), today_of(self.account))[0]

    @cached_property
    def other(self) -> Any:
        """The one that was asked for; else the one before it; None for the first one."""
        asked = next((one for one in self.all if str(one.pk) == self._other and one.pk != self.version.pk), None)
        return asked or next((one for one in self.all if one.pk < self.version.pk), None)

    @cached_property
    def names(self) -> dict[str, str] | None:
        return names_of(self.account)

    @cached_property
    def listed(self) -> dict[str, Entry]:
        return listed_in(self.file.pk, self.names)

    @cached_property
    def _other_listed(self) -> dict[str, Entry]:
        return listed_in(self.other.source_file_id, self.names) if self.other else {}

    @cached_property
    def diff(self) -> Diff:
        """From the other one to this one."""
        return diff(self._other_listed, self.listed)

    @cached_property
    def effect(self) -> Effect | None:
        return service.effect_of(self._other_listed.keys(), self.listed.keys(), self.account)

    @property
    def came(self) -> str:
        return came_words(self.file)

    @property
    def dated(self) -> date | None:
        return list_day(self.file)


def open_suggestions(account: Account, now: LegInput | None) -> int:
    """Those that nobody has dismissed and that are not in the list in force."""
    asked = SkuSuggestion.objects.filter(upload__account=account, dismissed_at__isnull=True)
    if now:
        asked = asked.exclude(sku_key__in=now.source_file.excluded_skus.values("sku_key"))
    return asked.count()
