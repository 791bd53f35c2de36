"""Mappings that a person stated, known again by their header; and what changed where a known list changed its columns.

A header's fingerprint does not see case and spacing, as ``accounts.products.folded`` compares, nor blank columns after the last.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

from accounts.products import folded
from ingest.sources.document import Document, open_document
from ingest.sources.grid import HEAD_ROWS, Table, letter, titled
from ingest.sources.header import field_of
from ingest.sources.limits import Limits
from ingest.sources.reading import Mapping, Unreadable
from ingest.sources.sniff import SHOWN_BY_BYTES, has_sheets, is_utf8

What = Literal["added", "gone", "renamed", "moved", "unclear"]

#: A header lies near the start of a text; the rest need not be looked at to know it again.
PREFIX: Final = 1 << 20
_LEAST_COMMON: Final = 2
_LEAST_SHARE: Final = 0.5
_ALIKE: Final = 0.6
_BOMS_OF_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Profile:
    """How a kind of document with this header is read. Column numbers of ``mapping`` count in ``header``."""

    kind: str
    name: str
    header: tuple[str, ...]
    mapping: Mapping

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.kind, self.header)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs from the header that a profile knows, in words. ``matters``: a column that was read is concerned."""

    what: What
    message: str
    matters: bool


@dataclass(frozen=True, slots=True)
class Recognised:
    """A profile on a document. ``mapping`` counts in the document's own columns; with ``changes`` it is a proposal, no more."""

    profile: Profile
    header: tuple[str, ...]
    mapping: Mapping
    changes: tuple[Change, ...] = ()


class _Seen(NamedTuple):
    """A row that may be a header, and the table that it stands in."""

    table: Table
    line: int
    cells: tuple[str, ...]


def fingerprint(kind: str, header: Sequence[str]) -> str:
    """SHA-256 of a kind and a header's cells, folded and in order.

    >>> fingerprint("billed", ["Org Name", "EDR"]) == fingerprint("billed", ["org_name", " edr ", ""])
    True
    >>> fingerprint("billed", ["Org Name", "EDR"]) == fingerprint("billed", ["EDR", "Org Name"])
    False
    """
    return hashlib.sha256("\x1f".join([kind, *_names(header)]).encode("utf-8", "surrogatepass")).hexdigest()


def _names(header: Sequence[str]) -> list[str]:
    names = [folded(cell) for cell in header]
    while names and not names[-1]:
        names.pop()
    return names


# --- a header beside the one that a profile knows ---


def fit(profile: Profile, header: Sequence[str]) -> tuple[dict[int, str], tuple[Change, ...]]:
    """The profile's columns in this header, by their names, and what changed. A column that is gone or unclear is in no mapping."""
    old, new = _names(profile.header), _names(header)
    if old == new:
        return dict(profile.mapping.columns), ()
    fields = profile.mapping.columns
    pairs, unclear = _same_names(old, new, set(fields))
    renamed = _renamed(profile.header, header, pairs, set(unclear))
    changes = [
        *_unclear(profile, header, unclear),
        *_gone(profile, [index for index in range(len(old)) if index not in pairs | renamed and index not in unclear]),
        *_renames(profile, header, renamed),
        *_moved(profile, header, pairs | renamed),
        *_added(header, new, {*pairs.values(), *renamed.values(), *(place for places in unclear.values() for place in places)}),
    ]
    places = pairs | renamed
    columns = {places[index]: name for index, name in fields.items() if index in places}
    return columns, tuple(sorted(changes, key=lambda change: not change.matters))


def _same_names(old: Sequence[str], new: Sequence[str], read: set[int]) -> tuple[dict[int, int], dict[int, list[int]]]:
    """Old column → new column of the same name; and the columns that are read whose name could mean several, or now stands twice."""
    pairs: dict[int, int] = {}
    unclear: dict[int, list[int]] = {}
    for name in dict.fromkeys(old):
        before = [index for index, one in enumerate(old) if one == name]
        after = [index for index, one in enumerate(new) if one == name]
        if len(before) > 1 or len(after) > 1:
            unclear |= {index: after for index in before if index in read and after}
            pairs |= {index: place for index, place in zip(before, after, strict=False) if index not in unclear}
        elif after:
            pairs[before[0]] = after[0]
    return pairs, unclear


