"""What a document seems to be, and of which cycle, from its name, its title lines and its headers; a person confirms."""

import codecs
import datetime as dt
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import Final

from ingest.sources.document import find_place, open_document
from ingest.sources.grid import Record
from ingest.sources.limits import Limits
from ingest.sources.reader import Reader, Readers, fitting
from ingest.sources.reading import Guess, Reading, Sureness, Unreadable
from ingest.sources.sniff import has_sheets

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE: Final = re.compile(
    r"(?<!\d)(20\d\d)[-_./]?(0[1-9]|1[0-2])[-_./]?(0[1-9]|[12]\d|3[01])(?!\d)"
    rf"|(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)?[\s_-]+{_MONTH},?[\s_-]+(20\d\d)(?!\d)"
    rf"|(?<![a-z]){_MONTH}[\s_-]+(\d{{1,2}})(?:st|nd|rd|th)?,?[\s_-]+(20\d\d)(?!\d)",
    re.I,
)
_BETWEEN: Final = re.compile(r"\s*(?:to|until|through|thru|till|-+|–|—|_+|/|:|\.\.)+\s*|[\s_-]+(?:to|until|through|thru|till)[\s_-]+", re.I)
_LONGEST: Final = 400
_HEAD: Final = 1 << 20
_SURENESS: Final[tuple[Sureness, ...]] = ("unsure", "likely", "certain")


def guess_kind(readers: Readers, name: str, titles: Sequence[str] = (), header: Sequence[str] = ()) -> Guess | None:
    """The kind that the file's name tells of, else its title lines, else its headers; None where nothing tells.

    Only kinds whose header it could be are asked, in the registry's order. A word in the headers alone leaves it unsure; a second sign
    that agrees makes it certain, a name and a title that do not agree, unsure.
    """
    fits = fitting(readers, header)
    asked = fits or [reader for reader in readers.values() if reader.has_columns]
    stated = [sign for where, texts in (("the file's name", [name]), ("the title", titles)) if (sign := _sign(asked, where, texts))]
    in_headers = _sign(asked, "the headers", header)
    only = (fits[0].code, f"guessed from the headers, which are those of {fits[0].one}") if len(fits) == 1 else None
    signs = [*stated, *(sign for sign in (in_headers, only) if sign)]
    if not signs:
        return None
    code, because = signs[0]
    if any(other != code for other, _ in (*stated, *([only] if only else []))) or signs == [in_headers]:
        return Guess(code, because, "unsure")
    return Guess(code, because, "certain" if sum(other == code for other, _ in signs) > 1 else "likely")


def _sign(readers: Sequence[Reader], where: str, texts: Sequence[str]) -> tuple[str, str] | None:
    for reader in readers:
        pattern = _pattern(reader.words)
        for text in texts:
            if match := pattern.search(text[:_LONGEST].replace("_", " ")):
                return reader.code, f"guessed from “{match[0]}” in {where}"
    return None


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.I)


def guess_document(readers: Readers, reading: Reading) -> dict[str, Guess]:
    """The kind and the cycle, of a document that was read; of an archive of answers, whose columns are Huntress', the cycle alone."""
    if reading.manifest is not None:
        guess = guess_cycle(reading.name)
        return {"cycle": guess} if guess else {}
    titles = titles_of(reading.above)
    guesses = {"kind": guess_kind(readers, reading.name, titles, reading.header), "cycle": guess_cycle(reading.name, titles)}
    return {what: guess for what, guess in guesses.items() if guess}


def recognise(readers: Readers, data: bytes, name: str, limits: Limits) -> Guess | None:
    """The kind of a document of which nobody said what it is. Each kind looks for its own header in the first rows.

    Raises Unreadable for bytes that are no table at all.
    """
    document = open_document(_start(data), limits)
    found: dict[Record, list[str]] = {}
    for headers in {reader.headers: None for reader in readers.values() if reader.has_columns}:
        with suppress(Unreadable):  # it is not of this kind, or a person has to say where to look
            place = find_place(document, None, headers)
            found.setdefault(place.header, titles_of([record.cells for record in place.above]))
    guesses = [guess_kind(readers, name, titles, header.cells) for header, titles in found.items()] or [guess_kind(readers, name)]
    return max((guess for guess in guesses if guess), key=lambda guess: _SURENESS.index(guess.sureness), default=None)


def _start(data: bytes) -> bytes:
    """Of a text, as much as the first rows are in, up to the end of a line; what has sheets is one piece."""
    if len(data) <= _HEAD or has_sheets(data):
        return data
    end = data.rfind(b"\n", 0, _HEAD) + 1
    return data[: (end + 1) & ~1 if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else end] or data


def titles_of(above: Sequence[Sequence[str]]) -> list[str]:
    """The texts above a header: each cell, and each row as one."""
    return [cell for cells in above for cell in (*cells, " ".join(cell for cell in cells if cell.strip()))]


def guess_cycle(name: str, titles: Sequence[str] = ()) -> Guess | None:
    """``start:end``, or the end alone, where the name or a title line states it. A range is preferred to a single date."""
    single: Guess | None = None
    for where, texts in (("the file's name", [name]), ("the title", titles)):
        for text in texts:
            found = _dates(text[:_LONGEST])
            for (start, before), (end, after) in pairwise(found):
                if start < end and _BETWEEN.fullmatch(text[before.end() : after.start()]):
                    return Guess(f"{start}:{end}", f"guessed from “{text[before.start() : after.end()]}” in {where}")
            if found and single is None and len({day for day, _ in found}) == 1:
                single = Guess(f"{found[0][0]}", f"guessed from “{found[0][1][0]}” in {where}")
    return single


def _dates(text: str) -> list[tuple[dt.date, re.Match[str]]]:
    found = []
    for match in _DATE.finditer(text):
        year, month, day, day2, month2, year2, month3, day3, year3 = match.groups()
        named = month2 or month3
        number = int(month) if month else _MONTHS.index(named.lower()) + 1
        try:
            found.append((dt.date(int(year or year2 or year3), number, int(day or day2 or day3)), match))
        except ValueError:  # 31 February is no date
            continue
    return found
