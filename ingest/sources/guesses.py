"""What a document seems to be, and of which cycle, from its name, its title lines and its headers; a person confirms."""

import datetime as dt
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ingest.sources.reading import Guess

_WORDS: Final = (
    (
        "rebilled",
        r"re-?bill\w*|agreements?|additions?|psa|connectwise|autotask|halo\s?psa|kaseya|price\s?list|sell(?:ing)? price|recurring",
    ),
    ("expected", r"expect\w*|rmm|contract(?:ed|s)?|inventory|devices?|ninja\w*|datto|n-able|should be"),
    ("billed", r"bill(?:ed|ing|able)?|huntress|invoice[ds]?|usage|statement"),
)
_PATTERNS: Final = [(kind, re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.I)) for kind, words in _WORDS]
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


def guess_kind(name: str, titles: Sequence[str] = (), header: Sequence[str] = ()) -> Guess | None:
    """``billed``, ``expected`` or ``rebilled``, from the file's name, then its title lines, then its headers; None where nothing tells."""
    for where, texts in (("the file's name", [name]), ("the title", titles), ("the headers", header)):
        for kind, pattern in _PATTERNS:
            for text in texts:
                if match := pattern.search(text[:_LONGEST].replace("_", " ")):
                    return Guess(kind, f"guessed from “{match[0]}” in {where}")
    return None


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


def guess_document(name: str, above: Sequence[Sequence[str]], header: Sequence[str]) -> dict[str, Guess]:
    titles = [cell for cells in above for cell in (*cells, " ".join(cell for cell in cells if cell.strip()))]
    guesses = {"kind": guess_kind(name, titles, header), "cycle": guess_cycle(name, titles)}
    return {what: guess for what, guess in guesses.items() if guess}


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