def _renamed(before: Sequence[str], after: Sequence[str], pairs: dict[int, int], unclear: set[int]) -> dict[int, int]:
    """Old column → new column where one name went and one came that can only be each other: alike, of one meaning, or in one place."""
    gone = [index for index in range(len(before)) if index not in pairs and index not in unclear and folded(before[index])]
    taken = set(pairs.values())
    came = [index for index in range(len(after)) if index not in taken and folded(after[index])]
    found: dict[int, int] = {}
    for index in gone:
        likely = [place for place in came if _are_alike(before[index], after[place])]
        likely = likely or [place for place in came if _are_between_the_same(index, place, before, after, pairs)]
        if len(likely) == 1:
            found[index] = likely[0]
    twice = {place for place, count in Counter(found.values()).items() if count > 1}
    return {index: place for index, place in found.items() if place not in twice}


def _are_alike(one: str, other: str) -> bool:
    meaning = field_of(one)
    return bool(meaning and meaning == field_of(other)) or SequenceMatcher(None, folded(one), folded(other)).ratio() >= _ALIKE


def _are_between_the_same(index: int, place: int, before: Sequence[str], after: Sequence[str], pairs: dict[int, int]) -> bool:
    """Whether the columns on both sides (or the header's own ends) are the same ones as before."""
    left = pairs.get(index - 1) == place - 1 if index else place == 0
    right = pairs.get(index + 1) == place + 1 if index + 1 < len(before) else place + 1 == len(after)
    return left and right


def _unclear(profile: Profile, header: Sequence[str], unclear: dict[int, list[int]]) -> Iterator[Change]:
    for index, places in unclear.items():
        named = " or ".join(letter(place) for place in places)
        title = profile.header[index].strip()
        message = f"“{title}” could be column {named}: say which of them is the {_meant(profile, index)}."
        if len(places) == 1:
            message = f"“{title}” stood twice and stands once now, in column {named}: say whether it is the {_meant(profile, index)}."
        yield Change("unclear", message, True)


def _gone(profile: Profile, indices: Iterable[int]) -> Iterator[Change]:
    for index in indices:
        title = profile.header[index].strip()
        if index in profile.mapping.columns:
            yield Change("gone", f"Column {titled(profile.header, index)}, which was the {_meant(profile, index)}, is gone.", True)
        elif title:
            yield Change("gone", f"Column {titled(profile.header, index)} is gone. It was not read.", False)


def _renames(profile: Profile, header: Sequence[str], renamed: dict[int, int]) -> Iterator[Change]:
    for index, place in renamed.items():
        if index in profile.mapping.columns:
            message = (
                f"Column {titled(header, place)} is taken for what was “{profile.header[index].strip()}”, the {_meant(profile, index)}."
            )
            yield Change("renamed", message, True)
        else:
            yield Change("renamed", f"“{profile.header[index].strip()}” is probably {titled(header, place)} now. It was not read.", False)


def _moved(profile: Profile, header: Sequence[str], places: dict[int, int]) -> Iterator[Change]:
    """Columns whose order changed. One that only makes room for another has not moved."""
    order = [(index, places[index]) for index in sorted(places)]
    stayed = _longest_rising([place for _, place in order])
    for index, place in order:
        if place not in stayed and header[place].strip():
            message = f"“{header[place].strip()}” moved from column {letter(index)} to {letter(place)}."
            yield Change("moved", message, index in profile.mapping.columns)


def _longest_rising(values: Sequence[int]) -> set[int]:
    """The values of one longest rising subsequence: patience sorting."""
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for value in values:
        pile = bisect_left(tops, value)
        before[value] = tops[pile - 1] if pile else None
        tops[pile:] = [value, *tops[pile + 1 :]]
    found, one = set(), tops[-1] if tops else None
    while one is not None:
        found.add(one)
        one = before[one]
    return found


def _added(header: Sequence[str], names: Sequence[str], known: set[int]) -> Iterator[Change]:
    for index, name in enumerate(names):
        if name and index not in known:
            yield Change("added", f"Column {titled(header, index)} is new. Nothing is read from it.", False)


def _meant(profile: Profile, index: int) -> str:
    return words(profile.mapping.columns[index])


def words(field: str) -> str:
    """A field of a mapping in a sentence.

    >>> words("quantity:edr"), words("organization_id"), words("hostname")
    ('EDR quantity', "Organization's id", 'hostname')
    """
    name, _, code = field.partition(":")
    if code:
        return f"{code.upper()} {name.replace('_', ' ')}"
    if name == "organization":
        return "Organization"
    return name.replace("organization_", "Organization's ") if name.startswith("organization_") else name.replace("_", " ")


# --- a document among the profiles ---


