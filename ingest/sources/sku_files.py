"""Two files about SKUs that an admin uploads: Microsoft's own table of product names, and suggestions of what may be excluded.

Neither is a kind of document that counts: names are only shown, and suggestions are only looked at. Dirt is said line by line, and what it
spoils is left out, not guessed. In Microsoft's table the GUID is the key: it has GUIDs with two names, and a part number with two GUIDs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from accounts.skus import guid_key, sku_key, tidy
from ingest.sources import table_cells as cells
from ingest.sources.document import find_place, open_document
from ingest.sources.limits import Limits
from ingest.sources.reader import Field
from ingest.sources.reading import Issue
from ingest.sources.refusals import refusal
from ingest.sources.table_columns import TableColumn, TableColumns

#: Microsoft's table has some six thousand rows.
MOST_ROWS: Final = 100_000
MOST_ISSUES: Final = 500
_LONGEST: Final = 200
_SPACES: Final = {"\t": "a tab", "\u00a0": "a no-break space"}
_SKU: Final = TableColumn(Field("sku", "Part number"), ("String_Id", "String ID", "SKU Part Number", "SKU", "Part Number"), cells.text)
_GUID: Final = TableColumn(Field("sku_id", "GUID"), ("GUID", "SKU ID", "SKU GUID"), cells.text)
_NAME: Final = TableColumn(
    Field("name", "Product name"), ("Product_Display_Name", "Product Display Name", "Display Name", "Product Name"), cells.text
)
NAMES: Final = TableColumns(
    columns=(_SKU, _GUID, _NAME),
    needs=(("sku",), ("sku_id",), ("name",)),
    least=3,
    looked_for="the columns Product_Display_Name, String_Id and GUID of Microsoft’s table",
)
SUGGESTIONS: Final = TableColumns(
    columns=(
        _SKU,
        _GUID,
        _NAME,
        TableColumn(Field("category", "Category"), ("Category", "Kind"), cells.text),
        TableColumn(Field("confidence", "Confidence"), ("Confidence",), cells.text),
        TableColumn(Field("evidence", "Evidence"), ("Evidence", "Source", "Reason"), cells.text),
    ),
    needs=(("sku",), ("evidence",)),
    least=2,
    looked_for="the columns string_id and evidence, and beside them guid, display_name, category and confidence",
)


class Name(NamedTuple):
    """A SKU as Microsoft calls it."""

    line: int
    sku_id: str
    sku: str
    sku_key: str
    name: str


class Suggestion(NamedTuple):
    """A SKU that may be excluded, and why somebody thinks so."""

    line: int
    sku: str
    sku_key: str
    sku_id: str
    name: str
    category: str
    confidence: str
    evidence: str


@dataclass
class _Said:
    """What is wrong, each thing once: the line where it is first met, and on how many it is."""

    first: dict[tuple[str, str], Issue] = field(default_factory=dict)
    count: dict[tuple[str, str], int] = field(default_factory=dict)

    def say(self, line: int, level: str, code: str, about: str, message: str, value: str = "") -> None:
        key = (code, about)
        self.count[key] = self.count.get(key, 0) + 1
        self.first.setdefault(key, Issue(line, level, code, message, "", value[:200]))  # type: ignore[arg-type]

    def all(self) -> list[Issue]:
        issues = sorted(self.first.items(), key=lambda one: (one[1].line or 0, one[0]))
        said = [replace(issue, message=f"{issue.message}{self._more(key)}") for key, issue in issues[:MOST_ISSUES]]
        left = len(issues) - len(said)
        return [*said, Issue(None, "info", "more", f"{left:,} more of the kind are not listed.")] if left else said

    def _more(self, key: tuple[str, str]) -> str:
        more = self.count[key] - 1
        return f" (and on {more:,} more {'line' if more == 1 else 'lines'})" if more else ""


Cells = dict[str, str]


def _rows(data: bytes, columns: TableColumns, limits: Limits) -> Iterator[tuple[int, Cells]]:
    """Line and cells as written of each row with something in it. Raises Unreadable."""
    place = find_place(open_document(data, replace(limits, max_rows=min(limits.max_rows, MOST_ROWS))), None, columns.headers())
    guessed = columns.guess(place.header.cells, place.header.line)
    if guessed.refused:
        raise refusal(guessed.refused[0].code, guessed.refused[0].message, line=place.header.line)
    grid = place.table.grid(place.header)
    for line, row in zip(grid.lines.tolist(), grid.rows(np.arange(grid.height)), strict=True):
        if line > place.header.line and any(cell.strip() for cell in row):
            yield line, {name: row[index] for index, name in guessed.columns.items()}


def read_names(data: bytes, limits: Limits = Limits()) -> tuple[list[Name], list[Issue]]:  # noqa: B008  (frozen)
    """Microsoft's table: each GUID once, by its first row, and what is wrong with the others. Raises Unreadable."""
    said, found = _Said(), dict[str, Name]()
    for line, row in _rows(data, NAMES, limits):
        _say_spaces(said, line, row)
        if (name := _name(said, line, row)) is None:
            continue
        first = found.setdefault(name.sku_id, name)
        if tidy(first.name) != name.name:
            message = f"{name.sku_id} is called “{first.name}” on line {first.line:,} and “{name.name}” here: the first is shown."
            said.say(line, "warning", "two_names", f"{name.sku_id}/{name.name}", message, name.name)
        if first.sku_key != name.sku_key:
            message = f"{name.sku_id} has the part number {first.sku} on line {first.line:,} and {name.sku} here: the first is kept."
            said.say(line, "warning", "two_part_numbers", f"{name.sku_id}/{name.sku_key}", message, name.sku)
    _say_two_guids(said, found)
    return list(found.values()), said.all()


