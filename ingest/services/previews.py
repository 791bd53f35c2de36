"""What is kept of a reading so that a person can judge it: header, first rows, guesses and why, totals, and the cycle it seems to be of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.calendar import Cycle, cycle_containing, parse_cycle, previous_cycle
from accounts.models import Account, BillingCycle, Organization
from accounts.names import normalise
from accounts.templatetags.recon_ui import day
from ingest.models import Leg, SourceFile
from ingest.services import summaries
from ingest.sources.reading import Guess, Reading, Unreadable

#: Beside a guess that a person has settled.
STATED: Final = "stated by you"


def preview_of(source_file: SourceFile, reading: Reading) -> dict[str, Any]:
    return {
        "header": reading.header,
        "sheets": reading.sheets,
        "first_rows": [asdict(row) for row in reading.first_rows],
        "columns": _guesses(reading.column_guesses),
        **summaries.totals_of(reading),
        **_names(source_file.account, reading),
        **_archive(reading),
        **_cycle(source_file, reading),
    }


def refused_preview(refusal: Unreadable) -> dict[str, Any]:
    if not refusal.header and not refusal.first_rows:
        return {}  # what was known of it before is still there for a person to correct
    rows = [asdict(row) for row in refusal.first_rows]
    return {"header": refusal.header, "sheets": refusal.sheets, "first_rows": rows, "columns": _guesses(refusal.column_guesses)}


def _guesses(guesses: Mapping[int, Guess]) -> dict[str, dict[str, str]]:
    return {str(index): {"because": guess.because, "sureness": guess.sureness} for index, guess in guesses.items()}


def _archive(reading: Reading) -> dict[str, Any]:
    """Of an archive of answers: whose it is, when its answers came, what it lacks, and how many records each of them has."""
    manifest = reading.manifest
    if manifest is None:
        return {}
    said = {name: getattr(manifest, name) for name in ("source", "subject", "began_at", "ended_at", "lacks")}
    whose = {name: str(manifest.whose.get(name, "")) for name in ("id", "name")}
    ended = manifest.ended.isoformat()
    if manifest.source == "microsoft":
        said["about"] = {name: manifest.about.get(name, {}) for name in ("lacks", "gaps")}
    return {"archive": {**said, "whose": whose, "answers": len(manifest.answers), "runs": reading.answers}, "answered_at": ended}


def _names(account: Account, reading: Reading) -> dict[str, int]:
    """How many names the document has, and how many of them the account knows."""
    if "organization" not in reading.lines:
        return {}
    if reading.manifest is not None:
        return _ids(account, reading)
    keys = {normalise(name) for name in reading.lines["organization"].unique() if name}
    known = Organization.objects.filter(account=account).values_list("name_key", flat=True)
    return {"organizations": len(keys), "known": len(keys.intersection(known))}


def _ids(account: Account, reading: Reading) -> dict[str, int]:
    """The same of what has Organizations by their id."""
    ids = {its_id for its_id in reading.lines["organization_id"].unique() if its_id}
    known = Organization.objects.filter(account=account, huntress_id__isnull=False).values_list("huntress_id", flat=True)
    return {"organizations": len(ids), "known": len(ids.intersection(known))}


def _cycle(source_file: SourceFile, reading: Reading) -> dict[str, str]:
    """The cycle a person stated; else the one that the file names; else the last one that is over."""
    if source_file.preview.get("cycle_because") == STATED:
        return {}
    account = source_file.account
    if reading.manifest is not None and reading.kind not in Leg.values:
        cycle, because = answered_in(account, reading.manifest.ended)
        return {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": because}
    if guess := reading.guesses.get("cycle"):
        cycle = _cycle_of(guess.value, account)
        return {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": guess.because}
    cycle = last_finished(account)
    return {"cycle": f"{cycle.start}:{cycle.end}", "cycle_because": "the last cycle that is over"}


def answered_in(account: Account, ended: datetime) -> tuple[Cycle, str]:
    """The cycle in which the last answer came, where the account is: what was counted then says nothing about any other. And why."""
    came = ended.astimezone(ZoneInfo(account.time_zone)).date()
    known = BillingCycle.objects.filter(account=account, start__lte=came, end__gt=came).first()
    cycle = known.dates if known else cycle_containing(came, account.anniversary_day)
    return cycle, f"its answers came on {day(came)}"


def _cycle_of(text: str, account: Account) -> Cycle:
    """A range's own cycle; for a single day, the cycle that ends on it or had ended by then."""
    if ":" in text:
        stated = parse_cycle(text)
        return cycle_containing(stated.start, account.anniversary_day)
    day = date.fromisoformat(text)
    return previous_cycle(cycle_containing(day, account.anniversary_day), account.anniversary_day)


def last_finished(account: Account) -> Cycle:
    """The newest cycle whose last day is over in the account's own time zone."""
    today = timezone.now().astimezone(ZoneInfo(account.time_zone)).date()
    return previous_cycle(cycle_containing(today, account.anniversary_day), account.anniversary_day)
