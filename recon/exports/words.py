"""How a month, its flags and its states are put into words on a sheet, and how a vendor's text is made harmless."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from accounts.calendar import Cycle
from accounts.products import BY_CODE
from recon.exports.sheet import MonthSheet

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SEVERITIES: Final = ("escalate", "investigate", "unchecked", "within", "match")
LEGS: Final = {"billed": "Billed", "expected": "Expected", "rebilled": "Rebilled", "previous": "Previous", "prices": "Price list"}
CYCLE_NOT_STATED: Final = "cycle not stated"
DRAFT: Final = "DRAFT"

#: Flags that read better than their own code with spaces.
FLAGS: Final = {
    "not_billed": "not in the billed report",
    "not_in_expected": "not in the expected list",
    "not_in_rebilled": "not in the rebilled list",
    "nobody_rebilled": "internal use or not ours: nobody is rebilled",
    "charged_anyway": "somebody is charged, though nobody should be",
}

# What XML cannot hold, so no workbook either: controls other than tab, line feed and return, halves of surrogate pairs, two non-characters.
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def clean(text: str) -> str:
    """The text with a replacement character for each one that no file format can carry; all else as it was."""
    return _ILLEGAL.sub("\ufffd", text)


def starts_a_formula(text: str) -> bool:
    """Would a spreadsheet that opens a CSV take this text for a formula?"""
    return text.startswith(_STARTS_A_FORMULA)


def csv_text(text: str) -> str:
    """Text for a CSV that people open: what would start a formula gets a leading apostrophe.

    >>> csv_text("=1+1"), csv_text("Total Care Dental")
    ("'=1+1", 'Total Care Dental')
    """
    text = clean(text)
    return f"'{text}" if starts_a_formula(text) else text


def day_words(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def moment_words(moment: datetime) -> str:
    """``14 Nov 2026, 09:41 UTC``, with the zone where the moment states one."""
    return f"{day_words(moment)}, {moment:%H:%M} {moment.tzname() or ''}".rstrip()


def cycle_words(cycle: Cycle | None) -> str:
    """``14 Oct – 14 Nov 2026``, the way a cycle is named; both years where they differ."""
    if cycle is None:
        return CYCLE_NOT_STATED
    first = day_words(cycle.start)
    if cycle.start.year == cycle.end.year:
        first = first.rpartition(" ")[0]
    return f"{first} – {day_words(cycle.end)}"


@lru_cache(maxsize=4096)
def flag_words(flags: str) -> str:
    """Comma-separated codes as words, in their order.

    >>> flag_words("not_billed,new_organization")
    'not in the billed report; new organization'
    """
    codes = [code.strip() for code in flags.split(",") if code.strip()]
    return "; ".join(FLAGS.get(code, code.replace("_", " ")) for code in codes)


def product_label(code: str) -> str:
    return BY_CODE[code].label if code in BY_CODE else code


def product_unit(code: str) -> str:
    return BY_CODE[code].unit if code in BY_CODE else ""


def status(sheet: MonthSheet) -> str:
    return DRAFT if sheet.draft else "SIGNED"


def heading(sheet: MonthSheet, what: str) -> str:
    """The line on the face of every sheet. The word DRAFT comes first, where no column width can hide it."""
    parts = [what, *([sheet.account] if sheet.account else []), cycle_words(sheet.cycle), f"revision {sheet.revision}"]
    return ("DRAFT, not signed: " if sheet.draft else "") + " · ".join(parts)


def file_name(what: str, extension: str, *, slug: str, cycle: Cycle | None, revision: int, draft: bool) -> str:
    """Such as ``rebill-quillmere-it-2026-10-14-to-2026-11-14-r1-DRAFT.xlsx``; safe in any file system.

    >>> file_name("rebill", "csv", slug="", cycle=None, revision=2, draft=False)
    'rebill-cycle-not-stated-r2.csv'
    """
    dates = f"{cycle.start.isoformat()}-to-{cycle.end.isoformat()}" if cycle else CYCLE_NOT_STATED.replace(" ", "-")
    safe = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")
    return "-".join(part for part in (what, safe, dates, f"r{revision}", DRAFT if draft else "") if part) + f".{extension}"
