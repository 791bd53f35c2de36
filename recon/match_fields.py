"""Two Organizations field by field, with what differs marked, and what they would be together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.products import BY_CODE
from accounts.templatetags.recon_ui import blank, day, signed, units
from recon.services.pairs import Side, SideBySide
from recon.words import LEG_WORDS

_LEGS: Final = {"billed": "billed", "previous": "billed before", "expected": "expected", "rebilled": "rebilled"}
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the comparison: what it is called, and its value on either side as a page shows it."""

    label: str
    left: SafeString | str
    right: SafeString | str


def fields_of(subject: Side, other: Side | None, shared: int | None) -> list[Field]:
    """``shared``: how many hostnames both have, null where no agent list tells."""
    found = [
        _told("Huntress id", subject.huntress_id, getattr(other, "huntress_id", ""), "No source has told its id"),
        _told("Key", *_keys(subject, other), "No source has told its key"),
        *_units(subject, other),
        Field("First billed", _date(subject.first_billed), _date(other.first_billed) if other else ""),
        _told("Before", ", ".join(subject.former), ", ".join(other.former) if other else "", "No other name is known"),
        _told("With it", ", ".join(subject.members), ", ".join(other.members) if other else "", "Nothing else counts under it"),
        _spelt(subject, other),
    ]
    if shared is not None and other:
        found.append(Field("Shared hostnames", _of(shared, subject.hostnames), _of(shared, other.hostnames)))
    return [one for one in found if one is not None]


def _keys(subject: Side, other: Side | None) -> tuple[SafeString | str, SafeString | str]:
    if other is None or not subject.key or not other.key:
        return _mono(subject.key), _mono(other.key) if other else ""
    left, right = differing(subject.key, other.key)
    return _mono(marked(subject.key, left)), _mono(marked(other.key, right))


def _mono(text: SafeString | str) -> SafeString | str:
    return format_html('<span class="mono">{}</span>', text) if text else ""


def _told(label: str, left: SafeString | str, right: SafeString | str, absent: str) -> Field | None:
    """A line where either side has something to say."""
    return Field(label, left or blank(absent), right or blank(absent)) if left or right else None


def _units(subject: Side, other: Side | None) -> list[Field]:
    sides = [side for side in (subject, other) if side]
    found = []
    for code in BY_CODE:
        for leg, words in _LEGS.items():
            if any(_has(side, leg, code) for side in sides):
                label = f"{BY_CODE[code].label}, {words}"
                found.append(Field(label, _count(subject, leg, code), _count(other, leg, code) if other else ""))
    return found


def _has(side: Side, leg: str, code: str) -> bool:
    """What was billed before says something of a side that is not billed now."""
    return code in side.units.get(leg, {}) and (leg != "previous" or code not in side.units.get("billed", {}))


def _count(side: Side, leg: str, code: str) -> SafeString | str:
    if code in side.units.get(leg, {}):
        return units(side.units[leg][code])
    words = LEG_WORDS[leg]
    return blank(f"No {BY_CODE[code].label} line for it in the {words}" if leg in side.units else f"The {words} does not name it")


def _date(iso: str) -> SafeString | str:
    return day(date.fromisoformat(iso)) if iso else blank("No billed report names it")


def _of(shared: int, total: int | None) -> str:
    return f"{units(shared)} of {units(total)}" if total is not None else units(shared)


def _spelt(subject: Side, other: Side | None) -> Field | None:
    """What the lists of this month call each, where that is not its name."""
    return _told("Written as", _spellings(subject), _spellings(other) if other else "", "Every list writes it as above")


def _spellings(side: Side) -> str:
    of_month = {leg: names for leg, names in side.spelt.items() if leg != "previous"}
    found = {name: leg for leg, names in of_month.items() for name in names if name != side.name}
    return ", ".join(f"“{name}” in the {LEG_WORDS[leg]}" if leg else f"“{name}”" for name, leg in found.items())


def differing(one: str, other: str) -> tuple[Stretch, Stretch]:
    """The stretch of each text between what both begin and what both end with.

    >>> differing("hexmoor-schol", "hexmoor-school")
    ((12, 12), (12, 13))
    """
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return (start, len(one) - end), (start, len(other) - end)


def marked(text: str, stretch: Stretch | None) -> SafeString:
    """The text with the stretch marked; a stretch of nothing marks the letter at which something is missing."""
    if stretch is None or not text:
        return format_html("{}", text)
    start, end = stretch
    if start >= end:
        start, end = max(min(start, len(text)) - 1, 0), max(min(start, len(text)), 1)
    return format_html("{}<mark>{}</mark>{}", text[:start], text[start:end], text[end:])


def together_words(pair: SideBySide) -> str:
    """What the months would count if the two (or all parts) were one customer."""
    sums = pair.together
    said = [words for code in BY_CODE if (words := _sum(BY_CODE[code].label, {leg: sums.get(leg, {}).get(code) for leg in _LEGS}))]
    return "; ".join(said)


def _sum(label: str, legs: dict[str, int | None]) -> str:
    billed = legs["billed"]
    if billed is None:
        return ""
    others = [f"{units(legs[leg])} {leg}" for leg in ("expected", "rebilled") if legs[leg] is not None]
    if not others:
        return f"{label} becomes {units(billed)} billed"
    gaps = {leg: billed - (legs[leg] or 0) for leg in ("expected", "rebilled") if legs[leg] is not None}
    left = [f"{signed(gap)} to {leg}" for leg, gap in gaps.items() if gap]
    rest = f", and a gap of {' and '.join(left)} stays to be explained" if left else ", without a gap"
    return f"{label} becomes {units(billed)} billed against {' and '.join(others)}{rest}"