def _name(said: _Said, line: int, row: Cells) -> Name | None:
    guid, sku, name = guid_key(row["sku_id"]), tidy(row["sku"]), tidy(row["name"])
    shown = tidy(row["sku_id"])[:80]
    if not guid:
        what = f"“{shown}” is no GUID" if shown else "There is no GUID"
        said.say(
            line, "error", "no_guid", shown, f"{what}: the row is left out. It has 32 digits and letters from a to f in five groups.", shown
        )
    elif not sku or len(sku) > _LONGEST:
        said.say(line, "error", "no_part_number", guid, f"{guid} has no part number that can be one: the row is left out.", sku)
    elif not name:
        said.say(line, "error", "no_name", guid, f"{sku} has no name: the row is left out.", sku)
    else:
        return Name(line, guid, sku, sku_key(sku), name[:300])
    return None


def _say_spaces(said: _Said, line: int, row: Cells) -> None:
    for name, label in (("sku", "Part number"), ("sku_id", "GUID")):
        written, bare = row[name], tidy(row[name])
        if bare and written != bare:
            inside = written.strip() != bare
            sign = next((words for sign, words in _SPACES.items() if sign in written), "a space")
            what = f"{sign} in it: it is read as a space" if inside else f"{sign} around it: it is left out"
            said.say(line, "info", "spaces", f"{name}/{bare}", f"{label} {bare} was written with {what}.", written)


def _say_two_guids(said: _Said, found: dict[str, Name]) -> None:
    by_part: dict[str, Name] = {}
    for name in found.values():
        first = by_part.setdefault(name.sku_key, name)
        if first is not name:
            message = f"{name.sku} has two GUIDs: {first.sku_id} on line {first.line:,}, and {name.sku_id} here. Both are kept."
            said.say(name.line, "warning", "two_guids", name.sku_id, message, name.sku_id)


def read_suggestions(data: bytes, limits: Limits = Limits()) -> tuple[list[Suggestion], list[Issue]]:  # noqa: B008  (frozen)
    """Candidates with their evidence, each part number once. Raises Unreadable."""
    said, found = _Said(), dict[str, Suggestion]()
    for line, row in _rows(data, SUGGESTIONS, limits):
        texts = {name: tidy(row.get(name, "")) for name in SUGGESTIONS.by_name}
        sku, key = texts["sku"], sku_key(texts["sku"])
        if not sku or len(sku) > _LONGEST:
            said.say(line, "error", "no_part_number", str(line), "There is no part number: the row is left out.", sku)
        elif not texts["evidence"]:
            said.say(line, "error", "no_evidence", key, f"{sku} comes without evidence: the row is left out.", sku)
        elif key in found:
            said.say(line, "warning", "twice", key, f"{sku} stands on line {found[key].line:,} already: the first is kept.", sku)
        else:
            rest = (texts["name"][:300], texts["category"][:60], texts["confidence"][:60], texts["evidence"][:1000])
            found[key] = Suggestion(line, sku, key, guid_key(texts["sku_id"]), *rest)
    return list(found.values()), said.all()
