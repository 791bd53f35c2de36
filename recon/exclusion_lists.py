"""Exclusion lists as versions: which list is in force from which cycle on, what is in it, and how two of them differ.

A version is a file of the kind that serves a cycle (``LegInput``): it is in force from that cycle on, until the one of a later cycle. One
that was replaced within its own cycle, or withdrawn, stays and is shown. Numbers count an account's versions in the order they were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from accounts.calendar import cycle_containing
from accounts.models import Account, BillingCycle
from ingest.models import ExcludedSku, Kind, LegInput, SkuName, SourceFile
from recon.services.beside import in_force

#: How a list came, as its file's preview says it (``came``), in words.
CAME: Final = {
    "pasted": "pasted",
    "file": "from a file",
    "hand": "changed by hand",
    "start": "the ten to start with, confirmed",
    "suggested": "from suggestions, confirmed",
}


@dataclass(frozen=True)
class Entry:
    """One SKU of a list. ``is_known``: Microsoft's table has the part number; None while there is no such table."""

    key: str
    sku: str
    name: str
    is_known: bool | None = None


Listed = Mapping[str, Entry]


@dataclass(frozen=True)
class Diff:
    """From one list to another."""

    added: list[Entry]
    removed: list[Entry]
    same: int

    @property
    def is_empty(self) -> bool:
        return not self.added and not self.removed


def diff(before: Listed, after: Listed) -> Diff:
    added = [after[key] for key in sorted(after.keys() - before.keys())]
    removed = [before[key] for key in sorted(before.keys() - after.keys())]
    return Diff(added, removed, len(after.keys() & before.keys()))


# --- versions ---------------------------------------------------------------------------------------------------------------------


def versions_of(account: Account) -> QuerySet[LegInput, LegInput]:
    """Every version, newest first, numbered (``number``)."""
    given = LegInput.objects.filter(cycle__account=account, leg=Kind.EXCLUSIONS)
    numbered = given.annotate(number=Window(RowNumber(), order_by=F("pk").asc()))
    return numbered.select_related("cycle", "source_file", "by", "superseded_by", "ended_by").order_by("-pk")


def version_now(account: Account) -> LegInput | None:
    """The version in force in the cycle that runs today."""
    cycle = cycle_containing(today_of(account), account.anniversary_day)
    return in_force(BillingCycle(account=account, start=cycle.start, end=cycle.end), Kind.EXCLUSIONS)


def version_for(account: Account, start: date) -> LegInput | None:
    """The version in force in the cycle that begins on a day, whether or not the account has that cycle already."""
    return in_force(BillingCycle(account=account, start=start), Kind.EXCLUSIONS)


def excluded_in(cycle: BillingCycle) -> tuple[LegInput | None, frozenset[str]]:
    """What the engine is asked with: the version in force in a cycle, and its part numbers. Without a version nothing is excluded."""
    version = in_force(cycle, Kind.EXCLUSIONS)
    return version, frozenset(keys_of([version.source_file_id])[version.source_file_id]) if version else frozenset()


def today_of(account: Account) -> date:
    return timezone.now().astimezone(ZoneInfo(account.time_zone)).date()


def number_of(version: LegInput) -> int:
    given = LegInput.objects.filter(cycle__account=version.cycle.account_id, leg=Kind.EXCLUSIONS)
    return given.filter(pk__lte=version.pk).count()


def came_words(source_file: SourceFile) -> str:
    return CAME.get(str(source_file.preview.get("came", "")), CAME["file"])


def list_day(source_file: SourceFile) -> date | None:
    """Of which day the list itself says it is."""
    said = source_file.preview.get("dated")
    return date.fromisoformat(said) if said else None


# --- what is in them --------------------------------------------------------------------------------------------------------------


def keys_of(files: Iterable[int]) -> dict[int, set[str]]:
    """By file, the part numbers as they are compared."""
    found: dict[int, set[str]] = {pk: set() for pk in files}
    for pk, key in ExcludedSku.objects.filter(source_file__in=found).values_list("source_file", "sku_key"):
        found[pk].add(key)
    return found


def listed_in(source_file_id: int, names: Mapping[str, str] | None) -> dict[str, Entry]:
    """The SKUs of an imported list."""
    rows = ExcludedSku.objects.filter(source_file=source_file_id).order_by("line", "pk").values_list("sku_key", "sku", "name")
    return {key: entry(key, sku, name, names) for key, sku, name in rows}


def entry(key: str, sku: str, name: str, names: Mapping[str, str] | None) -> Entry:
    """Microsoft's name goes before the list's own words."""
    return Entry(key, sku, (names or {}).get(key, "") or name, None if names is None else key in names)


def names_of(account: Account) -> dict[str, str] | None:
    """Part number as it is compared → what Microsoft calls it; None while nobody has uploaded the table.

    Of a part number with two GUIDs the name that stands first in the table is shown.
    """
    rows = SkuName.objects.filter(upload__account=account).order_by("-line").values_list("sku_key", "name")
    return dict(rows) or None


@dataclass(frozen=True)
class VersionRow:
    """A version in the list of versions: what it changed of the one before it, and what became of it."""

    version: Any
    skus: int
    added: int
    removed: int
    state: str
    tone: str
    symbol: str

    @property
    def came(self) -> str:
        return came_words(self.version.source_file)


def rows_of(versions: list[Any], before_first: int | None, now: LegInput | None, today: date) -> list[VersionRow]:
    """``versions`` newest first, each held against its predecessor; ``before_first`` is the file of the one before the last of them."""
    files = [one.source_file_id for one in versions] + ([before_first] if before_first else [])
    keys = keys_of(files)
    rows = []
    for place, one in enumerate(versions):
        mine, its = keys[one.source_file_id], keys[files[place + 1]] if place + 1 < len(files) else set()
        rows.append(VersionRow(one, len(mine), len(mine - its), len(its - mine), *_state(one, now, today)))
    return rows


def _state(version: LegInput, now: LegInput | None, today: date) -> tuple[str, str, str]:
    """In a word, with its tone and its icon."""
    if version.superseded_by_id:
        return "Replaced", "aside", "unchecked"
    if version.ended_at:
        return "Withdrawn", "aside", "x"
    if now and version.pk == now.pk:
        return "In force", "done", "match"
    return ("Later", "review", "half") if version.cycle.start > today else ("Earlier", "aside", "within")
