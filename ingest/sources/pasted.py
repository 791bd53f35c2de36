"""A list of SKU part numbers as it is copied out of an article or a mail: lines with bullets, headings, notes and names beside the numbers.

No table has to be in it. What is no part number stays in the reading as a row that was set aside, so that a person sees what was left out.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import pandas as pd

from accounts.skus import sku_key, tidy
from ingest.sources.reading import REJECTED_COLUMNS, Asked, Counts, Guess, Issue, Mapping, Reading, Row

#: A pasted list is read line by line. What is longer is no list that somebody pasted.
MOST_BYTES: Final = 2_000_000
_FIRST: Final = 20
_MARKS: Final = re.compile(r"^(?:(?:[-*+•·▪◦‣●○■–—>]|\d{1,3}[.)])\s+|[•·▪◦‣●○■]\s*)+")
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.()/,+&-]{2,199}")
_CELLS: Final = re.compile(r"\t+|\s*\|\s*|\s{2,}")
_LEADING: Final = re.compile(r"(?P<sku>\S+)\s*(?P<sign>[-–—:,;=]\s|\()\s*(?P<name>.+)|(?P<sku2>\S+)\s+(?P<name2>.+)")
_TRAILING: Final = re.compile(r"(?P<name>.+?)\s*(?:[-–—:=]\s|\()\s*(?P<sku>[^\s()]\S*?)\)?")
#: Part numbers have commas in them, before digits.
_BETWEEN: Final = re.compile(r"\s*[,;](?![_\d])\s*|[,;]?\s+|;")
_WORDS: Final = frozenset(
    {"sku", "skus", "note", "notes", "name", "guid", "yes", "free", "new", "todo", "n/a", "faq", "end", "none", "nota", "total"}
)
_PROSE: Final = re.compile(r"(?:note|last updated|updated|source|see|please|this list|effective|copyright)\b", re.I)


class Found(NamedTuple):
    sku: str
    name: str


def without_marks(text: str) -> str:
    """A cell without what an article puts around a part number: bullets, numbering, quotes, footnote signs.

    >>> without_marks("• `SMB_APPS`*"), without_marks("3. 10_ALR_ADDON"), without_marks("10_ALR_ADDON")
    ('SMB_APPS', '10_ALR_ADDON', '10_ALR_ADDON')
    """
    bare = _MARKS.sub("", tidy(text))
    return bare.strip("`'\"“”‘’ ").rstrip("*†‡§¹²³ ").strip("`'\"“”‘’ ")


def is_prose(text: str) -> bool:
    """Whether a cell is a sentence about the list rather than an entry of it.

    >>> is_prose("Please allow two business days."), is_prose("Microsoft 365 A3 Suite features for faculty")
    (True, False)
    """
    words = tidy(text).split()
    return (
        len(words) > 1
        and "_" not in words[0]
        and (bool(_PROSE.match(text.strip())) or len(words) > 8 or (len(words) > 3 and text.strip()[-1] in ".:!?"))
    )


def entries(line: str) -> list[Found]:
    """The part numbers of a line, with the names beside them; none where it is a heading or a note.

    >>> entries("* SMB_APPS – Business Apps (free)"), entries("Communications Credits\\tMCOPSTNC")
    ([Found(sku='SMB_APPS', name='Business Apps (free)')], [Found(sku='MCOPSTNC', name='Communications Credits')])
    >>> entries("Forms (FORMS_PRO)"), entries("A_ONE, B_TWO; C_THREE")[2], entries("Non-billable SKUs:")
    ([Found(sku='FORMS_PRO', name='Forms')], Found(sku='C_THREE', name=''), [])
    """
    cells = [cell for one in _CELLS.split(line.strip().strip("|")) if (cell := without_marks(one)) and not set(cell) <= set("-: ")]
    if len(cells) > 1:
        place = next(
            (place for place in sorted(range(len(cells)), key=lambda place: not _is_strong(cells[place])) if _is_number(cells[place])), None
        )
        if place is not None:
            return [Found(cells[place], " ".join(cells[:place] + cells[place + 1 :][:1]) if place else cells[1])]
    text = " ".join(cells)
    several = [without_marks(one) for one in _BETWEEN.split(text)]
    if len(several) > 1 and all(_is_strong(one) for one in several):
        return [Found(one, "") for one in several]
    return [Found(text, "")] if _is_number(text) else _beside(text)


def _beside(text: str) -> list[Found]:
    """A part number and a name in one cell, in either order. One of capitals alone needs a sign between them."""
    if match := _LEADING.fullmatch(text):
        sku, name, sign = match["sku"] or match["sku2"], match["name"] or match["name2"], match["sign"] or ""
        bare = without_marks(sku.rstrip(":,;"))
        if _is_strong(bare) or (_is_number(bare) and sign.strip() in set("-–—=(") - {""}):
            return [Found(bare, without_marks(name.removesuffix(")") if sign == "(" else name))]
    if (match := _TRAILING.fullmatch(text)) and _is_strong(bare := without_marks(match["sku"])):
        return [Found(bare, without_marks(match["name"]))]
    return []


def beside_a_dash(text: str) -> Found:
    """A cell of a table that has one column: a part number, and its name after a dash.

    >>> beside_a_dash("SMB_APPS – Business Apps (free)"), beside_a_dash("O365_w/o Teams Bundle_M3")
    (Found(sku='SMB_APPS', name='Business Apps (free)'), Found(sku='O365_w/o Teams Bundle_M3', name=''))
    """
    sku, _, name = text.partition(next((sign for sign in (" – ", " — ", " - ") if sign in text), "\0"))
    return Found(sku, name) if _is_strong(sku) else Found(text, "")


def _is_strong(text: str) -> bool:
    """No other word has an underscore."""
    return "_" in text and bool(_NUMBER.fullmatch(text)) and "://" not in text


def _is_number(text: str) -> bool:
    """A part number alone: with an underscore, or all in capitals."""
    plain = text.isupper() and text.isalnum() and not text.isdigit() and text.casefold() not in _WORDS and len(text) > 2
    return _is_strong(text) or plain


@dataclass
class _Pasted:
    """Every line into one bucket."""

    rows: list[Row] = field(default_factory=list)
    records: list[tuple[int, str, str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)

    @property
    def is_a_list(self) -> bool:
        """At least one line has a part number that is nothing else, and at least a fourth of all have one."""
        written = sum(row.reason != "blank" for row in self.rows)
        listed = sum(row.bucket in {"loaded", "merged"} for row in self.rows)
        return any("_" in sku for _, sku, _, _ in self.records) and listed * 4 >= written

    def take(self, line: int, text: str) -> None:
        if not text.strip():
            self.rows.append(Row(line, "set_aside", (text,), "blank"))
            return
        found = entries(text)
        fresh = [one for one in found if sku_key(one.sku) not in self.first]
        for one in found:
            key = sku_key(one.sku)
            if key in self.first:
                message = f"{one.sku} stands on line {self.first[key]:,} already: it counts once."
                self.issues.append(Issue(line, "warning", "merged", message, "", one.sku))
            else:
                self.first[key] = line
                self.records.append((line, one.sku, key, one.name))
        bucket, reason = ("loaded", "") if fresh else ("merged", "merged") if found else ("set_aside", "no part number")
        self.rows.append(Row(line, bucket, (text,), reason))  # type: ignore[arg-type]


def read_pasted(data: bytes, asked: Asked, kind: str) -> Reading | None:
    """A pasted list, or None for what does not look like one. Columns of ``lines`` as an exclusion list has them."""
    if len(data) > min(MOST_BYTES, asked.limits.max_bytes):
        return None
    encoding = _encoding(data)
    pasted = _Pasted()
    for number, text in enumerate(data.decode(encoding, "replace").lstrip("\ufeff").splitlines(), start=1):
        pasted.take(number, text)
    if not pasted.is_a_list:
        return None
    odd = [row for row in pasted.rows if row.bucket != "loaded"]
    buckets = [row.bucket for row in pasted.rows]
    counts = Counts(buckets.count("loaded"), buckets.count("merged"), buckets.count("set_aside"), 0)
    columns = ("line", "sku", "sku_key", "name")
    return Reading(
        kind=kind,
        name=asked.name,
        sha256="",
        mapping=Mapping({0: "sku"}, header_line=0, delimiter="\t", encoding=encoding),
        header=("",),
        sheets=(),
        counts=counts,
        lines=pd.DataFrame(
            {name: pd.Series(values, dtype=object) for name, values in zip(columns, zip(*pasted.records, strict=True), strict=True)}
        ),
        rejected=pd.DataFrame({name: [] for name in REJECTED_COLUMNS}),
        first_rows=pasted.rows[:_FIRST],
        odd_rows=odd[: asked.limits.max_odd_rows],
        issues=pasted.issues[: asked.limits.max_issues],
        column_guesses={0: Guess("sku", "its lines hold part numbers, and there is no header", "likely")},
    )


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
