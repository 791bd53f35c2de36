"""Bytes to tables: what the document is, which of its sheets (or which delimiter) to read, and on which line its header stands.

A further format is one more branch in ``open_sheets``; nothing after it knows where rows came from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ingest.sources.archive import opened_up
from ingest.sources.csv_text import DELIMITERS, CsvTable
from ingest.sources.grid import HEAD_ROWS, Record, Table
from ingest.sources.header import USAGE, Headers
from ingest.sources.limits import Limits
from ingest.sources.odf import open_spreadsheet
from ingest.sources.old_workbook import open_old_workbook
from ingest.sources.reading import Issue, Mapping, Row, Unreadable
from ingest.sources.refusals import refusal
from ingest.sources.sniff import has_sheets, is_ole, is_zip, refuse_foreign, to_utf8
from ingest.sources.web_page import open_web_page
from ingest.sources.workbook import open_workbook

SHOWN_ROWS = 20
_SHOWN_LENGTH: Final = 1_000


@dataclass(frozen=True)
class Document:
    """All tables that the bytes could be. Of text, each delimiter makes one; else each sheet. ``notes`` are said of every reading."""

    tables: Sequence[Table]
    sheets: tuple[str, ...] = ()
    notes: tuple[Issue, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where to read: a table, its header, the rows above, and what is to be said about the choice."""

    table: Table
    header: Record
    above: list[Record]
    sheets: tuple[str, ...] = ()
    notes: list[Issue] = field(default_factory=list)


def open_document(data: bytes, limits: Limits, encoding: str = "utf-8") -> Document:
    """Raises Unreadable, saying what the bytes are instead and what to do."""
    if len(data) > limits.max_bytes:
        raise refusal("too_big", f"The file has more than {limits.max_bytes / 2**20:,.0f} MiB, which is the most that is read. Split it.")
    if has_sheets(data):
        return open_sheets(data, limits, encoding)
    refuse_foreign(data)
    text = to_utf8(data, encoding)
    return Document([CsvTable(text.data, delimiter, text.encoding, limits) for delimiter in DELIMITERS])


def open_sheets(data: bytes, limits: Limits, encoding: str = "utf-8") -> Document:
    """Of bytes that have sheets (``sniff.has_sheets``): a workbook's, or the tables of a web page. Raises Unreadable."""
    notes: list[Issue] = []
    if is_zip(data):
        opened = opened_up(data, limits)
        notes = opened.notes
        if opened.format == "ods":
            sheets = open_spreadsheet(opened.content, limits)
        else:
            sheets = open_workbook(opened.content, opened.has_faults, limits)
    elif is_ole(data):
        sheets, notes = open_old_workbook(data, limits)
    else:
        sheets = open_web_page(data, limits, encoding)
    return Document(sheets, tuple(sheet.sheet for sheet in sheets), tuple(notes))


def find_place(document: Document, mapping: Mapping | None, headers: Headers = USAGE) -> Place:
    """The table and header to read: as a person stated, else as they are found. Raises Unreadable."""
    if mapping is not None:
        place = _stated_place(document, mapping, headers)
    else:
        place = _sheet_place(document, headers) if document.sheets else _text_place(document, headers)
    return replace(place, notes=[*document.notes, *place.notes])


def _stated_place(document: Document, mapping: Mapping, headers: Headers) -> Place:
    if not document.sheets:
        return _on_line(_split_at(document, mapping.delimiter), mapping, (), headers)
    if mapping.sheet:
        tables = [table for table in document.tables if table.sheet == mapping.sheet]
        if not tables:
            raise _bad(f"there is no sheet “{mapping.sheet}”, only {_quoted(document.sheets)}", document.sheets)
        return _on_line(tables[0], mapping, document.sheets, headers)
    table = document.tables[0] if len(document.tables) == 1 else _sheet_place(document, headers).table
    return _on_line(table, mapping, document.sheets, headers)


def _split_at(document: Document, delimiter: str) -> Table:
    for table in document.tables:
        if table.delimiter == delimiter:
            return table
    raise _bad("the delimiter must be a comma, a semicolon, a tab or a vertical bar", ())


def _on_line(table: Table, mapping: Mapping, sheets: tuple[str, ...], headers: Headers) -> Place:
    if not mapping.header_line:
        return _found_in(table, sheets, headers)
    above: list[Record] = []
    for record in table.head(mapping.header_line):
        if record.line == mapping.header_line:
            return Place(table, record, above, sheets)
        above.append(record)
    raise _bad(f"no row starts on line {mapping.header_line}", sheets)


