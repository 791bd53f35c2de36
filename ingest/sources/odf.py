"""OpenDocument spreadsheets (.ods) as rows of cells, from a stream of XML events: nothing is taken in that no cell needs."""

import datetime as dt
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from xml.parsers import expat

from ingest.sources.archive import FAULT, damaged
from ingest.sources.grid import check_size
from ingest.sources.limits import Limits
from ingest.sources.refusals import refusal
from ingest.sources.workbook import Cell, SheetTable, rectangle

_NS: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _TEXT, _OFFICE, _STYLE = (f"{_NS}{name}:1.0 " for name in ("table", "text", "office", "style"))
_CALC: Final = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
_NUMBERS: Final = frozenset({"float", "percentage", "currency"})
_ERRORS: Final = ("#", "Err:")
_SPACES: Final = {_TEXT + "tab": "\t", _TEXT + "line-break": "\n"}
Attributes = dict[str, str]


@dataclass
class _Sheet:
    name: str
    hidden: bool
    rows: list[list[Cell]] = field(default_factory=list)
    width: int = 0


@dataclass
class _Cells:
    """Takes the events of ``content.xml``. Blank cells and rows count when something follows them, and not before."""

    limits: Limits
    sheets: list[_Sheet] = field(default_factory=list)
    _hidden_styles: set[str] = field(default_factory=set)
    _style: str = ""
    _tables: int = 0
    _aside: int = 0  # depth within what belongs to no cell: notes, drawings, tables in tables
    _row: list[Cell] = field(default_factory=list)
    _row_times: int = 1
    _blank_cells: int = 0
    _blank_rows: int = 0
    _cell: Attributes | None = None
    _texts: list[str] = field(default_factory=list)
    _in_text: int = 0
    _length: int = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        if self._aside or (self._tables and tag.endswith(("annotation", "shapes", "frame", "tracked-changes"))):
            self._aside += 1
        elif tag == _TABLE + "table":
            self._tables += 1
            if self._tables > 1:
                self._tables, self._aside = 1, 1
                return
            name = attributes.get(_TABLE + "name") or f"Sheet {len(self.sheets) + 1}"
            self.sheets.append(_Sheet(name, attributes.get(_TABLE + "style-name", "") in self._hidden_styles))
            self._blank_rows = 0
        elif tag == _STYLE + "style":
            self._style = attributes.get(_STYLE + "name", "")
        elif tag == _STYLE + "table-properties":
            if attributes.get(_TABLE + "display") == "false":
                self._hidden_styles.add(self._style)
        elif self._tables:
            self._start_in_table(tag, attributes)

    def _start_in_table(self, tag: str, attributes: Attributes) -> None:
        if tag == _TABLE + "table-row":
            self._row, self._blank_cells = [], 0
            self._row_times = _times(attributes, "number-rows-repeated")
        elif tag in (_TABLE + "table-cell", _TABLE + "covered-table-cell"):
            self._cell, self._texts, self._length = attributes, [], 0
        elif self._cell is not None and tag in (_TEXT + "p", _TEXT + "h"):
            if self._texts:
                self.text("\n", always=True)
            self._in_text += 1
        elif tag == _TEXT + "s":
            count = attributes.get(_TEXT + "c", "1")
            self.text(" " * min(int(count) if count.isdecimal() else 1, self.limits.max_cell_length + 1))
        elif tag in _SPACES:
            self.text(_SPACES[tag])

    def text(self, text: str, *, always: bool = False) -> None:
        if not self._aside and (self._in_text or always) and self._length <= self.limits.max_cell_length:
            self._texts.append(text)
            self._length += len(text)

    def end(self, tag: str) -> None:
        if self._aside:
            self._aside -= 1
        elif tag == _TABLE + "table":
            self._tables -= 1
        elif self._in_text and tag in (_TEXT + "p", _TEXT + "h"):
            self._in_text -= 1
        elif tag in (_TABLE + "table-cell", _TABLE + "covered-table-cell") and self._cell is not None:
            # What a merged cell covers is shown to nobody.
            value = _value(self._cell, "".join(self._texts)) if tag == _TABLE + "table-cell" else ""
            self._put(value, _times(self._cell, "number-columns-repeated"))
            self._cell = None
        elif tag == _TABLE + "table-row" and self._tables:
            self._put_row()

    def _put(self, value: Cell, times: int) -> None:
        if value == "":
            self._blank_cells += times
            return
        check_size(self.limits, 1, len(self._row) + self._blank_cells + times, self.limits.cells_in_memory)
        self._row += [""] * self._blank_cells + [value] * times
        self._blank_cells = 0

    def _put_row(self) -> None:
        if not self._row:
            self._blank_rows += self._row_times
            return
        sheet = self.sheets[-1]
        sheet.width = max(sheet.width, len(self._row))
        height = len(sheet.rows) + self._blank_rows + self._row_times
        check_size(self.limits, height, sheet.width, self.limits.cells_in_memory)
        sheet.rows += [[]] * self._blank_rows + [self._row] * self._row_times
        self._blank_rows = 0


def open_spreadsheet(content: bytes, limits: Limits) -> list[SheetTable]:
    """The sheets of a ``content.xml``, in its order. Raises Unreadable."""
    cells = _Cells(limits)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = cells.start, cells.end, cells.text
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError) as error:
        raise damaged("ODS") from error
    if not cells.sheets:
        raise refusal("empty", "The workbook has no sheet with cells.")
    return [
        SheetTable(sheet.name, sheet.hidden, partial(rectangle, sheet.rows, sheet.width), limits, has_faults=True) for sheet in cells.sheets
    ]


def _times(attributes: Attributes, name: str) -> int:
    """How often a cell or row is repeated; a number of more digits than any sheet has rows is as good as that many."""
    text = attributes.get(_TABLE + name, "1")
    return max(int(text[:9]), 1) if text.isdecimal() else 1


def _value(attributes: Attributes, text: str) -> Cell:
    kind, formula = attributes.get(_OFFICE + "value-type", ""), attributes.get(_TABLE + "formula", "")
    is_error = attributes.get(_CALC + "value-type") == "error" or (formula and kind != "string" and text.startswith(_ERRORS))
    if is_error:
        return FAULT + (text or "#ERROR")
    if formula and not kind:
        return f"{FAULT}={formula.partition('=')[2]}"
    if kind in _NUMBERS:
        return _number(attributes.get(_OFFICE + "value", ""), text)
    if kind == "boolean":
        return attributes.get(_OFFICE + "boolean-value", "") == "true"
    if kind == "date":
        return _date(attributes.get(_OFFICE + "date-value", ""), text)
    return text or attributes.get(_OFFICE + "string-value", "")


def _number(value: str, text: str) -> Cell:
    try:
        number = float(value)
    except ValueError:
        return text
    return number if abs(number) < float("inf") else text


def _date(value: str, text: str) -> Cell:
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return text or value
    return moment if "T" in value else moment.date()