def recognise(data: bytes, profiles: Sequence[Profile], limits: Limits = Limits()) -> Recognised | None:  # noqa: B008  (frozen)
    """The profile that knows one of the document's headers; else the one that knows it best, with what changed; None where none does.

    ``data`` may be the start of a long text. Of several that fit alike, the first given one wins. Raises nothing.
    """
    if not profiles:
        return None
    seen = list(_seen(data, profiles, limits))
    same = _with_its_header(seen, profiles)
    return _known(same, profiles) if same else _nearest(seen, profiles)


def _seen(data: bytes, profiles: Sequence[Profile], limits: Limits) -> Iterator[_Seen]:
    """Every row near the start of every table that the bytes could be.

    Of text: in the encoding that it shows, and, unless it proves to be UTF-8, in those that were stated and that nothing shows.
    """
    start = data if has_sheets(data) else _start(data)
    stated = [] if not start.isascii() and is_utf8(start) else [profile.mapping.encoding for profile in profiles]
    for encoding in dict.fromkeys(["utf-8", *(one for one in stated if one not in SHOWN_BY_BYTES)]):
        try:
            document: Document = open_document(start, limits, encoding)
        except Unreadable:
            continue
        for table in sorted(document.tables, key=lambda table: table.hidden):
            try:
                head = table.head()
            except Unreadable:
                continue
            for record in head[:HEAD_ROWS]:
                yield _Seen(table, record.line, record.cells)
        if document.sheets:
            return


def _start(data: bytes) -> bytes:
    """Whole lines, up to a length."""
    if len(data) <= PREFIX:
        return data
    if data.startswith(_BOMS_OF_UTF16):
        return data[:PREFIX]
    return data[: data.rfind(b"\n", 0, PREFIX) + 1] or data[:PREFIX]


def _with_its_header(seen: Sequence[_Seen], profiles: Sequence[Profile]) -> list[tuple[Profile, _Seen]]:
    """The rows that are the very header of a profile."""
    by_print: dict[str, Profile] = {}
    for profile in profiles:
        by_print.setdefault(profile.fingerprint, profile)
    kinds = sorted({profile.kind for profile in profiles})
    return [(by_print[mark], row) for row in seen for kind in kinds if (mark := fingerprint(kind, row.cells)) in by_print]


def _known(found: Sequence[tuple[Profile, _Seen]], profiles: Sequence[Profile]) -> Recognised | None:
    """Where several sheets have the header, the one that the profile names, or none: then a person says which."""
    first = min((profile for profile, _ in found), key=list(profiles).index)
    rows = [row for profile, row in found if profile is first]
    sheets = {row.table.sheet for row in rows if not row.table.hidden} or {row.table.sheet for row in rows}
    if len(sheets) > 1 and first.mapping.sheet not in sheets:
        return None
    row = max(rows, key=lambda row: _as_stated(first, row))
    return Recognised(first, row.cells, _mapping(first, row, dict(first.mapping.columns)))


def _nearest(seen: Sequence[_Seen], profiles: Sequence[Profile]) -> Recognised | None:
    best: tuple[float, Profile, _Seen] | None = None
    known = [(profile, set(_names(profile.header)) - {""}) for profile in profiles]
    for row in seen:
        names = set(_names(row.cells)) - {""}
        for profile, wanted in known:
            common = names & wanted
            share = len(common) / max(len(names), len(wanted), 1)
            read = {folded(profile.header[index]) for index in profile.mapping.columns if index < len(profile.header)}
            is_near = len(common) >= _LEAST_COMMON and share >= _LEAST_SHARE and bool(common & read)
            if is_near and (best is None or share > best[0]):
                best = (share, profile, row)
    if best is None:
        return None
    _, profile, row = best
    columns, changes = fit(profile, row.cells)
    return Recognised(profile, row.cells, _mapping(profile, row, columns), changes)


def _mapping(profile: Profile, row: _Seen, columns: dict[int, str]) -> Mapping:
    """The profile's mapping, with where this document really has its table."""
    return replace(
        profile.mapping,
        columns=columns,
        sheet=row.table.sheet,
        header_line=row.line,
        delimiter=row.table.delimiter,
        encoding=row.table.encoding,
    )


def _as_stated(profile: Profile, row: _Seen) -> tuple[bool, ...]:
    """How far a table is the one that was stated, to be compared: sheet first, then delimiter and encoding."""
    stated, table = profile.mapping, row.table
    return table.sheet == stated.sheet, table.delimiter == stated.delimiter, table.encoding == stated.encoding