def _found_in(table: Table, sheets: tuple[str, ...], headers: Headers) -> Place:
    head = table.head()
    header = headers.find(head[:HEAD_ROWS])
    if header is None:
        raise no_header(table, head, sheets, headers)
    return Place(table, header, [record for record in head if record.line < header.line], sheets)


def _bad(problem: str, sheets: tuple[str, ...]) -> Unreadable:
    return Unreadable(Issue(None, "error", "bad_mapping", f"The mapping cannot be used: {problem}."), sheets=sheets)


def _text_place(document: Document, headers: Headers) -> Place:
    """The delimiter under which the header shows the most known columns. An unclosed quotation mark under one may be none under another."""
    best: Place | None = None
    heads: list[tuple[Table, list[Record]]] = []
    refused: list[Unreadable] = []
    for table in document.tables:
        try:
            head = table.head()
        except Unreadable as error:
            refused.append(error)
            continue
        heads.append((table, head))
        header = headers.find(head[:HEAD_ROWS])
        if header and (best is None or headers.score(header.cells) > headers.score(best.header.cells)):
            best = Place(table, header, [record for record in head if record.line < header.line])
    if best:
        return best
    if too_wide := [error for error in refused if error.issues[0].code == "too_many_columns"]:
        raise too_wide[0]
    if not heads:
        raise refused[0]
    raise no_header(*max(heads, key=lambda pair: sum(len(record.cells) > 1 for record in pair[1])), (), headers)


def _sheet_place(document: Document, headers: Headers) -> Place:
    """The one sheet that looks like a report; hidden ones only where no visible one does."""
    for hidden in (False, True):
        found = [place for table in document.tables if table.hidden == hidden and (place := _report(table, document.sheets, headers))]
        if len(found) > 1:
            raise _several(found)
        if found:
            return found[0]
    visible = [table for table in document.tables if not table.hidden] or document.tables
    raise no_header(visible[0], visible[0].head(), document.sheets, headers)


def _report(table: Table, sheets: tuple[str, ...], headers: Headers) -> Place | None:
    """A sheet that has a header and at least one row with something in it below."""
    head = table.head()
    header = headers.find(head[:HEAD_ROWS])
    if not header or not any(any(cell.strip() for cell in record.cells) for record in table.head(header.line + HEAD_ROWS)[header.line :]):
        return None
    notes = []
    if len(sheets) > 1:
        others = _quoted([sheet for sheet in sheets if sheet != table.sheet])
        notes.append(Issue(None, "info", "sheet_chosen", f"The sheet “{table.sheet}” is read; {others} not."))
    return Place(table, header, [record for record in head if record.line < header.line], sheets, notes)


def _several(found: list[Place]) -> Unreadable:
    first = found[0]
    message = f"{len(found)} sheets look like a report: {_quoted([place.table.sheet for place in found])}. Choose one."
    issue = Issue(None, "error", "several_sheets", message)
    mapping = Mapping({}, sheet=first.table.sheet, header_line=first.header.line)
    return Unreadable(issue, header=first.header.cells, sheets=first.sheets, mapping=mapping, first_rows=head_rows(first.table.head()))


def no_header(table: Table, head: list[Record], sheets: tuple[str, ...], headers: Headers) -> Unreadable:
    """The refusal of a table without a header, with its fullest row as the one that a person may point at."""
    if not any(any(cell.strip() for cell in record.cells) for record in head):
        return Unreadable(Issue(None, "error", "empty", "There is nothing in it: no row has a cell with text."), sheets=sheets)
    looked_for = f"No header was found in the first {HEAD_ROWS} rows. Looked for {headers.looked_for}."
    message = f"{looked_for} Name the columns so, or say which column is which."
    likely = max(head, key=lambda record: sum(bool(cell.strip()) for cell in record.cells))
    mapping = Mapping({}, table.sheet, likely.line, table.delimiter, table.encoding)
    issue = Issue(None, "error", "no_header", message)
    return Unreadable(issue, header=clipped(likely.cells), sheets=sheets, mapping=mapping, first_rows=head_rows(head))


def head_rows(head: list[Record]) -> tuple[Row, ...]:
    return tuple(Row(record.line, "set_aside", clipped(record.cells), "title") for record in head[:SHOWN_ROWS])


def clipped(cells: Sequence[str]) -> tuple[str, ...]:
    """Cells to be shown, of a document that was not measured yet: one of them may be millions of characters long."""
    return tuple(cell if len(cell) <= _SHOWN_LENGTH else f"{cell[:_SHOWN_LENGTH]}…" for cell in cells)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
